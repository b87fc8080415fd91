# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 20: after rotation_compromised nothing that was known before is accepted, now or after later runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from torture.kills import Holding, Point
from torture.world import FOREIGN, Client, World

from simulator.caller import Caller
from simulator.process import Simulator

UNPROVEN = "CreatedAndNotProvenYet0000000000"
PARTS = ("current", "pending", "previous")
LONG_AGO = "2026-01-01T00:00:00Z"


def _known(client: Client) -> set[str]:
    """Every value that its record holds."""
    record = client.record()
    return {str(record[part]["value"]) for part in PARTS if record.get(part)}


def _unfinished(client: Client) -> None:
    """A run wrote ahead and created the secret, and was killed."""
    record = client.record()
    rotation_id = record["current"]["rotation_id"][:-6] + "abcdef"
    assert Caller(client.simulator).add_secret(client.client_id, UNPROVEN, f"aritma.iam rotation {rotation_id}").ok
    client.keep({**record, "pending": {"value": UNPROVEN, "rotation_id": rotation_id}})


def _alive(world: World, known: Mapping[str, set[str]]) -> list[str]:
    """Clients of which something works that was known before."""
    return [each.name for each in world.clients if any(each.lives(value) for value in known[each.name])]


def _landed(client: Client) -> None:
    """Time goes by: no request of an earlier run can land any more."""
    record = client.record()
    if record.get("leak"):
        client.keep({**record, "leak": {**record["leak"], "until": LONG_AGO}})


def _works(client: Client) -> bool:
    value = client.record()["current"]["value"]
    return client.lives(value) and client.delivered()["CLIENT_SECRET"] == value and client.lives(FOREIGN)


def test_nothing_that_leaked_is_accepted(tmp_path: Path, simulator: Simulator) -> None:
    """In a grace, after an unfinished rotation, with a broken consumer; killed while it deletes, and run again."""
    world = World(tmp_path, simulator)
    graced, unfinished, broken, killed = world.add("graced", "unfinished", "broken", "killed")
    graced.variables["service_client_rotation_grace"] = "24h"
    world.rotate(graced).ok()
    assert world.states() == {"graced": "waiting"}
    _unfinished(unfinished)
    broken.variables["service_client_probe"] = {"command": "false", "retries": 0}
    known = {each.name: _known(each) for each in world.clients}
    assert [len(each) for each in known.values()] == [2, 2, 1, 1]

    at = {"killed": Point("call", operation="deleteClientSecret")}
    Holding(world, "aritma.iam.rotate", [killed], at, rotation_compromised=True).kill()
    assert killed.record()["leak"] and world.states()["killed"] == "failed"

    run = world.rotate(rotation_force=False, rotation_compromised=True)
    assert run.code != 0, "one consumer could not be proven"
    assert _alive(world, known) == []
    states = world.states()
    assert states["broken"] in ("failed", "blocked") and "Probe" in world.reported()["broken"]["reason"]
    assert {states[each.name] for each in (graced, unfinished, killed)} <= {"rotated", "waiting"}, states
    assert [each.name for each in world.clients if not _works(each)] == []
    _check_later(world, known)


def _check_later(world: World, known: Mapping[str, set[str]]) -> None:
    """Later runs, with and without the word, bring nothing back, also where they roll back."""
    for client in world.clients:
        client.variables.clear()
        _landed(client)
    world.rotate(rotation_force=False).ok()
    assert _alive(world, known) == [] and [each.name for each in world.clients if each.record().get("leak")] == []
    _still_failing(world.clients[0])
    run = world.rotate()
    assert run.code != 0
    assert world.states() == {**dict.fromkeys(known, "rotated"), "graced": "rolled_back"}
    assert _alive(world, known) == []
    world.clients[0].variables.clear()
    run = world.rotate(world.clients[0])
    assert run.code == 0, run.messages
    assert _alive(world, known) == [] and world.complaints() == []


def _still_failing(client: Client) -> None:
    """Its service works with the secret that it has now alone."""
    probe: dict[str, Any] = {"retries": 0}
    probe["command"] = f"grep -q {client.record()['current']['value']} {client.home}/delivered.env"
    client.variables["service_client_probe"] = probe


@pytest.mark.torture
def test_a_leak_where_no_descriptions_are_shown(tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """What leaked is deleted if its id was confirmed before, or the operator names it."""
    world = World(tmp_path, simulate("no_descriptions"))
    known, named = world.add("known", "named")
    known.keep({**known.record(), "current": {**known.record()["current"], "confirmed": True}})
    leaked, (old,) = {each.name: _known(each) for each in world.clients}, _known(named)
    (old_id,) = named.simulator.admin.check(named.client_id, old)["live"]
    with world.consumed():
        for _number in range(2):  # the second run confirms the id of the new secret
            world.rotate(rotation_compromised=True, service_client_retire_deadline=2)
        assert _alive(world, leaked) == ["named"]
        assert "service_client_retire_ids" in world.reported()["named"]["reason"]
        named.variables["service_client_retire_ids"] = [str(old_id)]
        _landed(named)
        world.rotate(named, rotation_compromised=True).ok()
    assert _alive(world, leaked) == [] and all(_works(each) for each in world.clients)
    assert world.states()["named"] == "rotated"
