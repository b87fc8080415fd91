# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of one round of a rotation.

They do no I/O. A step is a generator that yields requests to read or write, and receives the answers.

In production, the store and the API answer. In tests, a model answers in every way that can go wrong. Both drive these
functions. No step writes to the API: the tasks of the role between the steps do that. A round is

    begin, [create, prove, promote], deliver, [guard, delete, confirm], close

A first, due, resumed, adopted or rolled-back run is the same round with other data.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar

from .._core.errors import BlockedError, StoreConflictError
from .._core.time import format_timestamp
from . import record as records
from .evidence import Exchanged, Shown, noted, objection, unsettled
from .ids import Listed, blind, learned
from .plan import (
    ADOPT,
    BLOCKED,
    BURN,
    FAILED,
    FORGET,
    RECOVER,
    ROLLED_BACK,
    ROTATE,
    ROTATED,
    STAGE,
    TRY,
    UNCHANGED,
    UNCONFIRMED,
    UNKNOWN_PREVIOUS,
    WAITING,
    Plan,
    Seen,
    Wish,
    burning_ids,
    going,
    plan_round,
)
from .record import Current, Leak, Pending, Previous, Record

T = TypeVar("T")


class List(NamedTuple):
    """Asks for the listed secrets. The list is read again if it does not show the rotation id ``awaited``."""

    awaited: str | None = None


class Read(NamedTuple):
    """Asks for the stored record. The answer is a ``Held``."""


class Exchange(NamedTuple):
    """Asks for the verdict on one value. With ``patient``, the exchange is repeated for a while if it is refused."""

    value: str
    patient: bool = False


class Mint(NamedTuple):
    """Asks for a new secret to write ahead, a ``Pending``. ``base`` is the record, or None for a new lineage."""

    base: Record | None


class Write(NamedTuple):
    """Asks to replace the stored record by ``record``, with a renewed lease of this run, or without one (``end``).

    The answer is the stored record. If somebody has changed it meanwhile, the step ends with ``StoreConflictError``.
    """

    record: Record
    end: bool = False


class Held(NamedTuple):
    """The stored record.

    ``ours`` is true if this run holds the lease, so that nobody else has written since. ``rival`` describes another
    live run. ``silent`` is true if the lease belongs to a run that may only be suspended. ``ends`` is the end of the
    lease of another run. ``at`` is the time now. ``corrected`` is true if impossible times were corrected here.
    """

    record: Record | None
    ours: bool = False
    rival: str | None = None
    silent: bool = False
    ends: datetime | None = None
    at: datetime | None = None
    corrected: bool = False


Ask: TypeAlias = "List | Read | Exchange | Mint | Write"
Steps = Generator[Ask, Any, T]
Tries: TypeAlias = "Callable[[Plan, Seen], bool]"

ROUNDS = 3
"""How many rounds a run has at most: one for the trial, one for what an earlier run left, one for the rotation."""


@dataclass(frozen=True)
class Round:
    """The result of a step for the following tasks.

    ``pending`` is the secret to create and prove. ``deliver`` is true if targets are written, not only compared.
    ``retire`` is true if this round may delete something. ``delete`` are the ids to delete now, and ``dead`` the
    values, by rotation id, that must be refused afterwards.
    """

    plan: Plan
    record: Record | None = None
    pending: Pending | None = None
    deliver: bool = False
    retire: bool = False
    delete: tuple[str, ...] = ()
    dead: Mapping[str, str] = field(default_factory=dict)
    listed: tuple[Listed, ...] = ()


def carry_out(steps: Steps[T], answer: Callable[[Ask], Any]) -> T:
    """Run a step to its end. ``answer`` answers its requests."""
    reply = None
    try:
        while True:
            reply = answer(steps.send(reply))
    except StopIteration as end:
        result: T = end.value
        return result


def _ours(held: Held) -> Record:
    """The record, if this run still holds the lease. Raises ``StoreConflictError``."""
    if held.record is None or not held.ours:
        who = f": {held.rival} has taken over." if held.rival else ", and another run may have taken over."
        raise StoreConflictError(
            f"This run no longer holds the lease{who} It changed nothing more.",
            hint="Run again to continue from the record.",
        )
    return held.record


def begin(wish: Wish, known_value: str | None = None, tries: Tries = lambda _plan, _seen: False) -> Steps[Round]:
    """List, read the store, exchange the stored secrets, and decide. Write the next secret ahead, or take the lease.

    If ``tries`` returns true for the plan and what was seen, something must be tried first: this round writes nothing.

    LIST comes before the store. Otherwise another run could write ahead and create a secret after the read, and this
    secret would look like a leftover.
    """
    listed: tuple[Listed, ...] = yield List()
    held: Held = yield Read()
    wish = _timed(wish, held)
    if held.rival:
        return Round(plan_round(Seen(listed, held.record, rival=held.rival), wish), held.record, listed=listed)
    record = held.record and learned(held.record, listed, wish.me)
    current = record.current if record else None
    pending = record.pending if record else None
    seen = Seen(
        listed,
        record,
        current=(yield Exchange(current.value)) if current else None,
        pending=(yield Exchange(pending.value)) if pending else None,
        known=(yield Exchange(known_value)) if known_value and not (current or pending) else None,
    )
    plan = replace(plan_round(seen, wish), since=record.generation if record else 0)
    if plan.act is None:
        learned_more = current is not None and current.confirmed and held.record != record
        if record and (held.corrected or learned_more):
            # Store what a list without tags showed: another run must confirm the guess.
            record = yield Write(_feared(record, held, wish), end=True)
        return Round(plan, record, listed=listed)
    if tries(plan, seen):
        return Round(replace(plan, state=UNCHANGED, act=TRY, again=True), record, listed=listed)
    record = yield from _acted(plan.act, seen, held, wish, known_value)
    record = yield Write(records.named(record, [each.name for each in wish.targets]))
    return Round(plan, record, record.pending, True, _may_retire(wish, record), listed=listed)


def _timed(wish: Wish, held: Held) -> Wish:
    """The settings with the time of the clock that counts."""
    return replace(wish, now=held.at or wish.now)


def _may_retire(wish: Wish, record: Record) -> bool:
    """Whether this round may delete something, such as the current secret after its replacement."""
    return not wish.hold and (record.current is not None or record.leak is not None)


def _acted(act: str, seen: Seen, held: Held, wish: Wish, known_value: str | None) -> Steps[Record]:
    """The record after the act of the plan."""
    base = seen.record or Record(client_id=wish.client_id)
    base = base.model_copy(update={"client_name": wish.client_name or base.client_name})
    base = _feared(records.doubted(base, at=wish.now), held, wish)
    if act == ADOPT:
        (row,) = seen.listed
        minted: Pending = yield Mint(None)
        current = Current(
            value=known_value or "",
            rotation_id=minted.rotation_id,
            secret_id=row.secret_id,
            adopted=True,
            listed_as=row.description,
            created_at=wish.now,
        )
        return records.adopted(base, current, at=wish.now)
    if act == FORGET:
        return records.forgotten(base)
    if act == BURN:
        base = records.burning(base, at=wish.now, until=_landed(base, held, wish))
    if act in (STAGE, RECOVER, BURN):
        pending: Pending = yield Mint(base if base.current and act != RECOVER else None)
        before = [row.secret_id for row in seen.listed] if blind(seen.listed) else None
        return records.staged(base, pending.model_copy(update={"listed_before": before}))
    return base


def _feared(record: Record, held: Held, wish: Wish) -> Record:
    """The record with a note about the run whose lease is taken or ended here, because it may still deliver."""
    if not held.silent or all(each.fenced for each in wish.targets):
        return record
    return records.overtaken(record, until=wish.now + wish.fear)


def _landed(record: Record, held: Held, wish: Wish) -> datetime:
    """The time after which no POST of a known value can arrive: each was sent under a lease, before its promotion."""
    sent = [record.last_rotated_at] if record.last_rotated_at else []
    if record.pending or held.ends:
        sent.append(max(wish.now, held.ends or wish.now))
    return max([wish.now, *(each + wish.landing for each in sent)])


def promote(wish: Wish, plan: Plan, exchanged: Exchanged, told_id: str | None = None) -> Steps[Round]:
    """Make ``pending`` the current secret. Raises ``BlockedError`` unless this run has proven it."""
    held: Held = yield Read()
    record, wish = _ours(held), _timed(wish, held)
    pending = record.pending
    if pending is None:
        raise BlockedError("The record holds no pending secret to promote.", hint="Run again.")
    if not exchanged.proves(pending.rotation_id, wish.successes):
        raise BlockedError(
            f"Nothing proves that the secret of rotation {pending.rotation_id} is accepted"
            f" ({wish.successes} times in a row), so it did not become the current one.",
            hint="The task Prove must succeed. Do not skip it or ignore its failure with a keyword above the role.",
        )
    if pending.rotation_id in record.burnt:
        raise BlockedError(
            f"The secret of rotation {pending.rotation_id} was leaked, so it is not used.", hint="Run again."
        )
    record = yield Write(records.promoted(record, pending, at=wish.now, told_id=told_id))
    retire = not wish.hold and (record.previous is not None or record.leak is not None)
    return Round(replace(plan, rotation_id=pending.rotation_id), record, None, True, retire)


def deliver(wish: Wish, plan: Plan, shown: Shown) -> Steps[Round]:
    """Store the evidence of deliveries, reloads and probes."""
    held: Held = yield Read()
    wish = _timed(wish, held)
    record = yield Write(noted(_ours(held), shown, wish.targets, wish.now))
    return Round(plan, record, deliver=True, retire=_may_retire(wish, record))


def guard(wish: Wish, plan: Plan, shown: Shown) -> Steps[Round]:
    """List, read the store back, exchange what it holds. Write the evidence and the tombstone. Return ids to delete."""
    listed: tuple[Listed, ...] = yield List(plan.rotation_id)
    held: Held = yield Read()
    wish = _timed(wish, held)
    record = noted(learned(_ours(held), listed, wish.me), shown, wish.targets, wish.now)
    current = record.current
    if current is None or record.pending is not None:
        raise BlockedError("A pending secret is not proven yet; nothing was deleted.", hint="Run again.")
    if record.leak:
        ids = yield from _burning(wish, held, record, listed)
        stop = None
    else:
        ids = going(Seen(listed, record), wish)
        stop = _stop(wish, plan, record, shown, listed, ids)
    if stop is None and (yield Exchange(current.value, patient=True)) != "accepted":
        stop = Plan(BLOCKED, "the value read back from the store is not accepted; nothing was deleted")
    if stop:
        record = yield Write(record)
        # The task Close ends what was begun. A roll-back keeps its state while its deletion waits.
        if stop.state == WAITING and plan.state in (ROLLED_BACK, FAILED):
            plan = replace(plan, reason=f"{plan.reason} {stop.reason}", again=False)
        else:
            plan = replace(plan, state=stop.state, reason=stop.reason, again=stop.again)
        return Round(plan, record, listed=listed)
    record = yield Write(records.doomed(record, ids))
    return Round(plan, record, delete=ids, dead=_dead(record), listed=listed)


def _stop(
    wish: Wish, plan: Plan, record: Record, shown: Shown, listed: tuple[Listed, ...], ids: tuple[str, ...]
) -> Plan | None:
    """Why nothing is deleted in this round; None if something may be."""
    if wish.hold:
        return Plan(WAITING, HOLD)
    open_ = unsettled(record, wish.targets)
    if shown.differing & set(open_):
        return replace(plan, again=True)  # a second round writes the targets that have lost their evidence
    if open_:
        return Plan(BLOCKED, f"{', '.join(open_)}: not proven to hold and use the current secret; nothing was deleted")
    found = objection(record, wish.targets, wish.grace, wish.now) if ids or record.previous else None
    if found:
        return Plan(found.state, found.reason)
    if record.previous and not record.previous.doomed and not ids and blind(listed) and listed:
        return Plan(BLOCKED, UNKNOWN_PREVIOUS)
    return None


HOLD = "hold is set: the previous secret is kept"


def _burning(wish: Wish, held: Held, record: Record, listed: tuple[Listed, ...]) -> Steps[tuple[str, ...]]:
    """After a leak: the ids to delete, whether or not the consumers are proven. Raises ``BlockedError``."""
    ids = burning_ids(Seen(listed, record), record, wish.retire_ids)
    if wish.hold or ids is None or (record.current and record.current.rotation_id in record.burnt):
        if ids is None and record != held.record:
            yield Write(record)  # the next run confirms what this list showed of the id
        raise BlockedError(
            "The secret that replaces the leaked ones is not in use, or not listed yet; nothing was deleted.",
            hint="Run again in a moment.",
        )
    return ids


def _dead(record: Record) -> dict[str, str]:
    if record.leak:
        return {each.rotation_id: each.value for each in record.leak.burnt}
    return {record.previous.rotation_id: record.previous.value} if record.previous else {}


def close(wish: Wish, plan: Plan, shown: Shown, exchanged: Exchanged) -> Steps[Round]:
    """Remove finished secrets, end the lease, and return the outcome.

    If nothing was begun, nothing is written, unless a target holds another credential. This target loses its evidence,
    and a second round writes it.
    """
    if plan.act in (None, TRY) and plan.state in (UNCHANGED, WAITING):
        return (yield from _looked(wish, plan, shown))
    listed: tuple[Listed, ...] = yield List(plan.rotation_id)
    held: Held = yield Read()
    wish = _timed(wish, held)
    record = noted(learned(_ours(held), listed, wish.me), shown, wish.targets, wish.now)
    if record.leak:
        outcome, record = _after_leak(wish, plan, record, record.leak, listed, exchanged)
    else:
        previous = record.previous
        gone = bool(previous and previous.doomed and exchanged.verdict(previous.rotation_id) == "rejected")
        outcome = _outcome(wish, plan, record, gone)
        if gone or (previous is None and not unsettled(record, wish.targets)):
            record = records.retired(record, at=wish.now)
    record = yield Write(record, end=True)
    return Round(outcome, record, listed=listed)


def _looked(wish: Wish, plan: Plan, shown: Shown) -> Steps[Round]:
    """Nothing was begun, and the targets were only compared."""
    differing = [each.name for each in wish.targets if each.name in shown.differing]
    if not differing and plan.state != WAITING:
        return Round(plan)
    held: Held = yield Read()
    wish = _timed(wish, held)
    known = held.record.targets if held.record else {}
    differing = [name for name in differing if name in known and known[name].generation is not None]
    if held.record is None or held.rival or not differing or held.record.generation != plan.since:
        return Round(plan, held.record)
    lost = Shown(differing=frozenset(differing))
    record = yield Write(noted(_feared(held.record, held, wish), lost, wish.targets, wish.now), end=True)
    return Round(replace(plan, reason=f"{', '.join(differing)} differs from what is delivered", again=True), record)


def _outcome(wish: Wish, plan: Plan, record: Record, gone: bool) -> Plan:
    previous, open_ = record.previous, unsettled(record, wish.targets)
    if plan.state not in (ROTATE, UNCHANGED):
        return replace(plan, again=False)
    if record.pending:
        return replace(plan, state=BLOCKED, reason=NOT_ISSUED, again=False)
    if open_:
        reason = f"{', '.join(open_)}: not proven to hold and use the current secret"
        return plan if plan.again else replace(plan, state=BLOCKED, reason=reason)
    if previous and not gone:
        return _kept(wish, plan, record, previous)
    if previous and previous.rolled_back:
        return replace(plan, state=UNCHANGED, reason=WITHDRAWN)
    return replace(plan, state=ROTATED if gone or record.generation > plan.since else UNCHANGED)


def _kept(wish: Wish, plan: Plan, record: Record, previous: Previous) -> Plan:
    """The outcome while the previous secret stays in the record."""
    if previous.doomed:
        return replace(plan, state=UNCONFIRMED, reason=STILL_ACCEPTED, again=False)
    stop = objection(record, wish.targets, wish.grace, wish.now)
    state, reason = (stop.state, stop.reason) if stop and not wish.hold else (WAITING, HOLD)
    return replace(plan, state=state, reason=reason, again=False)


WITHDRAWN = "the secret that an earlier run rolled back is deleted; the one before it stays current"


MEANWHILE = "another run has replaced the secret of this client meanwhile"

NOT_ISSUED = "the next secret was written ahead but did not become the current one: its tasks did not run"

UNKNOWN_ID = "If it is listed with an unknown id, name that id in service_client_retire_ids"

STILL_ACCEPTED = (
    "the previous secret is not refused yet, so it stays in the record; the next run checks again. " + UNKNOWN_ID
)


def _after_leak(
    wish: Wish, plan: Plan, record: Record, leak: Leak, listed: tuple[Listed, ...], exchanged: Exchanged
) -> tuple[Plan, Record]:
    """Close the leak if all leaked secrets are refused, none is listed, and no request for one can arrive any more."""
    ids = burning_ids(Seen(listed, record), record, wish.retire_ids)
    alive = [each.rotation_id for each in leak.burnt if exchanged.verdict(each.rotation_id) != "rejected"]
    if ids is None or ids or alive:
        if alive:
            lost = f". {UNKNOWN_ID}" if ids == () else ""
            what = f"{', '.join(alive)} is not refused yet; run again{lost}"
        elif ids:
            what = f"what leaked is refused, but {', '.join(ids)} is still listed; run again"
        else:
            what = "the secret that replaces the leaked ones is not listed; run again"
        return replace(plan, state=BLOCKED, reason=f"compromised: {what}"), record
    waits = wish.now < leak.until
    until = format_timestamp(leak.until)
    landing = "a request of an earlier run may still arrive. Run again then"
    record = record if waits else records.extinguished(record, at=wish.now)
    open_ = unsettled(record, wish.targets)
    if plan.state == FAILED or open_:
        what = f"{', '.join(open_)}: not proven to use the new secret" if open_ else plan.reason
        reason = (
            f"every leaked secret was deleted and is refused, but {what}{f'; until {until} {landing}' if waits else ''}"
        )
        return replace(plan, state=BLOCKED, reason=reason, again=False), record
    if waits:
        reason = f"waiting until {until}: every leaked secret is refused, but {landing}"
        return replace(plan, state=WAITING, reason=reason), record
    return replace(plan, state=ROTATED, reason="compromised: every secret that was known is refused"), record


def abandon(wish: Wish, plan: Plan, shown: Shown, failure: Plan, *, refused: bool = False) -> Steps[Round]:
    """After a failure: roll back to the previous secret if it is needed and still works, or end the lease.

    The record points back if consumers are not proven to use the new secret or it is refused, and the previous one is
    accepted and has no tombstone. Nothing is added or deleted. Otherwise the outcome is ``failure``. A pending value
    that the server does not accept (``refused``) is removed, so that it is not sent again.
    """
    failure = replace(failure, since=plan.since, left=plan.left)
    held: Held = yield Read()
    wish = _timed(wish, held)
    if held.record is None or not held.ours:
        # A run that only compares holds no lease. Without a plan, ``since`` is 0.
        if held.record and plan.since and plan.act in (None, TRY) and held.record.generation != plan.since:
            failure = replace(failure, state=UNCHANGED, reason=MEANWHILE, act=None)
        return Round(failure, held.record)
    record = noted(held.record, shown, wish.targets, wish.now)
    current, previous = record.current, record.previous
    if record.leak and current and current.rotation_id not in record.burnt and not wish.hold:
        record = yield Write(record)
        return Round(replace(failure, state=FAILED), record, retire=True)
    if current and previous and not previous.doomed and not previous.rolled_back and not record.pending:
        failed = bool(unsettled(record, wish.targets)) or (yield Exchange(current.value, patient=True)) == "rejected"
        if failed and previous.rotation_id not in record.burnt and (yield Exchange(previous.value)) == "accepted":
            record = yield Write(
                records.named(records.pointed_back(record, at=wish.now), [t.name for t in wish.targets])
            )
            return Round(replace(failure, state=ROLLED_BACK), record, deliver=True, retire=_may_retire(wish, record))
        if failed:
            nothing = "There is no earlier secret to go back to that still works."
            failure = replace(failure, state=BLOCKED, reason=f"{failure.reason} {nothing}")
    record = yield Write(records.forgotten(record) if refused else record, end=True)
    return Round(failure, record)
