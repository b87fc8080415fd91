# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation ids, and which listed secret is whose.

The API gives a new secret no id that the caller could know before it is made, so the required ``description`` carries
one: ``aritma.iam rotation 3f9a2c-20261124T100000Z-b81d04``. Its first part, the lineage, is the same in all rotations
of one record. Two stores that manage one client therefore never take each other's secrets for leftovers.

A secret is told by this tag. Where LIST shows tags, nothing else counts, but for a secret that was adopted. Where it
shows none (a *blind* list), a recorded id counts only when it was confirmed: see ``learned``.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from .record import Current, Record

_LABEL = "aritma.iam rotation"
_STAMP = "%Y%m%dT%H%M%SZ"
_ROTATION_ID = re.compile(r"(?P<lineage>[0-9a-f]{6})-(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{6}")
_TAG = re.compile(rf"{re.escape(_LABEL)} ({_ROTATION_ID.pattern})(?![\w-])")
_SHARED = "sharedsecret"


def new_rotation_id(at: datetime, lineage: str | None) -> str:
    """A new rotation id in ``lineage``; with None it begins a lineage of its own."""
    stamp = at.astimezone(timezone.utc).strftime(_STAMP)
    return f"{lineage or secrets.token_hex(3)}-{stamp}-{secrets.token_hex(3)}"


def lineage_of(rotation_id: str | None) -> str | None:
    """The lineage of a rotation id; None for an id that was not made here."""
    match = _ROTATION_ID.fullmatch(rotation_id or "")
    return match.group("lineage") if match else None


def made_at(rotation_id: str | None) -> datetime | None:
    """When a rotation id was made, in UTC; None for an id that was not made here."""
    match = _ROTATION_ID.fullmatch(rotation_id or "")
    try:
        return datetime.strptime(match["stamp"], _STAMP).replace(tzinfo=timezone.utc) if match else None
    except ValueError:  # digits that are no time
        return None


def description_for(rotation_id: str) -> str:
    """The description under which a secret of this rotation is created."""
    return f"{_LABEL} {rotation_id}"


def tag_in(description: str | None) -> str | None:
    """The rotation id that a description carries, if it is one of ours."""
    match = _TAG.search(description or "")
    return match.group(1) if match else None


def carries(description: str | None, rotation_id: str) -> bool:
    """Whether a description names this rotation, as a whole word: ``r1`` is not in ``r12``."""
    word = rf"(?<![\w-]){re.escape(rotation_id)}(?![\w-])"
    # An id that was not made here is a word like any other: in a record that was edited it could be anybody's.
    return lineage_of(rotation_id) is not None and re.search(word, description or "") is not None


@dataclass(frozen=True)
class Listed:
    """One secret as LIST shows it. ``description`` and ``kind`` (its type) are None where the server shows none."""

    secret_id: str
    description: str | None = None
    kind: str | None = None


def shared(row: Listed) -> bool:
    """Whether the row can be a secret of ours: no certificate, no key."""
    return row.kind is None or re.sub(r"[\W_]", "", row.kind).lower() == _SHARED


def blind(listed: Sequence[Listed]) -> bool:
    """Whether LIST shows no tag of ours, of any lineage, so that tags tell nothing."""
    return not any(tag_in(row.description) for row in listed)


def rows_of(listed: Sequence[Listed], stored: Current | None) -> tuple[str, ...]:
    """The listed ids of a stored secret. More than one means that a repeated POST made it twice."""
    if stored is None:
        return ()
    rows = [row for row in listed if shared(row)]
    tagged = tuple(row.secret_id for row in rows if carries(row.description, stored.rotation_id))
    if tagged or not (stored.adopted or (stored.confirmed and blind(listed))):
        return tagged
    # As it was listed when its id was learned: under another description the id is another secret's by now.
    return tuple(
        row.secret_id for row in rows if row.secret_id == stored.secret_id and row.description == stored.listed_as
    )


def leftovers(listed: Sequence[Listed], record: Record) -> tuple[str, ...]:
    """Listed secrets of the record's lineage that the record does not name: made by a run that was cut off.

    Nothing is told from a list that does not show the current secret by its tag.
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
    """Ids that are, or may be, those of the current and the pending secret."""
    stored = [each for each in (record.current, record.pending) if each is not None]
    guesses = {each for part in stored for each in (part.told_id, part.guessed_id) if each} if blind(listed) else set()
    return frozenset(guesses.union(*(rows_of(listed, part) for part in stored)))


def named_by_operator(listed: Sequence[Listed], record: Record, retire_ids: Collection[str]) -> tuple[str, ...]:
    """Ids that the operator named for deletion: listed, of a shared secret, and not in use."""
    spared = in_use(listed, record)
    return tuple(
        row.secret_id for row in listed if shared(row) and row.secret_id in retire_ids and row.secret_id not in spared
    )


def highest_first(ids: Iterable[str]) -> tuple[str, ...]:
    """In this order one after the other can be deleted even where ids are positions: those before it do not change."""
    return tuple(sorted(dict.fromkeys(ids), key=lambda each: int(each) if each.isdecimal() else 0, reverse=True))


def others(listed: Sequence[Listed], record: Record | None) -> tuple[str, ...]:
    """Listed ids that are neither the record's nor leftovers of it: nobody here may touch them."""
    if record is None:
        return tuple(row.secret_id for row in listed)
    ours = {*in_use(listed, record), *rows_of(listed, record.previous), *leftovers(listed, record)}
    return tuple(row.secret_id for row in listed if row.secret_id not in ours)


def learned(record: Record, listed: Sequence[Listed], me: str) -> Record:
    """The record with what this LIST tells about the id of ``current``. ``me`` is the run that looks.

    Where LIST shows tags, the id is the one under the tag. Where it is blind, "exactly one is new" is a guess. It is
    confirmed by the answer to the POST, or by the list of a later run, provided that nothing else came or went and that
    ids are no positions and not used again.
    """
    current = record.current
    if current is None:
        return record
    news = _from_difference(current, listed, me) if blind(listed) else _from_tags(current, listed)
    return record.model_copy(update={"current": current.model_copy(update=news)}) if news else record


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
    """Whether nothing that was listed before has gone, and ids are neither positions nor used again."""
    ids = [row.secret_id for row in listed]
    if not set(before) <= set(ids):
        return False
    if not all(each.isdecimal() for each in ids):
        return True
    numbers = sorted(map(int, ids))
    fresh = [int(each) for each in ids if each not in before]
    positions = len(numbers) > 1 and numbers in (list(range(len(numbers))), list(range(1, len(numbers) + 1)))
    return not positions and min(fresh) > max(map(int, before), default=-1)
