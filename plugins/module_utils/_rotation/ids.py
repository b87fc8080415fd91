# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation ids: how a secret of ours is told from everybody else's.

The API gives a new secret no id that the caller could know before it is made, so the required ``description`` carries
one: ``aritma.iam rotation 3f9a2c-20261124T100000Z-b81d04``. Its first part, the lineage, is the same in all rotations
of one record. Two stores that manage one client therefore never take each other's secrets for leftovers.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime, timezone

_LABEL = "aritma.iam rotation"
_STAMP = "%Y%m%dT%H%M%SZ"
_ROTATION_ID = re.compile(r"(?P<lineage>[0-9a-f]{6})-(?P<stamp>\d{8}T\d{6}Z)-[0-9a-f]{6}")
_TAG = re.compile(rf"{re.escape(_LABEL)} ({_ROTATION_ID.pattern})(?![\w-])")


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
    return bool(rotation_id) and re.search(word, description or "") is not None
