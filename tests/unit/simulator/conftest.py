# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator process for all tests of this folder, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator, running
from simulator.caller import Caller


@pytest.fixture(scope="session")
def process() -> Iterator[Simulator]:
    """The process; tests use `simulator`."""
    with running() as simulator:
        yield simulator


@pytest.fixture
def simulator(process: Simulator) -> Simulator:
    """An empty simulator with the profile `documented`."""
    process.admin.reset("documented")
    return process


@pytest.fixture
def caller(simulator: Simulator) -> Caller:
    """A caller of the empty simulator."""
    return Caller(simulator)
