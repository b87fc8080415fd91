# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``aritma.iam.doctor``: what it asks, what it shows and what it writes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run

from simulator import Simulator, running


@pytest.fixture(scope="module")
def server() -> Iterator[Simulator]:
    with running() as simulator:
        yield simulator


@pytest.fixture
def ansible(tmp_path: Path, server: Simulator) -> Ansible:
    server.admin.reset("documented")
    server.admin.clear_faults()
    return Ansible(tmp_path, server)


def writes(server: Simulator) -> list[str]:
    """The writes to the API."""
    requests = [each for each in server.admin.log(kind="request") if not each["operation"].startswith("token")]
    return [each["operation"] for each in requests if each["method"] != "GET"]


def report(run: Run, path: Path) -> dict[str, Any]:
    """The file; each finding of it is a line on the screen."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    assert f"{len(found['findings']) - 1} findings" in run.output
    assert all(each["asked"] in run.output for each in found["findings"][1:])
    return found


def test_it_reads_then_writes(ansible: Ansible, server: Simulator) -> None:
    read = ansible.run("aritma.iam.doctor").ok()
    found = report(read, ansible.home / "aritma-iam-doctor.json")
    assert (found["secrets_envelope"], found.get("create_client_status")) == ("bare", None)
    assert (read.changed, writes(server)) == (1, [])  # the file

    told = ansible.home / "told.json"
    how = {"doctor_write": "true", "doctor_report": str(told)}
    checked = ansible.run("aritma.iam.doctor", "--check", variables=how).ok()
    assert "create_client_status" not in report(checked, told)
    assert writes(server) == []

    server.admin.reset("duende")
    written = ansible.run("aritma.iam.doctor", variables=how).ok()
    found = report(written, told)
    assert found["put_client_id"] == "required"
    assert "otherwise: handled" in written.output
    assert [each["name"] for each in server.admin.state()["clients"]] == ["IAM admin"]


def test_what_is_left_is_named_on_the_screen_alone(ansible: Ansible, server: Simulator) -> None:
    server.admin.add_faults({"match": {"operation": "deleteClient"}, "action": "fail_before", "status": 403})
    how = {"doctor_write": True}
    first = ansible.run("aritma.iam.doctor", variables=how).ok()
    [_admin, left] = server.admin.state()["clients"]
    assert f"This remains on the server: client {left['name']} ({left['client_id']})." in " ".join(first.output.split())
    text = (ansible.home / "aritma-iam-doctor.json").read_text(encoding="utf-8")
    assert left["name"] not in text
    assert left["client_id"] not in text
    second = ansible.run("aritma.iam.doctor", variables=how).ok()
    assert "objects of an earlier doctor cannot be removed" in second.output
    assert len(server.admin.state()["clients"]) == 2
