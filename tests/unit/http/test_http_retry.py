# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests are repeated, how often, and after which pauses; on a clock that does not wait."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._http.loss import Lost
from ansible_collections.aritma.iam.plugins.module_utils._http.retry import (
    Budget,
    Clock,
    Pace,
    Repeats,
    may_repeat_loss,
    may_repeat_reply,
    retry_after,
    send_patiently,
)
from ansible_collections.aritma.iam.plugins.module_utils._http.transport import Reply


class Hands:
    """A clock whose hands move when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.pauses: list[float] = []
        self.clock = Clock(monotonic=lambda: self.now, sleep=self.sleep, uniform=lambda _low, high: high)

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds


def test_pauses_grow_up_to_a_limit() -> None:
    hands = Hands()
    budget = Budget(100.0, timeout=1.0, pace=Pace(0.5, 3.0), clock=hands.clock)
    for _each in range(5):
        budget.next_timeout()
        assert budget.pause()
    assert hands.pauses == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_jitter_shortens_a_pause_to_half_at_most() -> None:
    assert all(1.0 <= Pace(2.0, 9.0).pause(1, Clock()) <= 2.0 for _each in range(200))


def test_the_first_attempt_has_the_whole_timeout_and_later_ones_what_is_left() -> None:
    hands = Hands()
    budget = Budget(3.0, timeout=10.0, clock=hands.clock)
    assert budget.next_timeout() == 10.0
    hands.now += 2.0
    assert budget.next_timeout() == pytest.approx(1.0)


def test_a_late_attempt_has_the_least_time_that_was_set() -> None:
    hands = Hands()
    budget = Budget(3.0, timeout=10.0, least=10.0, clock=hands.clock)
    budget.next_timeout()
    hands.now += 2.0
    assert budget.next_timeout() == 10.0


@pytest.mark.parametrize(("asked", "fits"), [(4.9, True), (5.0, False), (3600.0, False)])
def test_a_pause_that_does_not_fit_is_not_made(asked: float, fits: bool) -> None:
    hands = Hands()
    budget = Budget(5.0, timeout=1.0, clock=hands.clock)
    budget.next_timeout()
    assert budget.pause(asked) is fits
    assert hands.pauses == ([asked] if fits else [])


@given(
    seconds=st.floats(0, 120),
    took=st.floats(0.01, 30),
    asked=st.none() | st.floats(0, 200),
    status=st.sampled_from([429, 503]),
)
def test_no_call_takes_longer_than_its_budget(seconds: float, took: float, asked: float | None, status: int) -> None:
    hands = Hands()

    def send(timeout: float) -> Reply:
        hands.now += min(took, timeout)
        return Reply(status, {} if asked is None else {"Retry-After": str(int(asked))})

    budget = Budget(seconds, timeout=10.0, clock=hands.clock)
    assert send_patiently(send, Repeats.READ, budget).status == status
    assert hands.now - 1000.0 <= max(seconds, 10.0) + 0.1


def test_a_loss_that_is_final_is_not_repeated() -> None:
    hands = Hands()

    def send(timeout: float) -> Reply:
        raise Lost("no trust", sent=False, final=True)

    budget = Budget(60.0, timeout=1.0, clock=hands.clock)
    with pytest.raises(Lost):
        send_patiently(send, Repeats.READ, budget)
    assert budget.attempts == 1


@pytest.mark.parametrize("repeats", list(Repeats))
@pytest.mark.parametrize("status", [200, 201, 204, 301, 400, 401, 403, 404, 408, 409, 501])
def test_an_answer_of_a_final_status_is_never_repeated(repeats: Repeats, status: int) -> None:
    assert not may_repeat_reply(repeats, status, 1)


@pytest.mark.parametrize(
    ("repeats", "statuses"), [(Repeats.READ, [429, 502, 503, 504]), (Repeats.WRITE, [429, 502, 503, 504])]
)
def test_a_busy_server_is_asked_again(repeats: Repeats, statuses: list[int]) -> None:
    assert [status for status in range(429, 600) if may_repeat_reply(repeats, status, 9)] == statuses


def test_a_create_is_repeated_only_after_a_429_or_where_it_was_not_sent() -> None:
    assert [status for status in range(200, 600) if may_repeat_reply(Repeats.CREATE, status, 1)] == [429]
    assert may_repeat_loss(Repeats.CREATE, Lost("refused", sent=False))
    assert not may_repeat_loss(Repeats.CREATE, Lost("cut off", sent=True))
    assert may_repeat_loss(Repeats.WRITE, Lost("cut off", sent=True))


def test_a_read_that_fails_is_repeated_twice() -> None:
    assert [attempts for attempts in range(1, 6) if may_repeat_reply(Repeats.READ, 500, attempts)] == [1, 2]
    assert not may_repeat_reply(Repeats.WRITE, 500, 1)


def test_the_last_attempt_has_the_least_time_and_what_was_spent_is_told() -> None:
    hands = Hands()
    budget = Budget(12.0, timeout=10.0, clock=hands.clock)
    budget.next_timeout()
    assert budget.spent() == "1 attempt in 0 s"
    hands.now += 12.0
    assert budget.next_timeout() == 0.05
    assert budget.spent() == "2 attempts in 12 s"


def test_a_budget_has_a_real_clock_by_default() -> None:
    assert Budget(60.0, timeout=1.0, pace=Pace(0.0, 0.0)).pause() is True


def test_a_lost_read_is_sent_again() -> None:
    hands = Hands()

    def send(timeout: float) -> Reply:
        if not hands.pauses:
            raise Lost("cut off", sent=True)
        return Reply(200, {})

    assert send_patiently(send, Repeats.READ, Budget(60.0, timeout=1.0, clock=hands.clock)).status == 200
    assert len(hands.pauses) == 1


def test_a_request_is_repeated_when_retry_after_says() -> None:
    hands = Hands()
    replies = iter([Reply(503, {"Retry-After": "7"}), Reply(200, {})])
    budget = Budget(60.0, timeout=1.0, clock=hands.clock)

    assert send_patiently(lambda _timeout: next(replies), Repeats.READ, budget).status == 200
    assert hands.pauses == [7.0]


def test_retry_after_may_be_a_date() -> None:
    moment = datetime.now(timezone.utc) + timedelta(hours=1)
    wait = retry_after({"Retry-After": format_datetime(moment, usegmt=True)})
    assert wait is not None
    assert 3000 < wait <= 3600


@pytest.mark.parametrize("value", ["", "soon", "-5", "1.5", "Mon, 99 Foo 2026", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_an_unreadable_or_past_retry_after_asks_for_no_pause(value: str) -> None:
    assert not retry_after({"Retry-After": value})
    assert retry_after({}) is None


@given(value=st.text())
def test_any_text_in_retry_after_is_harmless(value: str) -> None:
    wait = retry_after({"Retry-After": value})
    assert wait is None or wait >= 0
