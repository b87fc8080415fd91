# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What takes more than one run (promises 6, 7, 10): grace, hold, adoption, a store from a backup, slow servers."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from meanwhile import meanwhile
from service import delivered, service, stored
from torture.world import FOREIGN, SCOPE, Client, World

from simulator.caller import Caller
from simulator.process import Simulator

KNOWN = "KnownToTheOperator0123456789ab"


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
        client.variables["service_client_known_secret"] = f"{KNOWN}\r\n"  # as a file ends


def _due_now(client: Client) -> None:
    """A day of grace goes by: what the record knows was delivered long ago."""
    record = client.record()
    known = {name: {**each, "at": "2026-01-01T00:00:00Z"} for name, each in record["targets"].items()}
    client.keep({**record, "targets": known, "last_rotated_at": "2026-01-01T00:00:00Z"})


def test_grace_hold_adoption_and_recovery(tmp_path: Path, simulator: Simulator) -> None:
    """Each client has a story of its own; they are told in the same three runs."""
    world = World(tmp_path, simulator)
    young, unproven, proven, held, known = world.add("young", "unproven", "proven", "held", "known")
    lost, restored = world.add("lost", "restored")
    old = {each.name: each.record()["current"] for each in world.clients}
    young.variables["service_client_rotation_grace"] = "1h"
    unproven.variables["service_client_rotation_grace"] = "auto"
    proven.variables |= {"service_client_rotation_grace": "auto", "service_client_probe": {"command": "true"}}
    held.variables["service_client_hold"] = True
    known.variables["service_client_rotation_grace"] = "auto"
    _without_record(known, known=True)
    _without_record(lost, known=False)
    _restore(restored, restored.record())

    first = world.rotate()
    assert first.code != 0
    waiting = dict.fromkeys(("young", "unproven", "held"), "waiting")
    blocked = dict.fromkeys(("lost", "restored"), "blocked")
    assert world.states() == {**waiting, **blocked, "proven": "rotated", "known": "rotated"}
    for client in (young, unproven, held):
        assert client.lives(old[client.name]["value"]) and client.lives(client.record()["current"]["value"]), (
            client.name
        )
    assert proven.complaints() == []
    assert known.record()["current"]["value"] == KNOWN == known.delivered()["CLIENT_SECRET"]
    assert len(lost.secrets()) == 2, "nothing was added beside secrets whose record is lost"
    assert restored.lives(KNOWN) and restored.record()["current"] == old["restored"]
    assert all("service_client_recover" in world.reported()[name]["reason"] for name in blocked)

    _due_now(unproven)
    _recover_and_go_on(world)
    assert young.lives(old["young"]["value"]) and lost.lives(old["lost"]["value"]) and lost.lives(FOREIGN)
    for client in (unproven, held, known):
        assert not client.lives(KNOWN if client is known else old[client.name]["value"]), client.name


def _recover_and_go_on(world: World) -> None:
    """The second run: what waited is finished, the documented recovery is run; the third: nothing is left of it."""
    young, unproven, _proven, held, known, lost, restored = world.clients
    held.variables.clear()
    known.variables.clear()
    for client in (lost, restored):
        client.variables["service_client_recover"] = True
    second = world.rotate(young, unproven, held, lost, restored, rotation_force=False)
    assert second.code == 0, second.messages
    waited = {"young": "waiting", "unproven": "rotated", "held": "rotated"}
    assert {**world.states(), **waited, "lost": "rotated", "restored": "rotated"} == world.states()
    assert restored.lives(KNOWN), "it may be that of another store"
    assert len(world.reported()["lost"]["left"]) == 2 == len(world.reported()["restored"]["left"])
    restored.variables = {"service_client_retire_ids": [str(each) for each in _live(restored, KNOWN)]}
    third = world.rotate(known, restored)
    assert third.code == 0, third.messages
    assert [each for client in (unproven, held, restored) for each in client.complaints()] == []
    assert known.complaints(foreign=False) == []


def _live(client: Client, value: str) -> list[Any]:
    return client.simulator.admin.check(client.client_id, value)["live"]


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
        assert world.states() == {"patient": "rotated", "hasty": "failed"}
        record = hasty.record()
        assert record["current"]["value"] == old["hasty"] and record["pending"] and hasty.lives(old["hasty"])
        hasty.variables.clear()
        again = world.rotate(hasty, rotation_force=False)
    assert again.code == 0, again.messages
    assert hasty.record()["current"]["value"] == record["pending"]["value"]
    assert world.complaints() == []
    assert [each.peak() for each in world.clients] == [2, 2]


def test_two_nodes_of_which_one_is_behind(tmp_path: Path, simulator: Simulator) -> None:
    """Neither of them ever refuses what the store or the delivered file holds."""
    simulator.admin.switch(token_nodes=2, node_lag=8)
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    time.sleep(8)  # until the other node has heard of the client
    world.rotate(rotation_force=False).ok()
    with closing(Node(client)) as one, closing(Node(client)) as other:
        with meanwhile(one.look, 0.05), meanwhile(other.look, 0.05):
            run = world.rotate()
        assert run.code == 0, run.messages
        assert {*one.seen, *other.seen} == {"accepted"} and min(len(one.seen), len(other.seen)) > 50
        assert {one.number(), other.number()} == {0, 1}
    assert world.states() == {"billing": "rotated"}
    assert client.complaints() == []


class Node:
    """One connection to the token endpoint: it stays at the node that it has reached."""

    def __init__(self, client: Client) -> None:
        self._client, self._caller = client, Caller(client.simulator)
        self.seen: list[str] = []

    def look(self) -> None:
        """Exchange what the store and the file hold. What was replaced meanwhile has to be read again."""
        for read in (lambda: self._client.record()["current"]["value"], self._in_file):
            value = read()
            if self._caller.accepts(self._client.client_id, value, SCOPE):
                self.seen.append("accepted")
            elif read() == value:
                self.seen.append("refused")

    def _in_file(self) -> str:
        return self._client.delivered()["CLIENT_SECRET"]

    def number(self) -> int:
        """That of the node."""
        self._caller.accepts(self._client.client_id, self._in_file(), SCOPE)
        return int(self._client.simulator.admin.log()[-1]["node"])

    def close(self) -> None:
        """End the connection."""
        self._caller.close()


@pytest.mark.torture
def test_lists_without_descriptions(tmp_path: Path, simulate: Callable[..., Simulator]) -> None:
    """By ids alone, with a secret of somebody else beside ours; without the own id it stops before it writes.

    What the operator names is believed then. The id of the new one is told by what a later run sees too.
    """
    world = World(tmp_path, simulate("no_descriptions"))
    certain, unsure = world.add("certain", "unsure")
    record = certain.record()
    certain.keep({**record, "current": {**record["current"], "confirmed": True}})
    before: list[Any] = [unsure.record(), unsure.secrets()]
    with world.consumed():
        run = world.rotate()
        assert run.code != 0
        assert world.states() == {"certain": "rotated", "unsure": "blocked"}
        assert [unsure.record(), unsure.secrets()] == before
        unsure.variables["service_client_retire_ids"] = [before[0]["current"]["secret_id"]]
        world.rotate().ok()
    for client in world.clients:
        assert client.lives(FOREIGN) and len(client.secrets()) == 2, client.secrets()
    (ours,) = _live(certain, certain.record()["current"]["value"])
    assert certain.record()["current"].get("secret_id", str(ours)) == str(ours)
    assert world.states() == {"certain": "rotated", "unsure": "rotated"}


def test_a_new_client_that_is_not_known_everywhere_yet(simulator: Simulator, ansible: Ansible) -> None:
    """A node of the server that has not heard of it says that there is no such client: that is given some time."""
    match = {"operation": "listClientSecrets"}
    simulator.admin.add_faults({"action": "fail_before", "status": 404, "match": match, "times": 2})
    role = {"ansible.builtin.import_role": {"name": "aritma.iam.service_client"}, "vars": service(ansible.home)}
    ansible.tasks(role).ok()
    assert delivered(ansible.home)["CLIENT_SECRET"] == stored(ansible.home)["current"]["value"]
