# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in the variables of the role and the playbooks: told before the first write, in check mode alike."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_run import Ansible
from examples import ROOT
from faults import leaving
from service import service
from weather import Case, check_messages, check_untouched, last_message, role, run_cases
from wire_log import Wire

from simulator.process import Simulator

STORE, DELIVERIES, PROBE = (f"service_client_{name}" for name in ("store", "deliveries", "probe"))


def _variables() -> list[str]:
    specs = yaml.safe_load((ROOT / "roles/service_client/meta/argument_specs.yml").read_text(encoding="utf-8"))
    return list(specs["argument_specs"]["main"]["options"])


def _names(_home: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Names that are almost right."""
    return {
        "n_case": (r"no variable Service_Client_Hold \(probably service_client_hold\)", {"Service_Client_Hold": True}),
        "n_dash": (r"probably service_client_hold", {"service-client-hold": True}),
        "n_first": (r"probably service_client_hold", {"service_cilent_hold": True}),
        "n_plural": (r"probably service_client_hold", {"service_clients_hold": True}),
        "n_connection": (
            r"no variable aritma_iam_reqest_timeout \(probably aritma_iam_request_timeout\)",
            {"aritma_iam_reqest_timeout": 5},
        ),
        "n_verb": (r"rotate_force \(probably rotation_force\)", {"rotate_force": True}),
        "n_store": ("store: there is no member pth. Did you mean path", {STORE: {"pth": "/x"}}),
        "n_store_case": ("store: there is no member Path. Did you mean path", {STORE: {"Path": "/x"}}),
        "n_store_type": ("store: there is no type vault. Did you mean hashi_vault", {STORE: {"type": "vault"}}),
        "n_probe": ("probe: there is no member comand. Did you mean command", {PROBE: {"comand": "true"}}),
        "n_policy": (
            "policies: there is no member actoin. Did you mean action",
            {"service_client_policies": [{"actoin": "a", "scope": "/"}]},
        ),
        "n_state": ("no state Absent. Did you mean absent", {"service_client_state": "Absent"}),
        "n_mode": ("no policies_mode Exact. Did you mean exact", {"service_client_policies_mode": "Exact"}),
    }


def _delivered(home: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """One delivery each."""
    (home / "bad.j2").write_text("{{ nothing_here }}")
    (home / "not_tasks.yml").write_text("tasks: none")
    template = {"format": "template", "template": str(home / "bad.j2")}
    wrong: dict[str, tuple[str, dict[str, Any]]] = {
        "d_member": ("no member Format. Did you mean format", {"Format": "env"}),
        "d_dash": ("no member no-tify. Did you mean notify", {"no-tify": ["x"]}),
        "d_reload": ("reload: there is no member servce. Did you mean service", {"reload": {"servce": "x"}}),
        "d_folder": ("Cannot write .*/no/such/x.env.*Create the directory", {"path": str(home / "no/such/x.env")}),
        "d_directory": ("Is a directory. Name a file in it", {"path": str(home)}),
        "d_relative": ("is not the absolute path of a file", {"path": "x.env"}),
        "d_line_break": ("is not the absolute path of a file", {"path": str(home / "x.env") + "\n"}),
        "d_mode": ("'rw' is not a file mode", {"mode": "rw"}),
        "d_owner": ("has no user 'nobodyhere'", {"owner": "nobodyhere"}),
        "d_group": ("has no group 'nobodyhere'", {"group": "nobodyhere"}),
        "d_template": ("cannot be rendered: 'nothing_here' is undefined", template),
        "d_no_template": ("cannot be rendered: Could not find", {**template, "template": "no.j2"}),
        "d_members": ("has no member 'client_sceret'", {"members": ["client_sceret"]}),
        "d_command": ("reload: command is neither text nor a list", {"reload": {"command": True}}),
        "d_quote": (
            "reload: command cannot be split into words: no closing quotation",
            {"reload": {"command": "grep 'x y"}},
        ),
        "d_handler": ("notify names 'reload it', but the play has no such handler", {"notify": "reload it"}),
        "d_tasks": ("file of tasks no.yml cannot be used.*Name it by its whole", {"reload": {"tasks": "no.yml"}}),
        "d_no_tasks": ("does not hold a list of tasks", {"reload": {"tasks": str(home / "not_tasks.yml")}}),
        "d_windows": ("win1 is a Windows host", {"hosts": ["win1"]}),
        "d_python": ("did not run on old1: SyntaxError.*Python 3.10 or newer", {"hosts": ["old1"]}),
    }
    return {
        name: (says, {DELIVERIES: [{"path": str(home / f"{name}.env"), **delivery}]})
        for name, (says, delivery) in wrong.items()
    }


def _places(home: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """The same place twice, or a place that holds something else."""
    (home / "real").mkdir()
    (home / "link").symlink_to(home / "real")
    (home / "delivered.json").write_text('{"client_id": "x", "client_secret": "of-somebody", "rotation_id": "r"}')
    (home / "delivered.env").write_text("CLIENT_ID=x\nCLIENT_SECRET=of-somebody\n")
    real, link, dots = (str(home / each / "same.env") for each in ("real", "link", "real/../real"))
    two = "is the file of two deliveries"
    secret = {"type": "kubernetes_secret", "namespace": "a", "name": "b", "kubeconfig": str(home / "none")}
    return {
        "p_store_link": ("is the file of the store and a delivery", _both(link.replace("same", "s1"), real, "s1")),
        "p_store_dots": ("is the file of the store and a delivery", _both(dots.replace("same", "s2"), real, "s2")),
        "p_twice_link": (two, {DELIVERIES: [{"path": real}, {"path": link}]}),
        "p_json": ("holds a delivered credential, not a record", {STORE: {"path": str(home / "delivered.json")}}),
        "p_env": ("holds a delivered credential, not a record", {STORE: {"path": str(home / "delivered.env")}}),
        "p_secret_1": ("have the same member|cannot be used", {DELIVERIES: [secret]}),
        "p_secret_2": ("have the same member|cannot be used", {DELIVERIES: [secret]}),
    }


def _both(store: str, delivery: str, name: str) -> dict[str, Any]:
    return {STORE: {"path": store}, DELIVERIES: [{"path": delivery.replace("same", name)}]}


def _values(_home: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Values of another kind."""
    return {
        "v_probe_text": ("probe: members were expected, such as command and url", {PROBE: '{"command": "true"}'}),
        "v_deliveries_text": ("deliveries: a list of deliveries was expected", {DELIVERIES: '[{"path": "/x"}]'}),
        "v_list_text": (
            "allowed_scopes: a list of texts was expected",
            {"service_client_allowed_scopes": '["services.banking"]'},
        ),
        "v_list_list": ("groups: a list of texts was expected", {"service_client_groups": [["admins"]]}),
        "v_number": ("request_timeout: a number of seconds was expected", {"aritma_iam_request_timeout": "inf"}),
        "v_seconds": ("proof_deadline: a number of seconds was expected", {"service_client_proof_deadline": "60s"}),
        "v_store": ("store: members were expected", {STORE: "/var/lib/x.json"}),
        "v_policies": ("policies: members were expected", {"service_client_policies": {"action": "a", "scope": "/"}}),
        "v_text": ("text was expected", {"service_client_description": {"a": 1}}),
        "v_bool": ("hold.*not a valid boolean", {"service_client_hold": "maybe"}),
        "v_int": ("proof_successes.*cannot be converted to an int", {"service_client_proof_successes": "x"}),
        "v_negative": ("retire_deadline is less than 0", {"service_client_retire_deadline": -3}),
        "v_duration": ("'60 dayz' is not a duration", {"service_client_rotate_after": "60 dayz"}),
        "v_probe": ("'timeout'.*cannot be converted to an int", {PROBE: {"command": "true", "timeout": "1m"}}),
        "v_command": ("probe: command is neither text nor a list of words", {PROBE: {"command": {"a": "b"}}}),
        "v_no_command": ("probe: command is neither text nor a list of words", {PROBE: {"command": []}}),
        "v_quote": (
            "probe: command cannot be split into words: no closing quotation",
            {PROBE: {"command": "grep 'x y"}},
        ),
        "v_url": ("url is not an http:// or https:// URL", {PROBE: {"url": "localhost/health"}}),
        "v_tries": ("retries is negative", {PROBE: {"command": "true", "retries": -1}}),
        "v_window": ("there is no time zone Europe/Olso", {"rotation_window": "Mon-Fri 09:00-15:00 Europe/Olso"}),
    }


TRIED = (
    *("d_folder", "d_directory", "d_owner", "d_template", "d_tasks", "d_windows", "d_python"),
    *("p_store_link", "p_twice_link", "p_json"),
)
"""Mistakes that only a look at files and hosts tells: what is said of them may depend on check mode."""


def _cases(home: Path) -> dict[str, Case]:
    told = {**_names(home), **_delivered(home), **_places(home), **_values(home)}
    (home / "own").mkdir()
    usual = partial(service, home / "own")
    cases = {}
    for name, (says, variables) in told.items():
        own = {STORE: {"path": str(home / f"{name}.json")}, DELIVERIES: [{"path": str(home / f"{name}.env")}]}
        cases[name] = role([says], **usual(service_client_name=name, **{**own, **variables}))
    return cases


def test_mistakes_are_told_before_the_first_write(simulator: Simulator, ansible: Ansible) -> None:
    """Each by itself, with the name that was probably meant. Where files are tried, check mode has the same words."""
    before, cases = simulator.admin.state(), _cases(ansible.home)
    others = {
        "win1": {"ansible_connection": "winrm"},
        "old1": {**leaving("old1"), "ansible_python_interpreter": _old_python(ansible.home)},
    }
    ansible.environment |= {
        "AWAY": str(ansible.home),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection_plugins"),
    }
    run = run_cases(ansible, cases, others=others)
    tried = {name: cases[name] for name in TRIED}
    checked = run_cases(ansible, tried, ("--check",), others=others)
    assert {name: last_message(checked, name) for name in TRIED} == {name: last_message(run, name) for name in TRIED}
    check_untouched(simulator, before, *ansible.home.glob("own/*"), *(ansible.home / f"{name}.env" for name in cases))


def test_blank_and_null_are_not_given(simulator: Simulator, ansible: Ansible) -> None:
    """For every variable of the role and of the playbooks, as AWX and shells hand them over."""
    home = ansible.home
    needed = {"service_client_name", "service_client_allowed_scopes", STORE, DELIVERIES}
    hosts = {}
    for name, value in (("blank", ""), ("null", None), ("space", " ")):
        own = {
            "service_client_name": name,
            STORE: {"path": str(home / f"{name}.json"), "mode": value, "vault_id": value},
            DELIVERIES: [{"path": str(home / f"{name}.env"), "owner": value, "notify": value, "reload": value}],
        }
        hosts[name] = {**service(home), **dict.fromkeys(set(_variables()) - needed, value), **own}
    blank: dict[str, Any] = dict.fromkeys(
        ("provision_hosts", "rotation_hosts", "rotation_batch", "rotation_max_fail_percentage"), ""
    )
    blank |= dict.fromkeys(("rotation_force", "rotation_begin", "rotation_hold", "rotation_report"), None)
    blank |= {"rotation_compromised": "", "rotation_window": " "}
    ansible.run("aritma.iam.provision", hosts=hosts, variables=blank).ok()
    held = {name: {**variables, "service_client_hold": True} for name, variables in hosts.items()}
    forced = ansible.run("aritma.iam.rotate", hosts=held, variables={**blank, "rotation_force": True}).ok()
    assert forced.output.count("hold is set: the previous secret is kept") >= len(hosts)
    clients = [each for each in simulator.admin.state()["clients"] if each["name"] in hosts]
    assert [len(each["secrets"]) for each in clients] == [2, 2, 2]


def _new_deliveries(home: Path) -> dict[str, tuple[str, dict[str, Any]]]:
    """Deliveries that a client with a secret gets later, or its probe, and that cannot work."""
    (home / "directory").mkdir(parents=True)
    os.mkfifo(home / "pipe")
    (home / "loop").symlink_to(home / "loop")
    nowhere = {"type": "hashi_vault", "url": "http://127.0.0.1:9", "path": home.name, "token": "t"}
    return {
        "l_directory": ("Name a file in it", {"path": str(home / "directory")}),
        "l_pipe": ("pipe", {"path": str(home / "pipe")}),
        "l_loop": ("loop", {"path": str(home / "loop")}),
        "l_folder": ("Create the directory", {"path": str(home / "no/such/x.env")}),
        "l_owner": ("has no user 'nobodyhere'", {"path": str(home / "owned.env"), "owner": "nobodyhere"}),
        "l_python": ("Python 3.10 or newer", {"path": str(home / "far.env"), "hosts": ["old1"]}),
        "l_report": ("is the file of the report and a delivery", {"path": str(home / "report.env")}),
        "l_server": ("Vault secret secret/.*: cannot read: the server did not answer", nowhere),
    }


SOME = ("l_folder", "l_python", "l_report", "l_server")
FURTHER = ("l_directory", "l_pipe", "l_loop", "l_owner")
WAITING = ("l_directory", "l_server")
"""The mistakes that are also made where a previous secret waits to be retired."""


@pytest.mark.parametrize(
    "chosen", [SOME, pytest.param((*SOME, *FURTHER), marks=pytest.mark.torture)], ids=["some", "all"]
)
def test_mistakes_in_a_later_rotation_change_nothing(
    simulator: Simulator, ansible: Ansible, chosen: Sequence[str]
) -> None:
    """A delivery that was added, or a service that does not work: no record is written, and no secret is made.

    That is so for a client that is due, for one whose previous secret waits to be retired, and in check mode.
    """
    home = ansible.home
    old_python = _old_python(home)
    wanted = {"due": set(chosen), "waits": {*chosen} & {*WAITING}}
    new = {
        kind: {name: each for name, each in _new_deliveries(home / kind).items() if name in names}
        for kind, names in wanted.items()
    }
    names = [*(f"{name}_{kind}" for kind, each in new.items() for name in each), "l_probe_due"]
    hosts = {
        name: service(
            home,
            service_client_name=name,
            service_client_store={"type": "file", "path": str(home / f"{name}.json")},
            service_client_deliveries=[{"path": str(home / f"{name}.env")}],
            service_client_rotation_grace="1h" if name.endswith("waits") else "0s",
        )
        for name in names
    }
    hosts["l_probe_due"]["service_client_probe"] = {"command": ["test", "-e", str(home / "works")], "retries": 0}
    (home / "works").touch()
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    waiting = {name: each for name, each in hosts.items() if name.endswith("waits")}
    ansible.run("aritma.iam.rotate", hosts=waiting, variables={"rotation_force": True, "rotation_batch": 20}).ok()
    (home / "works").unlink()
    says = {"l_probe_due": ["The task 'Probe .* failed"]}
    for kind, each in new.items():
        for name, (said, delivery) in each.items():
            hosts[f"{name}_{kind}"]["service_client_deliveries"].append(delivery)
            says[f"{name}_{kind}"] = [said, "Nothing was changed"]
    hosts["l_report_due"]["rotation_report"] = str(home / "due" / "report.env")
    hosts["l_server_waits"]["rotation_begin"] = False  # as between a proof and its approval
    before = simulator.admin.state(), _records(home, hosts)
    simulator.admin.clear_log()
    changed = []
    others = {"old1": {**leaving("old1"), "ansible_python_interpreter": old_python}}
    ansible.environment |= {
        "AWAY": str(home),
        "ANSIBLE_CONNECTION_PLUGINS": str(Path(__file__).parent / "connection_plugins"),
    }
    for arguments in ((), ("--check",)):
        forced = {"rotation_force": True, "rotation_batch": 20, "rotation_hosts": ",".join(hosts)}
        run = ansible.run("aritma.iam.rotate", *arguments, hosts={**hosts, **others}, variables=forced)
        check_messages(run, says)
        changed.append({each["host"] for each in run.events if each["event"] == "ok" and each["result"].get("changed")})
        assert (simulator.admin.state(), _records(home, hosts)) == before
        assert Wire(simulator.admin.log()).writes() == []
        says.pop("l_probe_due", None)  # a probe is not run in check mode
    assert changed == [set(), {"l_probe_due"}]


def _records(home: Path, hosts: Mapping[str, Any]) -> dict[str, bytes]:
    return {name: (home / f"{name}.json").read_bytes() for name in hosts}


def _old_python(home: Path) -> str:
    """An interpreter that is too old for modules of this collection."""
    old = home / "old_python"
    old.write_text("#!/bin/sh\necho 'SyntaxError: future feature annotations is not defined' >&2; exit 1\n")
    old.chmod(0o755)
    return str(old)
