# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation begins within its window alone; and check mode says what would be done, and what would be deleted."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_run import Ansible
from service import service
from torture.world import FOREIGN, LINEAGE, SCOPE, Client, World
from wire_log import Wire

from simulator.caller import Caller
from simulator.process import Simulator

LEFT = f"{LINEAGE}-20261101T000000Z-abcdef"


def _closed() -> str:
    """A window of another day."""
    return f"{datetime.now(timezone.utc) + timedelta(days=3):%a} 09:00-15:00 UTC"


def test_outside_the_window_only_what_was_begun_is_finished(tmp_path: Path, simulator: Simulator) -> None:
    """A previous secret goes, and what is missing is delivered; a forced rotation waits for the window, and says so."""
    world = World(tmp_path, simulator)
    begun, idle = world.add("begun", "idle")
    _promoted(begun)
    before = {each.name: each.record()["current"]["value"] for each in world.clients}
    world.rotate(rotation_window=_closed()).ok()
    assert world.states() == {"begun": "rotated", "idle": "unchanged"}
    assert world.complaints() == [] and _values(world) == before
    run = world.rotate(rotation_window=_closed()).ok()
    assert world.states() == {"begun": "waiting", "idle": "waiting"}
    assert "idle: waiting for the window, which opens at" in run.output
    assert world.complaints() == [] and _values(world) == before
    world.rotate(idle, rotation_window=[_closed(), "00:00-24:00"]).ok()
    assert world.states()["idle"] == "rotated"
    assert world.complaints() == [] and _values(world)["idle"] != before["idle"]


def _values(world: World) -> dict[str, str]:
    return {each.name: each.record()["current"]["value"] for each in world.clients}


def _promoted(client: Client) -> None:
    """A run promoted a new secret and delivered it; then it was killed."""
    record = client.record()
    value, rotation_id = "PromotedAndDelivered000000000000", record["current"]["rotation_id"][:-6] + "abcdef"
    assert Caller(client.simulator).add_secret(client.client_id, value, f"aritma.iam rotation {rotation_id}").ok
    current = {**record["current"], "value": value, "rotation_id": rotation_id, "secret_id": None}
    client.keep({**record, "generation": 1, "current": current, "previous": record["current"]})


def test_check_mode_names_the_secrets_that_a_run_would_delete(tmp_path: Path, simulator: Simulator) -> None:
    """The previous one of a client that waits, none of an adopted one; and a rotation that would follow."""
    world = World(tmp_path, simulator)
    waits, left = world.add("waits", "left")
    (adopted,) = world.add("adopted", seeded=False, service_client_known_secret=FOREIGN)
    _promoted(waits)
    assert Caller(simulator).add_secret(left.client_id, "a-leftover-of-ours", f"aritma.iam rotation {LEFT}").ok
    known = {"value": FOREIGN, "description": "portal"}
    simulator.admin.seed(clients=[{"name": "adopted", "allowed_scopes": [SCOPE], "secrets": [known]}])
    world.rotate(adopted, left, rotation_force=False, arguments=("--check",)).ok()
    world.rotate(waits, rotation_force=True, arguments=("--check",)).ok()
    reasons = {name: entry["reason"] for name, entry in world.reported().items()}
    (old,) = simulator.admin.check(waits.client_id, waits.record()["previous"]["value"])["live"]
    assert reasons == {
        "waits": "resume: promoted; not every target is proven to hold the new secret; in the end"
        f" {old} would be deleted; then the current secret would be replaced",
        "adopted": "adopt: the known value is accepted, and one secret is listed",
        "left": reasons["left"],
    }
    assert world.states() == {"waits": "would_rotate", "adopted": "would_rotate", "left": "unchanged"}
    world.rotate(left, arguments=("--check",)).ok()
    assert world.states()["left"] == "would_rotate"
    assert world.reported()["left"]["reason"] == f"{reasons['left']}; then the current secret would be replaced"


def test_check_mode_of_a_new_client_goes_to_the_end(simulator: Simulator, ansible: Ansible) -> None:
    """It tells every step, also of a first secret outside the window, and writes nothing."""
    hosts, told = {"billing": service(ansible.home)}, {"rotation_window": _closed()}
    run = ansible.run("aritma.iam.provision", "--check", hosts=hosts, variables=told).ok()
    assert "billing: would rotate: first: no secret is stored" in run.output
    assert "banking.ais.read on /subscriptions/123 would be granted." in run.output
    assert Wire(simulator.admin.log()).writes() == [] and not (ansible.home / "billing.env").exists()
