# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a rotation. It follows the IAM API, which judges secrets, even if the clock of this machine is wrong."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta, timezone

_APART = 30.0
"""Seconds that the two clocks may differ. Within these, the clock of this machine counts."""


@dataclass(frozen=True)
class Clock:
    """``served`` is the time of the API when this machine showed ``wall``, both in seconds since 1970.

    ``passed`` is the monotonic time at that moment, which all processes of this machine share. ``told`` is false if the
    API showed no time, so that the clock of this machine is used.
    """

    served: float
    wall: float
    passed: float
    told: bool = True

    @classmethod
    def set_by(cls, served: float | None) -> Clock:
        """A clock that shows ``served`` now; with None, the time of this machine."""
        wall = time.time()
        told = served is not None
        shown = wall if served is None or abs(served - wall) < _APART else served
        return cls(shown, wall, time.monotonic(), told)

    @classmethod
    def from_data(cls, data: Sequence[float] | None) -> Clock:
        """The clock of an earlier task, from its ``data``."""
        if not data:
            return cls.set_by(None)
        served, wall, passed, told = data
        return cls(served, wall, passed, bool(told))

    @property
    def data(self) -> list[float]:
        """As plain data, for ``from_data``."""
        return list(astuple(self))

    @property
    def ahead(self) -> timedelta:
        """How far it is ahead of the clock of this machine, rounded to ten seconds."""
        return timedelta(seconds=round(self.served - self.wall, -1))  # the API shows whole seconds

    def now(self) -> datetime:
        """The time now. It does not go back if the clock of this machine is set back."""
        since = max(time.time() - self.wall, time.monotonic() - self.passed)
        return datetime.fromtimestamp(int(self.served + since), timezone.utc)
