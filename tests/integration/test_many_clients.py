# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""300 clients in one run: memory stays small, and a client costs what it cost among 100."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from memory import MEGABYTE, Memory, sampled
from service import SCOPE

from simulator.process import Simulator

MOST_MEMORY = 300 * MEGABYTE


def _provisioned(ansible: Ansible, simulator: Simulator, count: int) -> tuple[float, Memory]:
    """CPU seconds and memory of one run that provisions so many new clients."""
    hosts = {f"c{count}x{number:03}": _client(ansible.home, f"c{count}x{number:03}") for number in range(count)}
    before = _cpu_seconds()
    process = ansible.start("aritma.iam.provision", "-f", "10", hosts=hosts)
    with sampled(process.pid) as memory:
        run = ansible.finish(process, timeout=1800).ok()
    assert run.changed
    live = {each["name"]: len(each["secrets"]) for each in simulator.admin.state()["clients"]}
    assert {live[name] for name in hosts} == {1}
    assert all((ansible.home / f"{name}.env").exists() for name in hosts)
    return _cpu_seconds() - before, memory


def _client(home: Path, name: str) -> dict[str, Any]:
    return {
        "service_client_name": name,
        "service_client_allowed_scopes": [SCOPE],
        "service_client_policies": [{"action": "banking.ais.read", "scope": "/subscriptions/123"}],
        "service_client_store": {"type": "file", "path": str(home / f"{name}.json")},
        "service_client_deliveries": [{"type": "file", "path": str(home / f"{name}.env")}],
    }


def _cpu_seconds() -> float:
    """Of everything that this process has started and that has ended: no other load of the machine counts."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_three_hundred_clients_in_one_run(simulator: Simulator, ansible: Ansible) -> None:
    """At most 300 MB in any process, and a third of the clients takes a third of the time."""
    few, memory_of_few = _provisioned(ansible, simulator, 100)
    many, memory = _provisioned(ansible, simulator, 300)
    told = f"100 clients: {few:.1f} CPU s, {memory_of_few.peak / MEGABYTE:.0f} MB; 300: {many:.1f} CPU s, "
    told += f"{memory.peak / MEGABYTE:.0f} MB in one of {len(memory.processes)} processes"
    assert 0 < memory.peak <= MOST_MEMORY, told
    assert many <= 3 * few * 1.25, told
    print(told)
