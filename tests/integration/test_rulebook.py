# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rulebook ``aritma.iam.rotate_due`` in the real ansible-rulebook: a secret that comes due is rotated."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from ansible_run import Ansible
from galaxy import as_users_have_it
from service import NAME, service, stored

from programs import OLDEST_JAVA, find_java
from simulator.process import Simulator

pytestmark = pytest.mark.programs

PATIENCE = 120.0


@contextmanager
def _rulebook(ansible: Ansible, home: Path) -> Iterator[Path]:
    """The rulebook at work; what it prints."""
    variables, printed = home / "rulebook.json", home / "rulebook.log"
    # Due for the event source at once. Whether it is rotated is for the role to decide, by the record.
    variables.write_text(json.dumps({"secret_expiry_rotate_after": "1s", "secret_expiry_interval": "1s"}))
    # Without a link to the checkout, which would hide that the event source cannot find its collection.
    command = [
        str(as_users_have_it(ansible) / "ansible-rulebook"),
        "--rulebook",
        "aritma.iam.rotate_due",
        "--print-events",
    ]
    command += ["-i", str(home / "inventory.yml"), "--vars", str(variables)]
    with printed.open("w") as output:
        process = subprocess.Popen(
            command, cwd=home, env=ansible.environment, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield printed
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _all_told(printed: str) -> bool:
    """Both rules have acted: the run has ended, and the secret of others was named."""
    return "PLAY RECAP" in printed and "of client c2 is not managed by" in printed


def _wait_for_rotation(home: Path, printed: Path, secret_id: str) -> None:
    """Until another secret is in use and both rules have acted."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if stored(home)["current"].get("secret_id") not in (None, secret_id) and _all_told(printed.read_text()):
            return
        time.sleep(0.2)
    raise AssertionError(printed.read_text())


def test_a_secret_that_comes_due_is_rotated_once(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    assert find_java(), f"no Java {OLDEST_JAVA}, which ansible-rulebook needs: run `make programs`"
    ansible.run("aritma.iam.provision", hosts={NAME: service(tmp_path)}).ok()
    record_file = tmp_path / "store" / "billing.json"
    record = stored(tmp_path)
    record["current"]["created_at"] = "2026-01-01T00:00:00Z"
    record_file.write_text(json.dumps(record))
    theirs = [{"value": "Planted0123456789", "description": "by hand"}]
    simulator.admin.seed(clients=[{"name": "{{ 7*7 }}", "client_id": "c2", "secrets": theirs}])
    simulator.admin.clear_log()
    with _rulebook(ansible, tmp_path) as printed:
        _wait_for_rotation(tmp_path, printed, record["current"]["secret_id"])
    told = printed.read_text()
    made = [each for each in simulator.admin.log() if each.get("operation") == "createClientSecret"]
    assert len(made) == 1
    assert stored(tmp_path)["previous"] is None
    (client,) = (each for each in simulator.admin.state()["clients"] if each["name"] == NAME)
    assert [each["id"] for each in client["secrets"]] == [stored(tmp_path)["current"]["secret_id"]]
    secrets = (simulator.admin_client_secret, stored(tmp_path)["current"]["value"], record["current"]["value"])
    assert all(secret not in told for secret in secrets)
