# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""When a request may be repeated, and for how long."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum

from .._core.deps import Retry
from .loss import Lost
from .transport import Reply

_BUSY = frozenset({502, 503, 504})
_READS_AFTER_500 = 2


@dataclass(frozen=True)
class Clock:
    """A clock, a way to wait, both in seconds, and random numbers. Tests replace them."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    uniform: Callable[[float, float], float] = random.uniform


@dataclass(frozen=True)
class Pace:
    """Growing pauses, in seconds: ``first``, doubled each time up to ``longest``, minus a random part of up to half."""

    first: float
    longest: float

    def pause(self, attempt: int, clock: Clock) -> float:
        """The pause after attempt number ``attempt``, in seconds."""
        whole = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return whole * clock.uniform(0.5, 1.0)


class Repeats(Enum):
    """What a repetition of a request could do. A request for a token counts as a read: it changes nothing."""

    READ = "nothing"
    WRITE = "the same again"
    CREATE = "a second thing"


class Budget:
    """The seconds that one call and its repetitions may take.

    The first attempt always has ``timeout`` seconds. A later one has the rest of the budget, but at least ``least``.
    """

    def __init__(
        self,
        seconds: float,
        *,
        timeout: float,
        least: float = 0.05,
        pace: Pace = Pace(0.25, 8.0),
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or Clock()
        self._timeout = timeout
        self._least = least
        self._pace = pace
        self._start = self._clock.monotonic()
        self._end = self._start + seconds
        self.attempts = 0

    def next_timeout(self) -> float:
        """Begin an attempt. Returns the seconds that it may take."""
        self.attempts += 1
        left = self._end - self._clock.monotonic()
        return self._timeout if self.attempts == 1 else max(self._least, min(self._timeout, left))

    def pause(self, asked: float | None = None) -> bool:
        """Wait before the next attempt, for at least ``asked`` seconds. Returns False if that exceeds the budget."""
        seconds = max(self._pace.pause(self.attempts, self._clock), asked or 0.0)
        if self._clock.monotonic() + seconds >= self._end:
            return False
        self._clock.sleep(seconds)
        return True

    def spent(self) -> str:
        """For messages: ``3 attempts in 12 s``."""
        times = "1 attempt" if self.attempts == 1 else f"{self.attempts} attempts"
        return f"{times} in {self._clock.monotonic() - self._start:.0f} s"


def send_patiently(send: Callable[[float], Reply], repeats: Repeats, budget: Budget) -> Reply:
    """Send with the repetitions that ``repeats`` and ``budget`` allow. Returns the last reply. Raises ``Lost``.

    ``send`` makes one attempt that takes at most the given seconds.
    """
    while True:
        try:
            reply = send(budget.next_timeout())
        except Lost as lost:
            if may_repeat_loss(repeats, lost) and budget.pause():
                continue
            raise
        if not (may_repeat_reply(repeats, reply.status, budget.attempts) and budget.pause(retry_after(reply.headers))):
            return reply


def may_repeat_loss(repeats: Repeats, lost: Lost) -> bool:
    """Whether to send again if no reply came."""
    return not lost.final and (repeats is not Repeats.CREATE or not lost.sent)


def may_repeat_reply(repeats: Repeats, status: int, attempts: int) -> bool:
    """Whether to send again after a reply with that status."""
    if status == 429:
        return True
    if repeats is Repeats.READ and status == 500:
        return attempts <= _READS_AFTER_500
    return repeats is not Repeats.CREATE and status in _BUSY


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the server asks to wait (RFC 9110, section 10.2.3); None if it does not."""
    try:
        return float(Retry().parse_retry_after(headers.get("Retry-After", "")))
    except Exception:  # urllib3 raises InvalidHeader, its date parser other errors. An invalid header is ignored
        return None
