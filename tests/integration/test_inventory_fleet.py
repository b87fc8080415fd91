# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets from the inventory: those that are due are rotated and no others, and slices at once do no harm."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import fleet
import pytest
from ansible_run import Ansible, Run
from memory import MEGABYTE, sampled
from torture.world import World, managed, ours

from simulator.process import Simulator

OLD = 61.0
"""Days: a day more than the limit."""
MOST_MEMORY = 200 * MEGABYTE


def _names(count: int) -> list[str]:
    return [f"client{number:03d}" for number in range(count)]


def _made(world: World) -> dict[str, int]:
    """How many secrets of ours each client has ever had."""
    state = world.simulator.admin.state()["clients"]
    return {each["name"]: sum(managed(secret) for secret in each["history"]) for each in state}


def _check_due(world: World, names: Sequence[str], due: Sequence[str], *arguments: str, **options: Any) -> None:
    """One command rotates those that are due; of the others, it asks nothing but once for the list of secrets."""
    fleet.populate(world, names, dict.fromkeys(due, OLD))
    ansible = world.ansible()
    fleet.source(ansible.home, "due.aritma.yml", **options)
    fleet.group_vars(ansible.home, world.home)
    told = ("-i", "due.aritma.yml", "-e", f"rotation_report={world.report}", *arguments)
    fleet.run(ansible, "ansible-playbook", "-f", "10", *told, "aritma.iam.rotate").ok()
    assert {name: entry["state"] for name, entry in world.reported().items()} == dict.fromkeys(due, "rotated")
    assert _made(world) == {"IAM admin": 0, **{name: 1 + (name in due) for name in names}}
    log = ours(world.simulator.admin.log())
    asked = {each.name: [request["operation"] for request in ours(log, each)] for each in world.clients}
    assert [asked[name] for name in names if name not in due] == [["listClientSecrets"]] * (len(names) - len(due))
    assert [complaint for each in world.clients if each.name in due for complaint in each.complaints()] == []
    again = fleet.run(ansible, "ansible-playbook", *told, "aritma.iam.rotate").ok()
    assert "no hosts matched" in again.output, "nobody is due, which is no error"


def _slices(world: World, hosts: Sequence[Sequence[str]], inventory: dict[str, Any]) -> list[Run]:
    """One run a slice, all at once, each in a home of its own like a job of AWX in its container."""
    started: list[tuple[Ansible, subprocess.Popen[str]]] = []
    for number, names in enumerate(hosts):
        ansible = world.ansible(f"slice{number}")
        path = fleet.script(ansible.home, "inventory", fleet.slice_of(inventory, names))
        report = ("-e", f"rotation_report={world.home / f'report{number}.json'}")
        process = ansible.launch("ansible-playbook", "-f", "5", "-i", str(path), *report, "aritma.iam.rotate")
        started.append((ansible, process))
    return [ansible.finish(process, 3000) for ansible, process in started]


def _check_slices(world: World, names: Sequence[str], count: int, overlap: int) -> None:
    """All clients are due; the slices of AWX, each with some hosts of the next one, rotate each of them once."""
    fleet.populate(world, names, dict.fromkeys(names, OLD))
    synced = world.ansible("sync")
    fleet.source(synced.home, "clients.aritma.yml", names=["client*"])
    fleet.group_vars(synced.home, world.home)
    inventory = fleet.listed(synced, "--export", "-i", "clients.aritma.yml")
    hosts = fleet.awx_slices(inventory, count)
    shared = [[*own, *hosts[(number + 1) % count][:overlap]] for number, own in enumerate(hosts)]
    with world.consumed():
        runs = _slices(world, shared, inventory)
    assert [run.code for run in runs] == [0] * count, "\n".join(run.messages for run in runs)
    reports = [World.entries(world.home / f"report{number}.json") for number in range(count)]
    assert [set(report) for report in reports] == [set(each) for each in shared]
    states = Counter((name, entry["state"]) for report in reports for name, entry in report.items())
    assert {name: states[name, "rotated"] for name in names} == dict.fromkeys(names, 1)
    assert {state for _name, state in states} <= {"rotated", "unchanged"}
    assert {name: number for name, number in _made(world).items() if name in names} == dict.fromkeys(names, 2)
    assert world.complaints() == []
    assert max(each.peak() for each in world.clients) <= 2


def test_those_that_are_due_are_rotated_and_no_others(tmp_path: Path, simulator: Simulator) -> None:
    """Twelve clients, three of them due, which a group has; `make torture` has 200."""
    names, groups = _names(12), {"due": "service_client_due"}
    _check_due(World(tmp_path, simulator), names, names[1::4], "-e", "rotation_hosts=due", groups=groups)


@pytest.mark.torture
def test_two_slices_at_once(tmp_path: Path, simulator: Simulator) -> None:
    """Three clients; each slice has one client of the other one, too."""
    _check_slices(World(tmp_path, simulator), _names(3), 2, overlap=1)


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_twenty_of_two_hundred_are_due(tmp_path: Path, simulator: Simulator) -> None:
    """In full size, where the source has only those that are due."""
    world, names = World(tmp_path, simulator), _names(200)
    _check_due(world, names, names[3::10], only_due=True)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("overlap", [0, 10])
def test_four_slices_of_two_hundred(tmp_path: Path, simulator: Simulator, overlap: int) -> None:
    """The same in full size; without and with clients that two slices have."""
    _check_slices(World(tmp_path, simulator), _names(200), 4, overlap)


@pytest.mark.torture
def test_the_inventory_of_a_thousand_clients(simulator: Simulator, ansible: Ansible) -> None:
    """One request a client and one a page, in less than 200 MB."""
    secrets = [[fleet.managed_secret(number, OLD if number % 50 == 0 else 1.0)] for number in range(999)]
    simulator.admin.seed(clients=[{"name": f"c{n:04d}", "secrets": own} for n, own in enumerate(secrets)])
    fleet.source(ansible.home, "clients.aritma.yml", groups={"due": "service_client_due"})
    target = ansible.home / "listed.json"
    process = ansible.launch("ansible-inventory", "--list", "-i", "clients.aritma.yml", "--output", str(target))
    with sampled(process.pid) as memory:
        ansible.finish(process).ok()
    requests = Counter(str(each["operation"]) for each in simulator.admin.log() if each.get("operation"))
    told = f"{dict(requests)}, {memory.peak / MEGABYTE:.0f} MB"
    assert requests["listClientSecrets"] == 1000, told
    assert requests["listClients"] == 5, told
    assert 0 < memory.peak <= MOST_MEMORY, told
    print(told)
