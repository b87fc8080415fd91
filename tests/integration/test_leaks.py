# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 13: no secret in outputs at -vvvv, arguments, environments, facts, job events, artifacts, files left behind.

Each client has a story of its own that ends well or badly; all of them are told in one run, which is watched meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_run import VENV, Ansible
from meanwhile import meanwhile
from torture.leaks import Watch, files, forms, hits, values_of
from torture.openbao import TOKEN, running_bao_records
from torture.world import CONNECTIONS, HERE, Client, World

from simulator.process import running

ADMIN = "AdminCanary+/=0123456789%&secret"
WRITTEN_AHEAD = "AheadCanary0123456789abcdefghij"


@dataclass(frozen=True)
class Told:
    """A finished run, what was seen of it meanwhile, and where it worked."""

    code: int
    output: str
    watch: Watch
    ansible: Ansible


def _pending(client: Client) -> None:
    """An earlier run wrote ahead: so the value is known to the test before it is sent."""
    record = client.record()
    rotation_id = record["current"]["rotation_id"][:-6] + "eeeeee"
    ahead = {**record["current"], "value": WRITTEN_AHEAD, "rotation_id": rotation_id, "secret_id": None}
    client.keep({**record, "pending": {**ahead, "description": f"aritma.iam rotation {rotation_id}"}})


def _stories(world: World) -> None:
    """Success, lost answers, answers that repeat the value, a misconfigured client, a consumer that fails, a leak."""
    _fine, lost, echo, scope, back, burnt = world.add("fine", "lost", "echo", "scope", "back", "burnt")
    _pending(echo)
    first = scope.record()["current"]["value"]
    post = {"operation": "createClientSecret"}
    told = {"title": f"value {WRITTEN_AHEAD} refused", "errors": {"value": [WRITTEN_AHEAD]}, "detail": WRITTEN_AHEAD}
    refused = {"error": "invalid_scope", "error_description": f"secret {first} may not ask for this"}
    world.simulator.admin.add_faults(
        {"match": {**post, "client_id": lost.client_id}, "action": "commit_then_drop", "times": 1},
        {"match": {**post, "client_id": echo.client_id}, "action": "fail_before", "status": 422, "payload": told},
        {
            "match": {"client_id": scope.client_id, "path_regex": "^/acme/"},
            "action": "fail_before",
            "status": 400,
            "payload": refused,
        },
    )
    works = back.record()["current"]["rotation_id"]
    back.variables["service_client_probe"] = {"command": f"grep -q {works} {back.home}/delivered.env", "retries": 0}
    burnt.variables["rotation_compromised"] = True


def _watched(world: World, **environment: str) -> Told:
    ansible = world.ansible()
    # ansible-core 2.21 has a socket in it, whose path may have 107 characters: hence the short names of tests here.
    temporary = world.home / ".tmp"
    temporary.mkdir(exist_ok=True)
    process = ansible.start(
        "aritma.iam.rotate",
        "-vvvv",
        "--diff",
        "-f",
        "8",
        variables=world.variables(),
        hosts=world.hosts(),
        TMPDIR=str(temporary),
        ANSIBLE_CACHE_PLUGIN="jsonfile",
        ANSIBLE_CACHE_PLUGIN_CONNECTION=str(world.home / ".facts"),
        ANSIBLE_LOG_PATH=str(world.home / ".log"),
        **environment,
    )
    folders = [temporary, ansible.home / ".ansible" / "tmp"]
    watch = Watch(process.pid, folders, [Path(each.store_path) for each in world.clients])
    with meanwhile(watch.sample, 0.02):
        run = ansible.finish(process)
    assert watch.samples > 10
    return Told(run.code, run.output, watch, ansible)


def _wanted(world: World, told: Told) -> dict[str, set[bytes]]:
    """All secrets that there were, by names that may be shown."""
    values = {
        WRITTEN_AHEAD,
        *told.watch.values,
        *(value for each in world.clients for value in values_of(each.record())),
    }
    assert len(values) > len(world.clients)
    ids = [each.client_id for each in world.clients]
    wanted = {f"secret {number}": forms(value, ids) for number, value in enumerate(sorted(values))}
    return {**wanted, "admin secret": forms(ADMIN, ["admin"]), "vault token": forms(TOKEN)}


def _leaks(world: World, told: Told) -> list[str]:
    wanted = _wanted(world, told)
    clients = {name: each for name, each in wanted.items() if name != "admin secret"}
    found = hits("output", told.output.encode(), wanted)
    for what, contents in told.watch.seen.items():
        # The admin secret is in the environment because the caller has put it there.
        sought = clients if what == "environment" else wanted
        found += [hit for each in contents for hit in hits(what, each, sought)]
    return found + _left_behind(world, told, wanted)


def _left_behind(world: World, told: Told, wanted: Mapping[str, set[bytes]]) -> list[str]:
    """Secrets in files, but for the record, the delivered file and the inventory. The token cache may hold tokens."""
    own = {Path(each.store_path) for each in world.clients} | {each.home / "delivered.env" for each in world.clients}
    own |= {told.ansible.home / "inventory.yml"}
    tokens = told.ansible.home / "tokens"
    found = []
    for path in files([world.home]):
        if path not in own:
            found += hits(
                str(path.relative_to(world.home)), path.read_bytes(), wanted, tokens=tokens not in path.parents
            )
    return found


@pytest.mark.matrix
def test_a_run_shows_no_secret(tmp_path: Path) -> None:
    """Every story, in the controller process, with files here."""
    with running(admin_secret=ADMIN) as simulator:
        world = World(tmp_path, simulator)
        _stories(world)
        told = _watched(world)
        states = {name: entry["state"] for name, entry in world.reported().items()}
    well = dict.fromkeys(("fine", "lost", "burnt"), "rotated")
    assert states == {**well, "echo": "failed", "scope": "blocked", "back": "rolled_back"}
    assert _leaks_of(world, told) == []


def _leaks_of(world: World, told: Told) -> list[str]:
    return sorted(set(_leaks(world, told)))


@pytest.mark.torture
def test_a_run_on_the_target(tmp_path: Path) -> None:
    """Modules are shipped over a connection, and so are the record and the delivered file."""
    with running(admin_secret=ADMIN) as simulator:
        world = World(tmp_path, simulator)
        world.add("away", "late", ansible_connection="elsewhere")
        lost = {"match": {"operation": "createClientSecret", "client_id": "id-late"}, "action": "commit_then_drop"}
        simulator.admin.add_faults({**lost, "times": 1})
        told = _watched(world, ARITMA_RUN_ON="target", ANSIBLE_CONNECTION_PLUGINS=str(CONNECTIONS))
        assert told.code == 0, told.output
        assert world.complaints() == []
    assert _leaks_of(world, told) == []


@pytest.mark.matrix
def test_a_bug_shows_no_secret(tmp_path: Path) -> None:
    """An exception that nobody expected, with the value in its text."""
    with running(admin_secret=ADMIN) as simulator:
        world = World(tmp_path, simulator)
        world.add("crash")
        told = _watched(world, ANSIBLE_STRATEGY="buggy", ANSIBLE_STRATEGY_PLUGINS=str(HERE / "strategy"))
        assert told.code != 0
        assert world.clients[0].record()["pending"]
        assert world.reported()["crash"]["state"] == "failed"
        assert "createClientSecret" not in {each["operation"] for each in simulator.admin.log()}
    assert _leaks_of(world, told) == []


@pytest.mark.matrix
def test_ansible_runner_keeps_no_secret(tmp_path: Path) -> None:
    """Artifacts and job events of a run by ansible-runner, as AWX has them; the record lives in OpenBao."""
    with running(admin_secret=ADMIN) as simulator, running_bao_records(tmp_path) as bao:
        home = tmp_path / "world"
        home.mkdir()
        world = World(home, simulator, bao)
        (client,) = world.add("runner")
        folder = tmp_path / "runner"
        old = client.record()["current"]["value"]
        code = _run_by_runner(world, folder)
        assert code == 0, (folder / "artifacts" / "r1" / "stdout").read_text(encoding="utf-8")
        assert client.complaints() == []
        values = [old, client.record()["current"]["value"]]
    wanted = {f"secret {number}": forms(value, [client.client_id]) for number, value in enumerate(values)}
    found = [hit for path in files([folder / "artifacts"]) for hit in hits(path.name, path.read_bytes(), wanted)]
    assert len(list(files([folder / "artifacts" / "r1" / "job_events"]))) > 10
    assert found == []


def _run_by_runner(world: World, folder: Path) -> int:
    ansible = world.ansible()
    local = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "bin" / "python")}
    hosts = {name: {**local, **variables} for name, variables in world.hosts().items()}
    given: dict[str, Any] = {
        "inventory/hosts.json": {"all": {"children": {"service_clients": {"hosts": hosts}}}},
        "env/extravars": world.variables(),
        "env/settings": {"process_isolation": False},
        "env/cmdline": None,
    }
    for name, content in given.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("-vvvv --diff" if content is None else json.dumps(content), encoding="utf-8")
    command: Sequence[str] = [
        str(Path(sys.executable).with_name("ansible-runner")),
        "run",
        str(folder),
        "-p",
        "aritma.iam.rotate",
        "-i",
        "r1",
    ]
    done = subprocess.run(command, env=ansible.environment, capture_output=True, timeout=400, check=False)
    return done.returncode
