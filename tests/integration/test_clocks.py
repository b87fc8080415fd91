# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clocks that are wrong, or jump: no grace ends early, nothing waits for a year, nothing is due for ever."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Run
from torture.world import Client, World

from simulator.process import Simulator

SHIM = Path(__file__).resolve().parent / "shifted_clock"
HOUR, DAY = 3600, 86400
ELSEWHERE = "another-host/boot/namespace/1/1/billing"
"""A run of which nothing can be known here."""


class Shifted:
    """Runs whose clock can be set, also while they run."""

    def __init__(self, world: World, seconds: int) -> None:
        self.world, self.file = world, world.home / "shift"
        self.set(seconds)

    def set(self, seconds: int) -> None:
        """Set it."""
        self.file.write_text(str(seconds), encoding="utf-8")

    def run(self, **variables: Any) -> Run:
        """Run aritma.iam.rotate by it."""
        ansible = self.world.ansible()
        ansible.environment |= {"PYTHONPATH": str(SHIM), "CLOCK_SHIFT": str(self.file)}
        return ansible.run("aritma.iam.rotate", variables=variables, hosts=self.world.hosts())


def _deletions(world: World) -> int:
    return sum(each["operation"] == "deleteClientSecret" for each in world.simulator.admin.log())


def _moments(data: Any) -> list[datetime]:
    """Every time in a record but expirations."""
    if isinstance(data, dict):
        return [moment for name, each in data.items() if name != "expires_at" for moment in _moments(each)]
    try:
        return [datetime.fromisoformat(data.replace("Z", "+00:00"))]
    except (AttributeError, ValueError):
        return []


def _in_one_line(run: Run) -> str:
    return " ".join(run.output.split())


def _now() -> datetime:
    return datetime.now(timezone.utc)


def _grace_is_over(client: Client) -> None:
    record = client.record()
    known = {name: {**each, "at": "2026-01-01T00:00:00Z"} for name, each in record["targets"].items()}
    client.keep({**record, "targets": known, "last_rotated_at": "2026-01-01T00:00:00Z"})


def test_a_clock_that_is_behind_ends_no_grace(tmp_path: Path, simulator: Simulator) -> None:
    """A day of grace is a day of the server, whatever the clock of the run that delivered."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing", service_client_rotation_grace="24h")
    clock = Shifted(world, -2 * DAY)
    first = clock.run(**world.variables()).ok()
    assert "is 2d behind that of the IAM API" in _in_one_line(first)
    assert (world.states(), _deletions(world)) == ({"billing": "waiting"}, 0)
    assert abs(max(_moments(client.record())) - _now()) < timedelta(hours=1)
    assert "behind that" not in _in_one_line(world.rotate(rotation_force=False).ok())
    assert (world.states(), _deletions(world)) == ({"billing": "waiting"}, 0)
    _grace_is_over(client)
    clock.set(-HOUR)
    clock.run(**world.variables(rotation_force=False)).ok()
    assert world.complaints() == []


@pytest.mark.torture
def test_a_clock_that_jumps_in_the_middle_ends_no_grace(tmp_path: Path, simulator: Simulator) -> None:
    """It is set while the service reloads, just before the grace begins to count.

    Set back, it would end for a run by the right clock; set forward, for another run by the same clock.
    """
    world = World(tmp_path, simulator)
    (client,) = world.add("billing", service_client_rotation_grace="24h")
    clock = Shifted(world, 0)
    with world.consumed():
        _jump(world, clock, -2 * DAY)
        clock.set(0)
        _check_waiting(world, clock, deletions=0)
        _grace_is_over(client)
        world.rotate(rotation_force=False).ok()
        assert world.complaints() == []
        _jump(world, clock, 2 * DAY)
        _check_waiting(world, clock, deletions=1)


def _jump(world: World, clock: Shifted, seconds: int) -> None:
    """A rotation whose clock is set by the reload; what reloads later does not touch it."""
    (client,) = world.clients
    client.variables.pop("service_client_deliveries", None)
    (delivery,) = client.host()["service_client_deliveries"]
    reload = {"command": ["sh", "-c", f"echo {seconds} > {clock.file}"]}
    client.variables["service_client_deliveries"] = [{**delivery, "reload": reload}]
    clock.run(**world.variables()).ok()
    client.variables["service_client_deliveries"] = [{**delivery, "reload": {"command": ["true"]}}]


def _check_waiting(world: World, clock: Shifted, deletions: int) -> None:
    clock.run(**world.variables(rotation_force=False)).ok()
    assert (world.states(), _deletions(world)) == ({"billing": "waiting"}, deletions)


@pytest.mark.parametrize(
    "shift", [400 * DAY, *(pytest.param(each, marks=pytest.mark.torture) for each in (HOUR, -HOUR))]
)
def test_a_wrong_clock_makes_nothing_due_and_a_rotation_by_it_is_right(
    tmp_path: Path, simulator: Simulator, shift: int
) -> None:
    """What it leaves is no different from what the right clock leaves: not due, and no time that is far away."""
    world = World(tmp_path, simulator)
    world.add("idle")
    (forced,) = world.add("forced", rotation_force=True)
    told = world.variables()
    del told["rotation_force"]
    Shifted(world, shift).run(**told).ok()
    assert world.states() == {"idle": "unchanged", "forced": "rotated"}
    assert max(abs(each - _now()) for each in _moments(forced.record()["current"])) < timedelta(minutes=10)
    world.rotate(rotation_force=False).ok()
    assert world.states() == {"idle": "unchanged", "forced": "unchanged"}
    assert forced.complaints() == []


def test_what_a_clock_a_year_ahead_has_written_holds_nobody_up(tmp_path: Path, simulator: Simulator) -> None:
    """The lease of a run elsewhere, and every time in the record: from the first run on they count from now."""
    world = World(tmp_path, simulator)
    world.add("idle")
    (forced,) = world.add("forced", rotation_force=True)
    ahead = f"{_now() + timedelta(days=400):%Y-%m-%dT%H:%M:%SZ}"
    for client in world.clients:
        record = client.record()
        record["current"]["created_at"] = record["last_rotated_at"] = record["last_verified_at"] = ahead
        client.keep({**record, "lease": {"owner": ELSEWHERE, "expires_at": ahead}})
    told = world.variables()
    del told["rotation_force"]
    world.ansible().run("aritma.iam.rotate", variables=told, hosts=world.hosts()).ok()
    assert world.states() == {"idle": "unchanged", "forced": "rotated"}
    for client in world.clients:
        assert max(_moments(client.record())) < _now() + timedelta(minutes=1), client.name
    assert forced.complaints() == []
