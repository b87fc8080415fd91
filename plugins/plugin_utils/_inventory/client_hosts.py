# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Selects the clients of a tenant that become inventory hosts, and sets the variables of these hosts. Pure.

The variables are those of the role ``service_client``, so that the role can be applied to such a host, and facts about
the secrets of the client. No variable holds the value of a secret.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ...module_utils._audit.tenant import Tenant
from ...module_utils._clients.attributes import ATTRIBUTES
from ...module_utils._iam.contract import Client
from ...module_utils._secrets.age import NOT_KNOWN, OTHERS, OURS, SUPERSEDED, AgedSecret, deciding
from .host_names import host_names
from .wish import Wish

_DETAILS = {f"service_client_{name}": name for name in ("client_id", *ATTRIBUTES)}


@dataclass(frozen=True)
class Host:
    """One inventory host."""

    name: str
    variables: Mapping[str, Any]


def hosts(tenant: Tenant, wish: Wish, at: datetime, taken: Collection[str]) -> tuple[list[Host], list[str]]:
    """The wanted clients as hosts, with other names than those in ``taken``, and warnings about unknown facts."""
    names = host_names(tenant.listed, taken)
    found: list[Host] = []
    unclear: list[str] = []
    for each in tenant.clients:
        name, variables = names[each.client.client_id], client_variables(each.client)
        wanted: bool | None = True
        if wish.secrets:
            state = rotation_state(tenant.judged(each, at, wish.limits), each.unreadable)
            wanted = state.wanted(wish)
            variables |= secret_variables(state)
        if wanted:
            found.append(Host(name, variables))
        elif wanted is None:
            unclear.append(name)
    return found, _warnings(unclear, [names[each.client.client_id] for each in tenant.clients if each.unreadable])


def _warnings(unclear: list[str], unreadable: list[str]) -> list[str]:
    warnings = []
    if unclear:
        warnings.append(
            f"{len(unclear)} client(s) are left out, because the lists show too little of their secrets to filter by "
            f"age, expiry or due: {_some(unclear)}."
        )
    if unreadable:
        warnings.append(f"The secrets of {len(unreadable)} client(s) cannot be listed: {_some(unreadable)}.")
    return warnings


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more


@dataclass(frozen=True)
class RotationState:
    """The state of the secrets of a client, from their list.

    ``due`` is true if a rotation has something to do, ``known`` if the list is enough to decide that. ``reason`` is
    the reason that the planner gives. ``newest`` is the newest secret of ours, else the newest of all.
    """

    secrets: tuple[AgedSecret, ...]
    newest: AgedSecret | None
    due: bool
    known: bool
    reason: str

    def wanted(self, wish: Wish) -> bool | None:
        """Whether the client is wanted; None if a time that decides this is not known."""
        if wish.only_due:
            return self.due if self.known else None
        if self.newest is None:
            return wish.older_than is None and wish.expires_within is None
        age, left = self.newest.age, self.newest.expires_in
        if wish.older_than is not None:
            if age is None:
                return None
            if timedelta(seconds=age) < wish.older_than:
                return False
        return wish.expires_within is None or (left is not None and timedelta(seconds=left) <= wish.expires_within)


def rotation_state(secrets: Sequence[AgedSecret], unreadable: str = "") -> RotationState:
    """The state of a client with these secrets. ``unreadable`` says why they could not be listed."""
    return RotationState(tuple(secrets), deciding(secrets), *_due(secrets, unreadable))


def _due(secrets: Sequence[AgedSecret], unreadable: str) -> tuple[bool, bool, str]:
    """Whether there is something to do, whether that is known, and why."""
    ours = [each for each in secrets if each.managed_by == OURS]
    if unreadable:
        return False, False, f"not known: the secrets cannot be listed ({unreadable})"
    if not ours:
        if any(each.managed_by == NOT_KNOWN for each in secrets):
            return False, False, "not known: the list of secrets shows no descriptions, so ours cannot be recognized"
        return False, True, "not due: no secret has a rotation id, so none is managed by aritma.iam"
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
    """The variables of the role for the attributes that the server shows. The others keep their defaults."""
    shown = client.shown()
    return {variable: shown[member] for variable, member in _DETAILS.items() if member in shown}


def secret_variables(state: RotationState) -> dict[str, Any]:
    """The variables about the secrets of a client."""
    newest = _shown(state.newest) if state.newest else {}
    return {
        "service_client_secrets": [_shown(each) for each in state.secrets],
        "service_client_managed": any(each.managed_by == OURS for each in state.secrets),
        "service_client_secret_age_days": newest.get("age_days"),
        "service_client_secret_expires_at": newest.get("expires_at"),
        "service_client_due": state.due,
        "service_client_due_known": state.known,
        "service_client_due_reason": state.reason,
    }


def _shown(secret: AgedSecret) -> Mapping[str, Any]:
    data = secret.model_dump(mode="json")
    return {
        **{name: data[name] for name in ("secret_id", "description", "rotation_id", "state", "reason")},
        "managed": {OURS: True, OTHERS: False}.get(secret.managed_by),
        "created_at": data["created"],
        "expires_at": data["expiration"],
        # Whole days. The age is not negative if the clock of the server is ahead.
        "age_days": None if secret.age is None else max(0, secret.age // 86400),
    }
