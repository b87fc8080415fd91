# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory host says of its OIDC client, and which clients become hosts. Pure.

The variables are those of the role ``service_client``, so that it can be applied to such a host, and more about the
client's secrets, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import named_like
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import (
    NOT_KNOWN,
    OTHERS,
    OURS,
    SUPERSEDED,
    AgedSecret,
    deciding,
)

_DETAILS = {
    "service_client_name": "name",
    "service_client_client_id": "client_id",
    "service_client_description": "description",
    "service_client_allowed_scopes": "allowed_scopes",
    "service_client_allowed_grant_types": "allowed_grant_types",
    "service_client_redirect_uris": "redirect_uris",
}


@dataclass(frozen=True)
class ClientFilter:
    """Which clients are wanted, by what a list of clients shows. An empty member wants all.

    ``names`` and ``exclude_names`` are patterns of ``fnmatch``, for the whole name, with regard to case.
    """

    names: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()
    scopes: frozenset[str] = frozenset()
    grant_types: frozenset[str] = frozenset()

    def by_name(self, client: Client) -> bool:
        """Whether the name is wanted; a client without a name is taken by its id."""
        excluded = bool(self.exclude_names) and named_like(self.exclude_names)(client)
        return named_like(self.names)(client) and not excluded

    def by_details(self, client: Client) -> bool:
        """Whether one of the scopes, and one of the grants, is wanted. Raises ``OptionError`` where none is shown."""
        return _wanted("scopes", self.scopes, client, client.allowed_scopes) and _wanted(
            "grant_types", self.grant_types, client, client.allowed_grant_types
        )


def _wanted(option: str, wanted: frozenset[str], client: Client, shown: Sequence[str] | None) -> bool:
    if not wanted:
        return True
    if shown is None:
        raise OptionError(
            f"{option}: the server does not show these of client {client.client_id}, so nothing can be filtered by it.",
            hint="Set details: true to ask for each client, or leave this filter out.",
            option=option,
        )
    return not wanted.isdisjoint(shown)


@dataclass(frozen=True)
class SecretFilter:
    """Which clients are wanted, by their newest secret; None wants all."""

    older_than: timedelta | None = None
    expires_within: timedelta | None = None
    only_due: bool = False


@dataclass(frozen=True)
class Standing:
    """How a client stands with its secrets, as far as their list tells.

    ``due`` says that a rotation has something to do, ``known`` that the list is enough to say so; ``reason`` has the
    words of the planner. ``newest`` is the secret that counts: the newest of ours, else the newest of all.
    """

    secrets: tuple[AgedSecret, ...]
    newest: AgedSecret | None
    due: bool
    known: bool
    reason: str

    def wanted(self, wish: SecretFilter, at: datetime) -> bool | None:
        """Whether the client is wanted; None where a time that this takes is not known."""
        if wish.only_due:
            return self.due if self.known else None
        if self.newest is None:
            return wish.older_than is None and wish.expires_within is None
        if wish.older_than is not None:
            if self.newest.created is None:
                return None
            if at - self.newest.created < wish.older_than:
                return False
        expires = self.newest.expires
        return wish.expires_within is None or (expires is not None and expires - at <= wish.expires_within)


def standing(secrets: Sequence[AgedSecret], unreadable: str = "") -> Standing:
    """How a client with these secrets stands."""
    newest = deciding(secrets)
    due, known, reason = _due(secrets, unreadable)
    return Standing(tuple(secrets), newest, due, known, reason)


def _due(secrets: Sequence[AgedSecret], unreadable: str) -> tuple[bool, bool, str]:
    """Whether there is something to do, whether that is known, and why."""
    ours = [each for each in secrets if each.managed_by == OURS]
    if unreadable:
        return False, False, f"not known: the secrets cannot be listed ({unreadable})"
    if not ours:
        if any(each.managed_by == NOT_KNOWN for each in secrets):
            return False, False, "not known: the list of secrets shows no descriptions, so none can be told to be ours"
        return False, True, "not due: no secret carries a rotation id, so none is managed by aritma.iam"
    unfinished = [each for each in ours if each.state == SUPERSEDED]
    if unfinished:
        ids = ", ".join(each.secret_id for each in unfinished)
        return True, True, f"due: a rotation is not finished, or waits to delete the previous secret ({ids})"
    overdue = [each for each in ours if each.due]
    if overdue:
        return True, True, overdue[-1].reason
    unknown = [each for each in ours if each.state == NOT_KNOWN]
    return False, not unknown, (unknown or ours)[0].reason


def client_variables(client: Client) -> dict[str, Any]:
    """The variables of the role that the server shows; one that it does not show is left to its default."""
    shown = client.shown()
    return {variable: shown[member] for variable, member in _DETAILS.items() if member in shown}


def secret_variables(state: Standing, at: datetime) -> dict[str, Any]:
    """What is known of the client's secrets."""
    newest = state.newest
    return {
        "service_client_secrets": [_shown(each, at) for each in state.secrets],
        "service_client_managed": any(each.managed_by == OURS for each in state.secrets),
        "service_client_secret_age_days": _days(newest.created, at) if newest else None,
        "service_client_secret_expires_at": _text(newest.expires) if newest else None,
        "service_client_due": state.due,
        "service_client_due_known": state.known,
        "service_client_due_reason": state.reason,
    }


def _shown(secret: AgedSecret, at: datetime) -> Mapping[str, Any]:
    return {
        "secret_id": secret.secret_id,
        "description": secret.description,
        "rotation_id": secret.rotation_id,
        "managed": {OURS: True, OTHERS: False}.get(secret.managed_by),
        "created_at": _text(secret.created),
        "expires_at": _text(secret.expires),
        "age_days": _days(secret.created, at),
        "state": secret.state,
        "reason": secret.reason,
    }


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else format_timestamp(moment)


def _days(created: datetime | None, at: datetime) -> int | None:
    """Whole days; a clock that is a little ahead makes no negative age."""
    return None if created is None else max(0, (at - created).days)
