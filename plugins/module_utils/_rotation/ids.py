# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation ids, and the ownership of listed secrets.

The server chooses the id of a new secret, so the caller does not know it in advance. Therefore the ``description``
holds a tag: ``aritma.iam rotation 3f9a2c-20261124T100000Z-b81d04``. Its first part, the lineage, is the same in all
rotations of one record. So two stores that manage one client never mistake each other's secrets for leftovers.

The tag identifies a secret. If LIST shows tags, only tags count, except for an adopted secret. If LIST shows none (it
is *blind*), a recorded id counts only if it was confirmed: see ``learned``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .._iam.contract import is_shared_type
from .record import Current, Record

_LABEL = "aritma.iam rotation"
_STAMP = "%Y%m%dT%H%M%SZ"
_ROTATION_ID = re.compile(r"(?P<lineage>[0-9a-f]{6})-(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{6}")
_TAG = re.compile(rf"{re.escape(_LABEL)} ({_ROTATION_ID.pattern})(?![\w-])")


def new_rotation_id(at: datetime, lineage: str | None) -> str:
    """A new rotation id in ``lineage``; None begins a new lineage."""
    stamp = at.astimezone(timezone.utc).strftime(_STAMP)
    return f"{lineage or secrets.token_hex(3)}-{stamp}-{secrets.token_hex(3)}"


def lineage_of(rotation_id: str | None) -> str | None:
    """The lineage of a rotation id; None for any other text."""
    match = _ROTATION_ID.fullmatch(rotation_id or "")
    return match.group("lineage") if match else None


def made_at(rotation_id: str | None) -> datetime | None:
    """The time in a rotation id, in UTC; None for any other text."""
    match = _ROTATION_ID.fullmatch(rotation_id or "")
    try:
        return datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=timezone.utc) if match else None
    except ValueError:  # the digits are not a time
        return None


def description_for(rotation_id: str) -> str:
    """The description of a secret with this rotation id."""
    return f"{_LABEL} {rotation_id}"


def tag_in(description: str | None) -> str | None:
    """The rotation id in a description; None if it has none."""
    match = _TAG.search(description or "")
    return match.group(1) if match else None


def carries(description: str | None, rotation_id: str) -> bool:
    """Whether a description contains this rotation id as a whole word: ``r1`` is not in ``r12``."""
    word = rf"(?<![\w-]){re.escape(rotation_id)}(?![\w-])"
    # In a record that was edited, the rotation id may be any word, which may occur in descriptions of others.
    return lineage_of(rotation_id) is not None and re.search(word, description or "") is not None


@dataclass(frozen=True)
class Listed:
    """One secret as LIST shows it. ``description`` and ``kind`` (its type) are None if they are not shown."""

    secret_id: str
    description: str | None = None
    kind: str | None = None


def shared(row: Listed) -> bool:
    """Whether the row can be one of our secrets: not a certificate or a key."""
    return is_shared_type(row.kind)


def blind(listed: Sequence[Listed]) -> bool:
    """Whether LIST shows no tag of any lineage. The server may then not show descriptions."""
    return not any(tag_in(row.description) for row in listed)


def rows_of(listed: Sequence[Listed], stored: Current | None) -> tuple[str, ...]:
    """The listed ids of a stored secret. There are several if a repeated POST created it twice."""
    if stored is None:
        return ()
    rows = [row for row in listed if shared(row)]
    tagged = tuple(row.secret_id for row in rows if carries(row.description, stored.rotation_id))
    if tagged or not (stored.adopted or (stored.confirmed and blind(listed))):
        return tagged
    # If the description has changed since the id was learned, the id now belongs to another secret.
    return tuple(
        row.secret_id for row in rows if row.secret_id == stored.secret_id and row.description == stored.listed_as
    )


def leftovers(listed: Sequence[Listed], record: Record) -> tuple[str, ...]:
    """The ids of leftovers: listed secrets of the lineage of the record that are not in the record.

    Empty if the list does not show the current secret with its tag.
    """
    current = record.current
    lineage = lineage_of(current.rotation_id) if current else None
    if current is None or lineage is None or not any(carries(row.description, current.rotation_id) for row in listed):
        return ()
    named = [each.rotation_id for each in (current, record.pending, record.previous) if each is not None]
    return tuple(
        row.secret_id
        for row in listed
        if shared(row)
        and lineage_of(tag_in(row.description)) == lineage
        and not any(carries(row.description, each) for each in named)
    )


def in_use(listed: Sequence[Listed], record: Record) -> frozenset[str]:
    """The ids that are, or may be, those of the current and the pending secret."""
    stored = [each for each in (record.current, record.pending) if each is not None]
    guesses = {each for part in stored for each in (part.told_id, part.guessed_id) if each} if blind(listed) else set()
    return frozenset(guesses.union(*(rows_of(listed, part) for part in stored)))


def named_by_operator(listed: Sequence[Listed], record: Record, retire_ids: Collection[str]) -> tuple[str, ...]:
    """The ids that the operator named for deletion, if they are listed, shared secrets, and not in use."""
    spared = in_use(listed, record)
    return tuple(
        row.secret_id for row in listed if shared(row) and row.secret_id in retire_ids and row.secret_id not in spared
    )


def highest_first(ids: Iterable[str]) -> tuple[str, ...]:
    """Sort ids for deletion. If ids are positions in the list, a deletion then does not change the remaining ones."""
    return tuple(sorted(dict.fromkeys(ids), key=lambda each: int(each) if each.isdecimal() else 0, reverse=True))


def others(listed: Sequence[Listed], record: Record | None) -> tuple[str, ...]:
    """The listed ids of others: neither in the record nor leftovers. They must not be touched."""
    if record is None:
        return tuple(row.secret_id for row in listed)
    ours = {*in_use(listed, record), *rows_of(listed, record.previous), *leftovers(listed, record)}
    return tuple(row.secret_id for row in listed if row.secret_id not in ours)


def learned(record: Record, listed: Sequence[Listed], me: str) -> Record:
    """Add to the record what this LIST shows about the id of ``current``. ``me`` is this run.

    If LIST shows tags, it is the id with the tag. If LIST is blind, "exactly one is new" is only a guess. The guess is
    confirmed by the answer to the POST, or by the list of a later run, if nothing else came or went, and ids are
    neither positions nor reused.
    """
    current = record.current
    if current is None:
        return record
    changes = _from_difference(current, listed, me) if blind(listed) else _from_tags(current, listed)
    return record.model_copy(update={"current": current.model_copy(update=changes)}) if changes else record


def _from_tags(current: Current, listed: Sequence[Listed]) -> Mapping[str, object]:
    tagged = [row.secret_id for row in listed if carries(row.description, current.rotation_id)]
    if not tagged or (tagged[0] == current.secret_id and current.listed_before is None):
        return {}
    return {**dict.fromkeys(("listed_before", "told_id", "guessed_id", "guessed_by")), "secret_id": tagged[0]}


def _from_difference(current: Current, listed: Sequence[Listed], me: str) -> Mapping[str, object]:
    if current.listed_before is None or current.confirmed or current.adopted:
        return {}
    fresh = [row for row in listed if row.secret_id not in current.listed_before and shared(row)]
    told = [row for row in fresh if row.secret_id == current.told_id]
    if not (told or len(fresh) == 1) or not _stable(listed, current.listed_before):
        return {}
    row = (told or fresh)[0]
    if told or (current.guessed_id == row.secret_id and current.guessed_by != me):
        return {"secret_id": row.secret_id, "confirmed": True, "listed_as": row.description}
    return {"guessed_id": row.secret_id, "guessed_by": me}


def _stable(listed: Sequence[Listed], before: Collection[str]) -> bool:
    """Whether everything that was listed before is still listed, and ids are neither positions nor reused."""
    ids = [row.secret_id for row in listed]
    if not set(before) <= set(ids):
        return False
    if not all(each.isdecimal() for each in ids):
        return True
    numbers = sorted(map(int, ids))
    fresh = [int(each) for each in ids if each not in before]
    positions = len(numbers) > 1 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
    return not positions and min(fresh) > max(map(int, before), default=-1)
