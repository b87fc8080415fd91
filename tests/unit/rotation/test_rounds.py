# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each step of a round by itself: what it asks, what it writes, what it tells, and what it refuses.

The model checks that they hold together, whatever is killed or lost in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import BlockedError, StoreConflictError
from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation import rounds
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import Exchanged, Shown, Target
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    BLOCKED,
    CLAIM,
    FAILED,
    RECOVER,
    ROLLED_BACK,
    ROTATE,
    ROTATED,
    STAGE,
    TRY,
    UNCHANGED,
    WAITING,
    Plan,
    Wish,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Delivered,
    Pending,
    Previous,
    Record,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.rounds import (
    Exchange,
    Held,
    List,
    Mint,
    Read,
    Round,
    Write,
    carry_out,
)
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

HOUR = timedelta(hours=1)
OLD, OURS, NEXT = rotation_id(0), rotation_id(1), rotation_id(2)
FILE, TASKS = Target("file", frozenset({"probe"})), Target("tasks", fenced=False)
ROWS = tuple(Listed(str(number), description_for(rotation_id(number))) for number in range(3))
CURRENT = Current(value="value-1", rotation_id=OURS, secret_id="1", created_at=LONG_AGO)
PENDING = Pending(value="value-2", rotation_id=NEXT, created_at=NOW)
PREVIOUS = Previous(value="value-0", rotation_id=OLD, secret_id="0", created_at=LONG_AGO)
PROVEN = Delivered(generation=3, at=LONG_AGO, proofs=["probe"])
RECORD = Record(
    client_id=CLIENT,
    client_name="billing",
    generation=3,
    current=CURRENT,
    targets={"file": PROVEN},
    last_rotated_at=LONG_AGO,
)
STAGED = records.staged(RECORD, PENDING)
PROMOTED = RECORD.model_copy(update={"previous": PREVIOUS})
DOOMED = records.doomed(PROMOTED)
OPEN = PROMOTED.model_copy(update={"targets": {"file": Delivered(generation=2)}})
SHOWN = Shown(frozenset({"file"}), frozenset(), frozenset({"probe"}))
NOTHING = Shown()
DIFFERS = Shown(differing=frozenset({"file"}))
PLAN = Plan(ROTATE, "due: forced", STAGE, since=3)
FAILURE = Plan(FAILED, "The probe failed.")


@dataclass
class Desk:
    """Answers what a step asks. ``asked`` are the kinds of its questions, ``written`` the records that it wrote."""

    record: Record | None = None
    listed: tuple[Listed, ...] = ROWS
    verdicts: dict[str, str] = field(default_factory=dict)
    ours: bool = True
    rival: str | None = None
    silent: bool = False
    ends: datetime | None = None
    asked: list[str] = field(default_factory=list)
    written: list[Record] = field(default_factory=list)
    ended: bool = False
    awaited: str | None = None
    patient: list[str] = field(default_factory=list)

    def __call__(self, ask: rounds.Ask) -> Any:
        """The answer to one question."""
        self.asked.append(type(ask).__name__.lower())
        match ask:
            case List():
                self.awaited = ask.awaited
                return self.listed
            case Read():
                return Held(self.record, self.ours, self.rival, self.silent, self.ends)
            case Exchange():
                self.patient += [ask.value] if ask.patient else []
                self.asked[-1] += f" {ask.value}"
                return self.verdicts.get(ask.value, "accepted")
            case Mint():
                lineage = "aaaaaa" if ask.base else "cccccc"
                return PENDING.model_copy(update={"rotation_id": rotation_id(2, lineage)})
            case Write():
                self.ended = ask.end
                self.written.append(ask.record)
                return ask.record


def wish(**members: Any) -> Wish:
    usual = {"client_id": CLIENT, "client_name": "billing", "me": "run", "now": NOW, "targets": (FILE,)}
    return Wish(**{**usual, **members})


# ---- begin


def begun(desk: Desk, known_value: str | None = None, **asked: Any) -> Round:
    return carry_out(rounds.begin(wish(**asked), known_value), desk)


def test_list_comes_before_the_store_and_each_stored_value_is_exchanged_once() -> None:
    desk = Desk(STAGED, ours=False)
    begun(desk)
    assert desk.asked == ["list", "read", "exchange value-1", "exchange value-2", "write"]


def test_what_is_due_is_written_ahead_under_a_lease_with_the_names_of_all_targets() -> None:
    desk = Desk(RECORD.model_copy(update={"client_name": None}), ROWS[1:2], ours=False)
    done = begun(desk, targets=(FILE, TASKS))
    assert desk.written == [done.record]
    assert not desk.ended
    assert done.record is not None
    assert done.record.pending == PENDING
    assert done.record.client_name == "billing"
    assert done.record.targets == {"file": PROVEN, "tasks": Delivered()}
    assert (done.pending, done.deliver, done.retire, done.plan.since) == (PENDING, True, True, 3)
    assert (done.plan.act, done.listed) == (STAGE, ROWS[1:2])


def test_without_a_record_one_is_begun() -> None:
    desk = Desk(None, (Listed("f", "made by hand"),), ours=False)
    done = begun(desk)
    assert desk.asked == ["list", "read", "mint", "write"]
    assert done.record is not None
    assert (done.record.client_id, done.record.generation, done.plan.since) == (CLIENT, 0, 0)
    assert (done.pending and done.pending.rotation_id, done.retire) == (rotation_id(2, "cccccc"), False)


def test_where_the_list_shows_no_tags_the_ids_that_were_there_are_kept() -> None:
    held = RECORD.model_copy(update={"current": CURRENT.model_copy(update={"confirmed": True})})
    done = begun(Desk(held, (Listed("1"), Listed("f")), ours=False))
    assert done.pending is not None
    assert done.pending.listed_before == ["1", "f"]
    tagged = begun(Desk(RECORD, ROWS[1:2], ours=False))
    assert tagged.pending is not None
    assert tagged.pending.listed_before is None


def test_a_recovery_begins_a_lineage_of_its_own() -> None:
    done = begun(Desk(RECORD, verdicts={"value-1": "rejected"}, ours=False), recover=True)
    assert (done.plan.act, done.pending and done.pending.rotation_id) == (RECOVER, rotation_id(2, "cccccc"))


def test_beside_another_run_nothing_is_exchanged_or_written() -> None:
    desk = Desk(RECORD, ours=False, rival="job 7")
    done = begun(desk)
    assert desk.asked == ["list", "read"]
    assert (done.record, done.deliver, done.retire, done.listed) == (RECORD, False, False, ROWS)
    assert done.plan.text == "unchanged: another run is rotating this client: job 7"


def test_where_nothing_is_to_be_done_nothing_is_written() -> None:
    desk = Desk(RECORD, ROWS[1:2], ours=False)
    done = begun(desk, due=False)
    assert desk.asked == ["list", "read", "exchange value-1"]
    assert (done.plan.act, done.record, done.listed) == (None, RECORD, ROWS[1:2])


def test_what_a_blind_list_has_told_is_kept_where_nothing_is_to_be_done() -> None:
    guess = {"secret_id": None, "listed_before": ["f"], "guessed_id": "1", "guessed_by": "another"}
    held = RECORD.model_copy(update={"current": CURRENT.model_copy(update=guess)})
    desk = Desk(held, (Listed("f"), Listed("1")), ours=False)
    done = begun(desk, due=False)
    assert desk.ended
    assert desk.written == [done.record]
    assert done.record is not None
    assert done.record.current is not None
    assert (done.record.current.secret_id, done.record.current.confirmed) == ("1", True)


def test_the_known_value_is_exchanged_only_where_none_is_stored() -> None:
    desk = Desk(RECORD, ours=False)
    begun(desk, "value-k")
    assert "exchange value-k" not in desk.asked
    desk = Desk(None, (Listed("9", "made by hand"),), ours=False)
    done = begun(desk, "value-k")
    assert desk.asked == ["list", "read", "exchange value-k", "mint", "write"]
    assert done.record is not None
    current = done.record.current
    assert current is not None
    assert (current.value, current.rotation_id, current.created_at) == ("value-k", rotation_id(2, "cccccc"), NOW)
    assert (current.secret_id, current.adopted, current.listed_as) == ("9", True, "made by hand")
    assert (done.pending, done.deliver, done.retire, done.record.generation) == (None, True, True, 1)


def test_a_pending_secret_that_is_refused_for_good_is_forgotten() -> None:
    desk = Desk(STAGED, verdicts={"value-2": "rejected"}, ours=False)
    done = begun(desk, now=NOW + 2 * HOUR)
    assert done.record is not None
    assert (done.record.pending, done.pending, done.retire, done.plan.again) == (None, None, True, True)


def test_with_hold_nothing_is_to_be_retired() -> None:
    assert begun(Desk(RECORD, ours=False), hold=True).retire is False


@pytest.mark.parametrize(
    ("silent", "targets", "feared"),
    [(True, (FILE, TASKS), True), (True, (FILE,), False), (False, (FILE, TASKS), False)],
)
def test_an_overtaken_run_is_noted_only_where_a_target_refuses_nothing(
    silent: bool, targets: tuple[Target, ...], feared: bool
) -> None:
    done = begun(Desk(RECORD, ours=False, silent=silent), targets=targets)
    assert done.record is not None
    assert done.record.overtaken == ({OURS: NOW + timedelta(hours=24)} if feared else {})


def test_evidence_is_dropped_when_an_overtaken_run_can_deliver_no_more() -> None:
    feared = records.overtaken(RECORD, until=LONG_AGO + HOUR)
    done = begun(Desk(feared, ours=False))
    assert done.record is not None
    assert (done.record.targets, done.record.overtaken) == ({"file": Delivered()}, {})
    again = begun(Desk(feared, ours=False, silent=True), targets=(FILE, TASKS)).record
    assert again is not None
    assert again.targets["file"] == Delivered()
    assert again.overtaken == {OURS: NOW + timedelta(hours=24)}


@pytest.mark.parametrize(
    ("record", "ends", "until"),
    [
        (RECORD, None, NOW),
        (RECORD.model_copy(update={"last_rotated_at": None}), None, NOW),
        (RECORD.model_copy(update={"last_rotated_at": NOW}), None, NOW + timedelta(minutes=5)),
        (STAGED, None, NOW + timedelta(minutes=5)),
        (RECORD, NOW - HOUR, NOW + timedelta(minutes=5)),
        (RECORD, NOW + HOUR, NOW + timedelta(minutes=65)),
    ],
)
def test_a_leak_burns_all_and_waits_until_no_earlier_request_can_land(
    record: Record, ends: datetime | None, until: datetime
) -> None:
    done = begun(Desk(record, ours=False, ends=ends), compromised=True)
    assert done.record is not None
    assert done.record.leak is not None
    assert (done.record.leak.at, done.record.leak.until, done.record.pending) == (NOW, until, PENDING)
    assert (done.pending, done.retire) == (PENDING, True)


# ---- steps that need the lease


@pytest.mark.parametrize(
    "step",
    [
        lambda: rounds.promote(wish(), PLAN, Exchanged()),
        lambda: rounds.deliver(wish(), PLAN, SHOWN),
        lambda: rounds.guard(wish(), PLAN, SHOWN),
        lambda: rounds.close(wish(), PLAN, SHOWN, Exchanged()),
    ],
)
@pytest.mark.parametrize(
    ("desk", "who"),
    [
        (Desk(STAGED, ours=False), ", and another run may have taken over. It changed nothing more"),
        (Desk(STAGED, ours=False, rival="job 7"), ": job 7 has taken over. It changed nothing more"),
        (Desk(None), ", and another run"),
    ],
)
def test_without_the_lease_nothing_is_written(step: Any, desk: Desk, who: str) -> None:
    desk = replace(desk, written=[])
    with pytest.raises(StoreConflictError, match=f"This run no longer holds the lease{who}"):
        carry_out(step(), desk)
    assert desk.written == []


# ---- promote


ACCEPTED = Exchanged({NEXT: ("accepted", 5)})


def test_what_was_accepted_often_enough_becomes_current() -> None:
    desk = Desk(STAGED)
    done = carry_out(rounds.promote(wish(), PLAN, ACCEPTED, "9"), desk)
    assert desk.asked == ["read", "write"]
    assert done.record == records.promoted(STAGED, PENDING, at=NOW, told_id="9")
    assert (done.pending, done.deliver, done.retire, desk.ended) == (None, True, True, False)
    assert done.plan == replace(PLAN, rotation_id=NEXT)


@pytest.mark.parametrize(
    ("record", "asked", "retire"),
    [
        (STAGED, {"hold": True}, False),
        (STAGED.model_copy(update={"current": None}), {}, False),
        (records.staged(records.burning(RECORD, at=NOW, until=NOW), PENDING), {}, True),
    ],
)
def test_whether_a_promotion_leaves_something_to_retire(record: Record, asked: dict[str, Any], retire: bool) -> None:
    assert carry_out(rounds.promote(wish(**asked), PLAN, ACCEPTED), Desk(record)).retire is retire


@pytest.mark.parametrize(
    ("record", "exchanged", "words"),
    [
        (RECORD, ACCEPTED, "The record holds no pending secret to promote"),
        (STAGED, Exchanged(), f"Nothing proves that the secret of rotation {NEXT} is accepted .5 times in a row"),
        (STAGED, Exchanged({NEXT: ("accepted", 4)}), "Nothing proves"),
        (STAGED, Exchanged({OURS: ("accepted", 5)}), "Nothing proves"),
        (STAGED.model_copy(update={"burnt": [NEXT]}), ACCEPTED, f"The secret of rotation {NEXT} was leaked"),
    ],
)
def test_a_secret_that_is_unproven_leaked_or_not_pending_is_not_promoted(
    record: Record, exchanged: Exchanged, words: str
) -> None:
    desk = Desk(record)
    with pytest.raises(BlockedError, match=words):
        carry_out(rounds.promote(wish(), PLAN, exchanged), desk)
    assert desk.written == []


# ---- deliver


def test_a_delivery_writes_its_evidence() -> None:
    desk = Desk(OPEN)
    done = carry_out(rounds.deliver(wish(), PLAN, SHOWN), desk)
    assert done.record is not None
    assert done.record.targets == {"file": Delivered(generation=3, at=NOW, proofs=["probe"])}
    assert (done.plan, done.deliver, done.retire, desk.ended) == (PLAN, True, True, False)
    assert carry_out(rounds.deliver(wish(hold=True), PLAN, SHOWN), Desk(OPEN)).retire is False


# ---- guard


def guarded(desk: Desk, shown: Shown = NOTHING, plan: Plan = PLAN, **asked: Any) -> Round:
    return carry_out(rounds.guard(wish(**asked), plan, shown), desk)


def test_the_guard_lists_reads_exchanges_and_sets_the_tombstone_before_it_tells_what_may_go() -> None:
    desk = Desk(PROMOTED)
    done = guarded(desk, plan=replace(PLAN, rotation_id=OURS))
    assert desk.asked == ["list", "read", "exchange value-1", "write"]
    assert (desk.awaited, desk.patient, desk.ended) == (OURS, ["value-1"], False)
    assert (done.delete, dict(done.dead)) == (("2", "0"), {OLD: "value-0"})
    assert desk.written == [DOOMED] == [done.record]


def test_the_evidence_of_this_round_is_written_with_the_tombstone() -> None:
    done = guarded(Desk(OPEN), SHOWN)
    assert done.record is not None
    assert done.record.previous is not None
    assert (done.record.previous.doomed, done.record.targets["file"].generation) == (True, 3)


def test_leftovers_go_where_nothing_is_previous() -> None:
    done = guarded(Desk(RECORD))
    assert (done.delete, done.dead) == (("2", "0"), {})


@pytest.mark.parametrize(
    ("desk", "shown", "asked", "words"),
    [
        (Desk(OPEN), NOTHING, {}, "blocked: file: not proven to hold and use the current secret; nothing was deleted"),
        (Desk(PROMOTED), NOTHING, {"hold": True}, "waiting: hold is set: the previous secret is kept"),
        (Desk(PROMOTED), NOTHING, {"grace": timedelta(days=90)}, "waiting until 2026-12-23T10:00:00Z: file"),
        (Desk(PROMOTED, verdicts={"value-1": "rejected"}), NOTHING, {},
         "blocked: the value read back from the store is not accepted"),
        (Desk(PROMOTED, verdicts={"value-1": "unknown"}), NOTHING, {}, "blocked: the value read back"),
        (Desk(PROMOTED, (Listed("1"), Listed("0"))), NOTHING, {},
         "blocked: it is not known which listed secret is the previous one"),
        (Desk(PROMOTED), DIFFERS, {}, "rotate: due: forced"),
    ],
)  # fmt: skip
def test_the_guard_stops_and_keeps_the_evidence(desk: Desk, shown: Shown, asked: dict[str, Any], words: str) -> None:
    desk = replace(desk, written=[])
    done = guarded(desk, shown, **asked)
    assert words in done.plan.text
    assert (done.delete, done.dead, desk.written) == ((), {}, [done.record])
    assert (done.plan.since, done.plan.act) == (3, STAGE)
    assert done.record is not None
    assert done.record.previous is not None
    assert done.record.previous.doomed is None
    assert done.plan.again is (shown is DIFFERS)


def test_a_roll_back_stays_one_while_the_new_secret_waits_and_its_lease_ends() -> None:
    back = replace(FAILURE, state=ROLLED_BACK, since=3)
    desk = Desk(PROMOTED)
    waits = guarded(desk, plan=back, grace=timedelta(days=90))
    assert waits.plan.text.startswith("rolled_back: The probe failed. waiting until 2026-12-23T10:00:00Z")
    done = closed(desk, plan=waits.plan, grace=timedelta(days=90))
    assert (done.plan.state, desk.ended) == (ROLLED_BACK, True)


def test_a_run_that_waits_ends_its_lease() -> None:
    desk = Desk(PROMOTED)
    waits = guarded(desk, grace=timedelta(days=90))
    assert (closed(desk, plan=waits.plan, grace=timedelta(days=90)).plan.state, desk.ended) == (WAITING, True)


@pytest.mark.parametrize(
    "desk",
    [
        Desk(DOOMED, (Listed("1"), Listed("0"))),  # the DELETE may have been sent already
        Desk(PROMOTED, ()),  # nothing is listed: nothing to be told apart
    ],
)
def test_the_guard_goes_on_where_nothing_has_to_be_told_apart(desk: Desk) -> None:
    done = guarded(replace(desk, written=[]))
    assert (done.delete, dict(done.dead), done.plan.state) == ((), {OLD: "value-0"}, ROTATE)


@pytest.mark.parametrize("record", [STAGED, RECORD.model_copy(update={"current": None})])
def test_nothing_is_deleted_while_a_secret_is_pending(record: Record) -> None:
    desk = Desk(record)
    with pytest.raises(BlockedError, match="A pending secret is not proven yet; nothing was deleted"):
        guarded(desk)
    assert desk.written == []


# ---- a leak

LEAKING = records.burning(PROMOTED, at=NOW, until=NOW)
LEAKED = records.promoted(records.staged(LEAKING, PENDING), PENDING, at=NOW, told_id=None)
REFUSED = Exchanged({OLD: ("rejected", 1), OURS: ("rejected", 1)})
PUT_OUT = ROWS[2:]


def test_after_a_leak_all_goes_whether_or_not_the_consumers_were_proven() -> None:
    done = guarded(Desk(LEAKED))
    assert (done.delete, dict(done.dead)) == (("1", "0"), {OURS: "value-1", OLD: "value-0"})


@pytest.mark.parametrize(
    ("desk", "asked"),
    [
        (Desk(LEAKED, ROWS[:2]), {}),
        (Desk(LEAKED), {"hold": True}),
        (Desk(LEAKING), {}),
    ],
)
def test_after_a_leak_nothing_goes_before_what_replaces_it_is_in_use(desk: Desk, asked: dict[str, Any]) -> None:
    desk = replace(desk, written=[])
    with pytest.raises(BlockedError, match="The secret that replaces the leaked ones is not in use, or not listed yet"):
        guarded(desk, **asked)
    assert desk.written == []


def test_after_a_leak_the_next_run_confirms_what_this_list_shows_of_the_new_id() -> None:
    assert LEAKED.current
    current = LEAKED.current.model_copy(update={"listed_before": ["9"]})
    desk = Desk(LEAKED.model_copy(update={"current": current}), (Listed("9"), Listed("10")))
    with pytest.raises(BlockedError, match="not listed yet"):
        guarded(desk)
    (written,) = desk.written
    assert written.current and written.current.guessed_id == "10"


def test_after_a_leak_nothing_goes_where_the_new_secret_is_refused() -> None:
    done = guarded(Desk(LEAKED, verdicts={"value-2": "rejected"}))
    assert (done.delete, done.plan.state) == ((), BLOCKED)


@pytest.mark.parametrize(
    ("desk", "exchanged", "plan", "words"),
    [
        (Desk(LEAKED, PUT_OUT), REFUSED, PLAN, "rotated: compromised: every secret that was known is refused"),
        (Desk(LEAKED, PUT_OUT), Exchanged(), PLAN,
         f"blocked: compromised: {OURS}, {OLD} is not refused yet; run again. {rounds.UNKNOWN_ID}"),
        (Desk(LEAKED, ROWS[1:]), REFUSED, PLAN,
         "blocked: compromised: what leaked is refused, but 1 is still listed; run again"),
        (Desk(LEAKED, ROWS[:1]), REFUSED, PLAN,
         "blocked: compromised: the secret that replaces the leaked ones is not listed; run again"),
        (Desk(LEAKED, PUT_OUT), REFUSED, FAILURE,
         "blocked: every leaked secret was deleted and is refused, but The probe failed."),
    ],
)  # fmt: skip
def test_a_leak_is_closed_when_each_leaked_secret_is_refused_and_none_is_listed(
    desk: Desk, exchanged: Exchanged, plan: Plan, words: str
) -> None:
    desk = replace(desk, written=[])
    done = carry_out(rounds.close(wish(), plan, SHOWN, exchanged), desk)
    assert done.plan.text == words
    assert done.record is not None
    assert (done.record.leak is None) is ("deleted" in words or "every" in words)
    assert desk.ended
    assert done.plan.again is False


def test_a_leak_whose_consumers_were_not_proven_is_closed_and_told() -> None:
    done = carry_out(rounds.close(wish(), PLAN, NOTHING, REFUSED), Desk(LEAKED, PUT_OUT))
    assert done.plan.text == (
        "blocked: every leaked secret was deleted and is refused, but file: not proven to use the new secret"
    )


def test_a_leak_stays_open_as_long_as_an_earlier_request_may_land() -> None:
    waiting = LEAKED.model_copy(update={"leak": LEAKED.leak and LEAKED.leak.model_copy(update={"until": NOW + HOUR})})
    done = carry_out(rounds.close(wish(), PLAN, SHOWN, REFUSED), Desk(waiting, PUT_OUT))
    until = "2026-11-24T11:00:00Z"
    assert done.plan.text.startswith(f"waiting until {until}: every leaked secret is refused, but")
    assert done.record is not None
    assert done.record.leak is not None
    over = carry_out(rounds.close(wish(now=NOW + HOUR), PLAN, SHOWN, REFUSED), Desk(waiting, PUT_OUT))
    assert over.plan.state == ROTATED


# ---- close


def closed(
    desk: Desk, shown: Shown = NOTHING, plan: Plan = PLAN, exchanged: Exchanged = REFUSED, **asked: Any
) -> Round:
    return carry_out(rounds.close(wish(**asked), plan, shown, exchanged), desk)


def test_what_is_refused_now_is_forgotten_and_the_lease_ends() -> None:
    desk = Desk(DOOMED)
    done = closed(desk, plan=replace(PLAN, rotation_id=OURS))
    assert desk.asked == ["list", "read", "write"]
    assert (desk.ended, desk.awaited, done.listed) == (True, OURS, ROWS)
    assert done.record is not None
    assert (done.record.previous, done.record.last_verified_at) == (None, NOW)
    assert done.plan.text == "rotated: due: forced"


@pytest.mark.parametrize(
    ("record", "shown", "plan", "exchanged", "words"),
    [
        (DOOMED, NOTHING, PLAN, Exchanged(), "retire_unconfirmed: the previous secret is not refused yet"),
        (DOOMED, NOTHING, PLAN, Exchanged({OLD: ("accepted", 1)}), "retire_unconfirmed"),
        (PROMOTED, NOTHING, PLAN, REFUSED, "waiting: hold is set"),
        (OPEN, NOTHING, PLAN, REFUSED, "blocked: file: not proven to hold and use the current secret"),
        (OPEN, NOTHING, replace(PLAN, state=ROLLED_BACK, reason="told"), REFUSED, "rolled_back: told"),
        (OPEN, NOTHING, replace(PLAN, state=BLOCKED, reason="told"), REFUSED, "blocked: told"),
        (RECORD, NOTHING, PLAN, REFUSED, "unchanged: due: forced"),
        (RECORD, NOTHING, replace(PLAN, since=2), REFUSED, "rotated: due: forced"),
        (RECORD, NOTHING, replace(PLAN, state=UNCHANGED, act=CLAIM, reason="told"), REFUSED, "unchanged: told"),
        (RECORD, DIFFERS, PLAN, REFUSED, "blocked: file: not proven"),
        (STAGED, NOTHING, PLAN, REFUSED, "blocked: the next secret was written ahead but did not become"),
    ],
)  # fmt: skip
def test_the_outcome_of_a_round(record: Record, shown: Shown, plan: Plan, exchanged: Exchanged, words: str) -> None:
    desk = Desk(record)
    done = closed(desk, shown, plan, exchanged)
    assert done.plan.text.startswith(words)
    assert desk.ended
    assert done.plan.again is False
    assert done.record is not None
    assert done.record.previous == record.previous


def test_a_round_that_waits_says_until_when() -> None:
    done = closed(Desk(PROMOTED), grace=timedelta(days=90))
    assert done.plan.text.startswith("waiting until 2026-12-23T10:00:00Z: file may still use")
    held = closed(Desk(PROMOTED), grace=timedelta(days=90), hold=True)
    assert held.plan.text.startswith("waiting: hold is set")


@pytest.mark.parametrize(
    ("record", "shown", "plan", "again"),
    [
        (DOOMED, NOTHING, replace(PLAN, again=True), True),
        (RECORD, DIFFERS, replace(PLAN, again=True), True),
        (PROMOTED, DIFFERS, replace(PLAN, again=True), True),
        (PROMOTED, NOTHING, replace(PLAN, again=True), False),
        (STAGED, NOTHING, replace(PLAN, again=True), False),
        (RECORD, NOTHING, replace(PLAN, state=ROLLED_BACK, again=True), False),
    ],
)
def test_whether_another_round_follows(record: Record, shown: Shown, plan: Plan, again: bool) -> None:
    ended = closed(Desk(record), shown, plan).plan
    assert ended.again is again
    assert not (again and ended.state == BLOCKED)


def test_the_deletion_of_a_secret_that_was_rolled_back_is_no_rotation() -> None:
    withdrawn = DOOMED.model_copy(
        update={"previous": PREVIOUS.model_copy(update={"doomed": True, "rolled_back": True})}
    )
    ended = closed(Desk(withdrawn), plan=replace(PLAN, act=CLAIM))
    assert ended.plan.state == UNCHANGED
    assert ended.record is not None
    assert ended.record.previous is None


@pytest.mark.parametrize("record", [PROMOTED, RECORD.model_copy(update={"targets": {"file": Delivered()}})])
def test_a_trial_removes_evidence_only_where_there_is_some(record: Record) -> None:
    desk, trial = Desk(record), Plan(UNCHANGED, "due: forced", TRY, again=True, since=3)
    assert closed(desk, DIFFERS, trial).plan.again
    assert bool(desk.written) is (record is PROMOTED)


def test_targets_known_by_name_alone_are_forgotten_only_where_all_is_settled() -> None:
    named = records.named(RECORD, ["old"])
    done = closed(Desk(named))
    assert done.record is not None
    assert done.record.targets == {"file": PROVEN}
    open_ = closed(Desk(named), DIFFERS)
    assert open_.record is not None
    assert set(open_.record.targets) == {"file", "old"}


# ---- a look


LOOKED = Plan(UNCHANGED, "not due", since=3)


def test_where_nothing_was_begun_and_nothing_differs_nothing_is_asked() -> None:
    desk = Desk(RECORD)
    assert closed(desk, SHOWN, LOOKED) == Round(LOOKED)
    assert closed(desk, Shown(differing=frozenset({"unknown"})), LOOKED) == Round(LOOKED)
    assert desk.asked == []
    waiting = closed(desk, NOTHING, replace(LOOKED, state=WAITING))
    assert (waiting.plan.state, waiting.record, desk.asked) == (WAITING, RECORD, ["read"])


def test_a_target_that_differs_loses_its_evidence_and_a_second_round_follows() -> None:
    desk = Desk(RECORD, ours=False)
    done = closed(desk, DIFFERS, LOOKED)
    assert desk.asked == ["read", "write"]
    assert done.record is not None
    assert (done.record.targets, desk.ended) == ({"file": Delivered()}, True)
    assert done.plan.text == "unchanged: file differs from what is delivered"
    assert done.plan.again is True


NEWER = RECORD.model_copy(update={"generation": 4})


@pytest.mark.parametrize("desk", [Desk(RECORD, rival="job 7"), Desk(NEWER, ours=False), Desk(None)])
def test_beside_another_run_a_difference_is_ignored(desk: Desk) -> None:
    desk = replace(desk, written=[])
    assert closed(desk, DIFFERS, LOOKED).plan == LOOKED
    assert desk.written == []


def test_a_look_notes_an_overtaken_run() -> None:
    done = closed(Desk(RECORD, silent=True), DIFFERS, LOOKED, targets=(FILE, TASKS))
    assert done.record is not None
    assert set(done.record.overtaken) == {OURS}


# ---- abandon


def abandoned(desk: Desk, shown: Shown = NOTHING, *, refused: bool = False, **asked: Any) -> Round:
    return carry_out(rounds.abandon(wish(**asked), replace(PLAN, left=("f",)), shown, FAILURE, refused=refused), desk)


def test_a_secret_that_the_consumers_cannot_use_is_rolled_back() -> None:
    desk = Desk(OPEN)
    done = abandoned(desk, targets=(FILE, TASKS))
    assert desk.asked == ["read", "exchange value-0", "write"]
    assert done.record is not None
    assert done.record == records.named(records.pointed_back(OPEN, at=NOW), ["file", "tasks"])
    assert (done.deliver, done.retire, desk.ended) == (True, True, False)
    assert done.plan == replace(FAILURE, state=ROLLED_BACK, since=3, left=("f",))
    assert abandoned(Desk(OPEN), hold=True).retire is False


def test_a_secret_that_the_server_refuses_is_rolled_back_too() -> None:
    desk = Desk(PROMOTED, verdicts={"value-1": "rejected"})
    assert abandoned(desk).plan.state == ROLLED_BACK
    assert desk.asked == ["read", "exchange value-1", "exchange value-0", "write"]
    assert desk.patient == ["value-1"]


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        # it is not what failed
        (Desk(PROMOTED), "failed: The probe failed."),
        (Desk(PROMOTED, verdicts={"value-1": "unknown"}), "failed: The probe failed."),
        # there is nothing to go back to
        (Desk(RECORD), "failed: The probe failed."),
        (Desk(records.doomed(OPEN)), "failed: The probe failed."),
        (Desk(records.pointed_back(OPEN, at=NOW)), "failed: The probe failed."),
        (Desk(records.staged(OPEN, PENDING).model_copy(update={"previous": PREVIOUS})), "failed: The probe failed."),
        (Desk(OPEN, verdicts={"value-0": "rejected"}),
         "blocked: The probe failed. There is no earlier secret to go back to that still works."),
        (Desk(OPEN, verdicts={"value-0": "unknown"}), "blocked: The probe failed. There is no earlier secret"),
        (Desk(OPEN.model_copy(update={"burnt": [OLD]})), "blocked: The probe failed. There is no earlier secret"),
    ],
)  # fmt: skip
def test_without_a_reason_or_a_way_to_go_back_nothing_is_changed(desk: Desk, words: str) -> None:
    desk = replace(desk, written=[])
    done = abandoned(desk)
    assert done.plan.text.startswith(words)
    assert (done.deliver, done.retire, desk.ended, desk.written) == (False, False, True, [desk.record])
    assert (done.plan.since, done.plan.left) == (3, ("f",))


@pytest.mark.parametrize("desk", [Desk(OPEN, ours=False), Desk(None)])
def test_a_record_that_another_run_holds_is_left_alone(desk: Desk) -> None:
    desk = replace(desk, written=[])
    assert abandoned(desk).plan.text == "failed: The probe failed."
    assert desk.written == []


@pytest.mark.parametrize("act", [None, TRY])
def test_a_run_that_only_compared_does_not_fail_if_another_has_rotated_meanwhile(act: str | None) -> None:
    def ended(desk: Desk, since: int = 3) -> Plan:
        plan = Plan(UNCHANGED, "not due", act, again=bool(act), since=since)
        return carry_out(rounds.abandon(wish(), plan, NOTHING, FAILURE), desk).plan

    found = ended(Desk(NEWER, ours=False))
    assert found.text == "unchanged: another run has replaced the secret of this client meanwhile"
    assert (found.act, found.again) == (None, False)
    # No other run; no plan, because the first step failed.
    for failed in (ended(Desk(RECORD, ours=False)), ended(Desk(NEWER, ours=False), since=0)):
        assert failed.state == FAILED


def test_a_failed_run_keeps_its_evidence() -> None:
    desk = Desk(OPEN)
    done = abandoned(desk, SHOWN)
    assert done.record is not None
    assert (done.plan.state, done.record.targets["file"].generation) == (FAILED, 3)


def test_a_pending_secret_that_the_server_does_not_take_is_forgotten() -> None:
    done = abandoned(Desk(STAGED), refused=True)
    assert done.record is not None
    assert done.record.pending is None
    kept = abandoned(Desk(STAGED))
    assert kept.record is not None
    assert kept.record.pending == PENDING


def test_after_a_leak_a_failed_run_deletes_the_leaked_secrets_too() -> None:
    desk = Desk(LEAKED)
    done = abandoned(desk)
    assert (done.plan.state, done.retire, done.deliver, desk.ended) == (FAILED, True, False, False)
    for other in (abandoned(Desk(LEAKED), hold=True), abandoned(Desk(LEAKING))):
        assert (other.plan.state, other.retire) == (FAILED, False)
