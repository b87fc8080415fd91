# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason to delete the previous secret, or not to, with its case."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Evidence,
    Listed,
    Retirement,
    Settings,
    plan_retirement,
)
from ansible_collections.aritma.iam.tests.unit.rotation.planner_cases import (
    BARE,
    CURRENT,
    DEFAULT,
    GRACE,
    HOLD,
    MADE,
    NAMELESS,
    OLD_TOO,
    ONE,
    PENDING,
    PREVIOUS,
    RETURNS,
    TAGS,
    UNNAMED,
    seen,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import NOW

KEPT = "nothing was deleted"
UNTOLD = f"it cannot be told which listed secret is the previous one; {KEPT}. Name its id in service_client_retire_ids."
RETIREMENTS: list[tuple[Retirement, Evidence, Settings, bool]] = [
    (Retirement("done", "nothing to retire"), seen(), DEFAULT, True),
    (Retirement("done", "nothing to retire", current_id="1"), seen(ONE, CURRENT), DEFAULT, True),
    (
        Retirement("retire", "the new secret is proven; the previous one goes", "9", "1"),
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("retire", "the new secret is proven; the previous one goes", "9", "1"),
        seen(OLD_TOO, CURRENT, None, UNNAMED, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("retire", "no listed secret carries the previous rotation id", None, "1"),
        seen(ONE, CURRENT, None, UNNAMED, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("retire", "no listed secret carries the previous rotation id", None, "1"),
        seen((*ONE, Listed("9", description_for(TAGS[3]))), CURRENT, None, PREVIOUS, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("waiting", "hold is set: the previous secret is kept", None, "1"),
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="accepted"),
        HOLD,
        True,
    ),
    (
        Retirement("waiting", "waiting until 2026-11-24T11:00:00Z", None, "1"),
        seen(OLD_TOO, CURRENT, None, GRACE, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("blocked", f"the value read back from the store is not accepted (rejected); {KEPT}", None, "1"),
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="rejected"),
        DEFAULT,
        True,
    ),
    (
        Retirement("blocked", f"the value read back from the store is not accepted (unknown); {KEPT}", None, "1"),
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="unknown"),
        DEFAULT,
        True,
    ),
    (
        Retirement("blocked", f"the consumer was not proven to use the new secret; {KEPT}", None, "1"),
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="accepted"),
        DEFAULT,
        False,
    ),
    (
        Retirement("blocked", f"a pending secret is not proven yet; {KEPT}", None, "1"),
        seen((*OLD_TOO, MADE[1]), CURRENT, PENDING, PREVIOUS, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("blocked", f"a pending secret is not proven yet; {KEPT}", None, "1"),
        seen(OLD_TOO, CURRENT, RETURNS, PREVIOUS, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("retire", "the new secret is proven; the previous one goes", "9", "1"),
        seen((*OLD_TOO, MADE[1]), CURRENT, RETURNS, GRACE, is_current="accepted"),
        DEFAULT,
        False,
    ),
    (
        Retirement("blocked", "secret 1 is recorded as previous and as in use", None, "1"),
        seen(BARE, CURRENT, None, PREVIOUS.model_copy(update={"secret_id": "1"}), is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("blocked", UNTOLD, None, "1"),
        seen(BARE, CURRENT, None, UNNAMED, is_current="accepted"),
        DEFAULT,
        True,
    ),
    (
        Retirement("retire", "the previous secret goes, by the id that the operator named", "9", "1"),
        seen(BARE, CURRENT, None, UNNAMED, is_current="accepted"),
        Settings(retire_ids=("1", "9")),
        True,
    ),
    (
        Retirement("retire", "the previous secret goes, by the id that the operator named", "9", "1"),
        seen((*ONE, Listed("9", "altered by the server")), CURRENT, None, UNNAMED, is_current="accepted"),
        Settings(retire_ids=("9",)),
        True,
    ),
    (
        Retirement("blocked", UNTOLD, None, "1"),
        seen((*BARE, Listed("8")), CURRENT, None, UNNAMED, is_current="accepted"),
        Settings(retire_ids=("8", "9")),
        True,
    ),
]


@pytest.mark.parametrize(("expected", "evidence", "wish", "proven"), RETIREMENTS)
def test_a_retirement_has_its_reason(expected: Retirement, evidence: Evidence, wish: Settings, proven: bool) -> None:
    assert plan_retirement(evidence, wish, consumer_proven=proven) == expected


def test_the_recorded_id_is_deleted_where_two_carry_the_previous_rotation_id() -> None:
    twin = Listed("8", description_for(TAGS[0]))
    plan = plan_retirement(
        seen((twin, *OLD_TOO), CURRENT, None, PREVIOUS, is_current="accepted"), DEFAULT, consumer_proven=True
    )
    assert plan.delete == "9"


def test_without_descriptions_a_roll_back_tells_its_two_new_secrets_apart() -> None:
    current = NAMELESS.model_copy(update={"listed_before": ["9"]})
    back = RETURNS.model_copy(update={"listed_before": ["9", "1"]})
    listed = (Listed("9"), Listed("1"), Listed("2"))
    plan = plan_retirement(seen(listed, current, back, PREVIOUS, is_current="accepted"), DEFAULT, consumer_proven=False)
    assert (plan.state, plan.delete, plan.current_id) == ("retire", "9", "1")


@pytest.mark.parametrize(("hours", "state"), [(-1, "retire"), (0, "retire"), (1, "waiting")])
def test_a_retirement_waits_for_the_end_of_the_grace(hours: int, state: str) -> None:
    previous = PREVIOUS.model_copy(update={"retire_after": NOW + timedelta(hours=hours)})
    evidence = seen(OLD_TOO, CURRENT, None, previous, is_current="accepted")
    assert plan_retirement(evidence, DEFAULT, consumer_proven=True).state == state


def test_without_a_current_secret_nothing_is_retired() -> None:
    assert plan_retirement(seen(OLD_TOO, None, None, PREVIOUS), DEFAULT, consumer_proven=True).state == "done"


def test_the_recorded_id_of_the_current_secret_is_told_where_it_is_not_listed() -> None:
    assert plan_retirement(seen((), CURRENT), DEFAULT, consumer_proven=True).current_id == "1"
