# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which rows a list shows: the current ones, or older ones if lists are stale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from simulator.store.database import Database

_FAR = 1 << 40
VISIBLE = (
    "created <= :horizon AND created_tick <= :tick_horizon"
    " AND (deleted IS NULL OR deleted > :horizon OR deleted_tick > :tick_horizon)"
)


@dataclass(frozen=True)
class Lag:
    """How far lists are behind, in seconds and in list requests."""

    seconds: float = 0.0
    requests: int = 0


def current_tick(database: Database, key: str) -> int:
    """The current count of lists or exchanges with this key."""
    row = database.one("SELECT n FROM ticks WHERE key = ?", key)
    return 0 if row is None else int(row["n"])


def count_up(database: Database, key: str) -> int:
    """Count one more. Returns the new count."""
    database.run("INSERT INTO ticks VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET n = n + 1", key)
    return current_tick(database, key)


def horizon(database: Database, key: str, lag: Lag) -> dict[str, Any]:
    """The parameters of `VISIBLE`. Counts this list if the lag is in requests."""
    seen_until = database.clock() - lag.seconds
    if not lag.requests:
        return {"horizon": seen_until, "tick_horizon": _FAR}
    tick = count_up(database, key) - 1
    return {"horizon": seen_until, "tick_horizon": tick - lag.requests}
