# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a round does, from what was seen: one row for each sentence of the guide "Rotation explained"."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import Target
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Seen,
    Wish,
    burning_ids,
    due_reason,
    going,
    plan_round,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Delivered,
    Pending,
    Previous,
    Record,
)
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OLD, OURS, NEXT = rotation_id(0), rotation_id(1), rotation_id(2)
FILE, PULLED = Target("file", frozenset({"probe"})), Target("vault")
PROVEN = Delivered(generation=1, at=LONG_AGO, proofs=["probe"])

CURRENT = Current(value="value-1", rotation_id=OURS, created_at=NOW)
AGED = CURRENT.model_copy(update={"created_at": LONG_AGO})
PENDING = Pending(value="value-2", rotation_id=NEXT, created_at=NOW)
PREVIOUS = Previous(value="value-0", rotation_id=OLD, created_at=LONG_AGO)

FOREIGN = Listed("f", "made by hand")
CURRENT_ROW, PREVIOUS_ROW = Listed("1", description_for(OURS)), Listed("0", description_for(OLD))
PENDING_ROW, LEFT_ROW = Listed("2", description_for(NEXT)), Listed("7", description_for(rotation_id(7)))
BLIND = (Listed("1"), Listed("f"))
FIRST_SUMMER = "aritma.iam rotation bbbbbb-20260701T000000Z-000001"


def record(**members: Any) -> Record:
    base = Record(client_id=CLIENT, generation=1, current=CURRENT, last_rotated_at=NOW, targets={"file": PROVEN})
    return base.model_copy(update=members)


def seen(held: Record | None, *listed: Listed, **verdicts: str | None) -> Seen:
    """Everything that is stored is accepted, but for what is said."""
    usual = {"current": "accepted" if held and held.current else None, "pending": None}
    if held and held.pending:
        usual["pending"] = "accepted"
    return Seen(tuple(listed), held, **{**usual, **verdicts})


def wish(**members: Any) -> Wish:
    return Wish(**{"client_id": CLIENT, "me": "run", "now": NOW, "targets": (FILE,), **members})


CONFIRMED = AGED.model_copy(update={"secret_id": "1", "confirmed": True})
CONFIRMED_PENDING = PENDING.model_copy(update={"secret_id": "1", "confirmed": True})
EXPIRED, EXPIRING = (AGED.model_copy(update={"expires_at": each}) for each in (NOW, NOW + DAY))
EXPIRED_PENDING = PENDING.model_copy(update={"expires_at": NOW})
AT_VAULT = {"vault": Delivered(generation=1, at=NOW)}
LATER = {"now": NOW + 2 * HOUR}
EMPTY, STAGED, AGED_RECORD = Record(client_id=CLIENT), record(pending=PENDING), record(current=AGED)
ROTATED = record(previous=PREVIOUS, generation=2, targets={"file": Delivered(generation=2, at=NOW, proofs=["probe"])})
UNPROVEN = record(previous=PREVIOUS, generation=2, targets={"file": Delivered(generation=2, at=NOW)})
TWO_ROWS = (CURRENT_ROW, PREVIOUS_ROW, FOREIGN)
LEAKING = records.burning(AGED_RECORD, at=NOW, until=NOW)
LEAKED = records.promoted(records.staged(LEAKING, PENDING), PENDING, at=NOW, told_id=None)
SUMMER = Listed("g", FIRST_SUMMER)

ROWS: list[tuple[str, Seen, dict[str, Any], str]] = [
    # another run
    ("another run rotates", seen(AGED_RECORD, rival="job 7"), {},
     "unchanged -: another run is rotating this client: job 7"),
    # records that are none
    ("previous without current", seen(record(current=None, previous=PREVIOUS)), {},
     "blocked -: a previous secret but no current one"),
    ("the record is lost", seen(None, SUMMER, FOREIGN), {},
     "blocked -: there is no record, but 1 secret(s) of an earlier record are listed (g)"),
    ("an empty record is lost too", seen(EMPTY, SUMMER), {}, "blocked -: there is no record"),
    ("lost, and recovered", seen(None, SUMMER), {"recover": True},
     "rotate stage: first: no secret is stored; 1 secret(s) of others"),
    ("lost, and known by value", seen(None, SUMMER, known="accepted"), {},
     "rotate adopt: adopt: the known value is accepted"),
    # a leak
    ("a leak of nothing", seen(EMPTY, FOREIGN), {"compromised": True},
     "blocked -: no secret is stored, so none is known to leak"),
    ("a leak", seen(record(), CURRENT_ROW), {"compromised": True},
     "rotate burn: compromised: all known secrets are replaced"),
    ("a leak while the stored secret is refused", seen(record(), current="rejected"), {"compromised": True},
     "rotate burn: compromised"),
    ("a leak, begun", seen(LEAKING, CURRENT_ROW), {}, "rotate stage: compromised: all known secrets are replaced"),
    ("a leak, begun, told again", seen(LEAKING, CURRENT_ROW), {"compromised": True}, "rotate stage: compromised"),
    ("a leak, written ahead", seen(records.staged(LEAKING, PENDING), CURRENT_ROW, pending="rejected"), {},
     "rotate claim: a value was written ahead"),
    ("a leak, promoted", seen(LEAKED, CURRENT_ROW, PENDING_ROW), {},
     "rotate claim: resume: after a leak, all known secrets are deleted"),
    # pending
    ("pending, accepted", seen(STAGED, CURRENT_ROW), {}, "rotate claim: was created, not yet proven"),
    ("pending, listed", seen(STAGED, CURRENT_ROW, PENDING_ROW, pending="rejected"), {},
     "rotate claim: was created, not yet proven"),
    ("pending, not made yet", seen(STAGED, CURRENT_ROW, pending="rejected"), {},
     "rotate claim: its secret was not created yet"),
    ("pending, no answer", seen(STAGED, CURRENT_ROW, pending="unknown"), {},
     "blocked -: the exchange of the pending value proved nothing (unknown)"),
    ("pending, another reason", seen(STAGED, CURRENT_ROW, pending="misconfigured"), {},
     "blocked -: for another reason than the secret"),
    ("pending, refused for long", seen(STAGED, CURRENT_ROW, PENDING_ROW, pending="rejected"), LATER,
     "rotate forget: is still refused 2h after it was created: it is given up"),
    ("pending, refused for long, kept by hold",
     seen(STAGED, CURRENT_ROW, PENDING_ROW, pending="rejected"), {**LATER, "hold": True},
     "blocked -: it is kept because of hold. Delete secret 2 where it is managed"),
    ("pending, refused for long, not listed", seen(STAGED, CURRENT_ROW, pending="rejected"), LATER,
     "rotate claim: its secret was not created yet"),
    ("pending, refused for long, the first",
     seen(record(current=None, pending=PENDING), PENDING_ROW, pending="rejected"), LATER,
     "blocked -: it is kept because it is the first one. Delete secret 2"),
    ("pending, refused for long, no descriptions",
     seen(record(pending=CONFIRMED_PENDING), *BLIND, pending="rejected"), LATER,
     "blocked -: because the server shows no descriptions. Delete secret 1"),
    ("pending, expired", seen(record(pending=EXPIRED_PENDING), CURRENT_ROW, pending="rejected"), {},
     "rotate forget: the pending secret expired at 2026-11-24T10:00:00Z, and was not used"),
    ("pending, while current is refused", seen(STAGED, current="rejected"), {}, "rotate claim: resume"),
    # the first secret
    ("the first", seen(None), {}, "rotate stage: first: no secret is stored"),
    ("the first beside others", seen(None, FOREIGN), {},
     "rotate stage: first: no secret is stored; 1 secret(s) of others are not touched"),
    ("the first, in provisioning", seen(None), {"due": False}, "rotate stage: first"),
    ("adopted", seen(None, FOREIGN, known="accepted"), {},
     "rotate adopt: adopt: the known value is accepted, and one secret is listed"),
    ("known, but several are listed", seen(None, FOREIGN, Listed("h"), known="accepted"), {},
     "rotate stage: first: no secret is stored; 2 secret(s)"),
    ("known, but refused", seen(None, FOREIGN, known="rejected"), {},
     "blocked -: the value of service_client_known_secret is not accepted"),
    ("known, but no answer", seen(None, FOREIGN, known="unknown"), {},
     "blocked -: the exchange of the known value proved nothing (unknown)"),
    ("known, another reason", seen(None, FOREIGN, known="misconfigured"), {},
     "blocked -: the exchange of the known value proved nothing (misconfigured)"),
    # the stored secret is refused
    ("refused", seen(AGED_RECORD, CURRENT_ROW, current="rejected"), {},
     "blocked -: the stored secret is not accepted, nothing was deleted. If the store was restored"),
    ("refused, recovered", seen(AGED_RECORD, current="rejected"), {"recover": True},
     "rotate recover: recover: the stored secret is not accepted; a new one is added"),
    ("no answer", seen(AGED_RECORD, CURRENT_ROW, current="unknown"), {"recover": True},
     "blocked -: the exchange of the stored secret proved nothing (unknown)"),
    ("another reason", seen(AGED_RECORD, CURRENT_ROW, current="misconfigured"), {},
     "blocked -: for another reason than the secret"),
    ("refused, expired", seen(record(current=EXPIRED), current="rejected"), {},
     "rotate stage: due: the secret expired at 2026-11-24T10:00:00Z"),
    ("refused, expired, not to begin", seen(record(current=EXPIRED), current="rejected"), {"due": False},
     "blocked -: is not accepted"),
    ("refused, expired, and a previous one", seen(record(current=EXPIRED, previous=PREVIOUS), current="rejected"), {},
     "blocked -: is not accepted"),
    # promoted, and the previous one lives
    ("promoted, not proven", seen(UNPROVEN, *TWO_ROWS), {},
     "rotate claim: resume: promoted; not every target is proven to hold the new secret"),
    ("promoted, not proven, hold", seen(UNPROVEN, *TWO_ROWS), {"hold": True},
     "rotate claim: resume: promoted; not every target"),
    ("promoted and proven", seen(ROTATED, *TWO_ROWS), {},
     "rotate claim: resume: promoted; the previous secret is not retired yet"),
    ("promoted and proven, hold", seen(ROTATED, *TWO_ROWS), {"hold": True},
     "waiting -: hold is set: the previous secret is kept"),
    ("grace", seen(ROTATED, *TWO_ROWS), {"grace": HOUR},
     "waiting -: waiting until 2026-11-24T11:00:00Z: file may still use the previous secret"),
    ("grace is over", seen(ROTATED, *TWO_ROWS), {"grace": HOUR, "now": NOW + HOUR}, "rotate claim: is not retired yet"),
    ("grace, and due by force", seen(ROTATED, *TWO_ROWS), {"grace": HOUR, "force": True}, "waiting -: waiting until"),
    ("pulled", seen(record(previous=PREVIOUS, targets=AT_VAULT), *TWO_ROWS), {"targets": (PULLED,)},
     "waiting -: waiting until 2026-11-25T10:00:00Z: vault may still use"),
    ("no delivery", seen(record(previous=PREVIOUS, targets={}), *TWO_ROWS), {"targets": ()},
     "waiting -: the credential store may still use"),
    ("which one is previous cannot be told", seen(ROTATED, *BLIND), {},
     "blocked -: it is not known which listed secret is the previous one"),
    ("it is gone already", seen(ROTATED, CURRENT_ROW), {}, "rotate claim: is not retired yet"),
    ("it is doomed", seen(records.doomed(ROTATED), *BLIND), {}, "rotate claim: is not retired yet"),
    # leftovers
    ("a leftover", seen(record(), CURRENT_ROW, LEFT_ROW, FOREIGN), {},
     "unchanged claim: 7 is left from earlier runs, or was named: it is deleted"),
    ("a leftover, hold", seen(record(), CURRENT_ROW, LEFT_ROW), {"hold": True}, "unchanged -: not due"),
    ("a leftover, current not seen", seen(record(), LEFT_ROW, FOREIGN), {}, "unchanged -: not due"),
    ("a leftover that somebody may still use",
     seen(record(targets=AT_VAULT), CURRENT_ROW, LEFT_ROW), {"targets": (PULLED,)},
     "unchanged -: not due"),
    ("a leftover, nothing delivered", seen(record(targets={}), CURRENT_ROW, LEFT_ROW), {},
     "unchanged claim: 7 is left from earlier runs"),
    ("named by the operator", seen(record(), CURRENT_ROW, FOREIGN), {"retire_ids": ("f",)},
     "unchanged claim: f is left from earlier runs, or was named"),
    # a restored store whose secret still works
    ("targets hold something newer", seen(record(targets={}), CURRENT_ROW, LEFT_ROW), {"recover": True},
     "rotate recover: recover: file does not hold the stored secret; a new one is added"),
    ("recover, and all is well", seen(record(), CURRENT_ROW), {"recover": True}, "unchanged -: not due"),
    ("recover, in provisioning", seen(record(targets={}), CURRENT_ROW), {"recover": True, "due": False},
     "unchanged claim: the secret is delivered to file"),
    # due
    ("too old", seen(AGED_RECORD, CURRENT_ROW), {}, "rotate stage: due: 61d old, limit 60d"),
    ("by force", seen(record(), CURRENT_ROW), {"force": True}, "rotate stage: due: forced"),
    ("expires soon", seen(record(current=EXPIRING), CURRENT_ROW), {},
     "rotate stage: due: expires at 2026-11-25T10:00:00Z"),
    ("too old, not to begin", seen(AGED_RECORD, CURRENT_ROW), {"due": False},
     "unchanged -: the stored secret is accepted"),
    ("by force, not to begin", seen(AGED_RECORD, CURRENT_ROW), {"due": False, "force": True},
     "unchanged -: the stored secret is accepted"),
    ("too old, but the id is not known", seen(AGED_RECORD, *BLIND), {},
     "blocked -: the list does not show which secret is the current one"),
    ("by force, but the list lags behind", seen(record()), {"force": True}, "blocked -: may lag behind: run again"),
    ("too old, the id is known", seen(record(current=CONFIRMED), *BLIND), {}, "rotate stage: due"),
    # nothing
    ("not delivered", seen(record(targets={}), CURRENT_ROW), {}, "unchanged claim: the secret is delivered to file"),
    ("written, not proven", seen(record(targets={"file": Delivered(generation=1, at=NOW)}), CURRENT_ROW), {},
     "unchanged claim: the secret is delivered to file"),
    ("in order", seen(record(), CURRENT_ROW, FOREIGN), {}, "unchanged -: not due: 0s old, limit 60d"),
    ("no limit", seen(record(), CURRENT_ROW), {"limits": Limits(None)}, "unchanged -: not due: no age limit applies"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "asked", "words"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_situation_has_the_plan_that_the_guide_promises(found: Seen, asked: dict[str, Any], words: str) -> None:
    plan = plan_round(found, wish(**asked))
    head, reason = words.split(": ", 1)
    assert f"{plan.state} {plan.act or '-'}" == head, plan.reason
    assert reason in plan.reason
    assert "nothing was changed" not in plan.reason, "a provisioning or an earlier round may have changed something"


@pytest.mark.parametrize(
    ("found", "asked", "again"),
    [
        (seen(STAGED, CURRENT_ROW, PENDING_ROW, pending="rejected"), LATER, True),
        (seen(STAGED, CURRENT_ROW, PENDING_ROW, pending="rejected"), {**LATER, "due": False}, False),
        (seen(ROTATED, *TWO_ROWS), {}, False),
        (seen(ROTATED, *TWO_ROWS), {"force": True}, True),
        (seen(ROTATED, *TWO_ROWS), {"force": True, "due": False}, False),
        (seen(UNPROVEN, *TWO_ROWS), {"force": True}, True),
        (seen(UNPROVEN, *TWO_ROWS), {}, False),
        (seen(AGED_RECORD, CURRENT_ROW, LEFT_ROW), {}, True),
        (seen(record(), CURRENT_ROW, LEFT_ROW), {}, False),
        (seen(AGED_RECORD, CURRENT_ROW, LEFT_ROW), {"due": False}, False),
        (seen(AGED_RECORD, CURRENT_ROW), {}, False),
    ],
)
def test_a_second_round_follows_where_the_first_one_settles_what_was_left(
    found: Seen, asked: dict[str, Any], again: bool
) -> None:
    assert plan_round(found, wish(**asked)).again is again


@pytest.mark.parametrize(
    ("found", "asked", "left"),
    [
        (seen(None, SUMMER, FOREIGN), {}, ("g", "f")),
        (seen(None, FOREIGN), {}, ("f",)),
        (seen(None, FOREIGN, known="unknown"), {}, ("f",)),
        (seen(None, FOREIGN, known="rejected"), {}, ("f",)),
        (seen(UNPROVEN, *TWO_ROWS), {}, ("f",)),
        (seen(ROTATED, *TWO_ROWS), {"hold": True}, ("f",)),
        (seen(ROTATED, *TWO_ROWS), {"grace": HOUR}, ("f",)),
        (seen(ROTATED, *TWO_ROWS), {}, ("f",)),
        (seen(ROTATED, *BLIND), {}, ("1", "f")),
        (seen(record(), CURRENT_ROW, LEFT_ROW, FOREIGN, SUMMER), {"retire_ids": ("f",)}, ("g",)),
        (seen(record(targets={}), CURRENT_ROW, FOREIGN), {"recover": True}, ("f",)),
        (seen(AGED_RECORD, CURRENT_ROW, FOREIGN), {}, ("f",)),
        (seen(AGED_RECORD, *BLIND), {}, ("1", "f")),
        (seen(record(targets={}), CURRENT_ROW, FOREIGN), {}, ("f",)),
        (seen(record(), CURRENT_ROW, FOREIGN), {}, ("f",)),
    ],
)
def test_secrets_that_the_role_leaves_alone_are_named(
    found: Seen, asked: dict[str, Any], left: tuple[str, ...]
) -> None:
    assert plan_round(found, wish(**asked)).left == left


# ---- ids that may go


@pytest.mark.parametrize(
    ("held", "listed", "named", "ids"),
    [
        (ROTATED, (*TWO_ROWS, LEFT_ROW), (), ("7", "0")),
        (ROTATED, TWO_ROWS, ("f",), ("0", "f")),
        (ROTATED, TWO_ROWS, ("0", "1"), ("0",)),
        (record(pending=PENDING), (CURRENT_ROW, PENDING_ROW), ("2",), ()),
        (record(), (CURRENT_ROW, FOREIGN), (), ()),
        (None, (CURRENT_ROW,), ("1",), ()),
        (record(current=None, pending=PENDING), (LEFT_ROW,), ("7",), ()),
        # while the id in use is not known, the operator's word counts for the previous secret alone
        (ROTATED, BLIND, ("f",), ("f",)),
        (ROTATED, BLIND, ("1", "f"), ()),
        (record(), BLIND, ("f",), ()),
        (record(previous=PREVIOUS.model_copy(update={"secret_id": "f", "confirmed": True})), BLIND, ("1",), ("f",)),
        # what is in use stays, whatever else is said of its id
        (record(current=CONFIRMED, previous=Previous(**{**CONFIRMED.model_dump(), "rotation_id": OLD})), BLIND, (), ()),
    ],
)
def test_which_ids_may_be_deleted(
    held: Record | None, listed: tuple[Listed, ...], named: tuple[str, ...], ids: tuple[str, ...]
) -> None:
    assert going(Seen(listed, held), wish(retire_ids=named)) == ids


def test_after_a_leak_all_of_ours_goes_but_what_is_current() -> None:
    listed = (CURRENT_ROW, PENDING_ROW, LEFT_ROW, FOREIGN, SUMMER)
    assert burning_ids(Seen(listed, LEAKED), LEAKED) == ("7", "1")
    assert burning_ids(Seen((CURRENT_ROW, LEFT_ROW), LEAKED), LEAKED) is None
    assert burning_ids(Seen(listed, record()), record()) is None


def test_after_a_leak_what_was_adopted_goes_too() -> None:
    known = {"secret_id": "f", "adopted": True, "listed_as": "made by hand"}
    adopted = AGED.model_copy(update={"rotation_id": "adopted", **known})
    leaking = records.burning(record(current=adopted), at=NOW, until=NOW)
    leaked = records.promoted(records.staged(leaking, PENDING), PENDING, at=NOW, told_id=None)
    assert burning_ids(Seen((FOREIGN, PENDING_ROW), leaked), leaked) == ("f",)


def test_after_a_leak_a_list_without_descriptions_is_told_by_confirmed_ids_and_the_operator() -> None:
    def leaked(current: Current) -> Record:
        leaking = records.burning(record(current=current), at=NOW, until=NOW)
        made = records.promoted(records.staged(leaking, PENDING), PENDING, at=NOW, told_id=None)
        assert made.current
        known = made.current.model_copy(update={"secret_id": "9", "confirmed": True})
        return made.model_copy(update={"current": known})

    listed, confirmed, unknown = (
        (*BLIND, Listed("9")),
        leaked(CONFIRMED),
        leaked(CONFIRMED.model_copy(update={"confirmed": None})),
    )
    assert burning_ids(Seen(listed, confirmed), confirmed) == ("1",)
    assert burning_ids(Seen(listed, unknown), unknown) == ()
    assert burning_ids(Seen(listed, unknown), unknown, ("1", "9")) == ("1",)


def test_what_is_due_is_told_with_the_reason() -> None:
    assert due_reason(seen(AGED_RECORD), wish()) == (True, "due: 61d old, limit 60d")
    assert due_reason(seen(None), wish()) == (False, "not due: no age limit applies")
