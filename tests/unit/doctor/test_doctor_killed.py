# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a killed doctor leaves, the next one removes, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from unit.api.driver import Driver

NOT_OURS = [
    "aritma-iam-doctor",
    "aritma-iam-doctor-notes",
    "aritma-iam-doctor-0123456789abc",
    "aritma-iam-doctor-0123456789ag",
    "my aritma-iam-doctor-0123456789ab",
]
TESTS = Path(__file__).resolve().parents[2]
WRITES = 80
"""More writes than a doctor makes. Nobody is killed after a read, since a read leaves nothing."""


def neighbours(iam: Driver) -> None:
    """What looks like the doctor's, and is not."""
    made = iam.admin.seed(clients=[{"name": name} for name in NOT_OURS])["clients"]
    iam.admin.seed(groups=[{"name": name} for name in NOT_OURS])
    subject = made[0]["subject_id"]
    scopes = ["/subscriptions/aritma-iam-doctor/other", "/subscriptions/aritma-iam-doctors", "/subscriptions"]
    iam.admin.seed(policies=[{"subject": subject, "action": "documents.read", "scope": each} for each in scopes])


def held(iam: Driver) -> list[list[str]]:
    """The names and scopes that the simulator holds."""
    state = iam.admin.state()
    return [
        [each["name"] for each in state["clients"][1:]],
        [each["name"] for each in state["groups"]],
        [each["scope"] for each in state["policies"]],
    ]


@contextmanager
def victims(iam: Driver) -> Iterator[subprocess.Popen[str]]:
    """The process that runs doctors which kill themselves."""
    options = {
        "api_url": iam.simulator.api_url,
        "identity_url": iam.simulator.identity_url,
        "tenant": "acme",
        "auth_client_id": "admin",
        "auth_client_secret": iam.simulator.admin_client_secret,
        "auth_scope": "services.iam",
        "write": True,
        "limit": 60,
    }
    command = [sys.executable, str(Path(__file__).with_name("victim.py")), json.dumps(options)]
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    with subprocess.Popen(
        command, text=True, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        yield process
        if process.stdin:
            process.stdin.close()


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.torture)])
def test_a_killed_doctor_leaves_what_the_next_one_removes(iam: Driver, step: int) -> None:
    """Killed after each write, or after every sixth."""
    neighbours(iam)
    before, litter = held(iam), 0
    with victims(iam) as process:
        assert process.stdin
        assert process.stdout
        for writes in range(1, WRITES, step):
            print(writes, file=process.stdin, flush=True)
            status = int(process.stdout.readline())
            if status == 0:
                break
            assert status == signal.SIGKILL
            litter += held(iam) != before
            # It removes what is left first, and has no time for more.
            assert iam.ok("doctor", write=True, limit=0.001)["left"] == []
            assert held(iam) == before, writes
        else:
            raise AssertionError("it never came to its end")
    assert litter > 40 // step
    assert held(iam) == before
