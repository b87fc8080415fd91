# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``aritma.iam.move_store``: the records of a fleet in another store, whenever the run is killed."""

from __future__ import annotations

import json
import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from service import service
from torture.openbao import TOKEN, running_bao_records
from weather import last_message

from doubles.aws import CREDENTIALS, running_aws
from simulator.process import Simulator

CLIENTS = ("one", "two")
MOVED = {"move_store_to": {"path": "{{ new_place }}/{{ inventory_hostname }}.json"}}


def _hosts(home: Path) -> dict[str, dict[str, Any]]:
    def own(name: str) -> dict[str, Any]:
        return {
            "service_client_name": name,
            "service_client_store": {"path": str(home / "old" / f"{name}.json")},
            "service_client_deliveries": [{"path": str(home / f"{name}.env")}],
            "service_client_probe": {"command": ["echo", "{{ service_client_credential.rotation_id }}"]},
            "new_place": str(home / "new"),
        }

    return {name: {**service(home), **own(name)} for name in CLIENTS}


def _places(home: Path) -> dict[str, list[str]]:
    """Which of the two stores has the record of each client."""
    return {name: [each for each in ("old", "new") if (home / each / f"{name}.json").exists()] for name in CLIENTS}


def _all(places: list[str]) -> dict[str, list[str]]:
    return dict.fromkeys(CLIENTS, places)


def _secret(home: Path, place: str, name: str) -> str:
    value: str = json.loads((home / place / f"{name}.json").read_text())["current"]["value"]
    return value


def test_from_file_to_file_with_a_kill_on_the_way(simulator: Simulator, ansible: Ansible) -> None:
    """Killed when the copy is there and not proven yet; run again, the source goes. Then the client is rotated."""
    home, hosts = ansible.home, _hosts(ansible.home)
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    nowhere = ansible.run("aritma.iam.move_store", hosts=hosts)
    assert nowhere.code != 0 and "Say where the record is to go" in nowhere.output
    foretold = ansible.run("aritma.iam.move_store", "--check", hosts=hosts, variables=MOVED).ok()
    assert "one: would be moved" in foretold.output and _places(home) == _all(["old"])

    secret = _secret(home, "old", "one")
    client_id = json.loads((home / "old" / "one.json").read_text())["client_id"]
    match = {"operation": "tokenForTenant", "client_id": client_id}
    simulator.admin.add_faults({"match": match, "action": "pause", "phase": "before", "name": "proof"})
    process = ansible.start("aritma.iam.move_store", hosts=hosts, variables=MOVED)
    assert simulator.admin.paused(wait=300)
    # The workers as well, which have groups of their own.
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    for each in (process.pid, *map(int, workers)):
        os.kill(each, signal.SIGKILL)
    process.communicate()
    simulator.admin.clear_faults()
    simulator.admin.resume()
    assert _places(home)["one"] == ["old", "new"]

    assert ansible.run("aritma.iam.move_store", hosts=hosts, variables=MOVED).ok().changed >= 1
    assert _places(home) == _all(["new"]) and _secret(home, "new", "one") == secret
    again = ansible.run("aritma.iam.move_store", hosts=hosts, variables=MOVED).ok()
    assert again.changed == 0 and "one: is there already" in again.output
    there = {
        name: {**own, "service_client_store": {"path": str(home / "new" / f"{name}.json")}}
        for name, own in hosts.items()
    }
    ansible.run("aritma.iam.rotate", hosts=there, variables={"rotation_force": True}).ok()
    assert _secret(home, "new", "one") != secret


def test_what_is_not_moved(simulator: Simulator, ansible: Ansible) -> None:
    """The target holds another record, or the secret is refused: both stores keep what they have.

    The inventory names no scope: the exchange takes one that the server shows.
    """
    home, hosts = ansible.home, _hosts(ansible.home)
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    (home / "new").mkdir()
    other = json.loads((home / "old" / "one.json").read_text())
    other["current"]["rotation_id"] = "abcdef-20250101T000000Z-000001"
    (home / "new" / "one.json").write_text(json.dumps(other))
    refused = json.loads((home / "old" / "two.json").read_text())
    refused["current"]["value"] = "x" * 32
    (home / "old" / "two.json").write_text(json.dumps(refused))
    without = {
        name: {key: value for key, value in own.items() if key != "service_client_allowed_scopes"}
        for name, own in hosts.items()
    }
    run = ansible.run("aritma.iam.move_store", hosts=without, variables={**MOVED, "move_store_hosts": "one:two"})
    assert "holds another record of client" in last_message(run, "one")
    assert "is not accepted (rejected), so the record remains in store" in last_message(run, "two")
    assert all("old" in places for places in _places(home).values())
    assert json.loads((home / "new" / "one.json").read_text()) == other


@pytest.mark.torture
@pytest.mark.programs
def test_from_file_to_vault_to_aws(simulator: Simulator, tmp_path: Path) -> None:
    """Each time the inventory names the new store already, and the old one is said."""
    ansible, hosts = Ansible(tmp_path, simulator), _hosts(tmp_path)
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    with running_bao_records(tmp_path) as bao, running_aws(tmp_path) as aws:
        ansible.environment |= {**CREDENTIALS, "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.url}
        ansible.environment |= {"VAULT_ADDR": bao.url, "VAULT_TOKEN": TOKEN}
        stores = [
            {"type": "file", "path": str(tmp_path / "old") + "/{{ inventory_hostname }}.json"},
            {"type": "hashi_vault", "path": "fleet/{{ inventory_hostname }}"},
            {"type": "aws_secretsmanager", "region": "eu-north-1", "path": "fleet/{{ inventory_hostname }}"},
        ]
        for before, after in pairwise(stores):
            there = {name: {**own, "service_client_store": after} for name, own in hosts.items()}
            lost = ansible.run("aritma.iam.rotate", hosts=there, variables={"rotation_batch": 2})
            assert "aritma.iam.move_store" in lost.messages
            ansible.run("aritma.iam.move_store", hosts=there, variables={"move_store_from": before}).ok()
            ansible.run("aritma.iam.rotate", hosts=there, variables={"rotation_force": True}).ok()
    assert _places(tmp_path) == _all([])
