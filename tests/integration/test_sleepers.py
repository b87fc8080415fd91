# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 19: a run that slept past its lease changes nothing that others have replaced meanwhile, and says so."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from torture.kills import Holding, Point
from torture.world import Client, World

from simulator.process import Simulator

SHORT: dict[str, Any] = {
    "service_client_lease": "30s",
    "service_client_proof_deadline": 1,
    "service_client_retire_deadline": 1,
}
LEASE = 32.0
"""Seconds: the lease, and what a task may wait."""


def _before(task: str, number: int = 1) -> Point:
    return Point("task", number, operation=task)


# The first round tries the delivery, which was never made before.
POINTS = {
    "deliver": _before("Deliver | Write", 2),
    "delete": _before("Retire | Delete"),
    "slow": _before("Own tasks | Run them"),
}
FURTHER = {
    "promote": _before("Promote |"),
    "back": _before("Deliver | Write", 3),
    "posting": Point("call", operation="createClientSecret"),
    "create": _before("Create |"),
    "guard": _before("Guard |"),
    "close": _before("Close |", 2),
    "prove": _before("Prove |"),
    "reload": _before("Reload | Run the command"),
    "probe": _before("Probe | Run the command"),
    "confirm": _before("Confirm |"),
    "posted": Point("call", operation="createClientSecret", phase="after"),
    "deleting": Point("call", operation="deleteClientSecret"),
    "deleted": Point("call", operation="deleteClientSecret", phase="after"),
    "back_guard": _before("Guard |"),
    "back_delete": _before("Retire | Delete"),
    "back_close": _before("Close |", 2),
}


def _furnish(world: World, client: Client) -> None:
    delivery = {"path": str(client.home / "delivered.env")}
    if client.name.startswith("back"):
        old = client.record()["current"]["value"]
        probe = f"grep -q {old} {client.home}/delivered.env"
        client.variables["service_client_probe"] = {"command": probe, "retries": 0}
    elif client.name == "slow":
        # A task of the operator that writes the file: no fence is there to stop it.
        tasks, written = client.home / "deliver.yml", "CLIENT_SECRET={{ service_client_credential.client_secret }}\n"
        copy = {"content": written, "dest": str(client.home / "own.env"), "mode": "0600"}
        tasks.write_text(yaml.safe_dump([{"name": "Write", "ansible.builtin.copy": copy}]), encoding="utf-8")
        client.variables["service_client_deliveries"] = [delivery, {"type": "tasks", "file": str(tasks)}]
    elif client.name in ("reload", "probe"):
        client.variables["service_client_deliveries"] = [{**delivery, "reload": {"command": "true"}}]
        client.variables["service_client_probe"] = {"command": "true"}


def _held(client: Client) -> Any:
    """What the store and the file hold, and the ids of its secrets."""
    return client.record(), client.delivered(), {str(each["id"]) for each in client.secrets()}


def _sleep(world: World, points: Mapping[str, Point]) -> None:
    for client in world.add(*points):
        _furnish(world, client)
    with world.consumed():
        holding = Holding(world, "aritma.iam.rotate", world.clients, points, **SHORT)
        with holding.sleeping() as run:
            time.sleep(LEASE)
            failing = [client for client in world.clients if client.name.startswith("back")]
            for client in failing:
                client.variables.clear()
            for _number in range(2):
                world.rotate(**SHORT).ok()
            before = {client.name: _held(client) for client in world.clients}
        assert run.code != 0
        assert [name for name, state in world.states().items() if state not in ("failed", "blocked")] == []
        for client in world.clients:
            record, file, ids = _held(client)
            assert (record, file) == before[client.name][:2], f"{client.name} was changed:\\n{run.output}"
            assert before[client.name][2] <= ids, f"{client.name}: a secret is gone"
        last = world.rotate(rotation_force=False)
        assert last.code == 0, last.messages
    assert [each for client in world.clients if client.name != "slow" for each in client.complaints()] == []


def test_a_run_that_slept_past_its_lease(tmp_path: Path, simulator: Simulator) -> None:
    """Stopped in three steps, each with a client of its own; two rotations by others; woken."""
    world = World(tmp_path, simulator)
    _sleep(world, POINTS)
    (slow,) = (each for each in world.clients if each.name == "slow")
    _check_slow(world, slow)


def _check_slow(world: World, slow: Client) -> None:
    """What may still be delivered by a run that was overtaken lives for a day; then all is delivered again."""
    assert slow.lives(slow.delivered("own.env")["CLIENT_SECRET"])
    assert world.states()["slow"] == "waiting"
    record = slow.record()
    long_ago = "2026-01-01T00:00:00Z"
    past = {name: {**each, "at": long_ago} for name, each in record["targets"].items()}
    slow.keep({**record, "targets": past, "overtaken": dict.fromkeys(record["overtaken"], long_ago)})
    for _number in range(2):
        world.rotate(slow, rotation_force=False).ok()
    assert slow.complaints() == []
    assert slow.delivered("own.env")["CLIENT_SECRET"] == slow.record()["current"]["value"]


@pytest.mark.torture
def test_further_steps_to_sleep_in(tmp_path: Path, simulator: Simulator) -> None:
    """The others."""
    _sleep(World(tmp_path, simulator), FURTHER)
