# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes more than one run (promises 6, 7, 10): grace, hold, adoption, a store from a backup, slow servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from service import delivered, service, stored
from torture.world import FOREIGN, Client, World, managed

from simulator.caller import Caller
from simulator.process import Simulator

KNOWN = "KnownToTheOperator0123456789ab"


def _state(world: World, client: Client) -> str:
    return str(world.reported()[client.name]["state"])


def _forget(client: Client) -> None:
    """Somebody deletes the first secret by hand."""
    answer = Caller(client.simulator).iam(
        "DELETE", f"/v1/clients/{client.client_id}/secrets/{client.record()['current']['secret_id']}"
    )
    assert answer.ok


def _restore(client: Client, backup: dict[str, Any]) -> None:
    """The store is put back to an older backup: what it names as current was retired since."""
    answer = Caller(client.simulator).add_secret(client.client_id, KNOWN, f"aritma.iam rotation {_later(backup)}")
    assert answer.ok
    _forget(client)


def _later(backup: dict[str, Any]) -> str:
    """The id of a rotation of the same lineage that the backup does not know."""
    return str(backup["current"]["rotation_id"])[:-6] + "ffffff"


def _without_record(client: Client, *, known: bool) -> None:
    """A client that was made by hand: no record; with ``known``, one secret whose value the operator has."""
    Path(client.store_path).unlink()
    if known:
        for each in client.secrets():
            Caller(client.simulator).iam("DELETE", f"/v1/clients/{client.client_id}/secrets/{each['id']}")
        assert Caller(client.simulator).add_secret(client.client_id, KNOWN, "by hand").ok
        client.variables["service_client_known_secret"] = KNOWN


def _due_now(client: Client) -> None:
    """An hour of grace goes by."""
    record = client.record()
    record["previous"]["retire_after"] = "2026-01-01T00:00:00Z"
    client.keep(record)


@pytest.mark.timeout(300)
def test_grace_hold_adoption_and_recovery(tmp_path: Path, simulator: Simulator) -> None:
    """Each client has a story of its own; they are told in the same three runs."""
    world = World(tmp_path, simulator)
    young, ripe, held, known, unknown, restored = world.add("young", "ripe", "held", "known", "unknown", "restored")
    old = {each.name: each.record()["current"] for each in world.clients}
    young.variables["service_client_rotation_grace"] = "1h"
    ripe.variables["service_client_rotation_grace"] = "1h"
    held.variables["service_client_hold"] = True
    _without_record(known, known=True)
    _without_record(unknown, known=False)
    _restore(restored, restored.record())

    first = world.rotate()
    assert first.code != 0
    states = {each.name: _state(world, each) for each in world.clients}
    waiting = dict.fromkeys(("young", "ripe", "held"), "waiting")
    assert states == {**waiting, "known": "rotated", "unknown": "rotated", "restored": "blocked"}
    for client in (young, ripe, held):
        assert client.lives(old[client.name]["value"]) and client.lives(client.record()["current"]["value"]), (
            client.name
        )
    assert known.record()["current"]["value"] == KNOWN == known.delivered()["CLIENT_SECRET"]
    assert unknown.lives(old["unknown"]["value"]) and unknown.lives(FOREIGN)
    assert restored.lives(KNOWN) and restored.record()["current"] == old["restored"]
    assert "service_client_recover" in world.reported()["restored"]["reason"]

    _due_now(ripe)
    held.variables.clear()
    known.variables.clear()
    _recover_and_go_on(world, young, [ripe, held], known, restored)
    assert young.lives(old["young"]["value"])
    for client in (ripe, held, known):
        assert not client.lives(KNOWN if client is known else old[client.name]["value"]), client.name
    assert world.reported()["unknown"]["left"]


def _recover_and_go_on(world: World, young: Client, waiting: list[Client], known: Client, restored: Client) -> None:
    """The second run: what waited is finished, the adopted secret is replaced, the documented recovery is run."""
    restored.variables["service_client_recover"] = True
    second = world.rotate(young, *waiting, restored, rotation_force=False)
    assert second.code == 0, second.messages
    assert {each.name: _state(world, each) for each in waiting} == dict.fromkeys(
        [each.name for each in waiting], "rotated"
    )
    assert _state(world, young) == "waiting"
    assert restored.lives(KNOWN), "what the store does not know is not deleted before the new secret was accepted"
    restored.variables.clear()
    third = world.rotate(known, restored)
    assert third.code == 0, third.messages
    assert [each for client in (*waiting, restored) for each in client.complaints()] == []
    assert known.complaints(foreign=False) == []


@pytest.mark.timeout(300)
def test_a_server_that_is_slow_to_accept(tmp_path: Path, simulator: Simulator) -> None:
    """In time: rotated. Too late: the old secret stays, nothing is deleted; the next run goes on with the same one."""
    world = World(tmp_path, simulator)
    _patient, hasty = world.add("patient", "hasty")
    hasty.variables["service_client_proof_deadline"] = 2
    simulator.admin.switch(accept_delay=12)
    old = {each.name: each.record()["current"]["value"] for each in world.clients}
    with world.consumed():
        run = world.rotate()
        assert run.code != 0
        assert {each.name: _state(world, each) for each in world.clients} == {"patient": "rotated", "hasty": "failed"}
        record = hasty.record()
        assert record["current"]["value"] == old["hasty"] and record["pending"] and hasty.lives(old["hasty"])
        hasty.variables.clear()
        again = world.rotate(hasty, rotation_force=False)
    assert again.code == 0, again.messages
    assert hasty.record()["current"]["value"] == record["pending"]["value"]
    assert world.complaints() == []
    assert [each.peak() for each in world.clients] == [2, 2]


def test_servers_that_do_not_agree_yet(tmp_path: Path, simulator: Simulator) -> None:
    """Every second exchange refuses a new secret for a while: also the one before the deletion, which is repeated."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    simulator.admin.switch(accept_delay=15, delay_flaps=True)
    run = world.rotate()
    assert run.code == 0, run.messages
    assert _state(world, client) == "rotated"


@pytest.mark.timeout(300)
def test_lists_without_descriptions(tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """By ids alone, with a secret of somebody else beside ours; without the own id it stops before it writes."""
    world = World(tmp_path, simulate("no_descriptions"))
    certain, unsure = world.add("certain", "unsure")
    record = unsure.record()
    unsure.keep({**record, "current": {**record["current"], "secret_id": None}})
    before = [unsure.record(), unsure.secrets()]
    with world.consumed():
        run = world.rotate()
    assert run.code != 0
    assert {each.name: _state(world, each) for each in world.clients} == {"certain": "rotated", "unsure": "blocked"}
    assert [unsure.record(), unsure.secrets()] == before
    assert certain.lives(FOREIGN)
    ours = certain.simulator.admin.check(certain.client_id, certain.record()["current"]["value"])["live"]
    assert [str(each) for each in ours] == [certain.record()["current"]["secret_id"]]
    assert len(certain.secrets()) == 2
    assert not any(managed(each) and str(each["id"]) not in map(str, ours) for each in certain.secrets())


def test_a_new_client_that_is_not_known_everywhere_yet(simulator: Simulator, ansible: Ansible) -> None:
    """A node of the server that has not heard of it says that there is no such client: that is given some time."""
    match = {"operation": "listClientSecrets"}
    simulator.admin.add_faults({"action": "fail_before", "status": 404, "match": match, "times": 2})
    role = {"ansible.builtin.import_role": {"name": "aritma.iam.service_client"}, "vars": service(ansible.home)}
    ansible.tasks(role).ok()
    assert delivered(ansible.home)["CLIENT_SECRET"] == stored(ansible.home)["current"]["value"]
