# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main job, end to end, on every profile of the simulator: provision twice, rotate, rotate again without need.

Each profile has a simulator of its own and is one inventory host, so that one run of Ansible serves several of them.
On the profile ``documented`` the tasks and calls are counted, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from service import delivered, service, stored
from wire_log import Wire

from simulator.caller import Caller
from simulator.named import every_profile
from simulator.process import Simulator

FOREIGN = {"value": "MadeBySomebodyElse0", "description": "portal"}
CERTIFICATE = {"value": "0123456789abcdef", "description": "certificate", "type": "X509Thumbprint"}
CAPPED = {"capped", "capped_409"}
"""Profiles on which a client can hold two secrets: the other one would leave no room for a rotation."""
STALE = {"stale_lists", "stale_lists_seconds"}
"""Profiles that still list a deleted secret, so that the next run deletes it again."""
COUNTED = "documented"
"""The profile on which tasks and calls are counted."""
PROOFS = 5
"""Exchanges in a row that prove a new secret, by default."""
ROTATION = [
    *("rotation", "client_secret", "token_exchange", "rotation", "credential_file"),
    *("rotation", "client_secret", "token_exchange", "rotation"),
]
"""The tasks of a rotation: begin, create, prove, promote, deliver, guard, retire, confirm, close."""
USUAL = ("capped", "documented", "strict")
"""Profiles on which the role does something else, or knows something else. `make torture` takes the others.

The modules are tested with every profile: tests/unit/api. Of the others, these have tests of their own here:
``anonymous_subjects``, ``no_cascade``, ``no_update`` and ``stale_lists`` in test_revocation.py, ``integer_ids`` and
descriptions that tell nothing in test_ids.py, ``two_nodes`` and late acceptance in test_grace.py, ``small_pages`` in
test_names.py.
"""
RARE = tuple(name for name in every_profile() if name not in USUAL)


class Tenant:
    """One profile: its simulator, its folder, its client."""

    def __init__(self, home: Path, profile: str, simulator: Simulator) -> None:
        self.profile = profile
        self.simulator = simulator
        self.home = home / profile
        self.home.mkdir()

    def host(self) -> dict[str, Any]:
        """The variables of its inventory host."""
        return {
            **service(self.home, service_client_name=self.profile),
            "tenant_environment": _connection(self.simulator),
        }

    def wire(self) -> Wire:
        """The requests since the log was cleared."""
        return Wire(self.simulator.admin.log())

    def secrets(self) -> list[dict[str, Any]]:
        """The live secrets of its client."""
        client_id = stored(self.home)["client_id"]
        clients = self.simulator.admin.state()["clients"]
        live: list[dict[str, Any]] = next(each for each in clients if each["client_id"] == client_id)["secrets"]
        return live

    def lives(self, value: str) -> bool:
        """Whether a live secret of the client has this value."""
        return bool(self.simulator.admin.check(stored(self.home)["client_id"], value)["live"])

    def add_foreign_secrets(self) -> None:
        """Somebody else adds a secret by hand, and a certificate, which is one of the secrets too."""
        if self.profile in CAPPED:
            return
        client_id = stored(self.home)["client_id"]
        answer = Caller(self.simulator).add_secret(client_id, **FOREIGN)
        assert answer.ok, answer.text
        self.simulator.admin.seed(secrets=[{"client_id": client_id, **CERTIFICATE}])


def _connection(simulator: Simulator) -> dict[str, str]:
    return {"ARITMA_IAM_URL": simulator.api_url, "ARITMA_IDENTITY_URL": simulator.identity_url}


class Fleet:
    """Several tenants in one run of Ansible."""

    def __init__(self, home: Path, tenants: Mapping[str, Tenant]) -> None:
        self.tenants = tenants
        first = next(iter(tenants.values()))
        self.ansible = Ansible(home, first.simulator)

    def play(self, tasks_from: str, **variables: Any) -> Run:
        """Run one entry point of the role for all; the logs hold the requests of this run alone."""
        for each in self.tenants.values():
            each.simulator.admin.clear_log()
        role = {"name": "aritma.iam.service_client", "tasks_from": tasks_from}
        play = {
            "hosts": "service_clients",
            "gather_facts": False,
            "environment": "{{ tenant_environment }}",
            "tasks": [{"ansible.builtin.import_role": role}],
        }
        hosts = {name: each.host() for name, each in self.tenants.items()}
        return self.ansible.run([play], "-f", "8", hosts=hosts, variables=variables)


GROUPS = [
    pytest.param(USUAL, id="usual"),
    *(pytest.param(RARE[number::6], id=f"rare{number}", marks=pytest.mark.torture) for number in range(6)),
]


@pytest.mark.parametrize("profiles", GROUPS)
def test_from_nothing_to_rotated(profiles: Sequence[str], tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """What must hold on every profile."""
    fleet = Fleet(tmp_path, {name: Tenant(tmp_path, name, simulate(name)) for name in profiles})

    run = fleet.play("main").ok()
    first = {name: stored(each.home) for name, each in fleet.tenants.items()}
    for name, tenant in fleet.tenants.items():
        _check_provisioned(tenant, first[name])
        _check_tasks(tenant, run, most=13)

    run = fleet.play("main").ok()
    for tenant in fleet.tenants.values():
        _check_nothing_done(tenant, run, iam_calls=6 if tenant.profile == "anonymous_subjects" else 5)
        _check_tasks(tenant, run, most=7)
        tenant.add_foreign_secrets()

    run = fleet.play("rotate", rotation_force=True).ok()
    for name, tenant in fleet.tenants.items():
        _check_rotated(tenant, first[name])
        _check_cost_of_a_rotation(tenant, run)

    run = fleet.play("rotate").ok()
    for name, tenant in fleet.tenants.items():
        if name in STALE:
            assert tenant.wire().writes(effective=True) == [], name
        else:
            _check_nothing_done(tenant, run, iam_calls=1)
        if name == COUNTED:
            assert _tasks(run, name) == ["rotation", "credential_file", "rotation"]
            assert tenant.wire().operations() == ["listClientSecrets", "tokenForTenant"]


def _tasks(run: Run, host: str) -> list[str]:
    """Our modules that a worker was forked for, in their order. A loop is one task."""
    ended = [each["action"] for each in run.events if each["host"] == host and each["event"] != "skipped"]
    return [each.removeprefix("aritma.iam.") for each in ended if each.startswith("aritma.iam.")]


def _check_tasks(tenant: Tenant, run: Run, most: int) -> None:
    tasks = _tasks(run, tenant.profile)
    assert tenant.profile != COUNTED or len(tasks) <= most, tasks


def _check_cost_of_a_rotation(tenant: Tenant, run: Run) -> None:
    if tenant.profile == COUNTED:
        wire = tenant.wire()
        assert _tasks(run, COUNTED) == ROTATION
        assert wire.iam_calls() + wire.exchanges() <= 9 + PROOFS - 1, wire.operations()
        assert wire.writes() == ["createClientSecret", "deleteClientSecret"]


def _check_provisioned(tenant: Tenant, record: Mapping[str, Any]) -> None:
    assert delivered(tenant.home)["CLIENT_SECRET"] == record["current"]["value"], tenant.profile
    assert record["pending"] is None and record["previous"] is None, tenant.profile
    assert len(tenant.secrets()) == 1, tenant.profile
    policies = {(each["action"], each["scope"]) for each in tenant.simulator.admin.state()["policies"]}
    wanted = {("banking.ais.read", "/subscriptions/123"), ("banking.pis.read", "/subscriptions/123")}
    assert policies == wanted, tenant.profile


def _check_nothing_done(tenant: Tenant, run: Run, iam_calls: int) -> None:
    wire = tenant.wire()
    changed = [each["task"] for each in run.events if each["host"] == tenant.profile and each["result"].get("changed")]
    # The run after one that added a secret confirms the id that that one could only guess, and writes it down.
    learns = tenant.profile == "no_descriptions"
    assert [each.rpartition(" : ")[2][:5] for each in changed] == ["Begin"] * learns, (tenant.profile, changed)
    assert wire.writes(effective=True) == [], (tenant.profile, wire.operations())
    assert wire.iam_calls(further_pages=False) <= iam_calls, (tenant.profile, wire.operations())
    assert wire.exchanges() == 1, (tenant.profile, wire.operations())


def _check_rotated(tenant: Tenant, before: Mapping[str, Any]) -> None:
    record, profile = stored(tenant.home), tenant.profile
    assert record["current"]["value"] != before["current"]["value"], profile
    assert delivered(tenant.home)["CLIENT_SECRET"] == record["current"]["value"], profile
    assert tenant.lives(record["current"]["value"]) and not tenant.lives(before["current"]["value"]), profile
    assert record["pending"] is None and record["previous"] is None, profile
    foreign = profile not in CAPPED
    assert tenant.lives(FOREIGN["value"]) == tenant.lives(CERTIFICATE["value"]) == foreign, profile
    assert len(tenant.secrets()) == 1 + 2 * foreign, profile
