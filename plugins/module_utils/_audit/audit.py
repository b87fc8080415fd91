# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``secret_audit_info``: every secret of the tenant with its age, its end and its manager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import (
    CONNECTIONS,
    Tenant,
    TenantClient,
    named_like,
    read_tenant,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp, now
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION, Connection
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import (
    MANAGERS,
    STATES,
    AgedSecret,
    Limits,
    deciding,
    judge_secrets,
    read_limits,
)

SCHEMA = 1
MOST_CONNECTIONS = 32

SPEC = ArgumentSpec(
    {
        "names": {"type": "list", "elements": "str", "default": []},
        "rotate_after": {"type": "str", "default": "60d"},
        "expiry_margin": {"type": "str", "default": "14d"},
        "connections": {"type": "int", "default": CONNECTIONS},
    }
)


def audit(params: Params, _check_mode: bool) -> Outcome:
    """The module ``secret_audit_info``."""
    limits = read_limits(params["rotate_after"], params["expiry_margin"])
    if not 1 <= params["connections"] <= MOST_CONNECTIONS:
        raise OptionError(
            f"connections: {params['connections']} is not between 1 and {MOST_CONNECTIONS}.",
            hint="Leave it out, or give a number that the server can bear.",
            option="connections",
        )
    connection = Connection.from_params(params)
    tenant = read_tenant(connection, named_like(params["names"]), params["connections"])
    told = {
        "schema": SCHEMA,
        "api_url": connection.api_url,
        "tenant": params["tenant"],
        "names": list(params["names"]),
        "rotate_after": _seconds(limits),
        "expiry_margin": int(limits.expiry_margin.total_seconds()),
        **audit_of(tenant, now(), limits),
    }
    return Outcome(False, {"audit": told}, calls=tenant.calls)


def audit_of(tenant: Tenant, at: datetime, limits: Limits) -> dict[str, Any]:
    """What is known at that moment: ``audited_at``, ``summary`` and ``clients``."""
    clients = [_client(each, at, limits, tenant.descriptions_shown) for each in tenant.clients]
    return {"audited_at": format_timestamp(at), "summary": _summary(clients), "clients": clients}


def _client(read: TenantClient, at: datetime, limits: Limits, descriptions_shown: bool) -> dict[str, Any]:
    secrets = judge_secrets(read.secrets, at, limits, descriptions_shown=descriptions_shown)
    newest = deciding(secrets)
    return {
        "client_id": read.client.client_id,
        "name": read.name,
        "unreadable": read.unreadable,
        "newest_secret_id": newest.secret_id if newest else None,
        "due": any(each.due for each in secrets),
        "secrets": [_secret(each, at) for each in secrets],
    }


def _secret(secret: AgedSecret, at: datetime) -> dict[str, Any]:
    return {
        "secret_id": secret.secret_id,
        "description": secret.description,
        "managed_by": secret.managed_by,
        "rotation_id": secret.rotation_id,
        "created": format_timestamp(secret.created) if secret.created else None,
        "expiration": format_timestamp(secret.expires) if secret.expires else None,
        "age": int((at - secret.created).total_seconds()) if secret.created else None,
        "expires_in": int((secret.expires - at).total_seconds()) if secret.expires else None,
        "state": secret.state,
        "due": secret.due,
        "reason": secret.reason,
    }


def _summary(clients: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    secrets = [secret for client in clients for secret in client["secrets"]]
    states, managers = (Counter(each[name] for each in secrets) for name in ("state", "managed_by"))
    return {
        "clients": len(clients),
        "clients_due": sum(client["due"] for client in clients),
        "clients_unreadable": sum(bool(client["unreadable"]) for client in clients),
        "clients_without_secret": sum(not (client["secrets"] or client["unreadable"]) for client in clients),
        "secrets": len(secrets),
        "secrets_due": sum(each["due"] for each in secrets),
        "by_state": {state: states[state] for state in STATES},
        "by_manager": {manager: managers[manager] for manager in MANAGERS},
    }


def _seconds(limits: Limits) -> int | None:
    return None if limits.rotate_after is None else int(limits.rotate_after.total_seconds())


SECRET_AUDIT_INFO = Operation("secret_audit_info", CONNECTION.merge(SPEC), audit)
