# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each reason of the planner with its case. These words appear in job logs and in the report."""

from __future__ import annotations

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    RECOVERY,
    Evidence,
    Listed,
    Settings,
    plan_start,
)
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
    WHOLE,
    seen,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import NOW

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
        (
            "the value that was written ahead expired at 2026-11-24T10:00:00Z, and was not used:"
            " it is forgotten, the next run adds another"
        ),
        "discard",
        seen(ONE, OLD, PENDING.model_copy(update={"expires_at": NOW}), is_current="accepted", is_pending="rejected"),
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
