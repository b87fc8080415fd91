# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner of a rotation: decides from observations what this round does, and gives the reason. Pure.

``CHECKS`` run in their order, and the first one that returns a plan decides. If something is not certain, the plan is
to stop. Nothing is ever deleted on a guess.
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
"""Write nothing yet: try new deliveries, and probe the service. Another round follows."""
STAGE = "stage"
"""Write the next secret ahead."""
CLAIM = "claim"
"""Take the lease, to continue an earlier run or to deliver."""
FORGET = "forget"
"""Remove a pending secret that is refused permanently. It is then a leftover."""
RECOVER = "recover"
"""Like ``STAGE``, but in a new lineage: what targets and lists show of the old lineage no longer counts."""
ADOPT = "adopt"
"""Store the known secret as the current one."""
BURN = "burn"
"""Mark all known secrets as leaked, and write the next secret ahead."""

RECOVERY = (
    "If the store was restored from a backup or written by hand, run once with service_client_recover=true: it adds"
    " a new secret, delivers it and deletes nothing that it does not know."
)


@dataclass(frozen=True)
class Wish:
    """The settings of the operator, the run (``me``) and the time.

    If ``due`` is false (provisioning) or ``closed`` is not empty (the time when the next window opens), the run only
    finishes what was begun. ``grace`` is None for ``auto``. ``landing`` is how long a request of an earlier run may
    still arrive, ``fear`` how long an overtaken run may still deliver.
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
    """The observations, in this order: LIST, then the store, then one exchange of each stored value.

    ``current``, ``pending`` and ``known`` are verdicts of exchanges (``accepted``, ``rejected``, ``misconfigured``,
    ``unknown``), or None if there was no exchange. ``rival`` describes another live run.
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
        """When the current secret expires."""
        return self.stored.expires_at if self.stored else None


@dataclass(frozen=True)
class Plan:
    """``state`` is ``unchanged``, ``waiting``, ``blocked`` or ``rotate``; ``act`` is the change of the record.

    ``again`` is true if another round follows, after this one has settled what earlier runs left. ``left`` are listed
    ids of others. ``since`` is the generation at the start of the round, ``rotation_id`` the secret that the round made
    current. ``busy`` is true if another run is at work on this client.
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
        """The state and the reason in one sentence."""
        return self.reason if self.reason.startswith(self.state) else f"{self.state}: {self.reason}"


Check = Callable[[Seen, Wish], "Plan | None"]


def plan_round(seen: Seen, wish: Wish) -> Plan:
    """Decide what this round does."""
    return next(plan for plan in (check(seen, wish) for check in CHECKS) if plan is not None)


def going(seen: Seen, wish: Wish) -> tuple[str, ...]:
    """The ids to delete, by list and record: the previous secret, leftovers, and those that the operator named."""
    record = seen.record
    if record is None or record.current is None:
        return ()
    previous = rows_of(seen.listed, record.previous)
    chosen = named_by_operator(seen.listed, record, wish.retire_ids)
    if not rows_of(seen.listed, record.current):
        # If the id in use is not known, the operator can only name the previous secret.
        chosen = chosen if record.previous and not previous and len(chosen) == 1 else ()
    used = {each for part in (record.current, record.pending) for each in rows_of(seen.listed, part)}
    ids = (*previous, *leftovers(seen.listed, record), *chosen)
    return highest_first(each for each in ids if each not in used)


def burning_ids(seen: Seen, record: Record, retire_ids: tuple[str, ...] = ()) -> tuple[str, ...] | None:
    """After a leak: the ids of all our secrets except the current one, and of those that the operator named.

    None if the current one is not listed.
    """
    current = rows_of(seen.listed, record.current)
    if not current or record.leak is None:
        return None
    burnt = (row for each in record.leak.burnt for row in rows_of(seen.listed, each))
    ids = (*leftovers(seen.listed, record), *burnt, *named_by_operator(seen.listed, record, retire_ids))
    return highest_first(each for each in ids if each not in current)


def _another_run(seen: Seen, _wish: Wish) -> Plan | None:
    return busy(seen.rival) if seen.rival else None


def busy(rival: str) -> Plan:
    """The plan while another run is at work: begin nothing."""
    return Plan(UNCHANGED, f"another run is rotating this client: {rival}", busy=True)


def _strange_record(seen: Seen, _wish: Wish) -> Plan | None:
    if seen.record and seen.record.current is None and seen.record.previous:
        return Plan(BLOCKED, "the record holds a previous secret but no current one: it was not written by this role")
    return None


def _lost_record(seen: Seen, wish: Wish) -> Plan | None:
    """Stop if secrets with our tag are listed, but there is no record."""
    if _stores_something(seen) or wish.recover or seen.known == "accepted":
        return None
    ours = tuple(row.secret_id for row in seen.listed if tag_in(row.description))
    if not ours:
        return None
    return Plan(
        BLOCKED,
        f"there is no record, but {len(ours)} secret(s) of an earlier record are listed ({', '.join(ours)}): the store"
        " was lost or moved, or another store manages this client. No secret was changed. Bring the record back"
        " (aritma.iam.move_store, or the right service_client_store); or run once with service_client_recover=true,"
        " which adds a new secret and leaves those.",
        left=tuple(row.secret_id for row in seen.listed),
    )


def _stores_something(seen: Seen) -> bool:
    return seen.record is not None and (seen.record.current is not None or seen.record.pending is not None)


def _leak(seen: Seen, wish: Wish) -> Plan | None:
    """Finish the response to a leak before anything else, whichever run began it."""
    record = seen.record
    if record is None or record.current is None:
        return Plan(BLOCKED, "compromised: no secret is stored, so none is known to leak") if wish.compromised else None
    if record.leak is None:
        return Plan(ROTATE, "compromised: all known secrets are replaced", BURN) if wish.compromised else None
    if record.pending:
        return None
    if record.current.rotation_id in record.burnt:
        return Plan(ROTATE, "compromised: all known secrets are replaced", STAGE)
    return Plan(ROTATE, "resume: after a leak, all known secrets are deleted", CLAIM)


def _pending(seen: Seen, wish: Wish) -> Plan | None:
    """Continue with the same value if a run was interrupted after it wrote ahead."""
    pending = seen.record.pending if seen.record else None
    if pending is None:
        return None
    rows = rows_of(seen.listed, pending)
    if seen.pending == "misconfigured":
        return Plan(BLOCKED, _MISCONFIGURED)
    if seen.pending not in ("accepted", "rejected"):
        return Plan(BLOCKED, f"the exchange of the pending value proved nothing ({seen.pending}); nothing was begun")
    if seen.pending == "rejected":
        dead = _dead(pending, rows, wish)
        if dead:
            return _give_up(seen, wish, dead, rows)
    if rows or seen.pending == "accepted":
        return Plan(ROTATE, "resume: the pending secret was created, not yet proven", CLAIM)
    return Plan(ROTATE, "resume: a value was written ahead, its secret was not created yet", CLAIM)


def _dead(pending: Pending, rows: tuple[str, ...], wish: Wish) -> str | None:
    """Why a refused pending secret will not be accepted later; None if it may be."""
    if pending.expires_at and pending.expires_at <= wish.now:
        return f"the pending secret expired at {format_timestamp(pending.expires_at)}, and was not used"
    times = [each for each in (made_at(pending.rotation_id), pending.created_at) if each and each <= wish.now]
    age = wish.now - times[0] if times else timedelta()
    if rows and age > wish.patience:
        return f"the pending secret is still refused {format_duration(age)} after it was created"
    return None


def _give_up(seen: Seen, wish: Wish, reason: str, rows: tuple[str, ...]) -> Plan:
    # Without another secret in the record, the secret that is given up would look like one of a lost record.
    why = (
        "of hold" if wish.hold else "the server shows no descriptions" if blind(seen.listed) else "it is the first one"
    )
    if rows and (wish.hold or blind(seen.listed) or seen.stored is None):
        return Plan(BLOCKED, f"{reason}; it is kept because {why}. Delete secret {rows[0]} where it is managed")
    return Plan(ROTATE, f"{reason}: it is given up", FORGET, again=wish.due)


def _first(seen: Seen, _wish: Wish) -> Plan | None:
    """If no secret is stored, adopt the known one, or add the first one of ours beside those of others."""
    if seen.record and seen.record.current:
        return None
    left = tuple(row.secret_id for row in seen.listed)
    if seen.known in ("unknown", "misconfigured"):
        return Plan(BLOCKED, f"the exchange of the known value proved nothing ({seen.known})", left=left)
    if seen.known == "rejected":
        reason = "the value of service_client_known_secret is not accepted, so it was not adopted; no secret was added"
        return Plan(BLOCKED, f"{reason}. Correct it, or omit it to add a secret beside the existing ones", left=left)
    if seen.known == "accepted" and len(left) == 1:
        return Plan(ROTATE, "adopt: the known value is accepted, and one secret is listed", ADOPT)
    beside = f"; {len(left)} secret(s) of others are not touched" if left else ""
    return Plan(ROTATE, f"first: no secret is stored{beside}", STAGE, left=left)


_MISCONFIGURED = (
    "the token endpoint refuses the request for another reason than the secret (see the exchange's error);"
    " nothing was begun"
)


def _refused(seen: Seen, wish: Wish) -> Plan | None:
    """Decide what to do if the stored secret is not accepted."""
    record, expires = seen.record, seen.expires
    if seen.current == "accepted":
        return None
    if seen.current == "misconfigured":
        return Plan(BLOCKED, _MISCONFIGURED)
    if seen.current != "rejected":
        return Plan(BLOCKED, f"the exchange of the stored secret proved nothing ({seen.current}); nothing was begun")
    expired = f"the secret expired at {format_timestamp(expires)}" if expires and expires <= wish.now else ""
    if expired and wish.due and record and not record.previous:
        return Plan(ROTATE, f"due: {expired}", STAGE)
    if wish.recover:
        left = others(seen.listed, record)
        return Plan(ROTATE, "recover: the stored secret is not accepted; a new one is added", RECOVER, left=left)
    why = f"Since {expired}, run once with service_client_recover=true: it adds a new one" if expired else RECOVERY
    return Plan(BLOCKED, f"the stored secret is not accepted, nothing was deleted. {why}")


def _previous(seen: Seen, wish: Wish) -> Plan | None:
    """If the previous secret still exists, finish the deliveries, then retire it."""
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
    "it is not known which listed secret is the previous one; nothing was deleted. Name its id in"
    " service_client_retire_ids"
)


def _leftovers(seen: Seen, wish: Wish) -> Plan | None:
    ids = () if wish.hold else going(seen, wish)
    if not ids or seen.record is None:
        return None
    left = tuple(each for each in others(seen.listed, seen.record) if each not in ids)
    again = wish.due and begins(seen, wish)
    reason = f"{', '.join(ids)} is left from earlier runs, or was named: it is deleted"
    stop = objection(seen.record, wish.targets, wish.grace, wish.now)
    if stop and not unsettled(seen.record, wish.targets):
        return None  # a deletion that waits does not delay a rotation that is due
    return Plan(UNCHANGED, reason, CLAIM, again, left)


def _due(seen: Seen, wish: Wish) -> Plan | None:
    if not begins(seen, wish):
        return None
    reason = due_reason(seen, wish)[1]
    left, record = others(seen.listed, seen.record), seen.record
    unknown = blind(seen.listed) and not rows_of(seen.listed, seen.stored)
    # The unknown secret becomes the previous one, so the operator may name its id.
    if record and unknown and len(named_by_operator(seen.listed, record, wish.retire_ids)) != 1:
        return Plan(BLOCKED, UNKNOWN_CURRENT, left=left)
    return Plan(ROTATE, reason, STAGE, left=left)


def _restored(seen: Seen, wish: Wish) -> Plan | None:
    """Add a new secret if the store was restored: the stored one is accepted, but targets hold a newer one."""
    names = unsettled(seen.record, wish.targets) if seen.record and wish.recover and wish.due else ()
    if not names:
        return None
    reason = f"recover: {', '.join(names)} does not hold the stored secret; a new one is added"
    return Plan(ROTATE, reason, RECOVER, left=others(seen.listed, seen.record))


UNKNOWN_CURRENT = (
    "the list does not show which secret is the current one, so it could not be retired; no rotation was begun. The"
    " list may lag behind: run again. If this stays, name its id, and no other, in service_client_retire_ids"
)


def begins(seen: Seen, wish: Wish) -> bool:
    """Whether a new rotation begins if nothing else is left to do."""
    return due_reason(seen, wish)[0] and not wish.closed


def due_reason(seen: Seen, wish: Wish) -> tuple[bool, str]:
    """Whether the current secret should be replaced now, and the reason."""
    if not wish.due:
        return False, "the stored secret is accepted"
    if wish.force:
        return True, "due: forced"
    return age_reason(seen.stored.created_at if seen.stored else None, seen.expires, wish.now, wish.limits)


def _undelivered(seen: Seen, wish: Wish) -> Plan | None:
    names = unsettled(seen.record, wish.targets) if seen.record else ()
    if not names:
        return None
    reason = f"the secret is delivered to {', '.join(names)}"
    return Plan(UNCHANGED, reason, CLAIM, left=others(seen.listed, seen.record))


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
"""The checks in their order, as in the guide "Rotation explained"."""
