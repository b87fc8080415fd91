# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each state of ``credential_store`` makes of a record. Pure: the same object back means that nothing changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    RefusedError,
    StoreConflictError,
    StoreError,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Lease,
    Pending,
    Previous,
    Record,
    adopt,
    claim,
    discard,
    identify,
    promote,
    release,
    retire,
    stage,
)


@dataclass(frozen=True)
class Wish:
    """What the task asks for. ``rotation_id`` is None where the task names none; ``lease`` is ours, from now on."""

    client_id: str
    at: datetime
    owner: str
    lease: Lease | None
    value: str
    new_rotation_id: str
    client_name: str | None = None
    rotation_id: str | None = None
    description: str | None = None
    expires_at: datetime | None = None
    secret_id: str | None = None
    listed_before: Sequence[str] | None = None
    restores: str | None = None
    grace: timedelta = timedelta()


Step = Callable[[Record | None, Wish], Record | None]


def _staged(before: Record | None, wish: Wish) -> Record | None:
    if before and before.pending and _already_staged(before, before.pending, wish):
        return before
    after = stage(
        before,
        client_id=wish.client_id,
        client_name=wish.client_name,
        pending=_new_pending(before, wish),
        lease=wish.lease,
    )
    return _with_pending_id(after, wish)


def _already_staged(before: Record, pending: Pending, wish: Wish) -> bool:
    lease = before.lease
    held = lease is None if wish.lease is None else lease is not None and _is_ours(lease, wish)
    return held and wish.client_name in (None, before.client_name) and wish.secret_id in (None, pending.secret_id)


def _is_ours(lease: Lease, wish: Wish) -> bool:
    return lease.owner == wish.owner and lease.expires_at > wish.at


def _new_pending(before: Record | None, wish: Wish) -> Pending:
    restored = None if wish.restores is None else _restored(before, wish.restores)
    return Pending(
        value=restored.value if restored else wish.value,
        rotation_id=wish.new_rotation_id,
        description=wish.description,
        # A value that comes back is as old as it was: it is due again as soon as it would have been.
        created_at=(restored.created_at if restored else None) or wish.at,
        expires_at=restored.expires_at if restored else wish.expires_at,
        listed_before=None if wish.listed_before is None else list(wish.listed_before),
        restores=wish.restores,
    )


def _restored(before: Record | None, rotation_id: str) -> Pending | Previous:
    """The secret that a roll-back adds again: the previous one."""
    if before and before.pending:
        return before.pending
    if before and before.previous and before.previous.rotation_id == rotation_id:
        return before.previous
    raise StoreError(
        f"The record holds no previous secret of rotation {rotation_id} whose value could be added again.",
        hint="Read the record and restore what it holds as previous.",
    )


def _with_pending_id(record: Record, wish: Wish) -> Record:
    if wish.secret_id is None or record.pending is None:
        return record
    return record.model_copy(update={"pending": record.pending.model_copy(update={"secret_id": wish.secret_id})})


def _claimed(before: Record | None, wish: Wish) -> Record | None:
    """Take the lease where nothing is to be written ahead, to go on after a promotion."""
    if before is None or wish.lease is None or (before.lease is not None and _is_ours(before.lease, wish)):
        return before
    return claim(before, wish.lease)


def _promoted(before: Record | None, wish: Wish) -> Record | None:
    if before is None:
        raise _no_record(wish)
    done = before.pending is None and before.current and before.current.rotation_id == wish.rotation_id
    if done:
        return _identified(before, wish)
    _meant(before.pending, wish)
    return _leased(before, promote(before, at=wish.at, grace=wish.grace, secret_id=wish.secret_id), wish)


def _retired(before: Record | None, wish: Wish) -> Record | None:
    if before is None or before.previous is None:
        return _identified(before, wish) if before and before.pending else _released(before, wish)
    _meant(before.previous, wish)
    return _leased(before, retire(before, at=wish.at, secret_id=wish.secret_id), wish)


def _discarded(before: Record | None, wish: Wish) -> Record | None:
    if before is None or before.pending is None:
        return before
    _meant(before.pending, wish)
    return discard(before)


def _adopted(before: Record | None, wish: Wish) -> Record | None:
    if before and before.current and before.current.value == wish.value:
        return _identified(before, wish)
    if before and (before.current or before.pending or before.previous):
        raise RefusedError(
            f"The record of client {wish.client_id} holds a secret already; it is not overwritten by another value.",
            hint="Rotate it, or remove the record (state=absent) if its secrets are gone.",
        )
    after = adopt(
        wish.client_id,
        wish.client_name,
        value=wish.value,
        rotation_id=wish.new_rotation_id,
        listed=[wish.secret_id or ""],
        at=wish.at,
        base=before,
    )
    known = {"description": wish.description, "expires_at": wish.expires_at}
    return after.model_copy(update={"current": after.current and after.current.model_copy(update=known)})


def _released(before: Record | None, wish: Wish) -> Record | None:
    if before is None or (before.lease is None and not _tells_id(before, wish)):
        return before
    return release(before, secret_id=wish.secret_id)


def _absent(_before: Record | None, _wish: Wish) -> Record | None:
    return None


def _identified(before: Record, wish: Wish) -> Record:
    return identify(before, wish.secret_id) if wish.secret_id and _tells_id(before, wish) else before


def _tells_id(before: Record, wish: Wish) -> bool:
    return bool(wish.secret_id and before.current and before.current.secret_id != wish.secret_id)


def _leased(before: Record, after: Record, wish: Wish) -> Record:
    """Renew the lease that a step leaves standing; the lease of a run that is dead passes to us."""
    return after.model_copy(update={"lease": wish.lease}) if before.lease and after.lease else after


def _meant(stored: Pending | Previous | Current | None, wish: Wish) -> None:
    if stored is not None and wish.rotation_id not in (None, stored.rotation_id):
        raise StoreConflictError(
            f"The record of client {wish.client_id} holds rotation {stored.rotation_id}, not {wish.rotation_id}.",
            hint="Somebody else rotated meanwhile: read the record and plan again.",
            rotation_id=stored.rotation_id,
        )


def _no_record(wish: Wish) -> StoreError:
    return StoreError(f"There is no record of client {wish.client_id}.", hint="Stage a secret first.")


STEPS: Mapping[str, Step] = {
    "staged": _staged,
    "claimed": _claimed,
    "promoted": _promoted,
    "retired": _retired,
    "discarded": _discarded,
    "adopted": _adopted,
    "released": _released,
    "absent": _absent,
}
