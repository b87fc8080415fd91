# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator process for the tests of this folder, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator
from unit.alone import running_alone
from unit.api.driver import Driver


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The process; tests use ``iam``."""
    with running_alone(tmp_path_factory) as simulator:
        yield simulator


@pytest.fixture
def iam(process: Simulator) -> Driver:
    """Tasks against an empty simulator with the profile ``documented``."""
    process.admin.reset("documented")
    process.admin.clear_faults()
    return Driver(process)
