# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML page of an audit."""

from __future__ import annotations

import json
from datetime import timedelta

from ...module_utils._audit.audit import Audit, AuditClient
from ...module_utils._iam.contract import Client
from ...module_utils._secrets.age import (
    EXPIRED,
    EXPIRES_SOON,
    FRESH,
    NOT_KNOWN,
    OTHERS,
    OURS,
    STATES,
    SUPERSEDED,
    TOO_OLD,
    AgedSecret,
    deciding,
)
from .._inventory.host_names import host_names
from .page import StateName, render, rotation_command
from .timeline import axis_of

STATE_NAMES = {
    EXPIRED: StateName("expired", "No longer accepted.", "cross"),
    EXPIRES_SOON: StateName("expires soon", "Within the expiry margin.", "triangle"),
    TOO_OLD: StateName("too old", "Has reached the age limit.", "diamond"),
    NOT_KNOWN: StateName("unknown", "The server shows too little.", "question"),
    SUPERSEDED: StateName("superseded", "A newer one is listed; a rotation deletes it.", "ring"),
    FRESH: StateName("fresh", "Nothing to do.", "dot"),
}
MANAGER_NAMES = {OURS: "aritma.iam", OTHERS: "others", NOT_KNOWN: "unknown"}


def audit_page(audit: Audit) -> str:
    """Render the page."""
    axis, at, margin = axis_of(audit), audit.audited_at, timedelta(seconds=audit.expiry_margin)
    hosts = host_names(Client(client_id=each.client_id, name=each.name) for each in audit.clients)
    found = sorted(((client, secret) for client in audit.clients for secret in client.secrets), key=_place_in_table)
    in_order = {client.client_id: client for client, _secret in found}
    return render(
        "audit.html.j2",
        audit=audit,
        states=STATE_NAMES,
        managers=MANAGER_NAMES,
        rows=[(client, secret, _command(hosts[client.client_id], client, secret)) for client, secret in found],
        due_elsewhere=sum(secret.due and _elsewhere(client, secret) for client, secret in found),
        lanes=[(client, [axis.line(secret) for secret in client.secrets]) for client in in_order.values()],
        aside=[client for client in audit.clients if client.unreadable or not client.secrets],
        ticks=axis.ticks(),
        now=axis.mark(at),
        margin=axis.mark(at + margin),
        limit=None if audit.rotate_after is None else axis.mark(at - timedelta(seconds=audit.rotate_after)),
    )


def _elsewhere(client: AuditClient, secret: AgedSecret) -> bool:
    """Whether a secret was created elsewhere: by hand, or from another store than the newest one of ours."""
    return secret.managed_by != OURS or secret != deciding(client.secrets)


def _command(host: str, client: AuditClient, secret: AgedSecret) -> str | None:
    """The command that replaces a secret that is due. One that was created elsewhere must be named to be deleted."""
    if not secret.due:
        return None
    options = ["-e", "rotation_force=true"]
    if _elsewhere(client, secret):
        options += ["-e", json.dumps({"service_client_retire_ids": [secret.secret_id]})]
    return rotation_command(host, *options)


def _place_in_table(row: tuple[AuditClient, AgedSecret]) -> tuple[int, int, str]:
    """The sort key: the most urgent first."""
    client, secret = row
    by_end = secret.state in (EXPIRED, EXPIRES_SOON)
    rank = STATES.index(secret.state) if secret.state in STATES else len(STATES)
    return rank, (secret.expires_in or 0) if by_end else -(secret.age or 0), client.name.casefold()
