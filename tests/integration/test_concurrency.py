# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 9 (and 1, 8): several runs at once on the same clients, stopped and woken at random."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from torture.kills import Holding, Point
from torture.openbao import BaoRecords
from torture.processes import family, send
from torture.world import World, ours

from ansible_collections.aritma.iam.plugins.module_utils._core.process import start_time
from simulator.process import Simulator

SEED = 20261124


def _race(world: World, runs: int, seed: int, **variables: Any) -> list[Run]:
    """Several forced rotations of all clients, each stopped now and then; what came of them."""
    racing: list[tuple[Ansible, subprocess.Popen[str]]] = []
    for number in range(runs):
        ansible = world.ansible(f"run{number}")
        told = world.variables(rotation_report=str(world.home / f"report{number}.json"), **variables)
        racing.append((ansible, ansible.start("aritma.iam.rotate", variables=told, hosts=world.hosts())))
    chance = random.Random(seed)
    deadline = time.monotonic() + 240
    while any(process.poll() is None for _ansible, process in racing) and time.monotonic() < deadline:
        _ansible, process = chance.choice(racing)
        send(process.pid, signal.SIGSTOP)
        time.sleep(chance.uniform(0, 0.6))
        send(process.pid, signal.SIGCONT)
        time.sleep(chance.uniform(0, 0.4))
    return [ansible.finish(process, 60) for ansible, process in racing]


def _states(world: World, runs: int) -> list[dict[str, str]]:
    """What each run reported of each client."""
    reports = [World.entries(world.home / f"report{number}.json") for number in range(runs)]
    return [{name: entry["state"] for name, entry in report.items()} for report in reports]


def test_two_runs_with_the_lease(tmp_path: Path, simulator: Simulator) -> None:
    """One rotates, the other says so and ends well; never more than two of our secrets live."""
    world = World(tmp_path, simulator)
    world.add("a", "b")
    with world.consumed():
        runs = _race(world, 2, SEED)
    assert [run.code for run in runs] == [0, 0], "\n".join(run.messages for run in runs)
    states = _states(world, 2)
    assert {state for each in states for state in each.values()} <= {"rotated", "unchanged"}, states
    assert all("rotated" in (each[name] for each in states) for name in ("a", "b")), states
    assert world.complaints() == []
    assert max(each.peak() for each in world.clients) <= 2


def test_a_second_run_leaves_the_client_to_the_first(tmp_path: Path, simulator: Simulator) -> None:
    """While the first one waits for an answer the second one ends well, and has written nothing anywhere."""
    world = World(tmp_path, simulator)
    (client,) = world.add("a")
    at = {"a": Point("call", operation="createClientSecret")}
    with world.consumed(), Holding(world, "aritma.iam.rotate", [client], at).standing() as first:
        before, asked = client.record(), len(simulator.admin.log())
        ansible = world.ansible("second")
        told = world.variables(rotation_report=str(tmp_path / "report0.json"))
        second = ansible.run("aritma.iam.rotate", variables=told, hosts=world.hosts())
        assert second.code == 0, second.messages
        assert _states(world, 1) == [{"a": "unchanged"}]
        assert "WARNING" in second.output
        assert "a: another run is rotating this client" in " ".join(second.output.split())
        assert "another run is rotating" in World.entries(tmp_path / "report0.json")["a"]["reason"]
        assert client.record() == before
        assert [each for each in ours(simulator.admin.log()[asked:]) if each["operation"] == "createClientSecret"] == []
    assert first.code == 0, first.messages
    assert world.complaints() == []


@pytest.mark.torture
def test_a_run_that_others_overtake_while_it_compares_ends_well(tmp_path: Path, simulator: Simulator) -> None:
    """It holds no lease: it tries before a rotation, has nothing to do, or leaves the client to another run."""
    world = World(tmp_path, simulator)
    tries, _idle, leaves = world.add("tries", "idle", "leaves", service_client_rotation_grace="auto")
    tries.variables["service_client_force"] = True
    for each in world.clients:
        each.variables["service_client_probe"] = {"command": ["true"]}
    world.rotate().ok()
    leaves.lease_elsewhere()
    at = {each.name: Point("task", operation="Deliver | Write") for each in world.clients}
    told = {"rotation_force": "", "rotation_report": str(tmp_path / "report0.json")}
    with Holding(world, "aritma.iam.rotate", world.clients, at, **told).sleeping() as second:
        leaves.keep({**leaves.record(), "lease": None})
        first = world.ansible("first").run("aritma.iam.rotate", variables=world.variables(), hosts=world.hosts())
        assert first.code == 0, first.messages
        after = [each.record() for each in world.clients]
    assert second.code == 0, second.messages
    assert _states(world, 1) == [dict.fromkeys(at, "unchanged")]
    assert [each.record() for each in world.clients] == after
    assert world.complaints() == []


def test_a_lease_of_another_machine_is_waited_for(tmp_path: Path, simulator: Simulator) -> None:
    """For as long as the operator says; a run that could not begin then is no success, nor is one after a leak."""
    world = World(tmp_path, simulator)
    short, long, leaked = world.add("short", "long", "leaked")
    wait = {"short": "1m", "long": "1s", "leaked": ""}
    for each in world.clients:
        each.lease_elsewhere(12 if each is short else 600)
        each.variables |= {"rotation_wait": wait[each.name], "rotation_compromised": each is leaked}
    run = world.rotate()
    assert run.code != 0
    assert world.states() == {"short": "rotated", "long": "blocked", "leaked": "blocked"}
    assert "rotation_wait: 10m" in run.messages
    assert [len(each.secrets()) for each in (long, leaked)] == [2, 2]


@pytest.mark.torture
def test_a_worker_outlives_its_killed_run(tmp_path: Path, simulator: Simulator, bao: BaoRecords) -> None:
    """Only the main process is killed. What its workers had in flight lands after the next run; later runs tidy up."""
    world = World(tmp_path, simulator, bao)
    points = {
        "posting": Point("call", operation="createClientSecret"),
        "deleting": Point("call", operation="deleteClientSecret"),
        "staging": Point("store", 1),
        "promoting": Point("store", 2),
        "guarding": Point("store", 3),
        "closing": Point("store", 4),
    }
    clients = world.add(*points)
    with world.consumed():
        holding = Holding(world, "aritma.iam.rotate", clients, points)
        process = holding.start()
        holding.wait(process)
        workers = family(process.pid)[1:]
        os.kill(process.pid, signal.SIGKILL)
        after = world.rotate(rotation_force=False)
        holding.release(drop=False)
        process.communicate()
        _wait_for_end(workers)
        last = world.rotate(rotation_force=False)
        # The secret was created twice, with one value. A copy of the current secret stays until the next rotation.
        complaints = [each for each in world.complaints() if not each.startswith("posting: managed secrets")]
        rotated = world.rotate()
    assert after.code == 0, after.messages
    assert last.code == 0, last.messages
    assert complaints == []
    assert rotated.code == 0, rotated.messages
    assert world.complaints() == []
    assert max(each.peak() for each in clients) <= 3


def _wait_for_end(workers: list[int]) -> None:
    """What is in flight lands, and its workers find that nobody listens to them any more."""
    deadline = time.monotonic() + 60
    while any(start_time(pid) for pid in workers):
        assert time.monotonic() < deadline, "a worker goes on for ever"
        time.sleep(0.1)


@pytest.mark.torture
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("lease", ["15m", "2s", "1s"])
def test_many_races(tmp_path: Path, simulator: Simulator, bao: BaoRecords, lease: str) -> None:
    """Both stores, two and four runs, other moments each time; a lease of 2 s ends while a run is stopped, or works."""
    short = {} if lease == "15m" else {"service_client_proof_deadline": 0, "service_client_retire_deadline": 0}
    for number in range(12):
        home = tmp_path / f"race{number}"
        home.mkdir()
        world = World(home, simulator, bao if number % 2 else None)
        world.add(f"a{number}", f"b{number}")
        with world.consumed():
            _race(world, 2 + number % 4 // 2 * 2, number, service_client_lease=lease, **short)
            last = world.rotate(rotation_force=False)
        assert last.code == 0, last.messages
        assert world.complaints() == [], number
        assert max(each.peak() for each in world.clients) <= (2 if lease == "15m" else 4)
