# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises 15 and 16: the canary stops the fleet, one client does not, and the report says each client's state once."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from torture.world import World, ours

from simulator.process import Simulator


def _fleet(world: World, size: int, failing: int) -> list[str]:
    """Clients of which one has a service that works with its first secret alone."""
    names = [f"client{number:03d}" for number in range(size)]
    client = world.add(*names)[failing]
    probe = f"grep -q {client.record()['current']['value']} {client.home / 'delivered.env'}"
    client.variables["service_client_probe"] = {"command": probe, "retries": 0}
    return names


def _rotate(world: World, **variables: object) -> int:
    told = {"rotation_force": True, "rotation_report": str(world.report), **variables}
    run = world.ansible().run("aritma.iam.rotate", "-f", "10", variables=told, hosts=world.hosts(), timeout=3000)
    return run.code


def _check_canary(world: World, names: list[str]) -> None:
    """The first one fails: nobody asked anything about the others, and nothing of theirs was touched."""
    before = [each.record() for each in world.clients[1:]]
    assert _rotate(world) != 0
    assert set(world.reported()) == {names[0]}
    asked = {str(each["client_id"]) for each in ours(world.simulator.admin.log())}
    assert asked == {world.clients[0].client_id}
    assert [each.record() for each in world.clients[1:]] == before


def _check_others(world: World, names: list[str], failing: int, **variables: object) -> None:
    """A client in the midst fails: it is named, and all others are rotated."""
    assert _rotate(world, **variables) != 0
    assert world.states() == {name: "rolled_back" if name == names[failing] else "rotated" for name in names}
    listed = Counter(each["client_name"] for each in json.loads(world.report.read_text(encoding="utf-8"))["clients"])
    assert set(listed.values()) == {1}
    assert world.report.stat().st_mode & 0o777 == 0o600
    others = [each for each in world.clients if each.name != names[failing]]
    assert [complaint for each in others for complaint in each.complaints()] == []


def test_a_failing_canary_stops_the_fleet(tmp_path: Path, simulator: Simulator) -> None:
    """Six clients; `make torture` has 200."""
    world = World(tmp_path, simulator)
    _check_canary(world, _fleet(world, 6, failing=0))


def test_one_failing_client_does_not_stop_the_fleet(tmp_path: Path, simulator: Simulator) -> None:
    """Six clients, the canary and five others: a fifth of them fails, which is no more than the limit."""
    world = World(tmp_path, simulator)
    names = _fleet(world, 6, failing=4)
    _check_others(world, names, 4, rotation_batch=[1, 5])


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("failing", [0, 130])
def test_two_hundred_clients(tmp_path: Path, simulator: Simulator, failing: int) -> None:
    """Ten forks, one client that always fails its probe."""
    world = World(tmp_path, simulator)
    names = _fleet(world, 200, failing)
    if failing == 0:
        _check_canary(world, names)
    else:
        _check_others(world, names, failing)
