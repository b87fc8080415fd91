# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 17: whatever stands above the role, nothing that works is lost, and the report is true."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from faults import FAULTS, Services, services
from torture.world import Client, World

from simulator.caller import Caller
from simulator.process import Simulator

ROTATE = {"name": "aritma.iam.service_client", "tasks_from": "rotate"}
UNTRUE = ("rotated", "unchanged", "waiting")
"""What no client with a fault may be reported as."""


def _play(how: str = "import_role", **keywords: Any) -> dict[str, Any]:
    task = {f"ansible.builtin.{how}": ROTATE}
    return {"hosts": "service_clients:!at-*", "gather_facts": False, "tasks": [task], **keywords}


KEYWORDS: dict[str, tuple[dict[str, Any], str]] = {
    "fatal": (_play("include_role", any_errors_fatal=True, ignore_unreachable=True, serial=[7, 1]), ""),
    "free": (_play(strategy="free", ignore_errors=True, ignore_unreachable=True, throttle=3), ""),
    "ignored": (_play(ignore_errors=True, ignore_unreachable=True), ""),
    "settings": (_play("include_role"), "[defaults]\nany_errors_fatal = true\n"),
}


def _check_faulty(world: World, faulty: Services) -> None:
    """Each client with a fault has its old secret; its failure is told; the healthy one is done."""
    states = world.states()
    assert states.pop("none") == "rotated", states
    assert [name for name, state in states.items() if state in UNTRUE] == [], states
    assert {"none", *states} == set(faulty.kinds)
    assert faulty.unharmed() == []
    assert world.clients[0].complaints() == []


def _check_mended(world: World, faulty: Services) -> None:
    """At most two runs without the faults, and all is as if nothing had happened."""
    faulty.mend()
    run = faulty.run(None)
    if run.code != 0:
        run = faulty.run(None)
    assert run.code == 0, run.messages
    assert world.states() == dict.fromkeys(faulty.kinds, "rotated")
    assert world.complaints() == []


@pytest.mark.parametrize(("name", "faults"), [("fatal", ("probe",)), ("free", ("reload",))])
def test_keywords_above_the_role(tmp_path: Path, simulator: Simulator, name: str, faults: Sequence[str]) -> None:
    """Some keywords, each with one of the faults."""
    _check_keywords(World(tmp_path, simulator), (name,), faults)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_all_keywords_above_the_role(tmp_path: Path, simulator: Simulator) -> None:
    """All keywords with every fault. What was repaired breaks again under the next keyword."""
    _check_keywords(World(tmp_path, simulator), tuple(KEYWORDS), FAULTS)


def _check_keywords(world: World, names: Sequence[str], faults: Sequence[str]) -> None:
    faulty = services(world, ("none", *faults))
    with faulty.working():
        for name in names:
            play, settings = KEYWORDS[name]
            (faulty.ansible().home / "ansible.cfg").write_text(settings, encoding="utf-8")
            world.report.unlink(missing_ok=True)
            faulty.break_()
            run = faulty.run(play)
            assert run.code != 0, f"{name}: {run.output}"
            _check_faulty(world, faulty)
            (faulty.ansible().home / "ansible.cfg").unlink()
            _check_mended(world, faulty)


def test_check_mode_of_the_play_counts(tmp_path: Path, simulator: Simulator) -> None:
    """Without it a run rotates to the end, also with ``--check``; with it a run writes nothing."""
    world = World(tmp_path, simulator)
    (client,) = world.add("a")
    told: dict[str, Any] = {"hosts": world.hosts(), "variables": world.variables()}
    world.ansible().run([_play(check_mode=False)], "--check", **told).ok()
    assert (world.states(), world.complaints()) == ({"a": "rotated"}, [])
    before = client.record(), client.delivered()
    world.ansible().run([_play(check_mode=True)], **told).ok()
    assert (world.states(), world.complaints()) == ({"a": "would_rotate"}, [])
    assert (client.record(), client.delivered()) == before


def test_a_client_that_its_own_tasks_end_is_not_finished(tmp_path: Path, simulator: Simulator) -> None:
    """The summary says so, and the next run continues."""
    world = World(tmp_path, simulator)
    (client,) = world.add("a")
    ends = client.home / "ends.yml"
    ends.write_text(yaml.safe_dump([{"name": "End", "ansible.builtin.meta": "end_host"}]), encoding="utf-8")
    client.variables["service_client_probe"] = {"tasks": str(ends)}
    run = world.rotate().ok()
    assert "1 client: 1 not finished" in run.output
    assert world.states() == {"a": "failed"}
    client.variables.pop("service_client_probe")
    world.rotate(rotation_force=False).ok()
    assert (world.states(), world.complaints()) == ({"a": "rotated"}, [])


STARTS = (
    "Deliver | Write the credential files",
    "Retire | Retire secrets that are no longer needed",
    "Close | Clear the record, end the lease, report the outcome",
    "Report | Fail with the outcome",
)


@pytest.mark.parametrize("starts", [STARTS[1:2], pytest.param(STARTS, marks=pytest.mark.torture)], ids=["one", "all"])
def test_a_run_that_begins_in_the_midst_or_nowhere(tmp_path: Path, simulator: Simulator, starts: Sequence[str]) -> None:
    """``--start-at-task`` and tags, where a secret is promoted and not delivered: nothing is changed or claimed."""
    world = World(tmp_path, simulator)
    faulty = services(world, ("none", "probe"))
    faulty.break_()
    for client in world.clients:
        _promote(client)
    before = [(each.record(), each.secrets()) for each in world.clients]
    for arguments in (*(("--start-at-task", each) for each in starts), ("--tags", "x")):
        world.report.unlink(missing_ok=True)
        run = faulty.run(_play(), *arguments)
        assert [(each.record(), each.secrets()) for each in world.clients] == before, arguments
        assert set(world.states().values()) <= {"failed", "blocked"}, (arguments, world.states())
        assert (run.code == 0) == ("tags" in arguments[0]), (arguments, run.output)
    with faulty.working():
        run = faulty.run(_play(), variables={"rotation_force": False})
        assert run.code != 0 and faulty.unharmed() == [], run.output
        _check_mended(world, faulty)


def _promote(client: Client) -> None:
    """A run was killed after it promoted a new secret."""
    record = client.record()
    value, rotation_id = "PromotedAndNotDelivered000000000", record["current"]["rotation_id"][:-6] + "abcdef"
    assert Caller(client.simulator).add_secret(client.client_id, value, f"aritma.iam rotation {rotation_id}").ok
    current = {**record["current"], "value": value, "rotation_id": rotation_id, "secret_id": None}
    client.keep({**record, "generation": 1, "current": current, "previous": record["current"]})


def test_own_tasks_that_a_tag_skips_prove_nothing(tmp_path: Path, simulator: Simulator) -> None:
    """Probe, reload and delivery by tasks: what ``--skip-tags`` leaves out was not done."""
    world = World(tmp_path, simulator)
    names = ("probe", "reload", "delivery")
    old = {}
    for client in world.add(*names):
        file, tasks = client.home / "delivered.env", client.home / "tasks.yml"
        fails = {"name": "Work", "ansible.builtin.command": "false", "tags": ["slow"]}
        tasks.write_text(yaml.safe_dump([fails]), encoding="utf-8")
        delivery = {"path": str(file)}
        kinds: dict[str, dict[str, Any]] = {
            "probe": {"service_client_probe": {"tasks": str(tasks)}},
            "reload": {"service_client_deliveries": [{**delivery, "reload": {"tasks": str(tasks)}}]},
            "delivery": {"service_client_deliveries": [delivery, {"type": "tasks", "file": str(tasks)}]},
        }
        client.variables |= kinds[client.name]
        old[client.name] = client.record()["current"]["value"]
    run = world.rotate(arguments=("--skip-tags", "slow"))
    assert run.code != 0
    assert set(world.states()) == set(names) and set(world.states().values()) <= {"failed", "blocked", "rolled_back"}
    assert [each.name for each in world.clients if not each.lives(old[each.name])] == []
    for client in world.clients:
        (client.home / "tasks.yml").write_text("[]", encoding="utf-8")
    run = world.rotate(rotation_force=True)
    assert run.code == 0, run.messages
    assert world.complaints() == []


@pytest.mark.torture
def test_a_time_limit_for_each_task(tmp_path: Path, simulator: Simulator) -> None:
    """Whatever it cuts off: the old secret stays, or the new one is in use; the next run ends it."""
    world = World(tmp_path, simulator)
    slow = {"posting": "createClientSecret", "deleting": "deleteClientSecret", "closing": "listClientSecrets"}
    clients = world.add("fine", *slow, "delivering", "reloading")
    tasks = world.home / "slow.yml"
    tasks.write_text(yaml.safe_dump([{"name": "Take long", "ansible.builtin.command": "sleep 60"}]), encoding="utf-8")
    for client in clients:
        if client.name in slow:
            match = {"client_id": client.client_id, "operation": slow[client.name]}
            skip = 2 if client.name == "closing" else 0
            rule = {"action": "hang", "phase": "after", "seconds": 50, "after_skip": skip, "times": 1}
            simulator.admin.add_faults({"match": match, **rule})
        delivery = client.host()["service_client_deliveries"][0]
        if client.name == "delivering":
            client.variables["service_client_deliveries"] = [delivery, {"type": "tasks", "file": str(tasks)}]
        if client.name == "reloading":
            client.variables["service_client_deliveries"] = [{**delivery, "reload": {"command": "sleep 60"}}]
    with world.consumed():
        run = world.ansible().run(
            [_play(strategy="free")],
            "-f",
            "10",
            variables=world.variables(),
            hosts=world.hosts(),
            ANSIBLE_TASK_TIMEOUT="12",
            ARITMA_REQUEST_TIMEOUT="60",
        )
        assert run.code != 0
        assert world.states().get("fine") == "rotated", run.output
        assert [name for name, state in world.states().items() if name != "fine" and state in UNTRUE] == []
        assert [each.name for each in clients if not each.lives(each.record()["current"]["value"])] == []
        tasks.write_text("[]", encoding="utf-8")
        clients[-1].variables["service_client_deliveries"][0]["reload"]["command"] = "true"
        run = world.rotate(rotation_force=False)
    assert run.code == 0, run.messages
    assert world.complaints() == []
