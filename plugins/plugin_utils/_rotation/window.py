# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The windows in which a rotation may begin, such as ``Mon-Fri 09:00-15:00 Europe/Oslo``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from ...module_utils._core.errors import OptionError
from ...module_utils._core.time import format_timestamp

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAY = r"[a-z]{3,9}"
_PART = re.compile(
    rf"(?P<days>{_DAY}(?:-{_DAY})?(?:,{_DAY}(?:-{_DAY})?)*)? ?"
    r"(?P<from>\d{1,2}:\d\d)-(?P<to>\d{1,2}:\d\d)(?: (?P<zone>\S+))?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Window:
    """A window on ``days`` (0 is Monday), from ``start`` for ``length``, in the time of ``zone``."""

    days: frozenset[int]
    start: time
    length: timedelta
    zone: tzinfo

    def openings(self, at: datetime) -> Iterable[tuple[datetime, datetime]]:
        """The times at which the window opens and closes, from a day before ``at`` to a week after it."""
        today = at.astimezone(self.zone).date()
        for day in (today + timedelta(days=each) for each in range(-1, 8)):
            if day.weekday() in self.days:
                opens = datetime.combine(day, self.start)
                yield self._moment(opens), self._moment(opens + self.length)

    def _moment(self, clock: datetime) -> datetime:
        return clock.replace(tzinfo=self.zone).astimezone(timezone.utc)


def read_windows(texts: Sequence[str]) -> list[Window]:
    """Read the windows in ``texts``, which may have been split at commas. Raises ``OptionError``."""
    return [_window(text) for text in _joined(texts)]


def closed_until(windows: Sequence[Window], at: datetime) -> str:
    """The time when the next window opens, as text; empty if one is open at ``at``, or there are no windows."""
    openings = [each for window in windows for each in window.openings(at)]
    if not windows or any(opens <= at < ends for opens, ends in openings):
        return ""
    return format_timestamp(min(opens for opens, _ends in openings if opens > at))


def _joined(texts: Sequence[str]) -> list[str]:
    """Join days without a time to the next part: ``Mon, Wed 09:00-15:00``."""
    found, days = [], ""
    for text in (part for each in texts for part in each.split(",") if part.strip()):
        tidy = re.sub(r"\s*[-\u2013]\s*", "-", " ".join(text.split()))
        days = f"{days},{tidy}" if days else tidy
        if ":" in tidy:
            found.append(days)
            days = ""
    return [*found, days] if days else found


def _window(text: str) -> Window:
    match = _PART.fullmatch(text)
    if not match:
        raise _wrong(text, "it is not a window")
    start, end = (_minutes(text, match[name]) for name in ("from", "to"))
    if start in (end, 1440):
        raise _wrong(text, "it has no length")
    length = timedelta(minutes=(end - start) % 1440 or 1440)
    return Window(_days(text, match["days"]), time(start // 60, start % 60), length, _zone(text, match["zone"]))


def _minutes(text: str, clock: str) -> int:
    hours, minutes = map(int, clock.split(":"))
    if minutes > 59 or hours * 60 + minutes > 1440:
        raise _wrong(text, f"there is no time {clock}")
    return hours * 60 + minutes


def _days(text: str, given: str | None) -> frozenset[int]:
    days: set[int] = set()
    for part in (given or "mon-sun").split(","):
        first, last = ([_day(text, name) for name in part.split("-")] * 2)[:2]
        days.update((first + each) % 7 for each in range((last - first) % 7 + 1))
    return frozenset(days)


def _day(text: str, name: str) -> int:
    for number, day in enumerate(_DAYS):
        if day.startswith(name.lower()):
            return number
    raise _wrong(text, f"there is no day {name}")


def _zone(text: str, name: str | None) -> tzinfo:
    try:
        return ZoneInfo(name) if name else timezone.utc
    except (KeyError, ValueError, OSError):  # ZoneInfo raises KeyError for an unknown zone
        raise _wrong(text, f"there is no time zone {name}") from None


def _wrong(text: str, what: str) -> OptionError:
    return OptionError(
        f"rotation_window: {text!r}: {what}. Nothing was changed.",
        hint='Write days, times and zone, such as "Mon-Fri 09:00-15:00 Europe/Oslo"; several as a list.',
        option="window",
    )
