# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason of the planner with its case. These words appear in job logs and in the report."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._record import Current, Record
from ansible_collections.aritma.iam.plugins.module_utils._rotation import (
    RECOVERY,
    Evidence,
    Listed,
    Plan,
    Settings,
    plan_restore,
    plan_start,
    procedure,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation_id import description_for
from ansible_collections.aritma.iam.tests.unit.rotation.planner_cases import (
    AGELESS,
    BARE,
    CURRENT,
    DEFAULT,
    ENDPOINT,
    EXPIRED,
    EXPIRING,
    FORCED,
    FOREIGN,
    GRACE,
    HOLD,
    LANDED,
    MADE,
    NAMELESS,
    NOTHING,
    OLD,
    OLD_TOO,
    ONE,
    PENDING,
    PREVIOUS,
    PROVISION,
    RECOVER,
    RESUMED,
    RETURNS,
    STALE,
    TAGS,
    WHOLE,
    seen,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, NOW, rotation_id

STARTS: list[tuple[str, str, str, Evidence, Settings]] = [
    # state, reason, steps, evidence, settings
    ("unchanged", "another run is rotating this client: job 7", "", seen(ONE, OLD, in_progress="job 7"), DEFAULT),
    (
        "rotate",
        "adopt: the known value is accepted, and one secret is listed",
        "adopt deliver",
        seen((FOREIGN,), known="accepted"),
        DEFAULT,
    ),
    ("blocked", "the exchange of the known value proved nothing (unknown)", "", seen(known="unknown"), DEFAULT),
    (
        "blocked",
        "the exchange of the known value proved nothing (misconfigured)",
        "",
        seen(known="misconfigured"),
        DEFAULT,
    ),
    ("rotate", "first: no secret is stored", WHOLE, seen(), DEFAULT),
    (
        "rotate",
        "first: no secret is stored; 1 secret(s) made by others are left alone",
        WHOLE,
        seen((FOREIGN,), known="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "first: no secret is stored; 2 secret(s) made by others are left alone",
        WHOLE,
        seen((FOREIGN, Listed("g", "by hand")), known="accepted"),
        DEFAULT,
    ),
    (
        "blocked",
        "the record holds a previous secret but no current one: it was not written by this role",
        "",
        seen(previous=PREVIOUS),
        DEFAULT,
    ),
    (
        "blocked",
        "the record holds a previous secret but no current one: it was not written by this role",
        "",
        seen(pending=PENDING, previous=PREVIOUS, is_pending="accepted"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: a value was written ahead, its secret was not created yet",
        RESUMED,
        seen(ONE, OLD, PENDING, is_current="accepted", is_pending="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        LANDED,
        seen(MADE, OLD, PENDING, is_current="accepted", is_pending="accepted"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        LANDED,
        seen(ONE, OLD, PENDING, is_current="accepted", is_pending="accepted"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        LANDED,
        seen(MADE, OLD, PENDING, is_current="accepted", is_pending="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        LANDED,
        seen(MADE, OLD, PENDING, is_current="accepted", is_pending="unknown"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        LANDED,
        seen(MADE, OLD, STALE, is_current="accepted", is_pending="unknown"),
        DEFAULT,
    ),
    (
        "blocked",
        f"the exchange of the pending value proved nothing (unknown); {NOTHING}",
        "",
        seen(ONE, OLD, PENDING, is_pending="unknown"),
        DEFAULT,
    ),
    (
        "blocked",
        f"the exchange of the pending value proved nothing (misconfigured); {NOTHING}",
        "",
        seen(ONE, OLD, PENDING, is_pending="misconfigured"),
        DEFAULT,
    ),
    ("blocked", ENDPOINT, "", seen(MADE, OLD, PENDING, is_pending="misconfigured"), DEFAULT),
    (
        "rotate",
        "the pending secret is still refused 2h after it was created: it is deleted, the next run adds another",
        "discard",
        seen(MADE, OLD, STALE, is_pending="rejected"),
        DEFAULT,
    ),
    (
        "blocked",
        (
            "the pending secret is still refused 2h after it was created; it is kept because of hold or because its"
            " id is not known"
        ),
        "",
        seen(MADE, OLD, STALE, is_pending="rejected"),
        HOLD,
    ),
    (
        "blocked",
        (
            "the pending secret is still refused 2h after it was created; it is kept because of hold or because its"
            " id is not known"
        ),
        "",
        seen((*BARE, Listed("2")), OLD, STALE.model_copy(update={"listed_before": ["1", "9"]}), is_pending="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: a value was written ahead, its secret was not created yet",
        "create make_room prove promote deliver probe",
        seen(OLD_TOO, CURRENT, RETURNS, PREVIOUS, is_current="accepted", is_pending="accepted"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: the pending secret was created, not yet proven",
        "make_room prove promote deliver probe",
        seen((*OLD_TOO, MADE[1]), CURRENT, RETURNS, PREVIOUS, is_current="accepted", is_pending="accepted"),
        DEFAULT,
    ),
    (
        "waiting",
        "waiting until 2026-11-24T11:00:00Z: the previous secret stays valid",
        "deliver",
        seen(OLD_TOO, CURRENT, None, GRACE, is_current="accepted"),
        DEFAULT,
    ),
    (
        "rotate",
        "resume: promoted; the previous secret is not retired yet",
        "deliver probe",
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="accepted"),
        DEFAULT,
    ),
    (
        "blocked",
        f"the stored secret is not accepted, nothing was deleted. {RECOVERY}",
        "",
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "recover: the stored secret is not accepted; a new one is added",
        f"forget {WHOLE}",
        seen(OLD_TOO, CURRENT, None, PREVIOUS, is_current="rejected"),
        RECOVER,
    ),
    (
        "blocked",
        f"the stored secret is not accepted, nothing was deleted. {RECOVERY}",
        "",
        seen(MADE, CURRENT, is_current="rejected"),
        DEFAULT,
    ),
    (
        "rotate",
        "recover: the stored secret is not accepted; a new one is added",
        WHOLE,
        seen(MADE, CURRENT, is_current="rejected"),
        RECOVER,
    ),
    (
        "blocked",
        f"the exchange of the stored secret proved nothing (unknown); {NOTHING}",
        "",
        seen(ONE, OLD, is_current="unknown"),
        RECOVER,
    ),
    ("blocked", ENDPOINT, "", seen(ONE, OLD, is_current="misconfigured"), RECOVER),
    (
        "rotate",
        "due: the secret expired at 2026-11-23T10:00:00Z",
        WHOLE,
        seen(ONE, EXPIRED, is_current="rejected"),
        DEFAULT,
    ),
    (
        "blocked",
        f"the exchange of the stored secret proved nothing (unknown); {NOTHING}",
        "",
        seen(ONE, EXPIRED, is_current="unknown"),
        DEFAULT,
    ),
    (
        "blocked",
        f"the stored secret is not accepted, nothing was deleted. {RECOVERY}",
        "",
        seen(ONE, EXPIRED, is_current="rejected"),
        PROVISION,
    ),
    ("rotate", "due: forced", WHOLE, seen(ONE, CURRENT, is_current="accepted"), FORCED),
    ("rotate", "due: expires at 2026-12-08T10:00:00Z", WHOLE, seen(ONE, EXPIRING, is_current="accepted"), DEFAULT),
    ("rotate", "due: 61d old, limit 60d", WHOLE, seen(ONE, OLD, is_current="accepted"), DEFAULT),
    ("unchanged", "not due: 10d old, limit 60d", "deliver", seen(ONE, CURRENT, is_current="accepted"), DEFAULT),
    ("unchanged", "not due: no age limit applies", "deliver", seen(ONE, AGELESS, is_current="accepted"), DEFAULT),
    (
        "unchanged",
        "not due: no age limit applies",
        "deliver",
        seen(ONE, OLD, is_current="accepted"),
        Settings(rotate_after=None),
    ),
    ("unchanged", "the stored secret is accepted", "deliver", seen(ONE, OLD, is_current="accepted"), PROVISION),
    (
        "blocked",
        (
            "LIST shows no descriptions and the id of the current secret is not known, so it could not be retired;"
            f" {NOTHING}"
        ),
        "",
        seen(BARE, NAMELESS, is_current="accepted"),
        DEFAULT,
    ),
]


@pytest.mark.parametrize(("state", "reason", "steps", "evidence", "wish"), STARTS)
def test_a_start_has_its_reason(state: str, reason: str, steps: str, evidence: Evidence, wish: Settings) -> None:
    plan = plan_start(evidence, wish)
    assert (plan.state, plan.reason, " ".join(plan.steps)) == (state, reason, steps)


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
