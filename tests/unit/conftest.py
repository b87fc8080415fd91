# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For ansible-test, whose pytest does not read pyproject.toml: what tests share is importable, their mark is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

_TESTS = str(Path(__file__).resolve().parent.parent)

if _TESTS not in sys.path:
    sys.path.insert(0, _TESTS)


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", "torture: long; see pyproject.toml")


# `make fuzz` has more examples; that one of them takes long on a slow machine is no failure.
settings.register_profile("few", max_examples=30, deadline=None)
settings.load_profile("few")
