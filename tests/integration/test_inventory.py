# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory plugin as Ansible runs it: names that mean something elsewhere, sources of options, cache, errors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import fleet
import pytest
from ansible_run import Ansible

from simulator.process import Simulator

CANARY = "canary-s3cret"
OLD = 61


def _odd_names(evaluated: Path) -> dict[str, str]:
    """Names of clients, each with the host name that it should get; twins and taken names have ids."""
    command = f"touch {evaluated}"
    return {
        "billing nightly": "billing_nightly",
        "fakturering æøå": "fakturering_æøå",
        """it's "quoted" 100%25""": "it_s_quoted_100_25",
        f"{{{{ lookup('pipe', '{command}') }}}}": re.sub(r"[^\w.-]+", "_", f"lookup_pipe_{command}")[:100],
        "{% set x = 1 %}{{ 1 + 1 }}": "set_x_1_1_1",
        "{{ unclosed": "unclosed",
        "../../etc/passwd": "etc_passwd",
        "twin one": "twin_one_id-7",
        "twin/one": "twin_one_id-8",
        "localhost": "localhost_id-9",
        "due": "due_id-10",
    }


def _seeded(simulator: Simulator, names: list[str]) -> None:
    """Clients with one secret of ours; every other one is old."""
    secrets = [fleet.managed_secret(number, OLD if number % 2 else 1) for number in range(len(names))]
    simulator.admin.seed(
        clients=[
            {"name": name, "client_id": f"id-{number}", "secrets": [{**secret, "value": f"{CANARY}-{number}"}]}
            for number, (name, secret) in enumerate(zip(names, secrets, strict=True))
        ]
    )
    simulator.admin.clear_log()


def _asked(simulator: Simulator) -> int:
    """How many requests the API has got; then it forgets them."""
    count = sum(not each["operation"].startswith("token") for each in simulator.admin.log(kind="request"))
    simulator.admin.clear_log()
    return count


@pytest.mark.matrix
def test_names_are_text_and_hosts_are_safe(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """In lists, expressions and plays a name is what it is, and nothing in it is evaluated."""
    evaluated = tmp_path / "evaluated"
    names = _odd_names(evaluated)
    _seeded(simulator, list(names))
    fleet.source(
        tmp_path,
        "all.aritma.yaml",
        exclude_names=["IAM admin"],
        groups={"due": "service_client_due", "quoted": """'"' in service_client_name"""},
        compose={"title": "service_client_name ~ '!'", "ansible_connection": "'local'"},
        keyed_groups=[{"key": "service_client_secrets[0].state", "prefix": "state"}],
        strict=True,
    )
    inventory = fleet.listed(ansible, "--export", "-i", "all.aritma.yaml")
    hosts = fleet.plain(inventory["_meta"]["hostvars"])
    assert {each["service_client_name"]: host for host, each in hosts.items()} == names
    assert {each["service_client_name"]: each["title"] for each in hosts.values()} == {n: f"{n}!" for n in names}
    assert set(inventory["quoted"]["hosts"]) == {"it_s_quoted_100_25"}
    assert len(inventory["due"]["hosts"]) == len(inventory["state_too_old"]["hosts"]) == len(names) // 2
    assert set(inventory["service_clients"]["hosts"]) == set(hosts)
    assert CANARY not in json.dumps(inventory)

    told = {"msg": "{{ service_client_name }} {{ ansible_python_interpreter }}"}
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "tasks": [{"name": "Tell", "ansible.builtin.debug": told}],
    }
    (tmp_path / "tell.yml").write_text(json.dumps([play]), encoding="utf-8")
    run = fleet.run(ansible, "ansible-playbook", "-i", "all.aritma.yaml", "tell.yml").ok()
    assert {each["msg"].rpartition(" ")[0] for each in run.results("Tell")} == set(names)
    assert all(each["msg"].rpartition("/")[2].startswith("python") for each in run.results("Tell"))
    assert not evaluated.exists()


def test_options_come_from_everywhere(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """The source (also as a template), ansible.cfg, extra variables and the environment; an empty variable is none."""
    _seeded(simulator, ["billing"])
    (tmp_path / "ansible.cfg").write_text(f"[aritma_iam]\nidentity_url = {simulator.identity_url}\n", encoding="utf-8")
    api_url = "{{ lookup('ansible.builtin.env', 'OUR_API') }}"
    fleet.source(tmp_path, "b.aritma.yml", api_url=api_url, names="bill*,x", secrets="yes", rotate_after="never")
    ansible.environment |= {"OUR_API": simulator.api_url, "ARITMA_VALIDATE_CERTS": "", "ARITMA_REQUEST_TIMEOUT": " "}
    for name in ("ARITMA_IAM_URL", "ARITMA_IDENTITY_URL", "ARITMA_TENANT"):
        del ansible.environment[name]
    run = fleet.run(ansible, "ansible-inventory", "--graph", "-i", "b.aritma.yml", "-e", "aritma_iam_tenant=acme").ok()
    assert "|--billing" in run.output
    assert "WARN" not in run.output


def test_the_cache(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """What is cached is not asked for again, is made anew when it cannot be read, and holds no token and no value."""
    _seeded(simulator, ["billing", "reports"])
    kept = {"cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(tmp_path / "cache")}
    fleet.source(tmp_path, "kept.aritma.yml", cache=True, groups={"due": "service_client_due"}, **kept)
    fresh = fleet.listed(ansible, "-i", "kept.aritma.yml")
    assert _asked(simulator) == 4
    assert fleet.listed(ansible, "-i", "kept.aritma.yml") == fresh
    assert _asked(simulator) == 0
    (file,) = (tmp_path / "cache").iterdir()
    text = file.read_text(encoding="utf-8")
    tokens = [json.loads(each.read_text())["token"] for each in (tmp_path / "tokens").glob("*.json")]
    assert tokens
    assert not [each for each in [CANARY, simulator.admin_client_secret, *tokens] if each in text]
    assert "billing" in text

    file.write_text(json.dumps({"an": "older form"}), encoding="utf-8")
    assert fleet.listed(ansible, "-i", "kept.aritma.yml") == fresh
    assert _asked(simulator) == 4


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "dead": ({"api_url": "http://127.0.0.1:1/iam", "retry_budget": 0}, "listClients: GET http://127.0.0.1:1/iam/v1/cl"),
    "unknown": ({"nmaes": ["x"]}, "nmaes: aritma.iam.service_clients has no such option"),
    "typed": ({"auth_client_secret": {"inner": CANARY}}, "auth_client_secret is not text"),
    "refused": ({"auth_client_secret": CANARY}, "The admin credential got no token"),
    "unencrypted": ({"api_url": "http://api.example.test"}, "would send credentials unencrypted"),
    "hidden": ({"scopes": ["api"]}, "Set details: true"),
    "strict": ({"strict": True, "compose": {"x": "nothing.at.all"}}, "Could not set x for host"),
    "duration": ({"older_than": "ages"}, "older_than: 'ages' is not a duration"),
}
"""Sources that cannot be read, and a part of what is said of each."""


def test_what_is_wrong_with_a_source_is_said(simulator: Simulator, ansible: Ansible, tmp_path: Path) -> None:
    """At any verbosity, with neither a traceback of an unexpected error nor a secret."""
    _seeded(simulator, ["billing"])
    arguments = []
    for name, (options, _words) in BAD.items():
        arguments += ["-i", fleet.source(tmp_path, f"{name}.aritma.yml", **options).name]
    run = fleet.run(ansible, "ansible-inventory", "--list", "-vvvv", *arguments)
    said = " ".join(run.output.split())
    assert [name for name, (_options, words) in BAD.items() if words not in said] == []
    assert CANARY not in run.output
    assert simulator.admin_client_secret not in run.output
    assert "unexpected" not in said


def test_a_dead_server_can_be_made_to_fail_a_run(ansible: Ansible, tmp_path: Path) -> None:
    """As the documentation says; by default Ansible only warns."""
    fleet.source(tmp_path, "dead.aritma.yml", api_url="http://127.0.0.1:1/iam", retry_budget=0)
    command = ("ansible-playbook", "-i", "dead.aritma.yml", "aritma.iam.rotate")
    run = fleet.run(ansible, *command, ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED="true")
    assert run.code != 0
    assert "refused the connection" in " ".join(run.output.split())
