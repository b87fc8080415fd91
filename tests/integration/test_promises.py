# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promises 3, 4, 5, 8, 14 and the number of calls, each over real processes, for records in files and in OpenBao."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from torture.kills import Holding, Point
from torture.openbao import BaoRecords
from torture.world import Client, World, managed, ours

from doubles.proxy import Rule
from simulator.process import Simulator

PROOFS = 5
"""Exchanges in a row that prove a new secret, by default."""
BEFORE_POST = Point("call", operation="createClientSecret")
BEFORE_DELETE = Point("call", operation="deleteClientSecret")


STORES = pytest.mark.parametrize("world", ["file", "hashi_vault"], indirect=True)
FILES_FIRST = pytest.mark.parametrize(
    "world", ["file", pytest.param("hashi_vault", marks=pytest.mark.torture)], indirect=True
)
"""For what does not depend on the store."""
SERVERS_FIRST = pytest.mark.parametrize(
    "world", [pytest.param("file", marks=pytest.mark.torture), "hashi_vault"], indirect=True
)
"""For what test_bad_input.py has with files."""


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator) -> World:
    """Clients whose records live in files, or in OpenBao."""
    bao: BaoRecords | None = request.getfixturevalue("bao") if request.param == "hashi_vault" else None
    return World(tmp_path, simulator, bao)


def iam_writes(simulator: Simulator) -> list[str]:
    """Everything that was asked of IAM and is no reading."""
    return [str(each["operation"]) for each in ours(simulator.admin.log()) if _is_write(each)]


def _is_write(request: Any) -> bool:
    return request["method"] != "GET" and not str(request["operation"]).startswith("token")


@FILES_FIRST
def test_the_store_is_always_written_first(world: World) -> None:
    """What stands in the store while the POST and while the DELETE are on their way, and how many calls there are."""
    posting, deleting = world.add("posting", "deleting")
    world.rotate(rotation_force=False).ok()  # then no delivery is left to try
    before = {each.name: len(ours(world.simulator.admin.log(), each)) for each in world.clients}
    old = {each.name: each.record()["current"] for each in world.clients}
    points = {posting.name: BEFORE_POST, deleting.name: BEFORE_DELETE}
    with world.consumed():
        with Holding(world, "aritma.iam.rotate", world.clients, points).standing() as run:
            on_their_way = [each for each in ours(world.simulator.admin.log()) if each["ended"] is None]
            flying = {each["client_id"]: each for each in on_their_way}
            _check_written_ahead(posting, flying[posting.client_id], old[posting.name])
            _check_promoted(deleting, flying[deleting.client_id], old[deleting.name])
        assert run.code == 0, run.messages
    assert world.complaints() == []
    assert [each.peak() for each in world.clients] == [2, 2]
    calls = {each.name: len(ours(world.simulator.admin.log(), each)) - before[each.name] for each in world.clients}
    # Nine, and four further proofs.
    assert max(calls.values()) <= 9 + PROOFS - 1, calls


def _check_written_ahead(client: Client, post: Any, old: dict[str, Any]) -> None:
    pending, current = client.record()["pending"], client.record()["current"]
    assert post["operation"] == "createClientSecret"
    assert pending["rotation_id"] in post["body"]["description"]
    assert current["value"] == old["value"] != pending["value"]


def _check_promoted(client: Client, delete: Any, old: dict[str, Any]) -> None:
    record = client.record()
    assert delete["operation"] == "deleteClientSecret"
    assert delete["path"].endswith("/" + record["previous"]["secret_id"])
    assert record["previous"]["value"] == old["value"] != record["current"]["value"]
    assert client.lives(record["current"]["value"])
    assert client.delivered()["CLIENT_SECRET"] == record["current"]["value"]


@STORES
def test_a_lost_answer_is_harmless(world: World) -> None:
    """POST, DELETE, both; each write to a server's store: carried out, and the connection is cut before the answer."""
    lost = {
        "post": ["createClientSecret"],
        "delete": ["deleteClientSecret"],
        "both": ["createClientSecret", "deleteClientSecret"],
    }
    for client in [] if world.server else world.add(*lost):
        match = {"client_id": client.client_id}
        rules = [
            {"match": {**match, "operation": each}, "action": "commit_then_drop", "times": 1}
            for each in lost[client.name]
        ]
        world.simulator.admin.add_faults(*rules)
    if world.server:
        for number, client in enumerate(world.add("stage", "promote", "guard", "close")):
            world.server.proxy.rules.append(Rule(client.store_path, "drop", "after", number))
    with world.consumed():
        run = world.rotate()
    assert run.code == 0, run.messages
    assert world.complaints() == []
    assert [each.peak() for each in world.clients] == [2] * len(world.clients)
    assert all(rule["applied"] for rule in world.simulator.admin.faults())
    assert world.server is None or all(rule.spent for rule in world.server.proxy.rules)


def test_a_busy_moment_does_not_end_a_rotation(tmp_path: Path, simulator: Simulator) -> None:
    """POST turned away or cut off once, before it was carried out; or carried out, and not listed for a while."""
    world = World(tmp_path, simulator)
    busy: dict[str, dict[str, Any]] = {
        "unavailable": {"action": "fail_before", "status": 503},
        "gateway": {"action": "fail_before", "status": 502, "body": "html"},
        "cut": {"action": "drop_before"},
        "unlisted": {"action": "commit_then_drop"},
    }
    for client in world.add(*busy):
        match = {"client_id": client.client_id, "operation": "createClientSecret"}
        simulator.admin.add_faults({"match": match, "times": 1, **busy[client.name]})
    (unlisted,) = (each for each in world.clients if each.name == "unlisted")
    (old,) = [each for each in unlisted.secrets() if managed(each)]
    shown = [{"id": old["id"], "description": old["description"]}]
    match = {"client_id": unlisted.client_id, "operation": "listClientSecrets"}
    stale = {"match": match, "action": "fail_before", "status": 200, "payload": shown, "after_skip": 1, "times": 7}
    simulator.admin.add_faults(stale)
    with world.consumed():
        run = world.rotate()
    assert run.code == 0, run.messages
    assert world.complaints() == []
    assert {each.name: each.peak() for each in world.clients} == dict.fromkeys(busy, 2)


@SERVERS_FIRST
def test_without_a_writable_store_nothing_is_asked_of_iam(world: World, simulator: Simulator) -> None:
    """Neither a rotation nor a provisioning writes to IAM when the record cannot be written."""
    (client,) = world.add("locked")
    store = client.host()["service_client_store"]
    # A superuser may write to any folder; but nobody can give a file to a user that does not exist.
    bao = world.server if isinstance(world.server, BaoRecords) else None
    store |= {"token": bao.read_only_token()} if bao else {"owner": "no-such-user-here"}
    client.variables["service_client_store"] = store
    before = client.record()
    (fresh,) = world.add("fresh", seeded=False)
    fresh.variables["service_client_store"] = (
        {**store, "path": "/proc/nowhere/record.json"}
        if not world.server
        else {
            **store,
            "path": "torture/fresh",
        }
    )
    run = world.rotate(client)
    assert run.code != 0
    assert world.reported()["locked"]["state"] == "failed"
    provisioned = world.ansible().run("aritma.iam.provision", hosts=world.hosts(fresh))
    assert provisioned.code != 0
    assert iam_writes(simulator) == [], provisioned.messages
    assert client.record() == before


@FILES_FIRST
def test_check_mode_says_what_a_run_would_do(world: World, simulator: Simulator) -> None:
    """The same plan; nothing is written but the report: not to IAM, not to the store, not to a target."""
    due, idle, broken = world.add("due", "idle", "broken")
    due.variables["service_client_rotate_after"] = "30m"
    broken.keep({**broken.record(), "current": {**broken.record()["current"], "value": "not-the-value-any-more"}})
    before = [each.record() for each in world.clients]
    foretold = world.rotate(arguments=("--check", "--diff"), rotation_force=False)
    assert "1 would rotate" in foretold.output
    assert iam_writes(simulator) == []
    assert [each.record() for each in world.clients] == before
    assert not any(each.home.joinpath("delivered.env").exists() for each in world.clients)
    predicted = world.reported()
    assert world.states() == {"due": "would_rotate", "idle": "unchanged", "broken": "blocked"}
    assert f"{before[0]['current']['secret_id']} would be deleted" in predicted["due"]["reason"]
    world.rotate(rotation_force=False)
    assert world.states() == {"due": "rotated", "idle": "unchanged", "broken": "blocked"}
    done = world.reported()
    assert all(predicted[name]["reason"].startswith(_ageless(entry["reason"])) for name, entry in done.items())
    assert {name: entry["left"] for name, entry in done.items()} == {n: e["left"] for n, e in predicted.items()}
    assert due.complaints() == [] and broken.record() == before[2]
    _check_idle(world, idle)


def _ageless(reason: str) -> str:
    """As far as it is the same a few seconds later: an age is told in its last words."""
    return reason.partition(" old")[0][:-8] if " old" in reason else reason


def _check_idle(world: World, idle: Client) -> None:
    world.simulator.admin.clear_log()
    again = world.rotate(idle, rotation_force=False).ok()
    assert again.changed == 0
    asked = [str(each["operation"]) for each in ours(world.simulator.admin.log(), idle)]
    assert asked == ["listClientSecrets", "tokenForTenant"]
    assert [each["id"] for each in idle.secrets() if managed(each)] == [idle.record()["current"]["secret_id"]]
