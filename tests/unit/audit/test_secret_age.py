# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Age, end, manager and state of listed secrets."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import made_at
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Seen, Wish, due_reason
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import (
    DUE,
    EXPIRED,
    EXPIRES_SOON,
    FRESH,
    MANAGERS,
    NOT_KNOWN,
    OTHERS,
    OURS,
    STATES,
    SUPERSEDED,
    TOO_OLD,
    Limits,
    deciding,
    judge_secrets,
    read_limits,
    read_moment,
)
from unit.audit.sample import AT, LIMITS, days, ours, secret


@pytest.mark.parametrize(
    ("age", "ends", "state", "words"),
    [
        (59.9, None, FRESH, "not due: 59d old, limit 60d"),
        (60, None, TOO_OLD, "due: 60d old, limit 60d"),
        (1, 14.1, FRESH, "not due: 1d old, limit 60d"),
        (1, 14, EXPIRES_SOON, f"due: expires at {days(14)}"),
        (60, 14.1, TOO_OLD, "due: 60d old, limit 60d"),
        (99, 3, EXPIRES_SOON, f"due: expires at {days(3)}"),
        (1, 0, EXPIRED, f"due: the secret expired at {days(0)}"),
        (99, -1, EXPIRED, f"due: the secret expired at {days(-1)}"),
        (None, 14.1, NOT_KNOWN, "not due as far as is known: the server does not show when it was added"),
        (None, 14, EXPIRES_SOON, f"due: expires at {days(14)}"),
    ],
)
def test_the_state_of_a_secret(age: float | None, ends: float | None, state: str, words: str) -> None:
    (judged,) = judge_secrets([secret("1", age, ends)], AT, LIMITS)
    assert (judged.state, judged.reason, judged.due) == (state, words, state in DUE)
    seconds = [None if each is None else int(timedelta(days=each).total_seconds()) for each in (age, ends)]
    assert [judged.age, judged.expires_in] == seconds


@settings(max_examples=50)
@given(
    age=st.integers(0, 10**7),
    ends=st.none() | st.integers(1, 10**7),
    limit=st.none() | st.integers(1, 10**7),
    margin=st.integers(0, 10**7),
)
def test_a_rotation_would_give_the_same_reason(age: int, ends: int | None, limit: int | None, margin: int) -> None:
    limits = Limits(None if limit is None else timedelta(seconds=limit), timedelta(seconds=margin))
    created = AT - timedelta(seconds=age)
    expires = None if ends is None else AT + timedelta(seconds=ends)
    listed = Secret(
        secret_id="1", created=created.isoformat(), expiration=None if expires is None else expires.isoformat()
    )
    (judged,) = judge_secrets([listed], AT, limits)
    stored = Current(value="v" * 32, rotation_id="r", created_at=created, expires_at=expires)
    seen = Seen(record=Record(client_id="c1", current=stored))
    assert (judged.due, judged.reason) == due_reason(seen, Wish("c1", "me", AT, limits=limits))


def test_without_an_age_limit_no_secret_is_too_old() -> None:
    judged = judge_secrets([secret("1", 999), secret("2", None)], AT, read_limits("never", "14d"))
    assert [each.state for each in judged] == [FRESH, FRESH]
    assert read_limits("", "0s") == Limits(None, timedelta())


@pytest.mark.parametrize(
    ("after", "margin", "option"), [("soon", "14d", "rotate_after"), ("60d", "a while", "expiry_margin")]
)
def test_a_limit_that_is_no_duration_is_refused(after: str, margin: str, option: str) -> None:
    with pytest.raises(OptionError, match=f"^{option}: .* is not a duration") as caught:
        read_limits(after, margin)
    assert caught.value.details == {"option": option}


def test_the_words_for_managers_and_states() -> None:
    """Groups, metrics and reports use them."""
    assert MANAGERS == ("aritma.iam", "others", "unknown")
    assert STATES == ("expired", "expires_soon", "too_old", "unknown", "superseded", "fresh")


def test_who_manages_a_secret() -> None:
    listed = [secret("1", 1, description=ours(1)), secret("2", 2), secret("3", 3, description=None)]
    assert [each.managed_by for each in judge_secrets(listed, AT, LIMITS)] == [OURS, OTHERS, OTHERS]
    assert [each.managed_by for each in judge_secrets(listed[2:], AT, LIMITS)] == [NOT_KNOWN]
    shown = judge_secrets(listed[2:], AT, LIMITS, descriptions_shown=True)
    assert [each.managed_by for each in shown] == [OTHERS]


def test_the_rotation_id_tells_the_age_where_the_server_does_not() -> None:
    (judged,) = judge_secrets([secret("1", None, description=ours(61))], AT, LIMITS)
    assert (judged.state, judged.created) == (TOO_OLD, AT - timedelta(days=61))
    assert made_at("3f9a2c-20269999T999999Z-0a7c55") is None


def test_of_one_lineage_only_the_newest_secret_is_due() -> None:
    listed = [
        secret("1", 90, description=ours(90)),
        secret("2", 70, description=ours(70)),
        secret("3", 80, description=ours(80, "abcdef")),
    ]
    judged = judge_secrets(listed, AT, LIMITS)
    assert [(each.secret_id, each.state) for each in judged] == [("2", TOO_OLD), ("3", TOO_OLD), ("1", SUPERSEDED)]
    assert [each.due for each in judged] == [True, True, False]
    assert judged[2].reason.startswith("not due: a newer secret of the same rotation is listed")


def test_which_secret_decides_for_its_client() -> None:
    listed = [secret("1", 5), secret("2", 9, description=ours(9)), secret("3", 12, description=ours(12))]
    newest = deciding(judge_secrets(listed, AT, LIMITS))
    assert newest is not None
    assert newest.secret_id == "2"
    of_others = deciding(judge_secrets(listed[:1], AT, LIMITS))
    assert of_others is not None
    assert of_others.secret_id == "1"
    assert deciding([]) is None


@pytest.mark.parametrize(
    "text",
    [
        *("0001-01-01T00:00:00", "1970-01-01T00:00:00Z", "1970-12-31T23:59:59Z", "9000-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59-05:00", "no", None),
    ],
)
def test_a_time_that_means_never_or_cannot_be_read_is_none(text: str | None) -> None:
    assert read_moment(text) is None


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("1971-01-01T00:00:00Z", "1971-01-01T00:00:00+00:00"),
        ("8999-12-31T23:59:59.9Z", "8999-12-31T23:59:59+00:00"),
        ("2026-11-24T12:00:00.1234567+02:00", "2026-11-24T10:00:00+00:00"),
        *((each, "2026-11-24T10:00:00+00:00") for each in ("1795514400", "1795514400123")),
    ],
)
def test_other_times_are_read_in_utc(text: str, moment: str) -> None:
    read = read_moment(text)
    assert read is not None
    assert read.isoformat() == moment


def test_an_end_that_cannot_be_read_is_not_taken_for_never() -> None:
    listed = [Secret(secret_id="1", created=days(-1), expiration="in spring", description="x")]
    (judged,) = judge_secrets(listed, AT, LIMITS)
    assert (judged.state, judged.due) == (NOT_KNOWN, False)
    assert "its expiration cannot be read" in judged.reason
    for never in ("9999-12-31T23:59:59-05:00", "0001-01-01T00:00:00+05:00"):
        listed = [Secret(secret_id="1", created=days(-1), expiration=never, description="x")]
        assert [each.state for each in judge_secrets(listed, AT, LIMITS)] == [FRESH]
