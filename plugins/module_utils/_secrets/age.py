# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The age, expiration and manager of listed secrets, and whether they are due. Pure.

The planner of a rotation uses ``age_reason`` too, so that an audit and a rotation agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from .._core.deps import BaseModel
from .._core.time import format_duration, format_timestamp, parse_duration, parse_timestamp
from .._iam.contract import Secret
from .._rotation.ids import lineage_of, made_at, tag_in

OURS = "aritma.iam"
OTHERS = "others"
NOT_KNOWN = "unknown"
MANAGERS = (OURS, OTHERS, NOT_KNOWN)

EXPIRED = "expired"
EXPIRES_SOON = "expires_soon"
TOO_OLD = "too_old"
SUPERSEDED = "superseded"
FRESH = "fresh"
STATES = (EXPIRED, EXPIRES_SOON, TOO_OLD, NOT_KNOWN, SUPERSEDED, FRESH)
"""The states of a secret, the most urgent first."""
DUE = (EXPIRED, EXPIRES_SOON, TOO_OLD)

# Some servers write the first or the last moment of their calendar for "never".
_CALENDAR = range(1971, 9000)
_ENDS_OF_CALENDAR = ("0001-", "9999-")  # in another zone these times are invalid
_EPOCH = re.compile(r"\d{10}|\d{13}")
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)


@dataclass(frozen=True)
class Limits:
    """A secret is due at the age ``rotate_after`` (None: never) or ``expiry_margin`` before it expires."""

    rotate_after: timedelta | None = timedelta(days=60)
    expiry_margin: timedelta = timedelta(days=14)


class AgedSecret(BaseModel):
    """One listed secret, judged at one moment. Times are UTC; ``age`` and ``expires_in`` are seconds from that moment.

    ``created`` is None if neither the server nor a rotation id shows it, ``expiration`` if the secret never expires.
    ``managed_by`` is one of ``MANAGERS``, ``state`` one of ``STATES``. ``due`` says whether to replace the secret now,
    and ``reason`` why. ``rotation_id`` is None for a secret that this collection did not create.
    """

    secret_id: str
    description: str | None
    managed_by: str
    rotation_id: str | None
    created: datetime | None
    expiration: datetime | None
    age: int | None
    expires_in: int | None
    state: str
    due: bool
    reason: str


def read_limits(rotate_after: str, expiry_margin: str) -> Limits:
    """The limits from the options of the same names. ``never`` or "" means no age limit. Raises ``OptionError``."""
    age = None if rotate_after in ("", "never") else parse_duration(rotate_after, "rotate_after")
    return Limits(age, parse_duration(expiry_margin, "expiry_margin"))


def age_reason(created: datetime | None, expires: datetime | None, at: datetime, limits: Limits) -> tuple[bool, str]:
    """Whether a secret with these times is due at the moment ``at``, and the reason."""
    if expires and expires - at <= limits.expiry_margin:
        return True, f"due: expires at {format_timestamp(expires)}"
    if limits.rotate_after is None or created is None:
        return False, "not due: no age limit applies"
    age, limit = at - created, format_duration(limits.rotate_after)
    if age >= limits.rotate_after:
        return True, f"due: {format_duration(age)} old, limit {limit}"
    return False, f"not due: {format_duration(age)} old, limit {limit}"


def judge_secrets(
    listed: Sequence[Secret], at: datetime, limits: Limits, *, descriptions_shown: bool | None = None
) -> tuple[AgedSecret, ...]:
    """The secrets of one client, the newest first.

    ``descriptions_shown`` says whether the server lists descriptions, if that is known from other clients. Then a
    secret without a description belongs to others. None means: decide by the secrets of this client.
    """
    shown = any(each.description for each in listed) if descriptions_shown is None else descriptions_shown
    judged = sorted((_judged(each, at, limits, shown) for each in listed), key=_created, reverse=True)
    seen: set[str] = set()
    result = []
    for secret in judged:
        lineage = lineage_of(secret.rotation_id)
        result.append(_superseded(secret) if lineage in seen else secret)
        seen |= {lineage} if lineage else set()
    return tuple(result)


def deciding(secrets: Sequence[AgedSecret]) -> AgedSecret | None:
    """The secret that determines the age of the client: the newest of ours, or the newest of all if none is ours."""
    newest_first = sorted(secrets, key=_created, reverse=True)
    return next((each for each in newest_first if each.managed_by == OURS), next(iter(newest_first), None))


def _parsed(text: str) -> datetime:
    """The time in a text from the server: RFC 3339, or the seconds or milliseconds since 1970."""
    if _EPOCH.fullmatch(text.strip()):
        return datetime.fromtimestamp(int(text.strip()[:10]), timezone.utc)
    return parse_timestamp(text)


def read_moment(text: str | None) -> datetime | None:
    """Convert a time from the server to UTC. None for a missing or invalid time, and for "never"."""
    try:
        moment = None if text is None else _parsed(text)
    except ValueError:
        return None
    return moment.replace(microsecond=0) if moment is not None and moment.year in _CALENDAR else None


def unreadable(text: str | None) -> bool:
    """Whether a text from the server is neither empty, a time nor "never"."""
    if not text:
        return False
    try:
        _parsed(text)
    except ValueError:
        return not text.strip().startswith(_ENDS_OF_CALENDAR)
    return False


def _judged(secret: Secret, at: datetime, limits: Limits, shown: bool) -> AgedSecret:
    rotation_id = tag_in(secret.description)
    created = read_moment(secret.created) or made_at(rotation_id)
    expires = read_moment(secret.expiration)
    unclear = _unclear(secret, created, limits)
    due, reason = age_reason(created, expires, at, limits)
    state = (TOO_OLD if expires is None or expires - at > limits.expiry_margin else EXPIRES_SOON) if due else FRESH
    if expires is not None and expires <= at:
        state, reason = EXPIRED, f"due: the secret expired at {format_timestamp(expires)}"
    elif not due and unclear:
        state, reason = NOT_KNOWN, f"not due as far as is known: {unclear}"
    return AgedSecret(
        secret_id=secret.secret_id,
        description=secret.description,
        managed_by=OURS if rotation_id else OTHERS if shown else NOT_KNOWN,
        rotation_id=rotation_id,
        created=created,
        expiration=expires,
        age=int((at - created).total_seconds()) if created else None,
        expires_in=int((expires - at).total_seconds()) if expires else None,
        state=state,
        due=state in DUE,
        reason=reason,
    )


def _unclear(secret: Secret, created: datetime | None, limits: Limits) -> str:
    """Why it is not known whether the secret is due; empty if it is known."""
    if unreadable(secret.expiration):
        return "its expiration cannot be read"
    if created is None and limits.rotate_after is not None:
        return "the server does not show when it was added"
    return ""


def _superseded(secret: AgedSecret) -> AgedSecret:
    reason = "not due: a newer secret of the same rotation is listed, so a later run deletes this one"
    return secret.model_copy(update={"state": SUPERSEDED, "due": False, "reason": reason})


def _created(secret: AgedSecret) -> datetime:
    return secret.created or _LONG_AGO
