# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the planner decides beside its reason: sweeps, ids, roll-backs, procedures and limits."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Evidence,
    Listed,
    Plan,
    Settings,
    plan_restore,
    plan_start,
    procedure,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.tests.unit.rotation.planner_cases import (
    BARE,
    CURRENT,
    DEFAULT,
    FOREIGN,
    HOLD,
    LANDED,
    MADE,
    NAMELESS,
    OLD,
    OLD_TOO,
    ONE,
    PENDING,
    PREVIOUS,
    RESUMED,
    RETURNS,
    STALE,
    TAGS,
    WHOLE,
    seen,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, LONG_AGO, NOW, rotation_id


def test_leftovers_of_our_lineage_are_swept_and_others_left() -> None:
    other = Listed("b", description_for(rotation_id(2, "bbbbbb")))
    plan = plan_start(seen((*MADE, FOREIGN, other), CURRENT, is_current="accepted"), DEFAULT)
    assert (plan.sweep, plan.left) == (("2",), ("f", "b"))


def test_a_twin_of_the_current_secret_is_swept_by_a_repeated_post() -> None:
    twin = Listed("3", description_for(TAGS[1]))
    assert plan_start(seen((twin, *ONE), CURRENT, is_current="accepted"), DEFAULT).sweep == ("3",)


def test_named_ids_are_swept_beside_leftovers() -> None:
    wish = Settings(retire_ids=("f", "1", "gone"))
    assert plan_start(seen((*MADE, FOREIGN), CURRENT, is_current="accepted"), wish).sweep == ("2", "f")


@pytest.mark.parametrize("wish", [HOLD, Settings(hold=True, force=True, retire_ids=("f",))])
def test_hold_stops_every_sweep(wish: Settings) -> None:
    plan = plan_start(seen((*MADE, FOREIGN), CURRENT, is_current="accepted"), wish)
    assert (plan.sweep, plan.left) == ((), ("2", "f"))


def test_a_list_without_the_current_secret_is_stale_and_nothing_is_swept() -> None:
    assert plan_start(seen(MADE[1:], CURRENT, is_current="accepted"), Settings(retire_ids=("2",))).sweep == ()


def test_the_id_of_a_pending_secret_is_told() -> None:
    assert plan_start(seen(MADE, OLD, PENDING, is_pending="accepted"), DEFAULT).secret_id == "2"


def test_a_roll_back_adds_the_previous_value_again_by_the_whole_order() -> None:
    plan = plan_restore(seen(MADE, CURRENT, previous=PREVIOUS, is_current="accepted"), DEFAULT)
    assert (plan.state, plan.restores) == ("rotate", PREVIOUS.rotation_id)
    assert plan.steps == ("stage", "create", "make_room", "prove", "promote", "deliver", "probe")


@pytest.mark.parametrize(
    "evidence",
    [
        seen(MADE, CURRENT, is_current="accepted"),
        seen(MADE, CURRENT, PENDING, previous=PREVIOUS, is_current="accepted"),
        seen(MADE, CURRENT, previous=PREVIOUS, is_current="rejected"),
        seen(MADE, CURRENT, previous=PREVIOUS, is_current="accepted", in_progress="another"),
        seen(()),
    ],
    ids=["nothing to restore", "a pending secret", "current refused", "another run", "no record"],
)
def test_a_roll_back_that_would_be_a_guess_is_blocked(evidence: Evidence) -> None:
    assert plan_restore(evidence, DEFAULT).state == "blocked"


@pytest.mark.parametrize(
    ("expected", "predicted", "steps", "record"),
    [
        ("none", "none", (), True),
        ("hand_over", "hand_over", ("deliver",), True),
        ("hand_over", "hand_over", ("adopt", "deliver"), False),
        ("first", "predict", ("stage", "create", "prove", "promote", "deliver", "probe"), False),
        ("finish", "predict", ("stage", "create", "prove", "promote", "deliver", "probe"), True),
        ("finish", "predict", ("deliver", "probe"), True),
        ("restore", "predict", ("create", "make_room", "prove", "promote", "deliver", "probe"), True),
    ],
)
def test_steps_have_their_procedure(expected: str, predicted: str, steps: tuple[str, ...], record: bool) -> None:
    plan = Plan("rotate", "", steps)
    held = seen(ONE, CURRENT).record if record else None
    assert procedure(plan, held, check_mode=False) == expected
    assert procedure(plan, held, check_mode=True) == predicted


def test_preliminaries_are_what_few_runs_need() -> None:
    assert Plan("rotate", "", ("deliver",), sweep=("1",)).preliminaries
    assert all(Plan("rotate", "", (step, "deliver")).preliminaries for step in ("adopt", "forget", "discard"))
    assert not Plan("rotate", "", ("stage", "make_room", "probe")).preliminaries


def test_a_first_secret_leaves_all_that_are_listed() -> None:
    for known in ("unknown", "rejected"):
        assert plan_start(seen((FOREIGN, Listed("g")), known=known), DEFAULT).left == ("f", "g")


def test_a_refused_pending_secret_has_its_patience_and_then_is_deleted_by_its_id() -> None:
    on_time = PENDING.model_copy(update={"created_at": NOW - DEFAULT.patience})
    for pending in (on_time, PENDING.model_copy(update={"created_at": None})):
        assert plan_start(seen(MADE, OLD, pending, is_pending="rejected"), DEFAULT).steps == tuple(LANDED.split())
    plan = plan_start(seen(MADE, OLD, STALE, is_pending="rejected"), DEFAULT)
    assert (plan.steps, plan.secret_id) == (("discard",), "2")


def test_the_patience_of_a_roll_back_begins_with_its_own_secret() -> None:
    """Not with the old value, which comes back and keeps the time when it was made."""
    returned = RETURNS.model_copy(update={"created_at": LONG_AGO})
    plan = plan_start(seen(MADE, CURRENT, returned, is_pending="rejected"), DEFAULT)
    assert plan.steps == tuple(LANDED.split())
    made_long_ago = returned.model_copy(update={"rotation_id": "aaaaaa-20261124T080000Z-000002", "secret_id": "2"})
    plan = plan_start(seen(MADE, CURRENT, made_long_ago, is_pending="rejected"), DEFAULT)
    assert (plan.steps, plan.secret_id) == (("discard",), "2")


@pytest.mark.parametrize(("hours", "steps"), [(-1, ("discard",)), (0, ("discard",)), (1, tuple(RESUMED.split()))])
def test_a_value_that_expired_before_it_was_used_is_forgotten(hours: int, steps: tuple[str, ...]) -> None:
    pending = PENDING.model_copy(update={"expires_at": NOW + timedelta(hours=hours)})
    plan = plan_start(seen(ONE, OLD, pending, is_current="accepted", is_pending="rejected"), DEFAULT)
    assert (plan.steps, plan.secret_id) == (steps, None)
    assert plan_start(seen(MADE, OLD, pending, is_pending="accepted"), DEFAULT).steps == tuple(LANDED.split())
    assert plan_start(seen(ONE, OLD, pending, is_current="accepted", is_pending="unknown"), DEFAULT).state == "blocked"


@pytest.mark.parametrize(("hours", "state"), [(-1, "blocked"), (0, "blocked"), (1, "rotate")])
def test_nothing_is_rolled_back_to_an_expired_secret(hours: int, state: str) -> None:
    previous = PREVIOUS.model_copy(update={"expires_at": NOW + timedelta(hours=hours)})
    assert plan_restore(seen(MADE, CURRENT, previous=previous, is_current="accepted"), DEFAULT).state == state


@pytest.mark.parametrize(("hours", "state"), [(-1, "rotate"), (0, "rotate"), (1, "waiting")])
def test_the_grace_ends_at_its_time(hours: int, state: str) -> None:
    previous = PREVIOUS.model_copy(update={"retire_after": NOW + timedelta(hours=hours)})
    assert plan_start(seen(OLD_TOO, CURRENT, None, previous, is_current="accepted"), DEFAULT).state == state


@pytest.mark.parametrize(("days", "state"), [(-1, "rotate"), (0, "rotate"), (1, "blocked")])
def test_a_refused_secret_is_due_only_when_it_expired(days: int, state: str) -> None:
    current = CURRENT.model_copy(update={"expires_at": NOW + timedelta(days=days)})
    assert plan_start(seen(ONE, current, is_current="rejected"), DEFAULT).state == state


@pytest.mark.parametrize(
    ("listed", "current", "state"),
    [(BARE, OLD, "rotate"), (MADE[1:], OLD, "rotate"), (MADE[1:], NAMELESS, "rotate"), (BARE, NAMELESS, "blocked")],
)
def test_a_secret_that_could_not_be_found_again_is_not_replaced(
    listed: tuple[Listed, ...], current: Current, state: str
) -> None:
    plan = plan_start(seen(listed, current, is_current="accepted"), DEFAULT)
    assert plan.state == state
    assert state == "rotate" or plan.left == ("1", "9")


def test_a_run_without_an_earlier_secret_ends_before_the_retirement() -> None:
    plan = Plan("rotate", "", tuple(WHOLE.split()))
    assert procedure(plan, Record(client_id=CLIENT), check_mode=False) == "first"
    assert procedure(plan, Record(client_id=CLIENT, previous=PREVIOUS), check_mode=False) == "finish"


def test_a_record_that_holds_nothing_is_like_none() -> None:
    assert plan_start(Evidence(NOW, record=Record(client_id=CLIENT)), DEFAULT) == plan_start(Evidence(NOW), DEFAULT)


def test_what_is_not_said_has_the_values_of_the_guide() -> None:
    limits = Settings(rotate_after=timedelta(days=60), expiry_margin=timedelta(days=14), patience=timedelta(hours=1))
    assert limits == DEFAULT
