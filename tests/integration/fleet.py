# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of clients with secrets of any age, its inventory sources, and runs on them from the command line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import yaml
from ansible_run import Ansible, Run
from torture.world import CONSUMER_SCOPE, FOREIGN, LINEAGE, SCOPE, Client, World

PLUGIN = "aritma.iam.service_clients"

GROUP_VARS = {
    "service_client_store": {"type": "file", "path": "{{ fleet_home }}/{{ inventory_hostname }}/record.json"},
    "service_client_deliveries": [
        {"type": "file", "path": "{{ fleet_home }}/{{ inventory_hostname }}/delivered.env", "format": "env"}
    ],
    "service_client_verify_scope": SCOPE,
    "service_client_rotation_grace": "0s",
}
"""What the server does not know, as it stands beside the inventory sources."""


def managed_secret(number: int, days: float, **members: Any) -> dict[str, Any]:
    """A secret of ours as the simulator plants it: the ``number``-th one, made so many days ago."""
    at = datetime.now(timezone.utc) - timedelta(days=days)
    stamp = f"{at:%Y%m%dT%H%M%SZ}"
    return {
        "value": f"Planted{number:025d}",
        "description": f"aritma.iam rotation {LINEAGE}-{stamp}-{number:06x}",
        "created": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        **members,
    }


def populate(world: World, names: Sequence[str], days: Mapping[str, float]) -> list[Client]:
    """Clients with one secret of ours, ``days`` old (0 unless named), its record, and one secret of somebody else."""
    clients = [Client(name, f"id-{name}", world.home / name, world.simulator) for name in names]
    planted = {each.name: managed_secret(number, days.get(each.name, 0)) for number, each in enumerate(clients)}
    theirs = {"value": FOREIGN, "description": "portal"}
    made = world.simulator.admin.seed(
        clients=[
            {
                "name": each.name,
                "client_id": each.client_id,
                "allowed_scopes": [SCOPE, CONSUMER_SCOPE],
                "secrets": [planted[each.name], theirs],
            }
            for each in clients
        ]
    )
    for each, shown in zip(clients, made["clients"], strict=True):
        each.home.mkdir()
        each.keep(planted_record(shown, planted[each.name]))
    world.clients += clients
    return clients


def planted_record(client: Mapping[str, Any], secret: Mapping[str, Any]) -> dict[str, Any]:
    """The record of a client as the simulator made it, whose first secret is that one."""
    current = {
        "value": secret["value"],
        "rotation_id": secret["description"].rpartition(" ")[2],
        "secret_id": str(client["secrets"][0]["id"]),
        "description": secret["description"],
        "created_at": secret["created"],
        "expires_at": None,
    }
    empty = {"pending": None, "previous": None, "last_rotated_at": None, "last_verified_at": None}
    known = {"schema": 1, "client_id": client["client_id"], "client_name": client["name"], "version": 1}
    return {**known, "current": current, **empty}


def source(folder: Path, name: str, **options: Any) -> Path:
    """An inventory source of the plugin."""
    path = folder / name
    path.write_text(yaml.safe_dump({"plugin": PLUGIN, **options}), encoding="utf-8")
    return path


def group_vars(folder: Path, fleet_home: Path) -> None:
    """Put the variables of all clients beside the inventory sources of a folder."""
    path = folder / "group_vars" / "service_clients.yml"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump({**GROUP_VARS, "fleet_home": str(fleet_home)}), encoding="utf-8")


def run(ansible: Ansible, program: str, *arguments: str, **environment: str) -> Run:
    """Run one to its end."""
    Path(ansible.environment["RECORDER_FILE"]).unlink(missing_ok=True)
    return ansible.finish(ansible.launch(program, *arguments, **environment), timeout=3000)


def listed(ansible: Ansible, *arguments: str, **environment: str) -> dict[str, Any]:
    """What ``ansible-inventory --list`` says."""
    path = ansible.home / "listed.json"
    run(ansible, "ansible-inventory", "--list", "--output", str(path), *arguments, **environment).ok()
    inventory: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    path.unlink()
    return inventory


def plain(data: Any) -> Any:
    """Data of an inventory without the marks of strings that are no templates."""
    if isinstance(data, dict):
        return plain(data["__ansible_unsafe"]) if "__ansible_unsafe" in data else {k: plain(v) for k, v in data.items()}
    return [plain(each) for each in data] if isinstance(data, list) else data


def slice_of(inventory: Mapping[str, Any], hosts: Sequence[str]) -> dict[str, Any]:
    """An inventory of ``ansible-inventory --list --export`` with only these hosts, as AWX hands it to one job slice."""
    sliced: dict[str, Any] = {}
    for name, group in inventory.items():
        if name != "_meta":
            sliced[name] = {**group, "hosts": [each for each in group.get("hosts", []) if each in hosts]}
    known = inventory["_meta"]["hostvars"]
    return {**sliced, "_meta": {**inventory["_meta"], "hostvars": {each: known[each] for each in hosts}}}


def awx_slices(inventory: Mapping[str, Any], count: int) -> list[list[str]]:
    """The hosts of each slice: AWX sorts them by name and takes every ``count``-th."""
    hosts = sorted(inventory["_meta"]["hostvars"])
    return [hosts[offset::count] for offset in range(count)]


def script(folder: Path, name: str, inventory: Mapping[str, Any]) -> Path:
    """An inventory script that prints an inventory, which is how AWX gives it to a job."""
    data, path = folder / f"{name}.json", folder / f"{name}.sh"
    data.write_text(json.dumps(inventory), encoding="utf-8")
    path.write_text(f"#!/bin/sh\ncat '{data}'\n", encoding="utf-8")
    path.chmod(0o700)
    return path
