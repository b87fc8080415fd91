# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names are text: compared exactly among names that contain them, and never evaluated."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from ansible_run import Ansible, Run
from service import NAME, SCOPE, service
from unsafe import Unsafe

from simulator.process import Simulator


def _names(canary: Path) -> dict[str, str]:
    """Names that mean something to a shell, a template, a path, a URL or YAML."""
    return {
        "blanks": "billing  nightly run",
        "quotes": """billing "nightly" 'run' `now`""",
        "letters": "fakturering for blåbærsyltetøy æøå ÆØÅ",
        "percent": "100%25 billing / and?so=on&on#end",
        "template": f"{{{{ lookup('ansible.builtin.pipe', 'touch {canary}') }}}}",
        "statement": "{% set x = 1 %}{# no comment #}{{ 1 + 1 }}",
        "braces": "{{ unclosed",
        "dots": "../../billing",
        "dash": "-rf --billing",
        "emoji": "billing 🧾🇳🇴",
        "long": "billing " * 25,
        "yaml": "yes: [no, ~] !unsafe &a *a",
    }


def _others(name: str) -> list[str]:
    """35 names that contain it, or that differ from it in a way that a search may overlook."""
    around = ["{} {}", "{1} {0}", "{0}-{1}", "{1}{0}{1}", "x{0}/{1}"]
    numbered = [pattern.format(name, number) for number in range(6) for pattern in around]
    return [*numbered, name.upper() + "x", f" {name}", f"{name} ", f"{name}{name}", name.title() + "X"]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    """A file that exists only if a name was evaluated."""
    return tmp_path / "evaluated"


def test_the_one_with_exactly_this_name(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """35 others contain the name: neither a search nor pages lead astray, and none of the others is touched."""
    simulator = simulate("small_pages")
    others = _others(NAME)
    assert len(others) == len(set(others)) == 35
    secret = {"value": "of-another-client", "description": "its own"}
    simulator.admin.seed(clients=[{"name": each, "secrets": [secret]} for each in others])
    before = _without(simulator, NAME)
    ansible, hosts = Ansible(tmp_path, simulator), {NAME: service(tmp_path)}

    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    assert ansible.run("aritma.iam.provision", hosts=hosts).ok().changed == 0
    ansible.run("aritma.iam.rotate", hosts=hosts, variables={"rotation_force": True}).ok()
    assert len([each for each in simulator.admin.state()["clients"] if each["name"] == NAME]) == 1
    assert _without(simulator, NAME) == before

    ansible.run("aritma.iam.revoke", hosts=hosts, variables={"revoke_hosts": "service_clients"}).ok()
    assert NAME not in [each["name"] for each in simulator.admin.state()["clients"]]
    assert _without(simulator, NAME) == before


def _without(simulator: Simulator, name: str) -> list[dict[str, Any]]:
    """All clients but the one of that name."""
    return [each for each in simulator.admin.state()["clients"] if each["name"] != name]


def test_modules_take_names_as_they_are(simulator: Simulator, ansible: Ansible, canary: Path) -> None:
    """Created, found, given a secret, revoked: by a name that was written with ``!unsafe``, or came in as JSON."""
    names = [*_names(canary).values(), f"{{{{ lookup('pipe', 'touch {canary}') }}}} as JSON"]
    given = {"names": [Unsafe(each) for each in names[:-1]], "last": {"name": {"__ansible_unsafe": names[-1]}}}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"names": given["names"]},
        "tasks": _module_tasks(),
    }
    run = ansible.run([play], variables={"last": given["last"]}).ok()

    made = _items(run, "Create")
    assert [each["client"]["name"] for each in made] == names
    assert [each["client"]["description"] for each in made] == names
    assert [each["changed"] for each in made] == [True] * len(names)
    assert [each["changed"] for each in _items(run, "Again")] == [False] * len(names)
    assert [[client["name"] for client in each["clients"]] for each in _items(run, "Find")] == [
        [name] for name in names
    ]
    assert [each["subject"]["display_name"] for each in _items(run, "Subject")] == names
    assert [each["secret"]["description"] for each in _items(run, "Secret")] == names
    assert [each["changed"] for each in _items(run, "Same secret")] == [False] * len(names)
    assert [each["changed"] for each in _items(run, "Remove")] == [True] * len(names)
    assert len(simulator.admin.state()["clients"]) == 1
    assert not canary.exists()


def _module_tasks() -> list[dict[str, Any]]:
    loop = {"loop": "{{ names + [last.name] }}"}
    wanted = {"name": "{{ item }}", "description": "{{ item }}", "allowed_scopes": [SCOPE]}
    secret = {"client_id": "{{ item.0.client.client_id }}", "description": "{{ item.1 }}", "value": "a-value-of-mine"}
    both = {"loop": "{{ made.results | zip(names + [last.name]) }}", "loop_control": {"label": "{{ item.1 }}"}}
    return [
        {"name": "Create", "aritma.iam.oidc_client": wanted, "register": "made", **loop},
        {"name": "Again", "aritma.iam.oidc_client": wanted, **loop},
        {"name": "Find", "aritma.iam.oidc_client_info": {"name": "{{ item }}"}, **loop},
        {"name": "Subject", "aritma.iam.client_subject_info": {"name": "{{ item }}"}, **loop},
        {"name": "Secret", "aritma.iam.client_secret": secret, **both},
        {"name": "Same secret", "aritma.iam.client_secret": secret, **both},
        {"name": "Remove", "aritma.iam.oidc_client": {"name": "{{ item }}", "state": "absent"}, **loop},
    ]


def _items(run: Run, task: str) -> list[dict[str, Any]]:
    (result,) = [each["result"] for each in run.events if each["task"] == task]
    items: list[dict[str, Any]] = result["results"]
    return items


def test_a_name_in_a_failure_is_text_too(simulator: Simulator, ansible: Ansible, canary: Path) -> None:
    """Messages show the name, also where a role puts it into its own words; a warning or a rescue evaluates nothing."""
    name = f"{{{{ lookup('ansible.builtin.pipe', 'touch {canary}') }}}}"
    simulator.admin.seed(clients=[{"client_id": "t1", "name": name}, {"client_id": "t2", "name": name}])
    common = {**service(ansible.home), "service_client_name": Unsafe(name)}
    run = ansible.run("aritma.iam.provision", hosts={"one": common})
    assert run.code == 2
    assert "2 clients have the name" in run.messages
    assert "touch" in run.messages
    other = {**common, "service_client_verify_scope": Unsafe("{{ 6 * 7 }}")}
    everybody = {"rotation_batch": "100%", "rotation_max_fail_percentage": 100}
    run = ansible.run("aritma.iam.rotate", hosts={"one": common, "two": other}, variables=everybody)
    assert run.code == 2
    assert re.search("2 clients are named .?{{ lookup[(]", run.messages)
    assert not canary.exists()


@pytest.fixture
def volume() -> Iterator[Path]:
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.torture
def test_the_role_takes_names_as_they_are(simulator: Simulator, ansible: Ansible, canary: Path, volume: Path) -> None:
    """From nothing to rotated and revoked, with the default store and a delivered file of such a name."""
    names = _names(canary)
    hosts = {host: _host(ansible.home, name) for host, name in names.items()}
    (ansible.home / "delivered").mkdir()
    # A container that the tests run in has a default store only on a file system of its own.
    ansible.environment["HOME"] = str(volume)

    ansible.run("aritma.iam.provision", "-f", "6", hosts=hosts).ok()
    _check_present(simulator, ansible.home, names, volume)
    assert ansible.run("aritma.iam.provision", "-f", "6", hosts=hosts).ok().changed == 0

    first = _delivered(ansible.home, names)
    report = ansible.home / "report.json"
    everybody = {"rotation_force": True, "rotation_batch": "100%", "rotation_report": str(report)}
    ansible.run("aritma.iam.rotate", "-f", "6", "--diff", hosts=hosts, variables=everybody).ok()
    _check_present(simulator, ansible.home, names, volume)
    second = _delivered(ansible.home, names)
    assert all(second[host]["client_secret"] != first[host]["client_secret"] for host in names)
    assert sorted(each["client_name"] for each in json.loads(report.read_text())["clients"]) == sorted(names.values())

    ansible.run("aritma.iam.revoke", "-f", "6", hosts=hosts, variables={"revoke_hosts": "service_clients"}).ok()
    assert [each["client_id"] for each in simulator.admin.state()["clients"]] == ["admin"]
    assert list((volume / ".aritma-iam").iterdir()) == []
    assert list((ansible.home / "delivered").iterdir()) == []
    assert not canary.exists()


def _file_of(home: Path, name: str) -> Path:
    return home / "delivered" / f"{name.replace('/', '_')[:60]}.json"


def _host(home: Path, name: str) -> dict[str, Any]:
    delivery = {"type": "file", "path": Unsafe(str(_file_of(home, name))), "format": "json"}
    return service(
        home,
        service_client_name=Unsafe(name),
        service_client_description=Unsafe(name),
        service_client_store={"type": "file"},
        service_client_deliveries=[delivery],
    )


def _delivered(home: Path, names: Mapping[str, str]) -> dict[str, dict[str, str]]:
    return {host: json.loads(_file_of(home, name).read_text()) for host, name in names.items()}


def _check_present(simulator: Simulator, home: Path, names: Mapping[str, str], volume: Path) -> None:
    clients = {each["name"]: each for each in simulator.admin.state()["clients"] if each["client_id"] != "admin"}
    assert sorted(clients) == sorted(names.values())
    for host, name in names.items():
        client, delivered = clients[name], _delivered(home, names)[host]
        assert client["description"] == name
        assert [each["description"] for each in client["secrets"]] == [
            f"aritma.iam rotation {delivered['rotation_id']}"
        ]
        record = json.loads((volume / ".aritma-iam" / f"{client['client_id']}.json").read_text())
        assert record["client_name"] == name
        assert record["current"]["value"] == delivered["client_secret"]
        assert simulator.admin.check(client["client_id"], delivered["client_secret"])["live"], host


def test_a_client_whose_name_the_server_has_changed_is_revoked_without_a_record(
    simulator: Simulator, ansible: Ansible
) -> None:
    """By its description; without one, those that may be meant are named, and nothing is changed."""
    seeded = {"name": "billing", "client_id": "c1", "description": "ours", "secrets": [{"value": "Known0123456789"}]}
    simulator.admin.seed(clients=[seeded])
    everybody = simulator.admin.state()["clients"]
    host = {"service_client_name": "Billing", "service_client_store": {"type": "file", "path": str(ansible.home / "r")}}
    hosts, revoke = {"one": host}, {"revoke_hosts": "one"}
    run = ansible.run("aritma.iam.revoke", hosts=hosts, variables=revoke)
    assert run.code and "c1 ('billing')" in run.messages and "service_client_client_id" in run.messages
    assert simulator.admin.state()["clients"] == everybody
    host["service_client_description"] = "ours"
    ansible.run("aritma.iam.revoke", hosts=hosts, variables=revoke).ok()
    assert "c1" not in [each["client_id"] for each in simulator.admin.state()["clients"]]
    assert ansible.run("aritma.iam.revoke", hosts=hosts, variables=revoke).ok().changed == 0


def test_the_id_of_a_client_with_another_name_is_refused(simulator: Simulator, ansible: Ansible) -> None:
    """The variables of another host were copied: that client is neither renamed nor deleted."""
    secret = {"value": "Known0123456789"}
    simulator.admin.seed(
        clients=[{"name": "payroll", "client_id": "c1", "allowed_scopes": [SCOPE], "secrets": [secret]}]
    )
    everybody = simulator.admin.state()["clients"]
    hosts = {"one": service(ansible.home, service_client_client_id="c1")}
    for command in (["aritma.iam.provision"], ["aritma.iam.revoke", "-e", "revoke_hosts=one"]):
        for mode in ([], ["--check"]):
            run = ansible.run(*command, *mode, hosts=hosts)
            assert run.code and "c1 is the id of client 'payroll', not of 'billing'" in run.messages, run.output
            assert simulator.admin.state()["clients"] == everybody
    for spelt in ("Payroll", "payroll"):
        hosts["one"]["service_client_name"] = spelt
        ansible.run("aritma.iam.revoke", "--check", "-e", "revoke_hosts=one", hosts=hosts).ok()
