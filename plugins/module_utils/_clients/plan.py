# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an OAuth client is made of, and what to change so that it becomes as wanted. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousNameError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client

MEMBERS: Mapping[str, str] = {
    "name": "name",
    "description": "description",
    "allowed_grant_types": "allowedGrantTypes",
    "redirect_uris": "redirectUris",
    "allowed_scopes": "allowedScopes",
}
"""The five members of a client: the name of the option, and the one on the wire."""

SETS = ("allowed_grant_types", "redirect_uris", "allowed_scopes")

Members = Mapping[str, Any]


@dataclass(frozen=True)
class ClientPlan:
    """``changes`` are the members to set; ``hidden`` are the wanted ones that the server does not show."""

    changes: Members
    hidden: tuple[str, ...]


def wanted_members(params: Mapping[str, Any]) -> dict[str, Any]:
    """The members that the task names; one that is not given is not compared."""
    given = {name: params[name] for name in MEMBERS if params.get(name) is not None}
    return {name: list(dict.fromkeys(value)) if name in SETS else value for name, value in given.items()}


def plan_client(desired: Members, observed: Client) -> ClientPlan:
    """What to change so that ``observed`` becomes as ``desired``; sets are compared as sets."""
    shown = {name: getattr(observed, name) for name in desired}
    changes = {
        name: value
        for name, value in desired.items()
        if shown[name] is not None and _comparable(name, shown[name]) != _comparable(name, value)
    }
    return ClientPlan(changes, tuple(name for name in desired if shown[name] is None))


def _comparable(name: str, value: Any) -> object:
    return frozenset(value) if name in SETS else value


def new_client(desired: Members) -> dict[str, Any]:
    """All five members of a client to create: what the task leaves open gets its default."""
    defaults = {"name": "", "description": desired.get("name", ""), **{name: [] for name in SETS}}
    return {**defaults, **desired}


def replacement(desired: Members, observed: Client) -> tuple[dict[str, Any], list[str]]:
    """All five members for an update, and the names of those that neither the task gives nor the server shows."""
    full = {**observed.shown(), **desired}
    return {name: full[name] for name in MEMBERS if name in full}, [name for name in MEMBERS if name not in full]


def to_wire(members: Members) -> dict[str, Any]:
    """The members under the names that travel."""
    return {MEMBERS[name]: value for name, value in members.items()}


def for_diff(members: Members) -> dict[str, Any]:
    """The members with their sets in a stable order."""
    return {name: sorted(set(value)) if name in SETS else value for name, value in members.items()}


def exact(clients: Sequence[Client], name: str) -> Client | None:
    """The one client of exactly this name. Raises ``AmbiguousNameError`` when there are several."""
    matches = [client for client in clients if client.name == name]
    if len(matches) > 1:
        ids = [client.client_id for client in matches]
        raise AmbiguousNameError(
            f"{len(ids)} clients have the name {name!r}: {', '.join(ids)}.",
            hint="Give client_id to say which one is meant.",
            name=name,
            client_ids=ids,
        )
    return matches[0] if matches else None
