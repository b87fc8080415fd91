# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret that a module returns is usable when registered, and in no output at -vvvv, on success and on failure."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible_run import Ansible
from service import SCOPE, delivered, service

from simulator.process import Simulator

WAYS = ("controller", "target")
CANARY = "canary/of+mine=0123456789"
ADMIN = "simulator-admin-secret"
NOWHERE: dict[str, Any] = dict.fromkeys(
    ("ARITMA_IAM_URL", "ARITMA_IDENTITY_URL", "ARITMA_TENANT", "ARITMA_CLIENT_ID", "ARITMA_CLIENT_SECRET"), ""
)
"""Nothing about the connection in the environment of the process."""


def _forms(secret: str) -> set[str]:
    """A secret as text, and as it may travel."""
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), encoded.rstrip("="), json.dumps(secret)[1:-1]}


def _shown(secrets: Iterable[str], *texts: str) -> list[str]:
    return [secret for secret in secrets for form in _forms(secret) if any(form in text for text in texts)]


KEY = {"client_id": "{{ inventory_hostname }}"}
EXCHANGE = {**KEY, "scope": "services.iam"}


def _made() -> list[dict[str, Any]]:
    """Make secrets, alone and in a loop, and use them."""
    return [
        {"aritma.iam.client_secret": {**KEY, "description": "made by {{ inventory_hostname }}"}, "register": "made"},
        {
            "aritma.iam.token_exchange": {**EXCHANGE, "client_secret": "{{ made.secret.value }}", "return_token": True},
            "register": "got",
        },
        {"name": "Use", "aritma.iam.oidc_client_info": {"access_token": "{{ got.access_token }}"}},
        {
            "aritma.iam.client_secret": {**KEY, "description": "{{ item }} by {{ inventory_hostname }}"},
            "loop": ["one", "two"],
            "register": "many",
        },
        {
            "name": "Each",
            "aritma.iam.token_exchange": {**EXCHANGE, "client_secret": "{{ many.results[item].secret.value }}"},
            # Ansible shows what is looped over.
            "loop": [0, 1],
        },
    ]


def _kept(path: str) -> list[dict[str, Any]]:
    """The steps of a rotation: written ahead, added, proven, promoted; read back, used and delivered."""
    store = {"store": {"type": "file", "path": f"{path}/record.json"}, **KEY}
    once = {"settings": {"proof_successes": 1}}
    rotation = {**store, **once, "client_name": "{{ inventory_hostname }}", "scope": "services.iam"}
    ahead = "begun.rotation.next"
    prove = {**EXCHANGE, "client_secret": f"{{{{ {ahead}.value }}}}", "rotation_id": f"{{{{ {ahead}.rotation_id }}}}"}
    plan = {"plan": "{{ begun.rotation.plan }}", "evidence": ["{{ added }}", "{{ proven }}"]}
    current = "{{ stored.record.current.value }}"
    return [
        {"aritma.iam.rotation": {**rotation, "state": "begun"}, "register": "begun"},
        {
            "aritma.iam.client_secret": {
                **KEY,
                "description": f"{{{{ {ahead}.description }}}}",
                "value": f"{{{{ {ahead}.value }}}}",
            },
            "register": "added",
        },
        {"name": "Prove", "aritma.iam.token_exchange": prove, "register": "proven"},
        {"aritma.iam.rotation": {**rotation, **plan, "state": "promoted"}, "register": "promoted"},
        {"aritma.iam.credential_store": {**store, "state": "read"}, "register": "stored"},
        {"name": "Stored", "aritma.iam.token_exchange": {**EXCHANGE, "client_secret": current}},
        {
            "aritma.iam.credential_file": {
                "path": f"{path}/credential.env",
                "credential": "{{ promoted.rotation.credential }}",
            }
        },
    ]


def _noted(log: str) -> dict[str, Any]:
    """Write down for the test which secrets there were."""
    alone = "[made.secret.value, got.access_token, stored.record.current.value]"
    looped = "many.results | map(attribute='secret.value') | list"
    known = {"content": f"{{{{ ({alone} + ({looped})) | to_json }}}}"}
    return {"ansible.builtin.copy": {**known, "dest": log, "mode": "0600"}, "no_log": True}


def _failures(path: str) -> list[dict[str, Any]]:
    """Everything that takes a secret fails, also where the server says the secret back."""
    exchange = {"client_id": "c1", "client_secret": CANARY, "scope": SCOPE, "deadline": 0}
    adopt = {"state": "begun", "scope": SCOPE, "known_secret": CANARY}
    nowhere, store = {"type": "file", "path": "x"}, {"type": "file", "path": f"{path}/two.json"}
    deliver = {"path": f"{path}/no/such/folder.env", "credential": {"client_secret": CANARY}}
    calls: list[tuple[str, dict[str, Any]]] = [
        ("client_secret", {"client_id": "c2", "description": "refused", "value": CANARY}),
        ("client_secret", {"client_id": "c2", "description": "too long", "value": CANARY * 2}),
        ("client_secret", {"client_id": "c1", "value": CANARY}),
        ("client_secret", {"client_id": "c1", "description": "d", "value": CANARY, "colour": "red"}),
        ("token_exchange", exchange),
        ("token_exchange", {**exchange, "client_id": "c2"}),
        ("token_exchange", {**exchange, "scope": None}),
        ("rotation", {**adopt, "client_id": "c1", "client_name": "one", "store": nowhere}),
        ("rotation", {**adopt, "client_id": "c2", "client_name": "two", "store": store}),
        ("credential_file", deliver),
        ("oidc_client", {"name": "n", "auth_client_secret": CANARY}),
        ("oidc_client", {"name": "n", "access_token": CANARY}),
    ]
    return [
        {f"aritma.iam.{module}": options, "ignore_errors": True, "name": f"Fail {number}"}
        for number, (module, options) in enumerate(calls)
    ]


@pytest.mark.matrix
def test_a_returned_secret_is_usable_and_hidden(simulator: Simulator, ansible: Ansible) -> None:
    """Both ways of running, in a loop and alone."""
    _seed_tellers(simulator)
    for way in WAYS:
        (ansible.home / way).mkdir()
    folder = f"{ansible.home}/{{{{ inventory_hostname }}}}"
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "serial": 1,
        "environment": {"ARITMA_RUN_ON": "{{ inventory_hostname }}"},
        "tasks": [*_made(), *_kept(folder), _noted(f"{folder}/known.json"), *_failures(folder)],
    }
    log = ansible.home / "ansible.log"
    hosts: dict[str, dict[str, Any]] = {way: {} for way in WAYS}
    run = ansible.run([play], "-vvvv", "--diff", hosts=hosts, ANSIBLE_LOG_PATH=str(log)).ok()

    for way in WAYS:
        known = json.loads((ansible.home / way / "known.json").read_text())
        assert len(known) == len(set(known)) == 5
        events = json.dumps(run.events)
        assert _shown([*known, CANARY, CANARY * 2, ADMIN], run.output, log.read_text(), events) == [], way
        failed = [each for each in run.events if each["host"] == way and each["event"] == "failed"]
        assert len(failed) == len(_failures("")), [each["task"] for each in failed]


def _seed_tellers(simulator: Simulator) -> None:
    """Client c1 works, as does one for each way of running; for c2 the server repeats the secret, in every form."""
    simulator.admin.seed(
        clients=[
            {"client_id": "c1", "name": "one", "allowed_scopes": ["services.iam", SCOPE]},
            {"client_id": "c2", "name": "two", "allowed_scopes": [SCOPE]},
            *({"client_id": way, "name": way, "allowed_scopes": ["services.iam", SCOPE]} for way in WAYS),
        ]
    )
    told = "; ".join(sorted(_forms(CANARY)))
    refusal = {"action": "fail_before", "status": 400}
    simulator.admin.add_faults(
        {**refusal, "match": {"operation": "createClientSecret", "client_id": "c2"}, "payload": {"detail": told}},
        {
            **refusal,
            "match": {"path_regex": "connect/token", "client_id": "c2"},
            "payload": {"error": "invalid_client", "error_description": told},
        },
    )


def _tasks_without_options(home: Path) -> list[dict[str, Any]]:
    """The role, a lookup and a store, none of which is told where the server is."""
    return [
        {"ansible.builtin.import_role": {"name": "aritma.iam.service_client"}},
        {
            "name": "By lookup",
            "aritma.iam.oidc_client_info": {
                "name": "billing",
                "auth_client_secret": None,
                "access_token": "{{ lookup('aritma.iam.access_token') }}",
            },
        },
        {"name": "Stored", "aritma.iam.credential_store": {"store": {"path": f"{home}/store/billing.json"}}},
    ]


def test_module_defaults_of_the_group_reach_every_module_and_the_role(simulator: Simulator, ansible: Ansible) -> None:
    """Connection options out of variables, by ``module_defaults`` alone; lookups have variables of their own."""
    defaults = {
        "identity_url": "{{ my_identity }}",
        "tenant": "acme",
        "auth_client_id": "admin",
        "auth_client_secret": "{{ my_admin_secret }}",
    }
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "module_defaults": {"group/aritma.iam.iam": {**defaults, "api_url": "{{ my_api }}"}},
        "vars": {
            "my_api": simulator.api_url,
            "my_identity": simulator.identity_url,
            **{f"aritma_iam_{name}": value for name, value in defaults.items()},
        },
        "tasks": _tasks_without_options(ansible.home),
    }
    run = ansible.run(
        [play], "-vvvv", hosts={"billing": service(ansible.home)}, variables={"my_admin_secret": ADMIN}, **NOWHERE
    ).ok()
    assert [each["name"] for each in run.results("By lookup")[0]["clients"]] == ["billing"]
    assert _shown([ADMIN, delivered(ansible.home)["CLIENT_SECRET"]], run.output, json.dumps(run.events)) == []


@pytest.mark.torture
def test_the_environment_of_a_play(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """It counts like that of the process, both ways, and the admin's secret is not shown: not as a command's either."""
    simulators = {way: simulate() for way in WAYS}
    ansible = Ansible(tmp_path, simulators["controller"])
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "environment": {
            "ARITMA_IAM_URL": "{{ my_api }}",
            "ARITMA_IDENTITY_URL": "{{ my_identity }}",
            "ARITMA_TENANT": "acme",
            "ARITMA_CLIENT_ID": "admin",
            "ARITMA_CLIENT_SECRET": "{{ my_admin_secret }}",
            "ARITMA_RUN_ON": "{{ inventory_hostname }}",
        },
        "tasks": [{"ansible.builtin.import_role": {"name": "aritma.iam.service_client"}}],
    }
    hosts = {
        way: {
            **service(tmp_path / way),
            "my_api": simulators[way].api_url,
            "my_identity": simulators[way].identity_url,
        }
        for way in WAYS
    }
    for way in WAYS:
        (tmp_path / way).mkdir()
    run = ansible.run([play], "-vvvv", hosts=hosts, variables={"my_admin_secret": ADMIN}, **NOWHERE).ok()
    secrets = [delivered(tmp_path / way)["CLIENT_SECRET"] for way in WAYS]
    assert _shown([ADMIN, *secrets], run.output, json.dumps(run.events)) == []
    assert [len(simulators[way].admin.state()["policies"]) for way in WAYS] == [2, 2]
