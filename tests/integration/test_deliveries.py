# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way to hand a credential over, to several hosts, with reloads, and every way to prove that it arrived."""

from __future__ import annotations

import configparser
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_run import Ansible, Run
from examples import read_guide
from service import SCOPE, service, stored
from weather import check_messages

from simulator.process import Simulator

NOTE = """\
- name: Hand over by hand
  ansible.builtin.copy:
    content: "{{ service_client_credential.rotation_id }} {{ service_client_credential.client_secret }}"
    dest: "{{ handed_over }}-{{ service_client_delivery_host }}"
    mode: "0600"
"""
RELOAD = """\
- name: Reload by hand
  ansible.builtin.shell: echo own {{ service_client_delivery_host }} >> {{ handled }}
  changed_when: true
"""
PROOF = """\
- name: Look into the delivered file
  ansible.builtin.command: grep -q {{ service_client_credential.rotation_id }} {{ delivered_file }}
  changed_when: false
  check_mode: false
- name: Note who was proven
  ansible.builtin.lineinfile:
    path: "{{ proven }}"
    line: "{{ service_client_delivery_host }} {{ service_client_credential.rotation_id }}"
    create: true
    mode: "0600"
"""


def _playbook(home: Path, tasks_from: str) -> list[dict[str, Any]]:
    """A play with the handler that deliveries notify: it leaves a line, as reloads do."""
    line = {"ansible.builtin.shell": f"echo web >> {home}/handled", "changed_when": False}
    return [
        {
            "hosts": "service_clients",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.import_role": {"name": "aritma.iam.service_client", "tasks_from": tasks_from}}],
            "handlers": [{"name": "reload web", **line}],
        }
    ]


def _deliveries(home: Path) -> list[dict[str, Any]]:
    file = {"type": "file", "hosts": ["web1", "web2"]}
    reload = {"command": ["sh", "-c", f"echo db >> {home}/handled"]}
    return [
        {**file, "path": str(home / "prefixed.env"), "format": "env", "prefix": "BILLING_", "notify": ["reload web"]},
        {**file, "path": str(home / "all.json"), "format": "json", "mode": "0640", "reload": reload},
        {"path": str(home / "alone"), "format": "value", "members": ["client_secret"]},
        {
            "path": str(home / "renamed.yaml"),
            "format": "yaml",
            "members": {"user": "client_id", "password": "client_secret"},
        },
        {"path": str(home / "picked.ini"), "format": "ini", "section": "iam", "members": ["scope", "client_secret"]},
        {"path": str(home / "own.conf"), "format": "template", "template": "own.conf.j2", "notify": ["reload web"]},
        {
            "type": "tasks",
            "file": str(home / "note.yml"),
            "hosts": ["web1", "web2"],
            "reload": {"tasks": str(home / "reload.yml")},
        },
    ]


def _check_delivered(home: Path) -> None:
    """Every file holds the current credential, in its own way."""
    record = stored(home)
    current = record["current"]
    whole = json.loads((home / "all.json").read_text())
    assert whole == {
        "client_id": record["client_id"],
        "client_secret": current["value"],
        "token_url": whole["token_url"],
        "scope": SCOPE,
        "rotation_id": current["rotation_id"],
    }
    assert whole["token_url"].endswith("/acme/connect/token")
    lines = (home / "prefixed.env").read_text().splitlines()
    assert [line.split("=")[0] for line in lines] == [f"BILLING_{name.upper()}" for name in _MEMBERS]
    assert f"BILLING_CLIENT_SECRET={current['value']}" in lines
    renamed = yaml.safe_load((home / "renamed.yaml").read_text())
    assert renamed == {"user": record["client_id"], "password": current["value"]}
    ini = configparser.RawConfigParser()
    ini.read(home / "picked.ini")
    assert dict(ini["iam"]) == {"scope": SCOPE, "client_secret": current["value"]}
    assert (
        home / "own.conf"
    ).read_text() == f"id={record['client_id']}; secret={current['value']}; {current['rotation_id']}\n"
    assert (home / "alone").read_text() == current["value"]
    for host in ("web1", "web2"):
        assert (home / f"handed-{host}").read_text() == f"{current['rotation_id']} {current['value']}"
    assert (home / "all.json").stat().st_mode & 0o777 == 0o640
    assert (home / "renamed.yaml").stat().st_mode & 0o777 == 0o600


EVERYTHING = ["db", "db", "own web1", "own web2", "web"]
"""What runs when everything was delivered anew."""
_MEMBERS = ("client_id", "client_secret", "token_url", "scope", "rotation_id")


def _handled(home: Path) -> list[str]:
    """Which handlers and reloads ran since it was asked last."""
    file = home / "handled"
    ran = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return sorted(ran)


def _targets(run: Run) -> set[str]:
    """What was written where, by the labels of the items."""
    *_tried, result = (each["result"] for each in run.events if each["task"].endswith("Write the credential files"))
    return {f"{Path(each['path']).name} {each['service_client__item']['host']}" for each in result["results"]}


def test_every_format_and_every_host(simulator: Simulator, ansible: Ansible) -> None:
    """Delivered when provisioned and when rotated; in between, only what differs; handlers and reloads run for that."""
    home = ansible.home
    (home / "note.yml").write_text(NOTE)
    (home / "reload.yml").write_text(RELOAD)
    (home / "templates").mkdir()
    template = "id={{ client_id }}; secret={{ client_secret }}; {{ rotation_id }}\n"
    (home / "templates" / "own.conf.j2").write_text(template)
    own = {"handed_over": str(home / "handed"), "handled": str(home / "handled")}
    variables = service(home, service_client_deliveries=_deliveries(home), **own)
    hosts = {"billing": variables, "web1": {}, "web2": {}}
    only = ("--limit", "billing")

    run = ansible.run(_playbook(home, "main"), *only, hosts=hosts).ok()
    _check_delivered(home)
    assert _handled(home) == EVERYTHING
    single = {f"{name} billing" for name in ("renamed.yaml", "picked.ini", "own.conf", "alone")}
    assert _targets(run) == single | {
        f"{name} {host}" for name in ("prefixed.env", "all.json") for host in ("web1", "web2")
    }

    (home / "all.json").write_text("{}")
    ansible.run(_playbook(home, "main"), *only, hosts=hosts).ok()
    _check_delivered(home)
    assert _handled(home) == ["db", "db"]

    ansible.run(_playbook(home, "rotate"), *only, hosts=hosts, variables={"rotation_force": True}).ok()
    _check_delivered(home)
    assert _handled(home) == EVERYTHING

    ansible.run("aritma.iam.revoke", *only, hosts=hosts, variables={"revoke_hosts": "billing"}).ok()
    left = {"prefixed.env", "all.json", "renamed.yaml", "picked.ini", "own.conf", "alone"} & {
        each.name for each in home.iterdir()
    }
    assert left == set()


class _Quiet(SimpleHTTPRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


@contextmanager
def _serving(folder: Path, handler: type[SimpleHTTPRequestHandler] = _Quiet) -> Iterator[str]:
    """The files of a folder over HTTP: a service that tells which credential it has read."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


class _GitLab(SimpleHTTPRequestHandler):
    """Keeps what the variable of a project was set to, beside the token that set it."""

    def do_PUT(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        told = {"path": self.path, "token": self.headers["PRIVATE-TOKEN"], **body}
        Path(self.directory, "gitlab.json").write_text(json.dumps(told))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""


def test_variables_of_pipelines(simulator: Simulator, ansible: Ansible) -> None:
    """The tasks that the guide shows, against a small GitLab and a ``gh`` that keeps what it is given."""
    home = ansible.home
    shown = {block.file: block.text for block in read_guide("docs/deliver.md") if block.file}
    command = home / "bin" / "gh"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\necho "$@" > {home}/gh.words; cat > {home}/gh.secret\n')
    command.chmod(0o755)
    with _serving(home, _GitLab) as url:
        for name in ("gitlab.yml", "github.yml"):
            (home / name).write_text(shown[name].replace("https://gitlab.example.com", url))
        deliveries = [{"type": "tasks", "file": str(home / name)} for name in ("gitlab.yml", "github.yml")]
        hosts = {"billing": service(home, service_client_deliveries=deliveries, gitlab_token="glpat-of-the-test")}
        ansible.environment["PATH"] = f"{command.parent}:{ansible.environment['PATH']}"
        ansible.run("aritma.iam.provision", hosts=hosts).ok()
    value = stored(home)["current"]["value"]
    told = json.loads((home / "gitlab.json").read_text())
    assert told["value"] == value and told["token"] == "glpat-of-the-test"
    assert told["path"] == "/api/v4/projects/42/variables/ARITMA_CLIENT_SECRET"
    assert (home / "gh.secret").read_text() == value
    assert (home / "gh.words").read_text() == "secret set ARITMA_CLIENT_SECRET --repo example/billing\n"


@pytest.mark.torture
def test_every_kind_of_probe(simulator: Simulator, ansible: Ansible) -> None:
    """Each proves the new credential before the old secret goes; one that cannot fails, and nothing is deleted."""
    home = ansible.home
    (home / "proof.yml").write_text(PROOF)
    with _serving(home) as url:
        hosts = {**_probed(home, url), "web1": {}, "web2": {}}
        clients = ":".join(_probed(home, url))
        only = ("-f", "6", "--limit", clients)
        ansible.run("aritma.iam.provision", *only, hosts=hosts).ok()
        first = {name: _record(home, name) for name in _probed(home, url)}
        everybody = {"rotation_force": True, "rotation_batch": "100%"}
        ansible.run("aritma.iam.rotate", *only, hosts=hosts, variables=everybody).ok()
        for name, before in first.items():
            after = _record(home, name)
            assert simulator.admin.check(after["client_id"], after["current"]["value"])["live"], name
            assert not simulator.admin.check(after["client_id"], before["current"]["value"])["live"], name
            assert after["previous"] is None, name
        rotation_id = _record(home, "by_tasks")["current"]["rotation_id"]
        assert set((home / "proven").read_text().splitlines()) >= {f"web1 {rotation_id}", f"web2 {rotation_id}"}
        assert (home / "asked").read_text().count("x") >= 2


def _record(home: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((home / f"{name}.record.json").read_text())
    return record


def _probed(home: Path, url: str) -> dict[str, dict[str, Any]]:
    """One client a probe."""
    rotation_id = "{{ service_client_credential.rotation_id }}"
    quick = {"retries": 2, "delay": 0}
    probes: dict[str, dict[str, Any]] = {
        "by_command": {"command": f"grep -q {rotation_id} {home}/by_command.env", **quick},
        "by_words": {"command": ["sh", "-c", f"printf x >> {home}/asked; grep -q '{rotation_id}' {home}/by_words.env"]},
        "by_url": {"url": f"{url}/by_url.env", "contains": rotation_id, **quick},
        "by_status": {"url": f"{url}/not/there", "status_code": [200, 404], **quick},
        "by_tasks": {"tasks": str(home / "proof.yml")},
    }
    return {
        name: service(
            home,
            service_client_name=name,
            service_client_store={"type": "file", "path": str(home / f"{name}.record.json")},
            service_client_deliveries=[
                {
                    "type": "file",
                    "path": str(home / f"{name}.env"),
                    **({"hosts": ["web1", "web2"]} if "tasks" in name else {}),
                }
            ],
            service_client_probe=probe,
            proven=str(home / "proven"),
            delivered_file=str(home / "by_tasks.env"),
        )
        for name, probe in probes.items()
    }


def test_a_probe_that_fails_at_once(simulator: Simulator, ansible: Ansible) -> None:
    """The first secret is not proven and there is none to go back to: the message says why, and nothing is deleted."""
    home = ansible.home
    probes: dict[str, dict[str, Any]] = {
        "command": {"command": "sh -c 'echo no credential >&2; exit 3'", "retries": 1, "delay": 0},
        "url": {"url": "http://127.0.0.1:9/health", "retries": 1, "delay": 0},
        "hang": {"command": "sleep 20", "timeout": 1},
    }
    hosts = {
        name: service(
            home,
            service_client_name=name,
            service_client_store={"type": "file", "path": str(home / f"{name}.record.json")},
            service_client_deliveries=[{"path": str(home / f"{name}.env")}],
            service_client_probe=probe,
        )
        for name, probe in probes.items()
    }
    run = ansible.run("aritma.iam.provision", hosts=hosts)
    check_messages(
        run,
        {
            "command": [r"^command: failed: The task 'Probe \| Run the command' failed on command \(rc 3\)"],
            "url": [r"^url: failed: The task 'Probe \| Request the URL' failed on url"],
            "hang": [r"^hang: failed: The task 'Probe \| Run the command' failed on hang after its time limit"],
        },
    )
    assert "no credential" not in run.output
    assert "censored due to no log>" not in run.output
    for name in hosts:
        # As an error and as the result of one task, which is how Ansible shows a failure.
        assert 1 <= sum(f"{name}: failed: " in line for line in run.output.splitlines()) <= 2, run.output
    usual = ("TASK", "ok:", "changed:", "skipping:", "included:", "PLAY")
    told = [line for line in run.output.splitlines() if line.strip() and not line.startswith(usual)]
    assert len(told) <= 20 * len(hosts), run.output
    for name in hosts:
        assert len(_record(home, name)["current"]["value"]) == 32
    clients = [each for each in simulator.admin.state()["clients"] if each["client_id"] != "admin"]
    assert [len(each["secrets"]) for each in clients] == [1, 1, 1]
