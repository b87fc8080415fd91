# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real plays: over a local connection, in process, and over one that is not, with shipped modules."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from doubles.openbao import Bao

from .conftest import VALUE, Stage

Task = dict[str, Any]
CONNECTIONS = pytest.mark.parametrize("connection", ["local", "elsewhere"])
LOCAL_FIRST = pytest.mark.parametrize("connection", ["local", pytest.param("elsewhere", marks=pytest.mark.torture)])
"""For what is slow over a connection, and follows from the other tests there."""


def kept(store: Any, state: str, **options: Any) -> Task:
    """A task with ``credential_store``; or, for ``written`` and ``checked``, what a rotation does with a store."""
    module = "keep_record" if state in ("written", "checked") else "aritma.iam.credential_store"
    return {module: {"store": store, "client_id": "c1", "state": state, **options}}


def delivered(path: Path, **options: Any) -> Task:
    """A task with ``credential_file``."""
    credential = {"client_id": "c1", "client_secret": VALUE, "rotation_id": "r1"}
    return {"aritma.iam.credential_file": {"path": str(path), "credential": credential, **options}}


def failing(task: Task) -> Task:
    """The task, which may fail."""
    return {**task, "ignore_errors": True}


@CONNECTIONS
def test_a_record_and_its_delivery(stage: Stage, tmp_path: Path, connection: str) -> None:
    """With the same results and files over each connection. A registered value can be used."""
    (tmp_path / "password").write_text("one", encoding="utf-8")
    store = {"path": str(tmp_path / "deep" / "c1.json"), "vault_password_file": str(tmp_path / "password")}
    credential = {"client_id": "c1", "client_secret": "{{ r1.record.current.value }}", "rotation_id": "r1"}
    tasks = [
        kept(store, "checked"),
        kept(store, "written", value=VALUE, rotation_id="r1"),
        {"aritma.iam.credential_file": {"path": str(tmp_path / "f.env"), "credential": credential}},
        failing(kept(store, "absent", client_id="c2")),
        kept(store, "moved", to={"path": str(tmp_path / "moved.json")}),
        {
            **failing(kept("{{ one }}", "moved", to="{{ one }}")),
            "vars": {"one": {"path": str(tmp_path / "moved.json")}},
        },
        kept({"path": str(tmp_path / "moved.json")}, "read"),
        delivered(tmp_path / "f.env"),
    ]
    played = stage.play(tasks, connection=connection)
    assert played.code == 0, played.output
    checked, written, first, refused, moved, same, read, second = played.results
    assert checked["changed"] is False
    assert written["record"] == moved["record"] == read["record"]
    assert read["record"]["current"]["value"] == VALUE
    assert refused["failure"]["kind"] == "store"
    assert "are the same place" in same["msg"]
    assert not Path(store["path"]).exists()
    assert (first["changed"], first["verified"], first["rotation_id"]) == (True, True, "r1")
    assert (second["changed"], second["verified"]) == (False, True)
    assert (tmp_path / "f.env").read_text(encoding="utf-8").splitlines()[1] == f"CLIENT_SECRET={VALUE}"
    assert VALUE not in played.output


@LOCAL_FIRST
def test_check_mode_changes_nothing(stage: Stage, tmp_path: Path, connection: str) -> None:
    """It predicts the change."""
    store = {"path": str(tmp_path / "c1.json")}
    tasks = [kept(store, "checked"), kept(store, "written"), delivered(tmp_path / "f.env")]
    played = stage.play(tasks, "--check", "--diff", connection=connection)
    assert played.code == 0, played.output
    assert [each["changed"] for each in played.results] == [False, True, True]
    assert played.results[2]["verified"] is False
    assert sorted(each.name for each in tmp_path.iterdir()) == ["stage"]


@LOCAL_FIRST
def test_errors_of_the_host_name_their_kind_and_path(stage: Stage, tmp_path: Path, connection: str) -> None:
    """The message also says what to do."""
    (tmp_path / "d").mkdir()
    (tmp_path / "cut.json").write_text('{"schema": 1', encoding="utf-8")
    tasks = [
        failing(kept({"path": str(tmp_path / "d")}, "written")),
        failing(kept({"path": str(tmp_path / "cut.json")}, "read")),
        failing(kept({"path": str(tmp_path / "cut.json" / "x")}, "checked")),
        failing(delivered(tmp_path / "missing" / "f")),
        failing(delivered(tmp_path / "f", owner="nobody-such")),
    ]
    played = stage.play(tasks, connection=connection)
    assert [each["failure"]["kind"] for each in played.results] == ["store", "store", "store", "delivery", "option"]
    messages = [each["msg"] for each in played.results]
    expected = ["Is a directory", "truncated", "Not a directory", "Create the directory first", "has no user"]
    for message, part in zip(messages, expected, strict=True):
        assert part in message
    assert VALUE not in played.output


TEMPLATE = """{# not shown #}
id={{ client_id }}
secret={{ client_secret }}
{% for each in [1, 2] %}
{{ each }} {{ word }}
{% endfor %}
{% include 'part.j2' %}
"""


@LOCAL_FIRST
def test_a_template_is_rendered_and_a_value_is_never_evaluated(stage: Stage, tmp_path: Path, connection: str) -> None:
    """It is found in ``templates``; a value with braces, and JSON that the template makes, stay text."""
    templates = stage.directory / "templates"
    templates.mkdir()
    (templates / "f.j2").write_text(TEMPLATE, encoding="utf-8")
    (templates / "part.j2").write_text("end\n", encoding="utf-8")
    (templates / "json.j2").write_text('{"id": "{{ client_id }}", "n": [1, 2]}\n', encoding="utf-8")
    (templates / "bad.j2").write_text("{{ missing_thing }} {{ client_secret }}", encoding="utf-8")
    braces = "{{ 'eva' ~ 'luated' }}"
    (stage.directory / "secret").write_text(braces, encoding="utf-8")
    path = str(tmp_path / "f")
    credential = {"client_id": "c1", "client_secret": "{{ lookup('file', '" + str(stage.directory / "secret") + "') }}"}
    options = {"path": path, "format": "template", "credential": credential}
    tasks: list[Task] = [
        {"aritma.iam.credential_file": {**options, "template": "f.j2"}, "vars": {"word": "{{ 'x' * 2 }}"}},
        {"aritma.iam.credential_file": {**options, "path": path + ".json", "template": "json.j2"}},
        failing({"aritma.iam.credential_file": {**options, "template": "bad.j2"}}),
        failing({"aritma.iam.credential_file": {**options, "template": "nowhere.j2"}}),
        failing({"aritma.iam.credential_file": options}),
    ]
    played = stage.play(tasks, connection=connection)
    assert played.code == 0, played.output
    text = Path(path).read_text(encoding="utf-8")
    assert text.splitlines() == ["id=c1", f"secret={braces}", "1 xx", "2 xx", "end"]
    assert text.endswith("end\n")
    assert Path(path + ".json").read_text(encoding="utf-8") == '{"id": "c1", "n": [1, 2]}\n'
    assert "missing_thing" in played.results[2]["msg"]
    assert "nowhere.j2" in played.results[3]["msg"]
    assert "Give template" in played.results[4]["msg"]


def test_become_ships_the_module(stage: Stage, tmp_path: Path) -> None:
    """Another user's files are not reached in process, although the connection is local."""
    store = {"path": str(tmp_path / "c1.json")}
    task = {**kept(store, "read"), "become": True, "become_method": "ansible.builtin.su", "become_user": "nobody"}
    Path(store["path"]).write_text('{"schema": 1, "client_id": "c1"}', encoding="utf-8")
    Path(store["path"]).chmod(0o600)
    played = stage.play([failing(task)])
    assert "record" not in played.results[0]


def test_a_host_that_cannot_be_reached_has_failed(stage: Stage, tmp_path: Path, bao: Bao) -> None:
    """The message names it. A rescue sees the failure, which it would not with an unreachable host."""
    api = {"api_url": "https://api.example.test", "access_token": "t0k", "tenant": "acme", "run_on": "target"}
    store = {"path": str(tmp_path / "c1.json")}
    tasks = [
        kept(store, "read"),
        kept(store, "written", value=VALUE),
        delivered(tmp_path / "f"),
        {"aritma.iam.store_file": {"access": "read", "path": store["path"]}},
        {"aritma.iam.oidc_client_info": {**api, "name": "billing"}},
    ]
    rescued = {"block": [*tasks[:1]], "rescue": [{"ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}]}
    # What a play says in so many words is the play's own: the value comes from a variable.
    plain = json.loads(json.dumps([failing(each) for each in tasks]).replace(VALUE, "{{ canary }}"))
    (stage.directory / "vars.json").write_text(json.dumps({"canary": VALUE}), encoding="utf-8")
    played = stage.play(plain, "-e", f"@{stage.directory}/vars.json", connection="unreachable")
    for each in played.results:
        assert each.get("unreachable") is None
        assert each["failed"]
        assert each["failure"] == {"kind": "host", "host": "h1"}
        assert each["msg"] == "Host h1 cannot be reached: no route to the host."
    assert VALUE not in played.output
    (stage.directory / "results.json").unlink()
    command = stage.command([], "unreachable")
    (stage.directory / "play.yml").write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "tasks": [rescued]}]), encoding="utf-8"
    )
    done = subprocess.run(command, env=stage.environment(), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout
    assert "Host h1 cannot be reached" in done.stdout


def test_a_delegated_host_is_the_one_that_is_named(stage: Stage, tmp_path: Path) -> None:
    """It is not the inventory host, which can be reached."""
    task = {
        **failing(delivered(tmp_path / "f")),
        "delegate_to": "app2",
        "vars": {"ansible_connection": "unreachable"},
    }
    played = stage.play([task], "-i", "h1,app2,", "--limit", "h1", connection="unreachable")
    assert played.results[0]["failure"] == {"kind": "host", "host": "app2"}


def test_openbao_is_reached_from_the_controller_whatever_the_connection(stage: Stage, bao: Bao) -> None:
    """The host of the task is not even asked."""
    store = {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": "plays/c1"}
    played = stage.play([kept(store, "written", value=VALUE), kept(store, "read")], connection="unreachable")
    assert played.code == 0, played.output
    assert played.results[1]["record"]["current"]["value"] == VALUE
    assert VALUE not in played.output
    assert bao.token not in played.output


def test_the_lookup_gives_the_current_credential(stage: Stage, tmp_path: Path, bao: Bao) -> None:
    """Of a file of the controller and of OpenBao, by term or option."""
    store = {"path": str(tmp_path / "c1.json")}
    vault = {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": "plays/lookup"}
    look = "{{ lookup('aritma.iam.service_credential', %s store=store) }}"
    show = {"ansible.builtin.set_fact": {"found": look % "'c1',"}, "no_log": True}
    other = {"ansible.builtin.set_fact": {"found": look % "client_id='c1',"}, "no_log": True, "vars": {"store": vault}}
    missing = {"ansible.builtin.set_fact": {"found": look % "'c2',"}, "vars": {"store": {"path": "/tmp/none.json"}}}
    tasks = [
        kept(store, "written", value=VALUE, rotation_id="r1", secret_id="7"),
        {**show, "vars": {"store": store}},
        kept(vault, "written", value=VALUE, rotation_id="r2"),
        other,
        failing(missing),
    ]
    played = stage.play(tasks)
    assert played.code == 0, played.output
    found = played.results[1]["ansible_facts"]["found"]
    assert {name: found[name] for name in ("client_id", "client_secret", "rotation_id", "secret_id")} == {
        "client_id": "c1",
        "client_secret": VALUE,
        "rotation_id": "r1",
        "secret_id": "7",
    }
    assert played.results[3]["ansible_facts"]["found"]["rotation_id"] == "r2"
    assert "holds no current secret of client c2" in played.output


def test_the_environment_of_other_tools_stays_on_the_controller(stage: Stage, tmp_path: Path) -> None:
    """A task may carry what Vault or AWS want; a shipped module does not get it, so no command line shows it."""
    secret = {
        "VAULT_TOKEN": VALUE,
        "VAULT_SECRET_ID": VALUE,
        "AWS_SECRET_ACCESS_KEY": VALUE,
        "ARITMA_CLIENT_SECRET": VALUE,
    }
    task = {**delivered(tmp_path / "f"), "environment": {**secret, "PLAIN": "is-shown"}}
    text = json.dumps([task]).replace(VALUE, "{{ canary }}")
    (stage.directory / "vars.json").write_text(json.dumps({"canary": VALUE}), encoding="utf-8")
    played = stage.play(json.loads(text), "-vvvv", "-e", f"@{stage.directory}/vars.json", connection="elsewhere")
    assert played.code == 0, played.output
    assert "PLAIN=is-shown" in played.output
    assert VALUE not in played.output


@CONNECTIONS
def test_no_output_shows_a_value(stage: Stage, tmp_path: Path, connection: str) -> None:
    """At ``-vvvv --diff``, on success and on failure; not in any spelling; and no temporary file keeps it."""
    (tmp_path / "d").mkdir()
    (tmp_path / "link").symlink_to("f")
    store = {"path": str(tmp_path / "c1.json")}
    template = stage.directory / "bad.j2"
    template.write_text("{{ client_secret | ansible.builtin.from_json }}", encoding="utf-8")
    tasks = [
        kept(store, "written", value=VALUE),
        kept(store, "read"),
        kept(store, "moved", to={"path": str(tmp_path / "c2.json")}),
        failing(kept(store, "moved", to={"path": str(tmp_path / "c3.json")})),
        failing(kept({"path": str(tmp_path / "c2.json")}, "read", client_id="c2")),
        failing(kept({"path": str(tmp_path / "d")}, "written", value=VALUE)),
        failing(kept({**store, "colour": VALUE}, "read")),
        delivered(tmp_path / "f"),
        delivered(tmp_path / "f", format="json"),
        failing(delivered(tmp_path / "link")),
        failing(delivered(tmp_path / "f", members=["x"])),
        failing(delivered(tmp_path / "f", format="template", template=str(template))),
    ]
    # What a play says in so many words is the play's own: the value comes from a variable.
    plain = json.dumps(tasks).replace(VALUE, "{{ canary }}")
    (stage.directory / "vars.json").write_text(json.dumps({"canary": VALUE}), encoding="utf-8")
    temporary = {"ANSIBLE_LOCAL_TEMP": str(tmp_path / "local"), "ANSIBLE_REMOTE_TMP": str(tmp_path / "remote")}
    arguments = ("-vvvv", "--diff", "-e", f"@{stage.directory}/vars.json")
    played = stage.play(json.loads(plain), *arguments, connection=connection, environment=temporary)
    assert played.code == 0, played.output
    assert [bool(each.get("failed")) for each in played.results] == [False] * 3 + [True] * 4 + [False] * 2 + [True] * 3
    basic = base64.b64encode(f"c1:{VALUE}".encode()).decode().rstrip("=")
    for spelling in (VALUE, base64.b64encode(VALUE.encode()).decode().rstrip("="), quote(VALUE), basic):
        assert spelling not in played.output
    left = [each for each in (*tmp_path.glob("local/**/*"), *tmp_path.glob("remote/**/*")) if each.is_file()]
    assert [each for each in left if VALUE.encode() in each.read_bytes()] == []


def test_a_lookup_that_meets_a_defect_shows_no_value(stage: Stage, tmp_path: Path) -> None:
    """Such as a record that somebody has given an unknown member which is nested too deep to be written again."""
    nested: Any = VALUE
    for _level in range(300):
        nested = [nested]
    current = {"value": VALUE, "rotation_id": "r1"}
    record = {"schema": 1, "client_id": "c1", "current": current, "unknown": nested}
    (tmp_path / "c1.json").write_text(json.dumps(record), encoding="utf-8")
    store = {"path": str(tmp_path / "c1.json")}
    look = {"ansible.builtin.set_fact": {"found": "{{ lookup('aritma.iam.service_credential', 'c1', store=store) }}"}}
    played = stage.play([failing({**look, "vars": {"store": store}})])
    assert "service_credential met an unexpected ValueError at " in played.results[0]["msg"]
    assert VALUE not in played.output


def test_a_killed_run_does_not_block_the_next_one(stage: Stage, tmp_path: Path) -> None:
    """While the run lives, the next one gets a conflict. After SIGKILL its lease is free at once."""
    store = {"path": str(tmp_path / "c1.json")}
    waiting = [kept(store, "written", value=VALUE, leased=True), {"ansible.builtin.wait_for": {"timeout": 60}}]
    first = Stage(tmp_path / "first")
    first.directory.mkdir()
    process = subprocess.Popen(
        first.command(waiting, "local"),
        env=first.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 30
        while not Path(store["path"]).exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        blocked = stage.play([kept(store, "read"), failing(kept(store, "absent"))])
        assert blocked.results[0]["in_progress"] is True
        assert re.search(rf"run on host \S+ \(pid {process.pid}\)", blocked.results[0]["holder"])
        assert blocked.results[1]["failure"]["kind"] == "store_conflict"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    free = stage.play([kept(store, "read"), kept(store, "absent")])
    assert free.results[0]["in_progress"] is False
    assert free.results[1]["changed"] is True


def test_all_tasks_and_forks_of_one_run_are_one_owner(stage: Stage, tmp_path: Path) -> None:
    """So a run goes on with what it began. Over a local connection no module is shipped."""
    store = {"path": str(tmp_path / "c1.json")}
    tasks = [kept(store, "written", leased=True)] + [kept(store, "read")] * 5 + [kept(store, "absent")]
    played = stage.play(tasks, environment={"ANSIBLE_REMOTE_TMP": str(tmp_path / "remote")})
    assert played.code == 0, played.output
    assert not (tmp_path / "remote").exists()
    assert len({each["record"]["lease"]["owner"] for each in played.results[:-1]}) == 1
