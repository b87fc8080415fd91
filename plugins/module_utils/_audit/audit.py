# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``secret_audit_info``: every secret of the tenant with its age, expiration and manager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from .._core.argspec import ArgumentSpec
from .._core.deps import BaseModel, Field
from .._core.errors import NotOfferedError, OptionError, PermissionDeniedError
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .._core.time import now
from .._groups.members import groups_of_clients
from .._http.connection import CONNECTION, Connection
from .._http.session import Session
from .._iam.api import IamApi
from .._iam.contract import Client
from .._secrets.age import MANAGERS, STATES, AgedSecret, Limits, deciding, read_limits
from .tenant import CONNECTIONS, Tenant, TenantClient, named_like, read_tenant

MOST_CONNECTIONS = 32

SPEC = ArgumentSpec(
    {
        "names": {"type": "list", "elements": "str", "default": []},
        "rotate_after": {"type": "str", "default": "60d"},
        "expiry_margin": {"type": "str", "default": "14d"},
        "groups": {"type": "bool", "default": False},
        "connections": {"type": "int", "default": CONNECTIONS},
    }
)


class AuditClient(BaseModel):
    """One client with its secrets, the newest first. ``groups`` is None if they are not requested or not known."""

    client_id: str
    name: str
    unreadable: str
    newest_secret_id: str | None = None
    due: bool
    groups: tuple[str, ...] | None = None
    secrets: tuple[AgedSecret, ...]


class Summary(BaseModel):
    """The counts of an audit."""

    clients: int
    clients_due: int
    clients_unreadable: int
    clients_without_secret: int
    secrets: int
    secrets_due: int
    by_state: dict[str, int]
    by_manager: dict[str, int]


class Audit(BaseModel):
    """A whole audit; ``rotate_after`` and ``expiry_margin`` are seconds."""

    schema_: Literal[1] = Field(alias="schema")
    audited_at: datetime
    api_url: str
    tenant: str | None
    names: tuple[str, ...]
    rotate_after: int | None
    expiry_margin: int
    summary: Summary
    clients: tuple[AuditClient, ...]

    def to_data(self) -> dict[str, Any]:
        """As plain JSON data."""
        data: dict[str, Any] = self.model_dump(mode="json", by_alias=True)
        return data


def audit(params: Params, _check_mode: bool) -> Outcome:
    """The module ``secret_audit_info``."""
    limits = read_limits(params["rotate_after"], params["expiry_margin"])
    if not 1 <= params["connections"] <= MOST_CONNECTIONS:
        raise OptionError(
            f"connections: {params['connections']} is not between 1 and {MOST_CONNECTIONS}.",
            hint="Omit it, or give a number that the server can handle.",
            option="connections",
        )
    connection = Connection.from_params(params)
    tenant = read_tenant(connection, named_like(params["names"]), params["connections"])
    found = audit_of(tenant, now(), limits, connection.api_url, params["tenant"], params["names"])
    if not params["groups"]:
        return Outcome(False, {"audit": found.to_data()}, calls=tenant.calls)
    groups, warnings, calls = _groups(connection, [each.client for each in tenant.clients])
    clients = tuple(each.model_copy(update={"groups": groups and groups[each.client_id]}) for each in found.clients)
    audited = found.model_copy(update={"clients": clients})
    return Outcome(False, {"audit": audited.to_data()}, warnings=warnings, calls=Counter(tenant.calls) + calls)


def _groups(
    connection: Connection, clients: Sequence[Client]
) -> tuple[dict[str, tuple[str, ...]] | None, list[str], Counter[str]]:
    """The groups of each client, a warning if they are not known, and the number of requests."""
    warnings = ["The groups of clients are not known: this server does not list the members of a group."]
    with Session(connection) as session:
        try:
            groups = groups_of_clients(IamApi(session), clients)
        except (NotOfferedError, PermissionDeniedError) as error:
            groups, warnings = None, [f"The groups of clients are not known. {error.message}"]
        return groups, [] if groups is not None else warnings, session.calls


def audit_of(
    read: Tenant, at: datetime, limits: Limits, api_url: str, tenant: str | None, names: Sequence[str]
) -> Audit:
    """The audit of a tenant at the moment ``at``."""
    clients = tuple(_client(each, read.judged(each, at, limits)) for each in read.clients)
    return Audit(
        schema=1,
        audited_at=at,
        api_url=api_url,
        tenant=tenant,
        names=tuple(names),
        rotate_after=None if limits.rotate_after is None else int(limits.rotate_after.total_seconds()),
        expiry_margin=int(limits.expiry_margin.total_seconds()),
        summary=_summary(clients),
        clients=clients,
    )


def _client(read: TenantClient, secrets: tuple[AgedSecret, ...]) -> AuditClient:
    newest = deciding(secrets)
    return AuditClient(
        client_id=read.client.client_id,
        name=read.name,
        unreadable=read.unreadable,
        newest_secret_id=newest.secret_id if newest else None,
        due=any(each.due for each in secrets),
        secrets=secrets,
    )


def _summary(clients: Sequence[AuditClient]) -> Summary:
    secrets = [secret for client in clients for secret in client.secrets]
    states, managers = Counter(each.state for each in secrets), Counter(each.managed_by for each in secrets)
    return Summary(
        clients=len(clients),
        clients_due=sum(client.due for client in clients),
        clients_unreadable=sum(bool(client.unreadable) for client in clients),
        clients_without_secret=sum(not (client.secrets or client.unreadable) for client in clients),
        secrets=len(secrets),
        secrets_due=sum(each.due for each in secrets),
        by_state={state: states[state] for state in STATES},
        by_manager={manager: managers[manager] for manager in MANAGERS},
    )


SECRET_AUDIT_INFO = Operation("secret_audit_info", CONNECTION.merge(SPEC), audit)
