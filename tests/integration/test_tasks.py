# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run costs: forked tasks of ours, and calls to IAM and to the token endpoint."""

from __future__ import annotations

from collections.abc import Callable

from ansible_run import Ansible, Run
from service import service, stored
from wire_log import Wire

from simulator.process import Simulator

PROOFS = 5
"""Exchanges in a row that prove a new secret, by default."""


def _tasks(run: Run) -> list[str]:
    """Our modules that a worker was forked for, in their order. A loop is one task."""
    ours = [each["action"] for each in run.events if each["event"] != "skipped"]
    return [each.removeprefix("aritma.iam.") for each in ours if each.startswith("aritma.iam.")]


def test_tasks_and_calls(simulator: Simulator, ansible: Ansible) -> None:
    """Of a new client with two policies, of the same again, of a rotation, and of a run with nothing to do."""
    hosts = {"billing": service(ansible.home, service_client_rotation_grace="0s")}

    def counted(playbook: str, **variables: bool) -> tuple[list[str], Wire]:
        simulator.admin.clear_log()
        run = ansible.run(f"aritma.iam.{playbook}", hosts=hosts, variables=variables).ok()
        return _tasks(run), Wire(simulator.admin.log())

    tasks, _wire = counted("provision")
    assert len(tasks) <= 13, tasks
    tasks, wire = counted("provision")
    assert len(tasks) <= 7 and wire.writes() == [], tasks
    _check_rotation(counted, ansible)
    tasks, wire = counted("rotate")
    assert tasks == ["rotation", "credential_file", "rotation"]
    assert wire.operations() == ["listClientSecrets", "tokenForTenant"]


def _check_rotation(counted: Callable[..., tuple[list[str], Wire]], ansible: Ansible) -> None:
    before = stored(ansible.home)["current"]["value"]
    tasks, wire = counted("rotate", rotation_force=True)
    assert stored(ansible.home)["current"]["value"] != before and stored(ansible.home)["previous"] is None
    steps = (
        "rotation client_secret token_exchange rotation credential_file rotation client_secret token_exchange rotation"
    )
    assert tasks == steps.split(), "begin, create, prove, promote, deliver, guard, retire, confirm, close"
    assert wire.iam_calls() + wire.exchanges() <= 9 + PROOFS - 1, wire.operations()
    assert wire.writes() == ["createClientSecret", "deleteClientSecret"]
