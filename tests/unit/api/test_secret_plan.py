# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secret is added, kept or deleted, case by case; and what every refusal says."""

from __future__ import annotations

import string
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import (
    SecretKey,
    SecretPlan,
    check_value,
    described,
    expired,
    generate_value,
    new_secrets,
    plan_absent,
    plan_present,
    wanted_expiration,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)
PAST, FUTURE = "2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z"

MINE = Secret(secret_id="1", description="mine")
OTHER = Secret(secret_id="2", description="other")
BARE = (Secret(secret_id="1"), Secret(secret_id="2"))
DEAD = Secret(secret_id="3", description="dead", expiration=PAST)


@pytest.mark.parametrize(
    ("expiration", "gone"),
    [
        (None, False),
        (PAST, True),
        (FUTURE, False),
        ("2026-11-24T10:00:00.9Z", True),
        ("1971-01-01T00:00:00Z", True),
        ("1970-12-31T00:00:00Z", False),
        ("0001-01-01T00:00:00Z", False),
        ("whenever", False),
    ],
)
def test_a_secret_is_expired_from_the_second_that_its_expiration_names(expiration: str | None, gone: bool) -> None:
    """The first moment of a calendar stands for never, and so does what cannot be read."""
    assert expired(Secret(secret_id="1", expiration=expiration), NOW) is gone


@pytest.mark.parametrize(
    ("key", "listed", "keep_last", "deleted"),
    [
        (SecretKey("mine", None), [MINE, OTHER], True, MINE),
        (SecretKey(None, "2"), [MINE, OTHER], True, OTHER),
        (SecretKey("other", "2"), [MINE, OTHER], True, OTHER),
        (SecretKey("mine", "2"), BARE, True, BARE[1]),
        (SecretKey(None, "2"), BARE, True, BARE[1]),
        (SecretKey("mine", None), [MINE], False, MINE),
        (SecretKey("dead", None), [MINE, DEAD], True, DEAD),
        (SecretKey("gone", None), [MINE, OTHER], True, None),
        (SecretKey(None, "9"), BARE, True, None),
        (SecretKey("mine", None), [], True, None),
    ],
)
def test_which_secret_is_deleted(key: SecretKey, listed: list[Secret], keep_last: bool, deleted: Secret) -> None:
    assert plan_absent(key, listed, NOW, keep_last=keep_last) == deleted


def test_a_key_is_found_only_by_its_id() -> None:
    key = Secret(secret_id="8", description="mine", type="JsonWebKey")
    assert plan_present(SecretKey("mine", None), None, [key]) == SecretPlan(None)
    assert plan_present(SecretKey("mine", None), None, [key, MINE]) == SecretPlan(MINE)
    assert plan_present(SecretKey(None, "8"), None, [key]) == SecretPlan(key)
    assert new_secrets([key], "mine", set()) == []


def test_a_description_is_found_with_its_blanks_or_trimmed() -> None:
    blank, none = Secret(secret_id="6", description=" mine "), Secret(secret_id="7")
    assert plan_present(SecretKey(" mine ", None), None, [MINE, blank]) == SecretPlan(blank)
    assert plan_present(SecretKey(" mine ", None), None, [none, MINE]) == SecretPlan(MINE)
    assert plan_present(SecretKey("mine", None), None, [none, blank]) == SecretPlan(None)
    assert plan_absent(SecretKey(" mine ", None), [MINE, OTHER], NOW, keep_last=True) == MINE
    assert plan_absent(SecretKey(" mine ", "1"), [MINE, OTHER], NOW, keep_last=True) == MINE
    assert (described(MINE, " mine "), described(none, ""), described(none, "x")) == (True, False, False)


def test_a_secret_is_found_by_its_id_or_its_description() -> None:
    for key in (SecretKey("other", None), SecretKey(None, "2"), SecretKey("another name", "2")):
        assert plan_present(key, None, [MINE, OTHER]) == SecretPlan(OTHER)
    assert plan_present(SecretKey("new", None), None, [MINE]) == SecretPlan(None)
    assert plan_present(SecretKey("new", None), None, []) == SecretPlan(None)


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (None, "Secret 1 expires never, not 2027-01-31T00:00:00Z."),
        ("2027-02-01T00:00:00Z", "Secret 1 expires 2027-02-01T00:00:00Z, not 2027-01-31T00:00:00Z."),
        ("2027-01-31T00:00:00Z", None),
        ("2027-01-31T00:00:00.0000000Z", None),
        ("2027-01-31T02:00:00+02:00", None),
        ("some day", None),
    ],
)
def test_another_expiration_is_a_warning(shown: str | None, words: str | None) -> None:
    listed = [Secret(secret_id="1", description="mine", expiration=shown)]
    plan = plan_present(SecretKey("mine", None), "2027-01-31T00:00:00Z", listed)
    assert plan is not None
    assert plan.existing == listed[0]
    assert [warning.startswith(words or "") for warning in plan.warnings] == [True] * (words is not None)
    assert plan_present(SecretKey("mine", None), None, listed) == SecretPlan(listed[0])


def test_which_secrets_a_post_may_have_added() -> None:
    added = Secret(secret_id="3", description="mine")
    stranger = Secret(secret_id="4", description="theirs")
    assert new_secrets([MINE, added, stranger], "mine", {"1"}) == [added]
    assert new_secrets([MINE, stranger], "mine", {"1"}) == []
    assert new_secrets([*BARE, Secret(secret_id="5")], "mine", {"1", "2"}) == [Secret(secret_id="5")]


def test_values_use_all_letters_and_digits() -> None:
    made = set("".join(generate_value() for _each in range(100)))
    assert made == set(string.ascii_letters + string.digits)


def test_a_duration_counts_from_now() -> None:
    assert wanted_expiration("2030-01-01", "1h", NOW) == "2026-11-24T11:00:00Z"
    assert wanted_expiration((NOW + timedelta(seconds=1)).isoformat(), None, NOW) == FUTURE


def _absent(key: SecretKey, *listed: Secret) -> Callable[[], object]:
    return lambda: plan_absent(key, listed, NOW, keep_last=True)


CANNOT_COMPARE = "listClientSecrets shows 2 secrets (1, 2) but no descriptions, so it is not known"
UNSEEN = {"operation": "listClientSecrets", "expected": "descriptions", "received": "none", "option": "secret_id"}
REFUSALS: dict[str, tuple[Callable[[], object], str, str, dict[str, Any]]] = {
    # what is asked, how the message begins, the hint, the details
    "an id that is not there": (
        lambda: plan_present(SecretKey("mine", "9"), None, [MINE]),
        "There is no secret 9.",
        "The server chooses the ids of new secrets. To add one, give description instead.",
        {"secret_id": "9"},
    ),
    "delete, and no descriptions": (_absent(SecretKey("mine", None), *BARE), CANNOT_COMPARE, "Give secret_id.", UNSEEN),
    "two of one description": (
        _absent(SecretKey("mine", None), MINE, Secret(secret_id="7", description="mine")),
        "2 secrets have the description 'mine': 1, 7.",
        "None was deleted. Give secret_id to say which one is meant.",
        {"ids": ["1", "7"]},
    ),
    "an id of another description": (
        _absent(SecretKey("mine", "2"), MINE, OTHER),
        "Secret 2 has the description 'other', not 'mine'. It was not deleted.",
        "Give only secret_id or description, or both as they are listed.",
        {"secret_id": "2"},
    ),
    "the last one": (
        _absent(SecretKey(None, "1"), MINE, DEAD),
        "Secret 1 is the last usable secret of the client. It was not deleted.",
        "Add another one first, or set keep_last: false to leave the client without a secret.",
        {"secret_id": "1"},
    ),
    "a certificate": (
        _absent(SecretKey(None, "8"), MINE, Secret(secret_id="8", type="X509Thumbprint")),
        "Secret 8 has the type X509Thumbprint, so it is not a shared secret. It was not deleted.",
        "Delete keys and certificates where they are managed.",
        {"secret_id": "8", "type": "X509Thumbprint"},
    ),
    "the last one beside a certificate": (
        _absent(SecretKey(None, "1"), MINE, Secret(secret_id="8", type="JsonWebKey")),
        "Secret 1 is the last usable secret of the client. It was not deleted.",
        "Add another one first, or set keep_last: false to leave the client without a secret.",
        {"secret_id": "1"},
    ),
    "a short value": (
        lambda: check_value("1234567"),
        "value has 7 characters; the API accepts 8 to 32.",
        "Omit value to have one of 32 characters generated.",
        {"option": "value"},
    ),
    "a line break": (
        lambda: check_value("12345678\n"),
        "value has a control character, such as a line break.",
        "Remove it.",
        {"option": "value"},
    ),
    "zero": (
        lambda: wanted_expiration(None, "0s", NOW),
        "expires_after is zero.",
        "Write 90d, for example.",
        {"option": "expires_after"},
    ),
    "no duration": (
        lambda: wanted_expiration(None, "soon", NOW),
        "expires_after: 'soon' is not a duration.",
        "Write a whole number and a unit, such as 90d, 12h, 30m or 45s.",
        {"option": "expires_after"},
    ),
    "no time": (
        lambda: wanted_expiration("soon", None, NOW),
        "expiration: 'soon' is not an RFC 3339 time.",
        "Write 2027-01-31T00:00:00Z, for example, or use expires_after.",
        {"option": "expiration"},
    ),
    "a time that has passed": (
        lambda: wanted_expiration(PAST, None, NOW),
        f"expiration: {PAST} has passed (it is {PAST}).",
        "Give a time in the future.",
        {"option": "expiration"},
    ),
    "a date that has passed": (
        lambda: wanted_expiration("2020-01-01", None, NOW),
        f"expiration: 2020-01-01T00:00:00Z has passed (it is {PAST}).",
        "Give a time in the future.",
        {"option": "expiration"},
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_refusal_says_what_happened_and_what_to_do(case: str) -> None:
    ask, message, hint, details = REFUSALS[case]
    with pytest.raises(IamError) as caught:
        ask()
    assert caught.value.message.startswith(message)
    assert (caught.value.hint, caught.value.details) == (hint, details)


def test_the_text_of_a_secret_key_names_its_id_or_its_description() -> None:
    assert str(SecretKey("mine", None)) == "secret with the description 'mine'"
    assert str(SecretKey("mine", "1")) == "secret 1"
