# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: a simulator of any profile, and Ansible runs against it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from torture.openbao import BaoRecords, running_bao_records

from simulator.process import ADMIN_CLIENT_SECRET, Simulator

ON_PURPOSE = ("createClientSecret", '(whole body): "description" is a required property')
"""What the doctor sends against the description, to learn whether a secret needs one."""


@pytest.fixture(scope="session")
def idle() -> Iterator[list[Simulator]]:
    """Simulators that no test uses: to start one takes as long as half a run of Ansible."""
    simulators: list[Simulator] = []
    yield simulators
    for each in simulators:
        each.close()


@pytest.fixture
def simulate(idle: list[Simulator]) -> Iterator[Callable[..., Simulator]]:
    """Gives out simulators; at the end each must have seen only requests and answers that fit the contract."""
    with ExitStack() as stack:
        used: list[Simulator] = []

        def start(profile: str = "documented", **switches: Any) -> Simulator:
            simulator = idle.pop() if idle else Simulator([], tls=None, admin_secret=ADMIN_CLIENT_SECRET)
            stack.callback(simulator.close)
            used.append(simulator)
            simulator.admin.reset(profile, **switches)
            return simulator

        yield start
        for simulator in used:
            seen = simulator.admin.violations()
            assert [each for each in seen["requests"] if (each["operation"], each["problem"]) != ON_PURPOSE] == []
            assert seen["responses"] == []
        stack.pop_all()
        idle.extend(used)


@pytest.fixture
def simulator(simulate: Callable[..., Simulator]) -> Simulator:
    """A simulator that answers as documented."""
    return simulate()


@pytest.fixture
def ansible(tmp_path: Path, simulator: Simulator) -> Ansible:
    """Ansible against ``simulator``."""
    return Ansible(tmp_path, simulator)


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaoRecords]:
    """A real OpenBao behind a proxy."""
    with running_bao_records(tmp_path_factory.mktemp("bao")) as server:
        yield server
