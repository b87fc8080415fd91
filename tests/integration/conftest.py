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

from simulator.process import Simulator, running

ON_PURPOSE = ("createClientSecret", '(whole body): "description" is a required property')
"""What the doctor sends against the description, to learn whether a secret needs one."""


@pytest.fixture
def simulate() -> Iterator[Callable[..., Simulator]]:
    """Starts simulators; at the end each must have seen only requests and answers that fit the contract."""
    with ExitStack() as stack:
        started: list[Simulator] = []

        def start(profile: str = "documented", **switches: Any) -> Simulator:
            simulator = stack.enter_context(running(profile, **switches))
            started.append(simulator)
            return simulator

        yield start
        for simulator in started:
            if simulator.pid:
                seen = simulator.admin.violations()
                assert [each for each in seen["requests"] if (each["operation"], each["problem"]) != ON_PURPOSE] == []
                assert seen["responses"] == []


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
