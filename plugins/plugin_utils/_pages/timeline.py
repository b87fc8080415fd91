# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Positions of secrets on a time axis, in percent of the width from the left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ...module_utils._audit.audit import Audit
from ...module_utils._secrets.age import AgedSecret

_LONGEST_BEFORE, _LONGEST_AFTER = timedelta(days=730), timedelta(days=365)
_SHORTEST = timedelta(days=30)
_MOST_TICKS = 7
_EDGE = 12
"""Percent of the width at both ends, in which a centred label would be cut off."""
_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_STEPS = (1, 2, 3, 6, 12)
"""Months between two ticks."""


@dataclass(frozen=True)
class Bar:
    """The life of a secret. ``before`` and ``after`` say if it exceeds the axis, ``known`` if its start is known."""

    secret: AgedSecret
    start: float
    end: float
    before: bool
    after: bool
    known: bool


@dataclass(frozen=True)
class Mark:
    """A moment on the axis, with a label."""

    at: float
    label: str = ""

    @property
    def side(self) -> str:
        """The ``text-anchor`` of the label: ``middle``, or an end so that it is not cut off."""
        return "start" if self.at < _EDGE else "end" if self.at > 100 - _EDGE else "middle"


@dataclass(frozen=True)
class Axis:
    """The period that is drawn."""

    first: datetime
    last: datetime

    def place(self, moment: datetime) -> float:
        """The position of a moment, also beyond the ends."""
        return round(100 * (moment - self.first) / (self.last - self.first), 2)

    def line(self, secret: AgedSecret) -> Bar:
        """The lifetime of one secret, cut at the ends of the axis."""
        start = 0.0 if secret.created is None else self.place(secret.created)
        end = 100.0 if secret.expiration is None else self.place(secret.expiration)
        first, last = min(100.0, max(0.0, start)), min(100.0, max(0.0, end))
        never = secret.expiration is None
        return Bar(secret, first, max(first, last), start < 0, never or end > 100, secret.created is not None)

    def mark(self, moment: datetime, label: str = "") -> Mark:
        """A moment, moved to the end of the axis if it is beyond."""
        return Mark(min(100.0, max(0.0, self.place(moment))), label)

    def ticks(self) -> list[Mark]:
        """The first days of months, as many as fit."""
        months = list(_months(self.first, self.last))
        step = next((each for each in _STEPS if len(months) / each <= _MOST_TICKS), _STEPS[-1])
        chosen = [month for month in months if (month.month - 1) % step == 0]
        return [self.mark(month, f"{_NAMES[month.month - 1]} {month.year}") for month in chosen]


def axis_of(audit: Audit) -> Axis:
    """An axis that includes the limits and, within reason, the lifetimes of all secrets."""
    at = audit.audited_at
    secrets = [secret for client in audit.clients for secret in client.secrets]
    created = [secret.created for secret in secrets if secret.created]
    expires = [secret.expiration for secret in secrets if secret.expiration]
    age = timedelta(seconds=audit.rotate_after or 0)
    margin = timedelta(seconds=audit.expiry_margin)
    first = min([at - max(_SHORTEST, age * 1.25), *created])
    last = max([at + max(_SHORTEST, margin * 2), *expires])
    first, last = max(first, at - max(_LONGEST_BEFORE, age * 1.25)), min(last, at + max(_LONGEST_AFTER, margin * 2))
    room = (last - first) / 50
    return Axis(first - room, last + room)


def _months(first: datetime, last: datetime) -> Iterator[datetime]:
    month = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month <= last:
        if month >= first:
            yield month
        month = (month + timedelta(days=31)).replace(day=1)
