# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans a change of one secret: its value and expiration, whether to add it, which one to delete. Pure."""

from __future__ import annotations

import secrets
import string
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from .._core.errors import ContractError, IamError, OptionError, RefusedError
from .._core.spelling import is_tidied
from .._core.time import format_timestamp, parse_duration, parse_timestamp
from .._iam.api import only
from .._iam.contract import Secret
from .age import read_moment, unreadable

SHORTEST, LONGEST = 8, 32
"""The lengths of a value that the API accepts, in characters."""

_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True)
class SecretKey:
    """Identifies a secret of a client by its description, its id, or both."""

    description: str | None
    secret_id: str | None

    def __str__(self) -> str:
        return f"secret {self.secret_id}" if self.secret_id else f"secret with the description {self.description!r}"


@dataclass(frozen=True)
class SecretPlan:
    """``existing`` is the secret that already exists. None means: add it."""

    existing: Secret | None
    warnings: tuple[str, ...] = ()


def check_value(value: str) -> None:
    """Raise ``OptionError`` for a value that the API refuses or that configuration files cannot hold."""
    if not SHORTEST <= len(value) <= LONGEST:
        raise OptionError(
            f"value has {len(value)} characters; the API accepts {SHORTEST} to {LONGEST}.",
            hint="Omit value to have one of 32 characters generated.",
            option="value",
        )
    if any(unicodedata.category(each) in ("Cc", "Cs") for each in value):
        raise OptionError("value has a control character, such as a line break.", hint="Remove it.", option="value")


def generate_value() -> str:
    """32 random letters and digits: about 190 bits."""
    return "".join(secrets.choice(_ALPHABET) for _each in range(LONGEST))


def wanted_expiration(expiration: str | None, expires_after: str | None, at: datetime) -> str | None:
    """The expiration to send: ``expiration``, or ``expires_after`` from ``at``; None if the secret never expires."""
    if expires_after is not None:
        span = parse_duration(expires_after, "expires_after")
        if not span:
            raise OptionError("expires_after is zero.", hint="Write 90d, for example.", option="expires_after")
        return format_timestamp(at + span)
    if expiration is None:
        return None
    try:
        moment = parse_timestamp(expiration)
    except ValueError:
        raise OptionError(
            f"expiration: {expiration!r} is not an RFC 3339 time.",
            hint="Write 2027-01-31T00:00:00Z, for example, or use expires_after.",
            option="expiration",
        ) from None
    if moment <= at:
        raise OptionError(
            f"expiration: {format_timestamp(moment)} has passed (it is {format_timestamp(at)}).",
            hint="Give a time in the future.",
            option="expiration",
        )
    return format_timestamp(moment)


def descriptions_shown(listed: Sequence[Secret]) -> bool | None:
    """Whether the server lists descriptions; None if it lists no secret, so that this is not known."""
    return any(secret.description for secret in listed) if listed else None


def plan_present(key: SecretKey, expiration: str | None, listed: Sequence[Secret]) -> SecretPlan | None:
    """Plan to keep or add the secret; None if the list shows no descriptions, so that it is not known if it exists.

    ``expiration`` is the absolute time that the task gives, if any.
    """
    matches = [secret for secret in matching(key, listed) if key.secret_id or secret.is_shared]
    if matches:
        return SecretPlan(matches[0], tuple(_doubts(key, matches, expiration)))
    if key.secret_id:
        raise IamError(
            f"There is no {key}.",
            hint="The server chooses the ids of new secrets. To add one, give description instead.",
            secret_id=key.secret_id,
        )
    return None if descriptions_shown(listed) is False else SecretPlan(None)


def matching(key: SecretKey, listed: Sequence[Secret]) -> list[Secret]:
    """The listed secrets that ``key`` identifies: by its id if it has one, else by the description."""
    if key.secret_id:
        return [secret for secret in listed if secret.secret_id == key.secret_id]
    exact = [secret for secret in listed if secret.description == key.description]
    return exact or [secret for secret in listed if described(secret, key.description or "")]


def described(secret: Secret, description: str) -> bool:
    """Whether the secret has this description, as it was sent or as a server may have tidied it."""
    return secret.description == description or is_tidied(description, secret.description or "")


def _doubts(key: SecretKey, matches: Sequence[Secret], expiration: str | None) -> Iterator[str]:
    """Warnings about an existing secret: it is one of several, or expires at another time."""
    if len(matches) > 1:
        yield f"{len(matches)} secrets have the description {key.description!r}: {list_ids(matches)}."
    shown = matches[0].expiration
    if expiration and not unreadable(shown) and read_moment(shown) != read_moment(expiration):
        yield (
            f"Secret {matches[0].secret_id} expires {shown or 'never'}, not {expiration}. The API cannot change the "
            "expiration of a secret. Add one with another description and delete this one."
        )


def cannot_compare(listed: Sequence[Secret], hint: str) -> ContractError:
    """The error for a list without descriptions, which does not identify the secrets."""
    return ContractError(
        f"listClientSecrets shows {len(listed)} secrets ({list_ids(listed)}) but no descriptions, so it is not known "
        "whether the wanted secret is one of them.",
        hint=hint,
        operation="listClientSecrets",
        expected="descriptions",
        received="none",
        option="secret_id",
    )


def plan_absent(key: SecretKey, listed: Sequence[Secret], at: datetime, *, keep_last: bool) -> Secret | None:
    """The secret to delete; None if it does not exist. Raises ``RefusedError`` if it must not be deleted."""
    which = f"secrets have the description {key.description!r}"
    hint = "None was deleted. Give secret_id to say which one is meant."
    target = only(matching(key, listed), which, lambda secret: secret.secret_id, hint)
    if target is None:
        if not key.secret_id and descriptions_shown(listed) is False:
            raise cannot_compare(listed, "Give secret_id.")
        return None
    if key.description and target.description is not None and not described(target, key.description):
        raise RefusedError(
            f"Secret {target.secret_id} has the description {target.description!r}, not {key.description!r}. "
            "It was not deleted.",
            hint="Give only secret_id or description, or both as they are listed.",
            secret_id=target.secret_id,
        )
    if not target.is_shared:
        raise RefusedError(
            f"Secret {target.secret_id} has the type {target.type}, so it is not a shared secret. It was not deleted.",
            hint="Delete keys and certificates where they are managed.",
            secret_id=target.secret_id,
            type=target.type,
        )
    if keep_last and not _others_work(target, listed, at):
        raise RefusedError(
            f"Secret {target.secret_id} is the last usable secret of the client. It was not deleted.",
            hint="Add another one first, or set keep_last: false to leave the client without a secret.",
            secret_id=target.secret_id,
        )
    return target


def _others_work(target: Secret, listed: Iterable[Secret], at: datetime) -> bool:
    # A type that is not known does not count, unless the target has it too.
    return any(
        each.secret_id != target.secret_id
        and (each.is_plainly_shared or (each.is_shared and each.type == target.type))
        and not expired(each, at)
        for each in listed
    )


def expired(secret: Secret, at: datetime) -> bool:
    """Whether the secret has a readable expiration in the past."""
    moment = read_moment(secret.expiration)
    return moment is not None and moment <= at


def new_secrets(listed: Sequence[Secret], description: str, before: Collection[str] | None) -> list[Secret]:
    """The secrets that a POST may have added: those with our description, or all new ones if none has a description.

    ``before`` are the ids that were listed before the POST; None if the list was not read.
    """
    fresh = [secret for secret in listed if secret.is_shared and secret.secret_id not in (before or ())]
    ours = [secret for secret in fresh if described(secret, description)]
    return ours or ([] if before is None or descriptions_shown(fresh) else fresh)


def list_ids(listed: Iterable[Secret]) -> str:
    """The ids, for a message."""
    return ", ".join(secret.secret_id for secret in listed)
