# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier run, a backup or an operator left behind, met by a rotation and by a provisioning alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Run
from torture.world import LINEAGE, Client, World

from simulator.caller import Caller
from simulator.process import Simulator

LATER = f"{LINEAGE}-20261101T100000Z-abcdef"
"""A rotation of the record's own lineage, after the one that the record names."""
VALUE = "MadeByAnEarlierRun00000000000000"
LONG_AGO = "2026-01-01T00:00:00Z"
NEVER_ACCEPTED = "NotTheValueThatTheServerHas00000"


def _add(client: Client, value: str, description: str) -> None:
    answer = Caller(client.simulator).add_secret(client.client_id, value, description)
    assert answer.ok, answer.text


def _made_later(value: str) -> dict[str, Any]:
    return {"value": value, "rotation_id": LATER, "secret_id": None, "created_at": LONG_AGO, "expires_at": None}


def leftover(client: Client) -> None:
    """A run made a secret, and the store was restored to a backup that does not know it."""
    _add(client, VALUE, f"aritma.iam rotation {LATER}")
    client.variables["service_client_probe"] = {"command": f"test -s {client.home}/delivered.env"}


def known(client: Client) -> None:
    """An operator made the client and its one secret, and hands the value over."""
    Path(client.store_path).unlink()
    for each in client.secrets():
        assert Caller(client.simulator).iam("DELETE", f"/v1/clients/{client.client_id}/secrets/{each['id']}").ok
    _add(client, VALUE, "by hand")
    client.variables["service_client_known_secret"] = VALUE


def outdated(client: Client) -> None:
    """A store out of a backup: nothing that it holds is accepted. The operator asks for a new secret."""
    record = client.record()
    gone = {"value": NEVER_ACCEPTED, "rotation_id": f"{LINEAGE}-20260901T100000Z-abcdef", "secret_id": None}
    client.keep({**record, "current": {**record["current"], "value": NEVER_ACCEPTED}, "previous": gone})
    client.variables["service_client_recover"] = True


def refused(client: Client) -> None:
    """A run wrote ahead and created; what it created is listed and has been refused for months."""
    _add(client, VALUE, f"aritma.iam rotation {LATER}")
    client.keep({**client.record(), "pending": _made_later(NEVER_ACCEPTED)})


def expired(client: Client) -> None:
    """A run wrote ahead and was killed; the value was not to live as long as nobody ran another."""
    client.keep({**client.record(), "pending": {**_made_later(NEVER_ACCEPTED), "expires_at": LONG_AGO}})


def promoted(client: Client) -> None:
    """A run was killed before it deleted the previous secret."""
    _add(client, VALUE, f"aritma.iam rotation {LATER}")
    record = client.record()
    now = {"created_at": record["current"]["created_at"]}
    client.keep({**record, "current": {**_made_later(VALUE), **now}, "previous": record["current"]})


STORIES: tuple[Callable[[Client], None], ...] = (leftover, known, outdated, refused, expired, promoted)


@pytest.mark.parametrize("playbook", ["rotate", pytest.param("provision", marks=pytest.mark.torture)])
def test_whichever_playbook_comes_next(playbook: str, tmp_path: Path, simulator: Simulator) -> None:
    """It puts everything in order at once, and leaves the next run nothing to do."""
    world = World(tmp_path, simulator)
    clients = {story.__name__: world.add(story.__name__)[0] for story in STORIES}
    for story in STORIES:
        story(clients[story.__name__])
    if playbook == "provision":  # test_promises.py has check mode of a rotation
        before = _seen(world)
        predicted = _run(world, playbook, "--check")
        assert predicted.code == 0, predicted.messages
        assert _seen(world) == before, "check mode changes nothing"

    first = _run(world, playbook)
    assert first.code == 0, first.messages
    for name in ("refused", "leftover"):
        assert not clients[name].lives(VALUE), name
    assert clients["known"].record()["current"]["value"] == VALUE == clients["known"].delivered()["CLIENT_SECRET"]
    assert clients["promoted"].record()["current"]["value"] == VALUE
    ours = [each for each in world.clients if each.name != "known"]
    assert [each for client in ours for each in client.complaints()] == []

    for name in ("known", "outdated"):
        clients[name].variables.clear()
    before = _seen(world)
    second = _run(world, playbook)
    assert second.code == 0, second.messages
    assert _seen(world) == before and second.changed == 0


def _run(world: World, playbook: str, *arguments: str) -> Run:
    told = world.variables(rotation_force=False)
    return world.ansible().run(f"aritma.iam.{playbook}", "-f", "10", *arguments, hosts=world.hosts(), variables=told)


def _seen(world: World) -> list[Any]:
    return [(client.record(), client.secrets()) for client in world.clients]
