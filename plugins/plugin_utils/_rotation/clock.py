# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a rotation: that of the IAM API, which judges secrets, whatever the clock of this machine does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta, timezone

_APART = 30.0
"""Seconds that two clocks may be apart: then ours counts."""


@dataclass(frozen=True)
class Clock:
    """``served`` is what the clock of the API showed when ours showed ``wall``, all in seconds.

    ``passed`` is the monotonic clock at that moment, the same one for every process of this machine. ``told`` is false
    where the API told no time, and ours stands for it.
    """

    served: float
    wall: float
    passed: float
    told: bool = True

    @classmethod
    def set_by(cls, served: float | None) -> Clock:
        """A clock that shows ``served`` now."""
        wall = time.time()
        told = served is not None
        shown = wall if served is None or abs(served - wall) < _APART else served
        return cls(shown, wall, time.monotonic(), told)

    @classmethod
    def handed_on(cls, words: Sequence[float] | None) -> Clock:
        """The clock that an earlier task handed on."""
        if not words:
            return cls.set_by(None)
        served, wall, passed, told = words
        return cls(served, wall, passed, bool(told))

    @property
    def words(self) -> list[float]:
        """For ``handed_on``."""
        return list(astuple(self))

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the clock of this machine, to ten seconds."""
        return timedelta(seconds=round(self.served - self.wall, -1))  # a served time has no fractions

    def now(self) -> datetime:
        """The time now. A clock of ours that is set back meanwhile does not set this one back."""
        since = max(time.time() - self.wall, time.monotonic() - self.passed)
        return datetime.fromtimestamp(int(self.served + since), timezone.utc)
