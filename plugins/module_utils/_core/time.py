# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads times (RFC 3339, UTC) and durations (``90d``) in several formats, and writes them in one."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta, timezone

from .errors import OptionError

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(\d{1,6})([smhdw])")
_FRACTION = re.compile(r"\.(\d+)")
_LONGEST = 365_250 * 86400  # so that a time plus a duration stays within the calendar


def now() -> datetime:
    """The time now, in UTC, to the second."""
    return datetime.fromtimestamp(int(time.time()), timezone.utc)


def parse_duration(text: str, option: str) -> timedelta:
    """Read ``90d``, ``12h``, ``30m``, ``45s``, ``2w``, or several in a row (``1d12h``). Raises ``OptionError``."""
    compact = text.replace(" ", "").lower()
    parts = _DURATION.findall(compact)
    if not parts or "".join(number + unit for number, unit in parts) != compact:
        raise OptionError(
            f"{option}: {text!r} is not a duration.",
            hint="Write a whole number and a unit, such as 90d, 12h, 30m or 45s.",
            option=option,
        )
    seconds = sum(int(number) * _SECONDS[unit] for number, unit in parts)
    if seconds > _LONGEST:
        raise OptionError(f"{option}: {text!r} is longer than 1000 years.", hint="Write a shorter one.", option=option)
    return timedelta(seconds=seconds)


def parse_timestamp(text: str) -> datetime:
    """Read an RFC 3339 time and convert it to UTC. Without a zone it is in UTC; a date alone means its midnight.

    Raises ``ValueError`` for any other text.
    """
    # Python 3.10 reads neither "Z" nor fractions of other lengths than 3 and 6 digits. Servers send up to 7.
    iso = re.sub(r"[zZ]$", "+00:00", text.strip())
    iso = _FRACTION.sub(lambda match: "." + match.group(1)[:6].ljust(6, "0"), iso)
    moment = datetime.fromisoformat(iso)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    try:
        return moment.astimezone(timezone.utc)
    except OverflowError:
        raise ValueError("a time beyond the calendar") from None


def format_timestamp(moment: datetime) -> str:
    """Write a time as ``2026-11-24T10:00:00Z``."""
    # strftime would write the year 1, which some servers show for no time, with one digit.
    return moment.astimezone(timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_duration(span: timedelta) -> str:
    """Write a duration in its largest whole unit: ``61d``, ``5h``, ``40s``."""
    seconds = int(abs(span.total_seconds()))
    for unit in "dhm":
        if seconds >= _SECONDS[unit]:
            return f"{seconds // _SECONDS[unit]}{unit}"
    return f"{seconds}s"
