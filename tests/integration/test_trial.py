# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation checks the service before it begins: it leaves a broken one alone, and repairs what it can."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from faults import leaving
from service import service
from weather import check_messages

from simulator.caller import Caller
from simulator.process import Simulator

FORCED: Mapping[str, Any] = {"rotation_force": True, "rotation_batch": 20, "rotation_max_fail_percentage": 100}


def _client(home: Path, name: str, **variables: Any) -> dict[str, Any]:
    """A client with one file, and a probe that fails without this file."""
    file = str(home / f"{name}.env")
    own = {
        "service_client_name": name,
        "service_client_store": {"type": "file", "path": str(home / f"{name}.json")},
        "service_client_deliveries": [{"path": file}],
        "service_client_probe": {"command": ["grep", "-q", "ROTATION_ID", file], "retries": 0},
        "service_client_rotation_grace": "auto",
    }
    return service(home, **{**own, **variables})


def _record(home: Path, name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((home / f"{name}.json").read_text(encoding="utf-8"))
    return record


def _line(run: Run, name: str) -> str:
    lines = [line for line in run.output.splitlines() if line.startswith(f"{name}: ")]
    assert len(lines) == 1, run.output
    return lines[0]


@pytest.mark.torture
def test_what_a_rotation_repairs_is_rotated_and_a_broken_service_is_not(simulator: Simulator, ansible: Ansible) -> None:
    """A secret that expired, a file that was lost; a host that is away, a service that fails beside a new delivery."""
    home = ansible.home
    away = home / "away"
    away.mkdir()
    plugins = str(Path(__file__).parent / "connection_plugins")
    ansible.environment |= {"AWAY": str(away), "ANSIBLE_CONNECTION_PLUGINS": plugins}
    # It fails as long as the expired secret is the one that was delivered.
    young = {"command": ["sh", "-c", f'! grep -qs "$(cat {home}/late)" {home}/expired.env'], "retries": 0}
    far = {"path": f"{home}/silent.env", "hosts": ["far"]}
    hosts = {
        "expired": _client(
            home,
            "expired",
            service_client_secret_lifetime="20s",
            service_client_expiry_margin="1s",
            service_client_probe=young,
        ),
        "lost": _client(home, "lost"),
        "named": _client(home, "named"),
        "silent": _client(home, "silent", service_client_deliveries=[far]),
        "added": _client(
            home, "added", service_client_probe={"command": ["test", "-e", f"{home}/works"], "retries": 0}
        ),
    }
    (home / "works").touch()
    (home / "late").write_text("nothing yet")
    inventory = {**hosts, "far": leaving("far")}
    only = {"provision_hosts": ",".join(hosts), "rotation_hosts": ",".join(hosts)}
    ansible.run("aritma.iam.provision", hosts=inventory, variables=only).ok()
    begun = time.monotonic()
    before = {name: _record(home, name) for name in hosts}

    for name in ("lost", "named"):
        (home / f"{name}.env").unlink()
    client_id = before["named"]["client_id"]
    assert Caller(simulator).add_secret(client_id, "a-secret-of-somebody-else", "portal").ok
    clients = {each["client_id"]: each for each in simulator.admin.state()["clients"]}
    others = [each["id"] for each in clients[client_id]["secrets"] if each["description"] == "portal"]
    hosts["named"]["service_client_retire_ids"] = others
    (away / "far").touch()
    (home / "works").unlink()
    hosts["added"]["service_client_deliveries"].append({"path": str(home / "second.env")})
    (home / "late").write_text(before["expired"]["current"]["rotation_id"])
    time.sleep(max(0.0, 22 - (time.monotonic() - begun)))

    run = ansible.run("aritma.iam.rotate", hosts={**hosts, "far": leaving("far")}, variables={**FORCED, **only})
    check_messages(
        run,
        {
            "silent": ["Host far cannot be reached", "Nothing was changed"],
            "added": ["The task 'Probe .* failed", "Nothing was changed"],
        },
    )
    for name in ("expired", "lost", "named"):
        assert _line(run, name).startswith(f"{name}: rotated: "), run.output
        assert (home / f"{name}.env").exists()
    for name in ("silent", "added"):
        assert _record(home, name) == before[name]


@pytest.mark.torture
def test_a_file_that_was_changed_is_told_once_in_check_mode_and_while_a_secret_waits(ansible: Ansible) -> None:
    """The line of a client names its deliveries, and a run in check mode has one round for them."""
    home = ansible.home
    hosts = {
        "idle": _client(home, "idle"),
        "waits": _client(home, "waits", service_client_rotation_grace="1h"),
    }
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    forced = {**FORCED, "rotation_hosts": "waits"}
    ansible.run("aritma.iam.rotate", hosts=hosts, variables=forced).ok()
    waiting = ansible.run("aritma.iam.rotate", hosts=hosts).ok()
    assert f"file {home}/waits.env on waits" in _line(waiting, "waits")
    (home / "idle.env").write_text("CLIENT_SECRET=of-somebody\n")
    checked = ansible.run("aritma.iam.rotate", "--check", hosts=hosts).ok()
    assert "differs from what is delivered" in _line(checked, "idle")
    assert sum("Begin" in each["task"] and each["host"] == "idle" for each in checked.events) == 1
    mended = ansible.run("aritma.iam.rotate", hosts=hosts).ok()
    assert _line(mended, "idle").startswith("idle: unchanged: the secret is delivered to ")
