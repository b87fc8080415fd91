# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator process for the tests of one folder or file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from simulator import Simulator, running


@contextmanager
def running_alone(factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """The process; while it runs, tokens are cached where no other test looks."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ARITMA_TOKEN_CACHE_DIR", str(factory.mktemp("cache") / "tokens"))
        with running() as simulator:
            yield simulator
