# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of switches is complete and documented."""

from __future__ import annotations

import re
from pathlib import Path

from simulator.named import NAMED
from simulator.profiles import SWITCHES, Profile


def test_every_switch_has_a_fact_and_a_default_that_it_allows() -> None:
    facts = {f"U{number}" for number in range(1, 23)}
    assert facts <= {field.metadata["fact"] for field in SWITCHES.values()}
    for name, field in SWITCHES.items():
        allowed = field.metadata["values"]
        assert not allowed or getattr(Profile(), name) in allowed, name


def test_the_readme_names_every_profile_and_switch() -> None:
    text = (Path(__file__).resolve().parents[2] / "simulator" / "README.md").read_text()
    named = set(re.findall(r"`([a-z0-9_]+)`", text))
    assert set(NAMED) | set(SWITCHES) <= named
