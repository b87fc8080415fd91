# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 18: a reload that was missed is repeated before the secret goes that the service still holds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_run import Run
from faults import Services, leaving
from torture.world import HERE, Client, World

from simulator.process import Simulator

FAILS = "exit 1"
_LOAD = """set -e
if mkdir {home}/first 2> /dev/null; then {act}; fi
cp {home}/delivered.env {home}/loaded.env
echo >> {home}/loads
"""
"""What happens the first time; from then on the service has what was delivered."""


def _loading(client: Client, act: str) -> str:
    """The script by which a service loads its credential."""
    path = client.home / "load.sh"
    path.write_text(_LOAD.format(home=client.home, act=act), encoding="utf-8")
    return str(path)


def _tasks(client: Client, script: str) -> str:
    path = client.home / "load.yml"
    path.write_text(yaml.safe_dump([{"name": "Load", "ansible.builtin.command": f"sh {script}"}]), encoding="utf-8")
    return str(path)


def _serve(world: World, acts: dict[str, str]) -> Services:
    """Services that have loaded their first credential, and what the first reload of each does."""
    made = Services(world, acts)
    made.away.mkdir()
    for client in world.add(*acts, service_client_rotation_grace="auto"):
        value = client.record()["current"]["value"]
        (client.home / "loaded.env").write_text(f"CLIENT_SECRET={value}\n", encoding="utf-8")
        script = _loading(client, acts[client.name])
        delivery = {"path": str(client.home / "delivered.env")}
        reloads: dict[str, dict[str, Any]] = {
            "service": {"reload": {"service": script}},
            "tasks": {"reload": {"tasks": _tasks(client, script)}},
            "away": {"reload": {"command": ["sh", script]}, "hosts": ["near", "at-away"]},
        }
        how = reloads.get(client.name, {"reload": {"command": ["sh", script]}})
        client.variables["service_client_deliveries"] = [{**delivery, **how}]
    return made


def _notify(client: Client, name: str) -> None:
    """Reload by a handler; that proves nothing, and the operator says that there is no grace."""
    client.variables.pop("service_client_rotation_grace", None)
    delivery = {"path": str(client.home / "delivered.env"), "notify": [name]}
    client.variables["service_client_deliveries"] = [delivery]


def _play(world: World) -> dict[str, Any]:
    role = {"name": "aritma.iam.service_client", "tasks_from": "rotate"}
    load = {"name": "Load", "ansible.builtin.command": f"sh {world.home}/{{{{ inventory_hostname }}}}/load.sh"}
    hosts = ":".join(each.name for each in world.clients)
    return {"hosts": hosts, "gather_facts": False, "tasks": [{"ansible.builtin.import_role": role}], "handlers": [load]}


def _run(world: World, made: Services, **variables: Any) -> Run:
    """A run whose process the services know, since some of them end it."""
    ansible, library = made.ansible(), world.home / ".library"
    library.mkdir(exist_ok=True)
    for manager in ("service", "systemd", "sysvinit"):
        shutil.copy(HERE.parent / "pretend_service.py", library / f"{manager}.py")
    ansible.environment["ANSIBLE_LIBRARY"] = str(library)
    hosts = {**made.hosts(), "near": {}, "at-away": leaving("at-away")}
    process = ansible.start([_play(world)], "-f", "10", variables=world.variables(**variables), hosts=hosts)
    (world.home / "pid").write_text(str(process.pid), encoding="utf-8")
    return ansible.finish(process)


def _old_lives(world: World, old: dict[str, str]) -> bool:
    return all(client.lives(old[client.name]) for client in world.clients)


def _loads(world: World) -> list[str]:
    return [(each.home / "loads").read_text(encoding="utf-8") for each in world.clients]


@pytest.mark.torture
@pytest.mark.parametrize("how", ["command", "service", "tasks"])
def test_a_reload_that_fails_once(tmp_path: Path, simulator: Simulator, how: str) -> None:
    """By a command, a service or tasks; and on the second of two hosts, which is away. Without a probe."""
    world = World(tmp_path, simulator)
    made = _serve(world, {how: FAILS, "away": f"touch {tmp_path}/.away/at-away"})
    old = {each.name: each.record()["current"]["value"] for each in world.clients}
    with made.working():
        run = _run(world, made)
        assert run.code != 0
        assert world.states() == {how: "rolled_back", "away": "failed"}
        assert _old_lives(world, old)
        (made.away / "at-away").unlink()
        run = _run(world, made)
        assert run.code == 0, run.messages
        assert world.states() == dict.fromkeys(old, "rotated")
        assert world.complaints() == []
        loads = _loads(world)
        run = _run(world, made, rotation_force=False)
    assert run.code == 0 and run.changed == 0 and _loads(world) == loads, "confirmed is confirmed"


def test_a_handler_that_failed_is_notified_again_before_a_secret_goes(tmp_path: Path, simulator: Simulator) -> None:
    """It has loaded nothing, or the new secret already: Ansible does not run it again in the run in which it failed."""
    world = World(tmp_path, simulator)
    acts = {"before": FAILS, "after": "cp {home}/delivered.env {home}/loaded.env; " + FAILS}
    made = _serve(world, {name: act.format(home=tmp_path / name) for name, act in acts.items()})
    for client in world.clients:
        _notify(client, "Load")
    with made.working():
        assert _run(world, made).code != 0
        assert set(world.states().values()) == {"blocked"}
        run = _run(world, made, rotation_force=False)
        assert run.code == 0, run.messages
        assert [each.name for each in world.clients if each.delivered("loaded.env") != each.delivered()] == []
    assert world.complaints() == []


@pytest.mark.torture
def test_a_run_that_is_killed_in_a_reload(tmp_path: Path, simulator: Simulator) -> None:
    """In a handler, and in a command. A handler whose name is misspelt keeps its client out of that, with a word."""
    world = World(tmp_path, simulator)
    kill = f"kill -9 $(cat {tmp_path}/pid); exit 1"
    made = _serve(world, {"command": kill, "handler": kill, "misspelt": "true"})
    _notify(world.clients[1], "Load")
    _notify(world.clients[2], "Lode")
    old = {each.name: each.record()["current"]["value"] for each in world.clients}
    with made.working():
        for ended_by in ("handler", "command"):
            run = _run(world, made)
            assert run.code != 0, f"{ended_by}: {run.output}"
            assert set(world.states().values()) == {"failed"}, ended_by
            assert _old_lives(world, old), ended_by
            _notify(world.clients[2], "Load")
        run = _run(world, made)
    assert run.code == 0, run.messages
    assert world.states() == dict.fromkeys(old, "rotated")
    assert world.complaints() == []
    assert [each.name for each in world.clients if each.delivered("loaded.env") != each.delivered()] == []
