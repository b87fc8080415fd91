# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Audits to test with: out of secrets as a server lists them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._audit.audit import audit_of
from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import Tenant, TenantClient
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, Secret
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits

AT = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
LIMITS = Limits()


def days(number: float) -> str:
    """So many days after ``AT``, as a server writes it."""
    return format_timestamp(AT + timedelta(days=number))


def ours(age: float, lineage: str = "3f9a2c") -> str:
    """The description of a secret that a rotation made so many days before ``AT``."""
    return description_for(f"{lineage}-{(AT - timedelta(days=age)).strftime('%Y%m%dT%H%M%SZ')}-0a7c55")


def secret(
    secret_id: str, age: float | None = 1, ends: float | None = None, description: str | None = "by hand"
) -> Secret:
    """A listed secret: added ``age`` days ago, with its end in ``ends`` days."""
    return Secret(
        secret_id=secret_id,
        description=description,
        created=None if age is None else days(-age),
        expiration=None if ends is None else days(ends),
    )


def client(name: str, *secrets: Secret, unreadable: str = "") -> TenantClient:
    """A client as it was read."""
    return TenantClient(client=Client(client_id=f"id-{name}", name=name), secrets=secrets, unreadable=unreadable)


def tenant(*clients: TenantClient) -> Tenant:
    """A tenant in which all clients are wanted."""
    return Tenant(clients=clients, listed=tuple(each.client for each in clients))


def audit_data(clients: Sequence[TenantClient], limits: Limits = LIMITS, **members: Any) -> dict[str, Any]:
    """What ``secret_audit_info`` would return for these clients at ``AT``."""
    found = audit_of(tenant(*clients), AT, limits, "https://api.example.com/core/iam", "acme", [])
    return {**found.to_data(), **members}


def tenant_of(number: int) -> list[TenantClient]:
    """That many clients with one to three secrets of every kind, the same each time."""
    chance = random.Random(4)
    clients = []
    for index in range(number):
        secrets = []
        for older in range(chance.choice((1, 1, 1, 2, 2, 3))):
            age = older * 45 + chance.uniform(0, 55 if chance.random() < 0.8 else 200)
            description = ours(age, f"{index:06x}") if chance.random() < 0.7 else "made by hand"
            ends = chance.choice((None, None, 120 - age, chance.uniform(-20, 30)))
            secrets.append(secret(f"{index}-{older}", age, ends, description))
        clients.append(client(f"service-{index:03d}", *secrets))
    return clients
