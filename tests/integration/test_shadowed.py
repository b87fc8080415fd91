# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables, facts and extra variables with the names of those that the role makes: never delivered, never believed."""

from __future__ import annotations

import json
from typing import Any

from ansible_run import Ansible, Run
from service import NAME, SCOPE, delivered, service, stored

from simulator.caller import Caller
from simulator.process import Simulator

ROTATE = {"ansible.builtin.import_role": {"name": "aritma.iam.service_client", "tasks_from": "rotate"}}


def test_a_variable_that_the_role_makes_is_refused(simulator: Simulator, ansible: Ansible) -> None:
    """An old credential in a fact was delivered once, in a run that then deleted its secret and succeeded."""
    ansible.run("aritma.iam.provision", hosts={NAME: service(ansible.home)}).ok()
    old = {name.lower(): value for name, value in delivered(ansible.home).items()}
    before, record = simulator.admin.state(), stored(ansible.home)
    fact = {"ansible.builtin.set_fact": {"service_client_credential": old}, "no_log": True}
    shadows: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
        ("service_client_credential", _play(fact, ROTATE), {}),
        ("service_client_credential", _play({**ROTATE, "vars": {"service_client_credential": old}}), {}),
        ("service_client_credential", _play(ROTATE), {"service_client_credential": old}),
        ("service_client_rotation", _play(ROTATE), {"service_client_rotation": {"plan": {"state": "rotated"}}}),
        ("service_client_delivery_host", _play(ROTATE), {"service_client_delivery_host": "elsewhere"}),
    ]
    for name, play, variables in shadows:
        run = _forced(ansible, play, variables)
        assert run.code != 0, f"{name}: {run.output}"
        assert f"The role sets {name}, but something else" in run.messages, run.output
        assert (simulator.admin.state(), stored(ansible.home)) == (before, record), name


def test_a_fact_that_is_set_in_the_midst_deletes_nothing(simulator: Simulator, ansible: Ansible) -> None:
    """Tasks of the caller that set it while they deliver: the run fails, and the service keeps a secret that works."""
    hosts = {NAME: service(ansible.home)}
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    old = {name.lower(): value for name, value in delivered(ansible.home).items()}
    own = [{"ansible.builtin.set_fact": {"service_client_credential": old}, "no_log": True}]
    (ansible.home / "own.yml").write_text(json.dumps(own), encoding="utf-8")
    deliveries = [{"type": "tasks", "file": str(ansible.home / "own.yml")}]
    run = _forced(ansible, _play(ROTATE), {"service_client_deliveries": deliveries}, service(ansible.home))
    assert run.code != 0, run.output
    assert Caller(simulator).accepts(old["client_id"], old["client_secret"], SCOPE)
    assert _forced(ansible, _play(ROTATE), {}, service(ansible.home)).code == 0
    new = delivered(ansible.home)
    assert Caller(simulator).accepts(new["CLIENT_ID"], new["CLIENT_SECRET"], SCOPE)


def _play(*tasks: dict[str, Any]) -> dict[str, Any]:
    return {"hosts": "service_clients", "gather_facts": False, "tasks": list(tasks)}


def _forced(
    ansible: Ansible, play: dict[str, Any], variables: dict[str, Any], host: dict[str, Any] | None = None
) -> Run:
    hosts = {NAME: host or service(ansible.home)}
    return ansible.run([play], hosts=hosts, variables={"rotation_force": True, **variables})
