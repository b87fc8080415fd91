# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of a rotation: from what was seen to the next steps, with the reason in words. Pure.

``plan_start`` decides at the beginning of a run what there is to do, whatever an earlier run left behind;
``plan_restore`` decides, after the consumer failed with the new secret, how the service gets its last one again;
``plan_retirement`` decides, after the consumer was proven to use the new secret, whether the old one may be deleted.
All stop rather than guess. The order of the steps and the promises are those of the guide "Rotation explained".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_duration, format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import (
    Evidence,
    Listed,
    find,
    identified,
    in_use,
    leftovers,
    named,
    others,
    previous_id,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import made_at
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Record
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits, age_reason

__all__ = [
    "MAKE_ROOM",
    "Evidence",
    "Listed",
    "Plan",
    "Retirement",
    "Settings",
    "find",
    "plan_restore",
    "plan_retirement",
    "plan_start",
    "procedure",
]

ADOPT = "adopt"
FORGET = "forget"
STAGE = "stage"
CREATE = "create"
PROVE = "prove"
MAKE_ROOM = "make_room"
PROMOTE = "promote"
DELIVER = "deliver"
PROBE = "probe"
DISCARD = "discard"

_AFTER_STAGE = (CREATE, PROVE, PROMOTE, DELIVER, PROBE)
_WHOLE = (STAGE, *_AFTER_STAGE)
_AFTER_CREATE = (PROVE, PROMOTE, DELIVER, PROBE)

_PRELIMINARY = frozenset({ADOPT, FORGET, DISCARD})

RECOVERY = (
    "If the store was restored from a backup or written by hand, run once with service_client_recover=true: it adds"
    " a new secret, delivers it and deletes nothing that it does not know."
)


@dataclass(frozen=True)
class Settings:
    """What the operator wants. ``due`` false only finishes what was begun (provisioning)."""

    due: bool = True
    force: bool = False
    hold: bool = False
    recover: bool = False
    rotate_after: timedelta | None = timedelta(days=60)
    expiry_margin: timedelta = timedelta(days=14)
    patience: timedelta = timedelta(hours=1)
    retire_ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """``state`` is ``unchanged``, ``waiting``, ``blocked`` or ``rotate``; ``steps`` are to be taken in their order.

    ``sweep`` are ids of secrets that may be deleted first; ``left`` are ids that nobody here may touch.
    ``secret_id`` is the listed id of the pending secret, where it is known; ``restores`` the rotation id of the secret
    whose value a roll-back adds again.
    """

    state: str
    reason: str
    steps: tuple[str, ...] = ()
    sweep: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    secret_id: str | None = None
    restores: str | None = None

    @property
    def preliminaries(self) -> bool:
        """Whether something is to be done before the procedure: a sweep, or a step that few runs need."""
        return bool(self.sweep) or not _PRELIMINARY.isdisjoint(self.steps)


@dataclass(frozen=True)
class Retirement:
    """``state`` is ``retire``, ``waiting``, ``blocked`` or ``done``.

    With ``retire``, ``delete`` is the id of the one secret to delete (None: LIST shows that it is gone already).
    ``current_id`` is the listed id of the current secret, where it is known.
    """

    state: str
    reason: str
    delete: str | None = None
    current_id: str | None = None


def plan_start(seen: Evidence, wish: Settings) -> Plan:
    """What there is to do for this client now."""
    record = seen.record
    if seen.in_progress:
        return Plan("unchanged", f"another run is rotating this client: {seen.in_progress}")
    if record is not None and record.current is None and record.previous is not None:
        return Plan("blocked", "the record holds a previous secret but no current one: it was not written by this role")
    if record is not None and record.pending is not None:
        return _plan_pending(seen, record, record.pending, wish)
    current = record.current if record is not None else None
    if record is None or current is None:
        return _plan_first(seen)
    if record.previous is not None:
        return _plan_previous(seen, record, wish)
    return _plan_current(seen, record, current, wish)


def plan_restore(seen: Evidence, wish: Settings) -> Plan:
    """How to give the service its last secret again: the previous value is added under a new id, by the whole order."""
    record = seen.record
    if seen.in_progress:
        return Plan("blocked", f"another run is rotating this client: {seen.in_progress}")
    if record is None or record.pending is not None or record.previous is None:
        return Plan("blocked", "the record holds no previous secret to go back to")
    if seen.current != "accepted":
        return _plan_refused(seen, record, wish)
    expires = record.previous.expires_at
    if expires and expires <= seen.now:
        return Plan("blocked", f"the previous secret expired at {format_timestamp(expires)}: it would not be accepted")
    previous = record.previous.rotation_id
    reason = f"roll back: the secret of rotation {previous} is added again"
    return Plan("rotate", reason, _with_room(record, _WHOLE), restores=previous)


def procedure(plan: Plan, record: Record | None, *, check_mode: bool) -> str:
    """Which row of steps a run goes through: ``none``, ``first``, ``finish``, ``restore`` or ``hand_over``.

    ``first`` ends before a retirement, since there is nothing to retire. In check mode ``predict`` stands for the rows
    that create something: it writes nothing and goes no further than the creation.
    """
    if not plan.steps:
        return "none"
    if not {PROMOTE, PROBE} & set(plan.steps):
        return "hand_over"
    if check_mode:
        return "predict"
    if MAKE_ROOM in plan.steps:
        return "restore"
    retires = record is not None and (record.previous is not None or record.current is not None)
    return "finish" if retires else "first"


def _plan_first(seen: Evidence) -> Plan:
    """No value is stored: adopt the one that is known, or add the first one of ours beside what is there."""
    others = tuple(each.secret_id for each in seen.listed)
    if seen.known == "accepted" and len(others) == 1:
        return Plan("rotate", "adopt: the known value is accepted, and one secret is listed", (ADOPT, DELIVER))
    if seen.known in ("unknown", "misconfigured"):
        return Plan("blocked", f"the exchange of the known value proved nothing ({seen.known})", left=others)
    beside = f"; {len(others)} secret(s) made by others are left alone" if others else ""
    return Plan("rotate", f"first: no secret is stored{beside}", _WHOLE, left=others)


def _plan_pending(seen: Evidence, record: Record, pending: Pending, wish: Settings) -> Plan:
    """A run was interrupted after it wrote ahead: go on with the same value."""
    found = find(seen, record, pending)
    # In a roll-back the old secret answers for the same value: accepted does not say that the new one was created.
    lives_on = _lives_on(record, pending)
    if found or (seen.pending == "accepted" and not lives_on):
        return _plan_landed(seen, record, pending, found, wish)
    if seen.pending == "rejected" and pending.expires_at and pending.expires_at <= seen.now:
        reason = f"the value that was written ahead expired at {format_timestamp(pending.expires_at)}, and was not used"
        return Plan("rotate", f"{reason}: it is forgotten, the next run adds another", (DISCARD,))
    if seen.pending == "rejected" or lives_on:
        steps = _with_room(record, _AFTER_STAGE)
        return Plan("rotate", "resume: a value was written ahead, its secret was not created yet", steps)
    return Plan("blocked", f"the exchange of the pending value proved nothing ({seen.pending}); nothing was changed")


def _plan_landed(seen: Evidence, record: Record, pending: Pending, found: tuple[str, ...], wish: Settings) -> Plan:
    if seen.pending == "misconfigured":
        return Plan("blocked", _MISCONFIGURED)
    secret_id = found[0] if found else None
    age = _pending_for(seen, pending)
    if seen.pending == "rejected" and age > wish.patience:
        reason = f"the pending secret is still refused {format_duration(age)} after it was created"
        sure = identified(seen, pending)
        if wish.hold or not sure:
            return Plan("blocked", f"{reason}; it is kept because of hold or because its id is not known")
        return Plan("rotate", f"{reason}: it is deleted, the next run adds another", (DISCARD,), secret_id=sure[0])
    steps = _with_room(record, _AFTER_CREATE)
    return Plan("rotate", "resume: the pending secret was created, not yet proven", steps, secret_id=secret_id)


def _pending_for(seen: Evidence, pending: Pending) -> timedelta:
    """How long the pending secret has been there. A value that a roll-back adds again is older than its new secret."""
    staged_at = (made_at(pending.rotation_id) if pending.restores else None) or pending.created_at
    return seen.now - staged_at if staged_at else timedelta()


def _with_room(record: Record, steps: tuple[str, ...]) -> tuple[str, ...]:
    """A roll-back retires the secret whose value it added again: a record keeps one ``previous``.

    It does so before the proof: as long as the old secret answers for the value, an exchange proves nothing of the new.
    """
    if record.previous is None:
        return steps
    at = steps.index(PROVE)
    return (*steps[:at], MAKE_ROOM, *steps[at:])


def _plan_previous(seen: Evidence, record: Record, wish: Settings) -> Plan:
    """Promoted, and the previous secret still lives: deliver again, prove the consumer, then see to its retirement."""
    previous = record.previous
    if seen.current != "accepted":
        return _plan_refused(seen, record, wish)
    due_at = previous.retire_after if previous else None
    if due_at and seen.now < due_at:
        return Plan("waiting", f"waiting until {format_timestamp(due_at)}: the previous secret stays valid", (DELIVER,))
    return Plan("rotate", "resume: promoted; the previous secret is not retired yet", (DELIVER, PROBE))


def _plan_current(seen: Evidence, record: Record, current: Current, wish: Settings) -> Plan:
    """The usual case: one stored secret."""
    expired = current.expires_at is not None and current.expires_at <= seen.now
    if seen.current != "accepted":
        if seen.current == "rejected" and current.expires_at and expired and wish.due:
            return Plan("rotate", f"due: the secret expired at {format_timestamp(current.expires_at)}", _WHOLE)
        return _plan_refused(seen, record, wish)
    sweep: tuple[str, ...] = ()
    left = others(seen, record)
    if not wish.hold:
        sweep = leftovers(seen, record) + named(seen, record, wish.retire_ids)
        left = tuple(each for each in left if each not in sweep)
    due, reason = due_reason(current, seen.now, wish)
    if not due:
        return Plan("unchanged", reason, (DELIVER,), sweep, left)
    if not seen.descriptions_shown and not find(seen, record, current):
        unclear = "LIST shows no descriptions and the id of the current secret is not known, so it could not be retired"
        return Plan("blocked", f"{unclear}; nothing was changed", left=left)
    return Plan("rotate", reason, _WHOLE, sweep, left)


_MISCONFIGURED = (
    "the token endpoint refuses the request for another reason than the secret (see the exchange's error);"
    " nothing was changed"
)


def _plan_refused(seen: Evidence, record: Record, wish: Settings) -> Plan:
    if seen.current == "misconfigured":
        return Plan("blocked", _MISCONFIGURED)
    if seen.current != "rejected":
        reason = f"the exchange of the stored secret proved nothing ({seen.current}); nothing was changed"
        return Plan("blocked", reason)
    if wish.recover:
        forget = (FORGET,) if record.previous else ()
        return Plan("rotate", "recover: the stored secret is not accepted; a new one is added", (*forget, *_WHOLE))
    return Plan("blocked", f"the stored secret is not accepted, nothing was deleted. {RECOVERY}")


def due_reason(current: Current, now: datetime, wish: Settings) -> tuple[bool, str]:
    """Whether the current secret is to be replaced now, and why or why not."""
    if wish.force:
        return True, "due: forced"
    if not wish.due:
        return False, "the stored secret is accepted"
    return age_reason(current.created_at, current.expires_at, now, Limits(wish.rotate_after, wish.expiry_margin))


def plan_retirement(seen: Evidence, wish: Settings, *, consumer_proven: bool) -> Retirement:
    """Whether ``previous`` may be deleted now. Each guard that objects is named."""
    record = seen.record
    if record is None or record.current is None:
        return Retirement("done", "nothing to retire")
    current_ids = find(seen, record, record.current)
    current_id = current_ids[0] if current_ids else record.current.secret_id
    if record.previous is None:
        return Retirement("done", "nothing to retire", current_id=current_id)
    objection = _objection(seen, record, wish, consumer_proven)
    if objection:
        return Retirement(*objection, current_id=current_id)
    target = previous_id(seen, record)
    if target is None:
        return _retirement_without_id(seen, record, wish, current_id)
    if target in in_use(seen, record):
        return Retirement("blocked", f"secret {target} is recorded as previous and as in use", current_id=current_id)
    return Retirement("retire", "the new secret is proven; the previous one goes", target, current_id)


def _objection(seen: Evidence, record: Record, wish: Settings, consumer_proven: bool) -> tuple[str, str] | None:
    previous = record.previous
    if wish.hold:
        return "waiting", "hold is set: the previous secret is kept"
    if previous and previous.retire_after and seen.now < previous.retire_after and record.pending is None:
        return "waiting", f"waiting until {format_timestamp(previous.retire_after)}"
    if seen.current != "accepted":
        return "blocked", f"the value read back from the store is not accepted ({seen.current}); nothing was deleted"
    if record.pending is not None:
        return None if _made_again(seen, record, record.pending) else ("blocked", _UNPROVEN_PENDING)
    if not consumer_proven:
        return "blocked", "the consumer was not proven to use the new secret; nothing was deleted"
    return None


_UNPROVEN_PENDING = "a pending secret is not proven yet; nothing was deleted"


def _made_again(seen: Evidence, record: Record, pending: Current) -> bool:
    """Whether a roll-back has made the previous value again under a new id: then no consumer misses the old id."""
    return _lives_on(record, pending) and bool(find(seen, record, pending))


def _retirement_without_id(seen: Evidence, record: Record, wish: Settings, current_id: str | None) -> Retirement:
    chosen = named(seen, record, wish.retire_ids)
    if len(chosen) == 1:
        return Retirement(
            "retire", "the previous secret goes, by the id that the operator named", chosen[0], current_id
        )
    if seen.descriptions_shown:
        return Retirement("retire", "no listed secret carries the previous rotation id", current_id=current_id)
    unclear = "it cannot be told which listed secret is the previous one; nothing was deleted"
    return Retirement("blocked", f"{unclear}. Name its id in service_client_retire_ids.", current_id=current_id)


def _lives_on(record: Record, pending: Current) -> bool:
    """Whether ``pending`` is a roll-back: the previous value, to be added again under a new id."""
    return record.previous is not None and record.previous.value == pending.value
