# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of a rotation: from what was seen to what this round does, with the reason in words. Pure.

``CHECKS`` are asked in their order; the first that has something to say decides. Where nothing can be told for sure,
the plan is to stop: nothing is ever deleted on a guess.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .._core.time import format_duration, format_timestamp
from .._secrets.age import Limits, age_reason
from .evidence import Target, objection, unsettled
from .ids import Listed, blind, highest_first, leftovers, made_at, named_by_operator, others, rows_of, tag_in
from .record import Current, Pending, Record

UNCHANGED, WAITING, BLOCKED, ROTATE = "unchanged", "waiting", "blocked", "rotate"
ROTATED, ROLLED_BACK, UNCONFIRMED, FAILED = "rotated", "rolled_back", "retire_unconfirmed", "failed"

TRY = "try"
"""Write nothing yet: try what was never delivered, and check that the service works. Another round follows."""
STAGE = "stage"
"""Write the next secret ahead."""
CLAIM = "claim"
"""Take the lease, to go on where something was left or to deliver."""
FORGET = "forget"
"""Forget a pending secret that is refused for good; its secret is a leftover from then on."""
RECOVER = "recover"
"""As ``STAGE``, in a lineage of its own: what targets and lists say of the old one counts no more."""
ADOPT = "adopt"
"""Store the known secret as the current one."""
BURN = "burn"
"""Mark all that is known as leaked, and write the next secret ahead."""

RECOVERY = (
    "If the store was restored from a backup or written by hand, run once with service_client_recover=true: it adds"
    " a new secret, delivers it and deletes nothing that it does not know."
)


@dataclass(frozen=True)
class Wish:
    """What the operator wants, who runs (``me``), and when.

    ``due`` false only finishes what was begun (provisioning); so does ``closed``, which is when the next window opens.
    ``grace`` is None for ``auto``. ``landing`` is how long a request of an earlier run may still land, ``fear`` how
    long an overtaken run may still deliver.
    """

    client_id: str
    me: str
    now: datetime
    client_name: str | None = None
    targets: tuple[Target, ...] = ()
    due: bool = True
    force: bool = False
    hold: bool = False
    recover: bool = False
    compromised: bool = False
    closed: str = ""
    limits: Limits = field(default_factory=Limits)
    patience: timedelta = timedelta(hours=1)
    grace: timedelta | None = None
    retire_ids: tuple[str, ...] = ()
    successes: int = 5
    landing: timedelta = timedelta(minutes=5)
    fear: timedelta = timedelta(hours=24)


@dataclass(frozen=True)
class Seen:
    """What was seen, in this order: LIST, then the store, then one exchange of each stored value.

    ``current``, ``pending`` and ``known`` are verdicts of a token exchange (``accepted``, ``rejected``,
    ``misconfigured``, ``unknown``), or None where none was made. ``rival`` names another live run.
    """

    listed: tuple[Listed, ...] = ()
    record: Record | None = None
    current: str | None = None
    pending: str | None = None
    known: str | None = None
    rival: str | None = None

    @property
    def stored(self) -> Current | None:
        """The current secret of the record."""
        return self.record.current if self.record else None

    @property
    def expires(self) -> datetime | None:
        """When it expires."""
        return self.stored.expires_at if self.stored else None


@dataclass(frozen=True)
class Plan:
    """``state`` is ``unchanged``, ``waiting``, ``blocked`` or ``rotate``; ``act`` is the step of the record.

    ``again`` says that another round follows, now that nothing is left of earlier runs. ``left`` are listed ids that
    nobody here may touch. ``since`` is the generation that the round began with, ``rotation_id`` what it made current.
    ``busy``: another run is at work on this client.
    The state of an outcome can also be ``rotated``, ``rolled_back``, ``retire_unconfirmed`` or ``failed``.
    """

    state: str
    reason: str
    act: str | None = None
    again: bool = False
    left: tuple[str, ...] = ()
    since: int = 0
    rotation_id: str | None = None
    busy: bool = False

    @property
    def text(self) -> str:
        """State and reason in one sentence, for people."""
        return self.reason if self.reason.startswith(self.state) else f"{self.state}: {self.reason}"


Check = Callable[[Seen, Wish], "Plan | None"]


def plan_round(seen: Seen, wish: Wish) -> Plan:
    """What this round does."""
    return next(plan for plan in (check(seen, wish) for check in CHECKS) if plan is not None)


def going(seen: Seen, wish: Wish) -> tuple[str, ...]:
    """Ids that may go, as far as the list and the record tell: the previous one, leftovers, what the operator named."""
    record = seen.record
    if record is None or record.current is None:
        return ()
    previous = rows_of(seen.listed, record.previous)
    chosen = named_by_operator(seen.listed, record, wish.retire_ids)
    if not rows_of(seen.listed, record.current):
        # While the id in use is not known, the operator's word counts for the previous secret alone.
        chosen = chosen if record.previous and not previous and len(chosen) == 1 else ()
    used = {each for part in (record.current, record.pending) for each in rows_of(seen.listed, part)}
    ids = (*previous, *leftovers(seen.listed, record), *chosen)
    return highest_first(each for each in ids if each not in used)


def burning_ids(seen: Seen, record: Record) -> tuple[str, ...] | None:
    """After a leak: the ids of all secrets of ours but the current one; None while the current one is not seen."""
    current = rows_of(seen.listed, record.current)
    if not current or record.leak is None:
        return None
    ids = (*leftovers(seen.listed, record), *(row for each in record.leak.burnt for row in rows_of(seen.listed, each)))
    return highest_first(each for each in ids if each not in current)


def _another_run(seen: Seen, _wish: Wish) -> Plan | None:
    return busy(seen.rival) if seen.rival else None


def busy(rival: str) -> Plan:
    """Nothing is begun beside another run."""
    return Plan(UNCHANGED, f"another run is rotating this client: {rival}", busy=True)


def _strange_record(seen: Seen, _wish: Wish) -> Plan | None:
    if seen.record and seen.record.current is None and seen.record.previous:
        return Plan(BLOCKED, "the record holds a previous secret but no current one: it was not written by this role")
    return None


def _lost_record(seen: Seen, wish: Wish) -> Plan | None:
    """Secrets that carry a tag of ours, and no record of them."""
    if _stores_something(seen) or wish.recover or seen.known == "accepted":
        return None
    ours = tuple(row.secret_id for row in seen.listed if tag_in(row.description))
    if not ours:
        return None
    return Plan(
        BLOCKED,
        f"there is no record, but {len(ours)} secret(s) of an earlier record are listed ({', '.join(ours)}): the store"
        " was lost or moved, or another store manages this client. Nothing was changed. Bring the record back"
        " (aritma.iam.move_store, or the right service_client_store); or run once with service_client_recover=true,"
        " which adds a new secret and leaves those.",
        left=tuple(row.secret_id for row in seen.listed),
    )


def _stores_something(seen: Seen) -> bool:
    return seen.record is not None and (seen.record.current is not None or seen.record.pending is not None)


def _leak(seen: Seen, wish: Wish) -> Plan | None:
    """A leak is answered to the end before anything else, whoever began it."""
    record = seen.record
    if record is None or record.current is None:
        return Plan(BLOCKED, "compromised: no secret is stored, so none is known to leak") if wish.compromised else None
    if record.leak is None:
        return Plan(ROTATE, "compromised: all that is known is replaced", BURN) if wish.compromised else None
    if record.pending:
        return None
    if record.current.rotation_id in record.burnt:
        return Plan(ROTATE, "compromised: all that is known is replaced", STAGE)
    return Plan(ROTATE, "resume: after a leak, what was known is deleted", CLAIM)


def _pending(seen: Seen, wish: Wish) -> Plan | None:
    """A run was interrupted after it wrote ahead: go on with the same value."""
    pending = seen.record.pending if seen.record else None
    if pending is None:
        return None
    rows = rows_of(seen.listed, pending)
    if seen.pending == "misconfigured":
        return Plan(BLOCKED, _MISCONFIGURED)
    if seen.pending not in ("accepted", "rejected"):
        return Plan(BLOCKED, f"the exchange of the pending value proved nothing ({seen.pending}); nothing was changed")
    if seen.pending == "rejected":
        dead = _dead(pending, rows, wish)
        if dead:
            return _give_up(seen, wish, dead, rows)
    if rows or seen.pending == "accepted":
        return Plan(ROTATE, "resume: the pending secret was created, not yet proven", CLAIM)
    return Plan(ROTATE, "resume: a value was written ahead, its secret was not created yet", CLAIM)


def _dead(pending: Pending, rows: tuple[str, ...], wish: Wish) -> str | None:
    """Why a pending secret that is refused will not come to life."""
    if pending.expires_at and pending.expires_at <= wish.now:
        return f"the pending secret expired at {format_timestamp(pending.expires_at)}, and was not used"
    times = [each for each in (made_at(pending.rotation_id), pending.created_at) if each and each <= wish.now]
    age = wish.now - times[0] if times else timedelta()
    if rows and age > wish.patience:
        return f"the pending secret is still refused {format_duration(age)} after it was created"
    return None


def _give_up(seen: Seen, wish: Wish, reason: str, rows: tuple[str, ...]) -> Plan:
    # Without any other secret in the record, one that was given up would look like that of a lost record.
    why = (
        "of hold" if wish.hold else "the server shows no descriptions" if blind(seen.listed) else "it is the first one"
    )
    if rows and (wish.hold or blind(seen.listed) or seen.stored is None):
        return Plan(BLOCKED, f"{reason}; it is kept because {why}. Delete secret {rows[0]} where it is managed")
    return Plan(ROTATE, f"{reason}: it is given up", FORGET, again=wish.due)


def _first(seen: Seen, _wish: Wish) -> Plan | None:
    """No value is stored: adopt the one that is known, or add the first one of ours beside what is there."""
    if seen.record and seen.record.current:
        return None
    left = tuple(row.secret_id for row in seen.listed)
    if seen.known in ("unknown", "misconfigured"):
        return Plan(BLOCKED, f"the exchange of the known value proved nothing ({seen.known})", left=left)
    if seen.known == "rejected":
        reason = "the value of service_client_known_secret is not accepted, so it was not adopted; nothing was changed"
        return Plan(
            BLOCKED, f"{reason}. Correct it, or leave it out to add a secret beside those that are there", left=left
        )
    if seen.known == "accepted" and len(left) == 1:
        return Plan(ROTATE, "adopt: the known value is accepted, and one secret is listed", ADOPT)
    beside = f"; {len(left)} secret(s) made by others are left alone" if left else ""
    return Plan(ROTATE, f"first: no secret is stored{beside}", STAGE, left=left)


_MISCONFIGURED = (
    "the token endpoint refuses the request for another reason than the secret (see the exchange's error);"
    " nothing was changed"
)


def _refused(seen: Seen, wish: Wish) -> Plan | None:
    """The stored secret is not accepted."""
    record, expires = seen.record, seen.expires
    if seen.current == "accepted":
        return None
    if seen.current == "misconfigured":
        return Plan(BLOCKED, _MISCONFIGURED)
    if seen.current != "rejected":
        return Plan(BLOCKED, f"the exchange of the stored secret proved nothing ({seen.current}); nothing was changed")
    if expires and expires <= wish.now and wish.due and record and not record.previous:
        return Plan(ROTATE, f"due: the secret expired at {format_timestamp(expires)}", STAGE)
    if wish.recover:
        left = others(seen.listed, record)
        return Plan(ROTATE, "recover: the stored secret is not accepted; a new one is added", RECOVER, left=left)
    return Plan(BLOCKED, f"the stored secret is not accepted, nothing was deleted. {RECOVERY}")


def _previous(seen: Seen, wish: Wish) -> Plan | None:
    """Promoted, and the previous secret still lives: deliver where it is missing, then see to the retirement."""
    record = seen.record
    if record is None or record.previous is None:
        return None
    left = others(seen.listed, record)
    again = wish.due and begins(seen, wish)
    if unsettled(record, wish.targets):
        return Plan(ROTATE, "resume: promoted; not every target is proven to hold the new secret", CLAIM, again, left)
    if wish.hold:
        return Plan(WAITING, "hold is set: the previous secret is kept", left=left)
    stop = objection(record, wish.targets, wish.grace, wish.now)
    if stop:
        return Plan(stop.state, stop.reason, left=left)
    if blind(seen.listed) and not going(seen, wish) and not record.previous.doomed and seen.listed:
        return Plan(BLOCKED, UNKNOWN_PREVIOUS, left=left)
    return Plan(ROTATE, "resume: promoted; the previous secret is not retired yet", CLAIM, again, left)


UNKNOWN_PREVIOUS = (
    "it cannot be told which listed secret is the previous one; nothing was deleted. Name its id in"
    " service_client_retire_ids"
)


def _leftovers(seen: Seen, wish: Wish) -> Plan | None:
    ids = () if wish.hold else going(seen, wish)
    if not ids or seen.record is None:
        return None
    left = tuple(each for each in others(seen.listed, seen.record) if each not in ids)
    again = wish.due and begins(seen, wish)
    reason = f"{', '.join(ids)} is left of earlier runs, or was named: it is deleted"
    stop = objection(seen.record, wish.targets, wish.grace, wish.now)
    if stop and not unsettled(seen.record, wish.targets):
        # Nothing is held up by what waits: the client is due, or not, all the same.
        return None
    return Plan(UNCHANGED, reason, CLAIM, again, left)


def _due(seen: Seen, wish: Wish) -> Plan | None:
    if not begins(seen, wish):
        return None
    reason = due_reason(seen, wish)[1]
    left, record = others(seen.listed, seen.record), seen.record
    unknown = blind(seen.listed) and not rows_of(seen.listed, seen.stored)
    # Whichever it is, it is the previous one then: the operator may name it.
    if record and unknown and len(named_by_operator(seen.listed, record, wish.retire_ids)) != 1:
        return Plan(BLOCKED, UNKNOWN_CURRENT, left=left)
    return Plan(ROTATE, reason, STAGE, left=left)


def _restored(seen: Seen, wish: Wish) -> Plan | None:
    """The stored secret works, and targets do not take it: they hold a newer one of a store that was restored."""
    names = unsettled(seen.record, wish.targets) if seen.record and wish.recover and wish.due else ()
    if not names:
        return None
    reason = f"recover: {', '.join(names)} does not hold the stored secret; a new one is added"
    return Plan(ROTATE, reason, RECOVER, left=others(seen.listed, seen.record))


UNKNOWN_CURRENT = (
    "the server shows no descriptions and the id of the current secret is not known, so that it could not be retired;"
    " nothing was changed. Name its id, and no other, in service_client_retire_ids"
)


def begins(seen: Seen, wish: Wish) -> bool:
    """Whether a new rotation begins when nothing else is left to do."""
    return due_reason(seen, wish)[0] and not wish.closed


def due_reason(seen: Seen, wish: Wish) -> tuple[bool, str]:
    """Whether the current secret is to be replaced now, and why or why not."""
    if not wish.due:
        return False, "the stored secret is accepted"
    if wish.force:
        return True, "due: forced"
    return age_reason(seen.stored.created_at if seen.stored else None, seen.expires, wish.now, wish.limits)


def _undelivered(seen: Seen, wish: Wish) -> Plan | None:
    names = unsettled(seen.record, wish.targets) if seen.record else ()
    if not names:
        return None
    return Plan(UNCHANGED, f"deliver: {', '.join(names)}", CLAIM, left=others(seen.listed, seen.record))


def _closed(seen: Seen, wish: Wish) -> Plan | None:
    due, reason = due_reason(seen, wish)
    if not due or not wish.closed:
        return None
    return Plan(WAITING, f"waiting for the window, which opens at {wish.closed}; {reason}")


def _in_order(seen: Seen, wish: Wish) -> Plan | None:
    return Plan(UNCHANGED, due_reason(seen, wish)[1], left=others(seen.listed, seen.record))


CHECKS: tuple[Check, ...] = (
    _another_run,
    _strange_record,
    _lost_record,
    _leak,
    _pending,
    _first,
    _refused,
    _previous,
    _restored,
    _leftovers,
    _due,
    _undelivered,
    _closed,
    _in_order,
)
"""The order of the guide "Rotation explained"."""
