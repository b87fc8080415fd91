# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One simulator process for the tests of this folder, emptied before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator import Simulator, running
from unit.api.driver import Driver


@pytest.fixture(scope="session")
def api_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The process; tests use ``iam``."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
        environment.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        with running() as simulator:
            yield simulator


@pytest.fixture
def iam(api_process: Simulator) -> Driver:
    """Tasks against an empty simulator with the profile ``documented``."""
    api_process.admin.reset("documented")
    api_process.admin.clear_faults()
    return Driver(api_process)
