# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was seen of a client, and which listed secret is which. Pure.

A secret is told by its recorded id, by the rotation id in its description or, where LIST shows no descriptions, by
what is new since the ids were last noted. What cannot be told is not guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    carries,
    lineage_of,
    made_at,
    tag_in,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record


@dataclass(frozen=True)
class Listed:
    """One secret as LIST shows it. ``description`` is None where the server shows none."""

    secret_id: str
    description: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What was seen, in this order: LIST, then the store, then one exchange of each stored value.

    ``current``, ``pending`` and ``known`` are verdicts of a token exchange (``accepted``, ``rejected``,
    ``misconfigured``, ``unknown``), or None where none was made. ``in_progress`` names another live run.
    """

    now: datetime
    listed: tuple[Listed, ...] = ()
    record: Record | None = None
    current: str | None = None
    pending: str | None = None
    known: str | None = None
    in_progress: str | None = None

    @property
    def descriptions_shown(self) -> bool:
        """Whether LIST lets a secret be found by its rotation id."""
        return not self.listed or any(each.description for each in self.listed)


def find(seen: Evidence, record: Record, stored: Current) -> tuple[str, ...]:
    """Listed ids of a stored secret: by its recorded id, its rotation id or, without descriptions, as what is new.

    More than one means that a repeated POST made it twice.
    """
    sure = identified(seen, stored)
    if sure or seen.descriptions_shown or stored.secret_id is not None:
        return sure
    return _by_difference(seen, record, stored)


def identified(seen: Evidence, stored: Current) -> tuple[str, ...]:
    """Listed ids that are told by the recorded id or by the rotation id: more than a guess from what is new."""
    by_id = tuple(each.secret_id for each in seen.listed if each.secret_id == stored.secret_id)
    by_tag = tuple(each.secret_id for each in seen.listed if carries(each.description, stored.rotation_id))
    return by_id + tuple(each for each in by_tag if each not in by_id)


def _by_difference(seen: Evidence, record: Record, stored: Current) -> tuple[str, ...]:
    before = stored.listed_before
    recorded = {each.secret_id for each in (record.current, record.previous) if each is not None}
    fresh = tuple(each.secret_id for each in seen.listed if each.secret_id not in recorded)
    if before is not None:
        fresh = tuple(each for each in fresh if each not in before and _listed_before_pending(record, stored, each))
    # Without a snapshot only a list of one says anything.
    elif len(seen.listed) != 1:
        return ()
    return fresh if len(fresh) == 1 else ()


def _listed_before_pending(record: Record, stored: Current, secret_id: str) -> bool:
    """In a roll-back two secrets are new: the one that was listed when the pending one was written ahead is current."""
    pending = record.pending
    if pending is None or stored is pending or pending.listed_before is None:
        return True
    return secret_id in pending.listed_before


def previous_id(seen: Evidence, record: Record) -> str | None:
    """The id of the previous secret: as recorded, unless LIST shows that id under another rotation; else by its tag."""
    previous = record.previous
    if previous is None:
        return None
    tagged = [each.secret_id for each in seen.listed if carries(each.description, previous.rotation_id)]
    if tagged:
        return previous.secret_id if previous.secret_id in tagged else tagged[0]
    under_another = any(each.secret_id == previous.secret_id and tag_in(each.description) for each in seen.listed)
    return None if under_another else previous.secret_id


def leftovers(seen: Evidence, record: Record) -> tuple[str, ...]:
    """Listed secrets of this record's lineage that the record does not know: made by a run that was cut off.

    Only for a record without pending and previous whose current value was just accepted. Where the current secret
    itself is not listed, the list is stale: nothing is told from it.
    """
    current = record.current
    lineage = lineage_of(current.rotation_id) if current else None
    if current is None or lineage is None or record.pending or record.previous:
        return ()
    own = find(seen, record, current)
    if not own:
        return ()
    return tuple(
        each.secret_id
        for each in seen.listed
        if lineage_of(tag_in(each.description)) == lineage and each.secret_id != own[0]
    )


def named(seen: Evidence, record: Record, retire_ids: Sequence[str]) -> tuple[str, ...]:
    """Ids that the operator named for retirement: listed, not in use, and never while the id in use is not known."""
    if record.current is None or not find(seen, record, record.current):
        return ()
    spared = {*in_use(seen, record), *leftovers(seen, record)}
    listed = {each.secret_id for each in seen.listed}
    return tuple(each for each in retire_ids if each in listed - spared)


def in_use(seen: Evidence, record: Record) -> Sequence[str]:
    stored = (record.current, record.pending)
    ids = [secret_id for each in stored if each is not None for secret_id in find(seen, record, each)]
    return [*ids, *(each.secret_id for each in stored if each is not None and each.secret_id)]


def others(seen: Evidence, record: Record) -> tuple[str, ...]:
    used = set(in_use(seen, record))
    return tuple(each.secret_id for each in seen.listed if each.secret_id not in used)


def acceptance_seconds(record: Record, longest: float) -> float:
    """Seconds in which the server came to accept the current secret: less than from its staging to its promotion.

    Both moments are known to the second, so that one second is added. Nothing was waited for beyond ``longest``: what
    took more was interrupted. It is 0 where the record does not tell.
    """
    staged_at = made_at(record.current.rotation_id) if record.current else None
    if staged_at is None or record.last_rotated_at is None:
        return 0.0
    return max(0.0, min((record.last_rotated_at - staged_at).total_seconds() + 1.0, longest))
