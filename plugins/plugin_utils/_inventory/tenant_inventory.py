# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the options of the inventory plugin to its hosts: what is read, what of it is cached, and what it says."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import (
    Tenant,
    TenantClient,
    read_tenant,
    with_secrets,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.deps import ValidationError
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import NotFoundError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.time import parse_duration
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import IamApi
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, Secret
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits, judge_secrets, read_limits
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.client_hosts import (
    ClientFilter,
    SecretFilter,
    client_variables,
    secret_variables,
    standing,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.host_names import host_names

MOST_CONNECTIONS = 10
_CACHE_SCHEMA = 1


@dataclass(frozen=True)
class Wish:
    """The options of an inventory source, checked."""

    clients: ClientFilter
    by_secret: SecretFilter
    limits: Limits
    secrets: bool
    details: bool
    connections: int

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Wish:
        """Raises ``OptionError``."""
        wish = cls(
            ClientFilter(
                _texts(options, "names"),
                _texts(options, "exclude_names"),
                frozenset(_texts(options, "scopes")),
                frozenset(_texts(options, "grant_types")),
            ),
            SecretFilter(
                _duration(options, "older_than"), _duration(options, "expires_within"), bool(options["only_due"])
            ),
            read_limits(str(options["rotate_after"] or "").strip(), str(options["expiry_margin"])),
            bool(options["secrets"]),
            bool(options["details"]),
            int(options["connections"]),
        )
        wish.check()
        return wish

    def check(self) -> None:
        """Raise ``OptionError`` for options that contradict each other."""
        if not self.secrets and self.by_secret != SecretFilter():
            raise OptionError(
                "older_than, expires_within and only_due need to know the secrets, but secrets is false.",
                hint="Set secrets: true, or leave these filters out.",
                option="secrets",
            )
        if not 1 <= self.connections <= MOST_CONNECTIONS:
            raise OptionError(
                f"connections: {self.connections} is not a number from 1 to {MOST_CONNECTIONS}.", option="connections"
            )

    def read(self, api: IamApi, client: Client) -> TenantClient | None:
        """What there is to be known of one client whose name is wanted; None for one that is not wanted after all."""
        if self.details and (client.allowed_scopes is None or client.allowed_grant_types is None):
            try:
                client = api.get_client(client.client_id).model_copy(update={"client_id": client.client_id})
            except NotFoundError:
                return None
        if not self.clients.by_details(client):
            return None
        return with_secrets(api, client) if self.secrets else TenantClient(client)


def _texts(options: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(str(each) for each in options[name] or ())


def _duration(options: Mapping[str, Any], name: str) -> Any:
    text = str(options[name] or "").strip()
    return parse_duration(text, name) if text else None


def fetch(connection: Connection, wish: Wish) -> Tenant:
    """The clients whose name, scopes and grants are wanted. Raises ``IamError``."""
    return read_tenant(connection, wish.clients.by_name, wish.connections, read=wish.read)


def cache_key(connection: Connection, tenant: str, wish: Wish) -> str:
    """Differs for whatever leads to other data: where it comes from, who asks, and what is asked for."""
    where = (connection.api_url, connection.token_url, tenant, connection.auth_client_id, connection.auth_scope)
    filters = (sorted(wish.clients.scopes), sorted(wish.clients.grant_types))
    asked = (wish.clients.names, wish.clients.exclude_names, *filters, wish.secrets, wish.details)
    return hashlib.sha256(json.dumps([_CACHE_SCHEMA, where, asked]).encode()).hexdigest()[:16]


def to_cache(tenant: Tenant) -> dict[str, Any]:
    """What was read, as plain data. Neither a client nor a secret has a member for a value or a token."""
    return {
        "listed": [{"client_id": each.client_id, "name": each.name} for each in tenant.listed],
        "clients": [
            {
                "client": each.client.shown(),
                "secrets": [secret.model_dump() for secret in each.secrets],
                "unreadable": each.unreadable,
            }
            for each in tenant.clients
        ],
    }


def from_cache(data: object) -> Tenant | None:
    """What ``to_cache`` wrote; None for anything else, which is as good as no cache."""
    try:
        return _cached_tenant(data)
    except (ValidationError, KeyError, TypeError, AttributeError):
        return None


def _cached_tenant(data: Any) -> Tenant:
    clients = tuple(
        TenantClient(
            Client.model_validate(each["client"]),
            tuple(Secret.model_validate(secret) for secret in each["secrets"]),
            str(each["unreadable"]),
        )
        for each in data["clients"]
    )
    return Tenant(clients, {}, tuple(Client.model_validate(each) for each in data["listed"]))


@dataclass(frozen=True)
class Host:
    """One inventory host."""

    name: str
    variables: Mapping[str, Any]


def hosts(tenant: Tenant, wish: Wish, at: datetime, taken: Collection[str]) -> tuple[list[Host], list[str]]:
    """The wanted clients as hosts, none named like one of ``taken``; and warnings about what could not be told."""
    names = host_names(tenant.listed, taken)
    found: list[Host] = []
    unclear: list[str] = []
    for each in tenant.clients:
        variables = client_variables(each.client)
        wanted: bool | None = True
        if wish.secrets:
            judged = judge_secrets(each.secrets, at, wish.limits, descriptions_shown=tenant.descriptions_shown)
            state = standing(judged, each.unreadable)
            wanted = state.wanted(wish.by_secret, at)
            variables |= secret_variables(state, at)
        name = names[each.client.client_id]
        if wanted:
            found.append(Host(name, variables))
        elif wanted is None:
            unclear.append(name)
    return found, _warnings(unclear, [names[each.client.client_id] for each in tenant.clients if each.unreadable])


def _warnings(unclear: list[str], unreadable: list[str]) -> list[str]:
    warnings = []
    if unclear:
        warnings.append(
            f"{len(unclear)} client(s) are left out, since the lists do not tell enough of their secrets to filter by "
            f"age, expiry or due: {_some(unclear)}."
        )
    if unreadable:
        warnings.append(f"The secrets of {len(unreadable)} client(s) may not be listed: {_some(unreadable)}.")
    return warnings


def _some(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
