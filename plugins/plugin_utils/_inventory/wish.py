# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of an inventory source, which select the clients of a tenant, and the requests for one client."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from ...module_utils._audit.tenant import CONNECTIONS, TenantClient, named_like, with_secrets
from ...module_utils._core.errors import NotFoundError, OptionError
from ...module_utils._core.time import parse_duration
from ...module_utils._http.connection import Connection
from ...module_utils._iam.api import IamApi
from ...module_utils._iam.contract import Client
from ...module_utils._secrets.age import Limits, read_limits

MOST_CONNECTIONS = 10
_CACHE_SCHEMA = 1


@dataclass(frozen=True)
class Wish:
    """The validated options of an inventory source. An empty filter selects all clients.

    ``names`` and ``exclude_names`` are ``fnmatch`` patterns for the whole name, case-sensitive. ``older_than``,
    ``expires_within`` and ``only_due`` apply to the newest secret of a client.
    """

    names: tuple[str, ...] = ()
    exclude_names: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()
    grant_types: tuple[str, ...] = ()
    older_than: timedelta | None = None
    expires_within: timedelta | None = None
    only_due: bool = False
    limits: Limits = field(default_factory=Limits)
    secrets: bool = True
    details: bool = False
    connections: int = CONNECTIONS

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> Wish:
        """Validate the options. Raises ``OptionError``."""
        spans = {name: str(options[name] or "").strip() for name in ("older_than", "expires_within")}
        if not options["secrets"] and (any(spans.values()) or options["only_due"]):
            raise OptionError(
                "older_than, expires_within and only_due need the secrets, but secrets is false.",
                hint="Set secrets: true, or omit these filters.",
                option="secrets",
            )
        if not 1 <= options["connections"] <= MOST_CONNECTIONS:
            raise OptionError(
                f"connections: {options['connections']} is not a number from 1 to {MOST_CONNECTIONS}.",
                option="connections",
            )
        lists = ("names", "exclude_names", "scopes", "grant_types")
        chosen: dict[str, Any] = {name: tuple(map(str, options[name] or ())) for name in lists}
        chosen |= {name: parse_duration(text, name) for name, text in spans.items() if text}
        chosen |= {name: bool(options[name]) for name in ("only_due", "secrets", "details")}
        limits = read_limits(str(options["rotate_after"] or "").strip(), str(options["expiry_margin"]))
        return cls(**chosen, limits=limits, connections=options["connections"])

    def by_name(self, client: Client) -> bool:
        """Whether the name is wanted. A client without a name is selected by its id."""
        excluded = bool(self.exclude_names) and named_like(self.exclude_names)(client)
        return named_like(self.names)(client) and not excluded

    def by_details(self, client: Client) -> bool:
        """Whether a scope and a grant type are wanted. Raises ``OptionError`` if the server does not show them."""
        return _meets("scopes", self.scopes, client, client.allowed_scopes) and _meets(
            "grant_types", self.grant_types, client, client.allowed_grant_types
        )

    def read(self, api: IamApi, client: Client) -> TenantClient | None:
        """Read one client whose name is wanted; None if its details are not wanted."""
        if self.details and (client.allowed_scopes is None or client.allowed_grant_types is None):
            try:
                client = api.get_client(client.client_id).model_copy(update={"client_id": client.client_id})
            except NotFoundError:
                return None
        if not self.by_details(client):
            return None
        return with_secrets(api, client) if self.secrets else TenantClient(client=client)


def _meets(option: str, wanted: Sequence[str], client: Client, shown: Sequence[str] | None) -> bool:
    if not wanted:
        return True
    if shown is None:
        raise OptionError(
            f"{option}: the server does not show these of client {client.client_id}, so it cannot be filtered.",
            hint="Set details: true to read each client, or omit this filter.",
            option=option,
        )
    return not set(wanted).isdisjoint(shown)


def cache_key(connection: Connection, tenant: str, wish: Wish) -> str:
    """A cache key that differs for other data: another server, tenant, admin client or filter."""
    source = (connection.api_url, connection.token_url, tenant, connection.auth_client_id, connection.auth_scope)
    filters = (sorted(wish.scopes), sorted(wish.grant_types))
    selection = (wish.names, wish.exclude_names, *filters, wish.secrets, wish.details)
    return hashlib.sha256(json.dumps([_CACHE_SCHEMA, source, selection]).encode()).hexdigest()[:16]
