# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a rotation in larger scenarios: all adversaries together, up to 9 minutes each."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.tests.unit.rotation.scenarios import (
    COMPROMISED,
    FORCED,
    HIDDEN,
    PROVISIONING,
    USUAL,
    numbered,
    one_more,
    run,
)

TWO: dict[str, Any] = {"asks": (USUAL, FORCED), "most": 4}

HOLDS: dict[str, dict[str, Any]] = {
    "one run, everything": {
        "targets": 2, "kills": 1, "losses": 1, "probe_failures": 1, "reload_failures": 1, "delivery_failures": 1,
        "slow": True, "late": True, "further": 1, "most": 3,
    },
    "two rotations, a sleeper, consumers fail": {
        **TWO, "kills": 1, "sleeps": 1, "probe_failures": 1, "slow": True, "late": True,
    },
    "two rotations, a sleeper, targets that look at the clock": {
        **TWO, "fence": "deadline", "kills": 1, "sleeps": 1, "probe_failures": 1, "slow": True, "late": True,
    },
    "two rotations, a sleeper, targets that refuse nothing": {
        **TWO, "fence": "look", "kills": 1, "sleeps": 1, "further": 1, "days": 1,
    },
    "the same, killed runs are not known to be dead": {
        **TWO, "fence": "look", "kills": 1, "sleeps": 1, "probe_failures": 1, "days": 1, "dead_unknown": True,
    },
    "two configurations, a sleeper": {
        "asks": ({"force": True, "only": (0,)}, PROVISIONING), "targets": 2, "world": one_more, "most": 4,
        "kills": 1, "sleeps": 1, "reload_failures": 1, "delivery_failures": 1,
    },
    "two sleepers, two targets": {**TWO, "targets": 2, "sleeps": 2, "probe_failures": 1, "further": 1},
    "LIST lags, deletions are known late, two nodes": {
        **TWO, "nodes": 2, "kills": 1, "lags": 1, "ghosts": True, "slow": True, "rows_late": True,
    },
    "three runs, a sleeper": {"asks": (USUAL, FORCED, FORCED), "sleeps": 1, "most": 4},
    "a leak, a sleeper, late requests": {
        "asks": (USUAL, COMPROMISED), "sleeps": 1, "kills": 1, "late": True, "hours": 1, "most": 4,
    },
    "a leak, targets that refuse nothing": {
        "asks": (USUAL, COMPROMISED), "fence": "look", "sleeps": 1, "kills": 1, "days": 1, "most": 4,
    },
    "a leak, accepted late, probes fail": {
        "asks": (USUAL, COMPROMISED), "kills": 1, "slow": True, "probe_failures": 1, "hours": 1, "further": 1,
        "most": 4,
    },
    "two leaks, a sleeper": {"asks": (COMPROMISED, COMPROMISED), "sleeps": 1, "kills": 1, "hours": 1, "most": 4},
    "a sleeper between others, and a leak": {
        "asks": (USUAL, USUAL, COMPROMISED), "sleeps": 1, "hours": 1, "most": 4, "converges": False,
    },
    "any task is skipped or its failure ignored": {
        **TWO, "skips": 1, "ignored": 1, "sleeps": 1, "kills": 1, "states": 4_000_000,
    },
    "no descriptions, late requests, others add and delete": {
        "world": numbered, **HIDDEN, "asks": (FORCED,), "kills": 1, "losses": 1, "late": True, "slow": True,
        "added": 1, "removed": 1, "further": 1, "most": 4,
    },
    "no descriptions, two runs, others add and delete": {
        "world": numbered, **HIDDEN, "asks": (FORCED, FORCED), "added": 1, "removed": 1, "kills": 1, "most": 4,
    },
}  # fmt: skip


@pytest.mark.torture
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", HOLDS.values(), ids=HOLDS.keys())
def test_the_order_holds(scenario: dict[str, Any]) -> None:
    found = run(**scenario)
    assert found.violation is None, str(found)
