# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 21: whatever the server, the record or other people say of ids, only what is ours and unused is deleted."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from torture.kills import Holding, Point
from torture.world import FOREIGN, LINEAGE, Client, World, managed

from simulator.caller import Caller
from simulator.process import Simulator

THEIRS = "AddedBySomebodyAtThatMoment00000"
LEFT = "MadeByARunThatWasCutOff000000000"
_AT = f"{LINEAGE}-20261101T100000Z"


def _foreign_id(client: Client) -> str:
    return str(client.simulator.admin.check(client.client_id, FOREIGN)["live"][0])


def _record(client: Client, **members: Any) -> None:
    """Say something else of the current secret."""
    record = client.record()
    client.keep({**record, "current": {**record["current"], **members}})


def _add(client: Client, value: str, description: str) -> None:
    assert Caller(client.simulator).add_secret(client.client_id, value, description).ok


def _safe(client: Client) -> bool:
    """What the service has works, and what others have is there."""
    current, delivered = client.record()["current"]["value"], client.delivered()["CLIENT_SECRET"]
    return client.lives(FOREIGN) and client.lives(current) and client.lives(delivered)


def _ours(client: Client) -> int:
    return sum(managed(each) for each in client.secrets())


@pytest.mark.torture
def test_numbers_that_mean_something_else(tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """The answer to the POST has the number of the client, which is that of a secret too; a recorded id is another's;
    a certificate carries a tag of ours. Where the list shows tags, these count.
    """
    told = {"secret_id_type": "integer", "create_secret_body": "client", "secret_types_listed": True}
    world = World(tmp_path, simulate(**told))
    (numbered,) = world.add("numbered", service_client_client_id="3")
    certificate = {"value": LEFT, "description": f"aritma.iam rotation {_AT}-abcdef", "type": "X509Thumbprint"}
    wrong, typed = world.add("wrong")[0], world.add("typed", secrets=[certificate])[0]
    assert _foreign_id(numbered) == "3"
    _record(wrong, secret_id=_foreign_id(wrong))
    _record(typed, secret_id=str(typed.secrets()[-1]["id"]), confirmed=True)
    with world.consumed():
        for forced in (False, True, False, True):
            before = [each.secrets() for each in world.clients]
            world.rotate(rotation_force=forced).ok()
            assert all(_safe(each) for each in world.clients) and typed.lives(LEFT)
            assert forced or [each.secrets() for each in world.clients] == before, "nothing was due"
    assert [*numbered.complaints(), *wrong.complaints()] == [] and len(typed.secrets()) == 3


def test_ids_that_are_positions(tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """They change with each deletion: two leftovers, and secrets of others between and behind them."""
    world = World(tmp_path, simulate(secret_id_positions=True))
    left = [
        {"value": LEFT[:-1] + "1", "description": f"aritma.iam rotation {_AT}-abcde1"},
        {"value": THEIRS, "description": "portal"},
        {"value": LEFT[:-1] + "2", "description": f"aritma.iam rotation {_AT}-abcde2"},
        {"value": THEIRS[:-1] + "9", "description": "portal"},
    ]
    (client,) = world.add("billing", secrets=left)
    with world.consumed():
        for forced in (False, True):
            run = world.rotate(rotation_force=forced)
            assert client.lives(THEIRS) and client.lives(THEIRS[:-1] + "9") and _safe(client), run.output
    run = world.rotate(rotation_force=False)
    assert run.code == 0, run.messages
    assert _ours(client) == 1 and world.states() == {"billing": "unchanged"}


@pytest.mark.parametrize("lag", [0.0, pytest.param(6.0, marks=pytest.mark.torture)])
def test_somebody_adds_a_secret_at_that_moment(tmp_path: Path, simulate: Callable[..., Simulator], lag: float) -> None:
    """Where no descriptions are shown: two are new; or, where lists lag, theirs alone is.

    Neither is deleted; the operator says which one is ours.
    """
    world = World(tmp_path, simulate("no_descriptions"))
    (client,) = world.add("billing")
    _record(client, confirmed=True)
    at = {"billing": Point("call", operation="createClientSecret")}
    with world.consumed():
        with Holding(world, "aritma.iam.rotate", [client], at).standing() as run:
            _add(client, THEIRS, "theirs")
            client.simulator.admin.switch(list_lag_seconds=lag)
            time.sleep(lag + 0.5 if lag else 0)
        assert client.lives(THEIRS) and _safe(client), run.output
        client.simulator.admin.switch(list_lag_seconds=0)
        for _number in range(2):
            run = world.rotate()
            assert client.lives(THEIRS) and _safe(client), run.output
        assert world.states() == {"billing": "blocked"} and "retire_ids" in world.reported()["billing"]["reason"]
        (ours,) = client.simulator.admin.check(client.client_id, client.record()["current"]["value"])["live"]
        client.variables["service_client_retire_ids"] = [str(ours)]
        world.rotate().ok()
    assert client.lives(THEIRS) and _safe(client) and len(client.secrets()) == 3


@pytest.mark.torture
@pytest.mark.parametrize("form", ["upper_case", "cut"])
def test_a_server_that_alters_descriptions(tmp_path: Path, simulate: Callable[..., Simulator], form: str) -> None:
    """No tag is ever found: they count as not shown. A client of ours from nothing, and one that was there."""
    told = {"secret_id_type": "integer", "create_secret_body": "client"}
    world = World(tmp_path, simulate(secret_description_form=form, **told))
    fresh, old = world.add("fresh", seeded=False)[0], world.add("old")[0]
    run = world.ansible().run("aritma.iam.provision", hosts=world.hosts(fresh)).ok()
    fresh.learn_id()
    before = old.secrets()
    assert world.rotate(old).code != 0 and old.secrets() == before, "its id is not known"
    old.variables["service_client_retire_ids"] = [old.record()["current"]["secret_id"]]
    with world.consumed():
        for _number in range(2):
            run = world.rotate()
            assert run.code == 0, run.messages
            old.variables.clear()
            assert _safe(old) and len(old.secrets()) == 2 and len(fresh.secrets()) == 1
    assert world.complaints(foreign=False) == []


def test_a_list_that_shows_nothing_for_a_moment(tmp_path: Path, simulator: Simulator) -> None:
    """The run changes nothing and says that another run may help. The next one rotates."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    empty = {"action": "fail_before", "status": 200, "payload": [], "times": 1}
    simulator.admin.add_faults({"match": {"operation": "listClientSecrets"}, **empty})
    before = client.secrets()
    with world.consumed():
        assert world.rotate().code != 0 and client.secrets() == before
        assert "may lag behind: run again" in world.reported()["billing"]["reason"]
        world.rotate().ok()
    assert world.states() == {"billing": "rotated"} and world.complaints() == []
