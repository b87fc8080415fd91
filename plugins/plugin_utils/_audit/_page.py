# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as one HTML page that needs nothing from anywhere: no network, no script for reading, no colour alone."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_duration
from ansible_collections.aritma.iam.plugins.module_utils._core.version import VERSION
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import (
    EXPIRED,
    EXPIRES_SOON,
    FRESH,
    NOT_KNOWN,
    OTHERS,
    OURS,
    STATES,
    SUPERSEDED,
    TOO_OLD,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._data import Audit, AuditClient, AuditSecret
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._timeline import Bar, axis_of

_HERE = Path(__file__).parent
_LAST = len(STATES)

STATE_NAMES = {
    EXPIRED: ("expired", "No longer accepted."),
    EXPIRES_SOON: ("expires soon", "Ends within the expiry margin."),
    TOO_OLD: ("too old", "Has reached the age limit."),
    NOT_KNOWN: ("unknown", "The server shows too little to tell."),
    SUPERSEDED: ("superseded", "A newer secret of the same rotation is there; a run deletes this one."),
    FRESH: ("fresh", "Nothing to do."),
}
MANAGER_NAMES = {OURS: "aritma.iam", OTHERS: "others", NOT_KNOWN: "unknown"}


@dataclass(frozen=True)
class Row:
    """A secret in the table. ``rank`` and ``order`` sort by urgency, the least first."""

    client: AuditClient
    secret: AuditSecret
    rank: int
    order: int


@dataclass(frozen=True)
class Lane:
    """A client in the timeline."""

    client: AuditClient
    bars: Sequence[Bar]
    rank: int


def render_page(audit: Audit) -> str:
    """The whole page."""
    # Every value goes through autoescape; the style and the script are files of ours, named in the policy by digest.
    environment = Environment(
        loader=FileSystemLoader(_HERE, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(span=_span, day=_day, minute=_minute)
    axis, rows = axis_of(audit), _rows(audit)
    style, script = _asset("page.css"), _asset("page.js")
    at, margin = audit.audited_at, timedelta(seconds=audit.expiry_margin)
    return environment.get_template("page.html.j2").render(
        audit=audit,
        version=VERSION,
        style=style,
        script=script,
        policy=_policy(style, script),
        states=STATE_NAMES,
        managers=MANAGER_NAMES,
        rows=rows,
        due_ours=sum(row.secret.due and row.secret.managed_by == OURS for row in rows),
        lanes=_lanes(audit, [axis.line(secret) for client in audit.clients for secret in client.secrets]),
        aside=[client for client in audit.clients if client.unreadable or not client.secrets],
        ticks=axis.ticks(),
        now=axis.place(at),
        margin=min(100.0, axis.place(at + margin)),
        limit=None if audit.rotate_after is None else axis.place(at - timedelta(seconds=audit.rotate_after)),
    )


def _rows(audit: Audit) -> list[Row]:
    rows = [_row(client, secret) for client in audit.clients for secret in client.secrets]
    return sorted(rows, key=lambda row: (row.rank, row.order, row.client.name.casefold()))


def _row(client: AuditClient, secret: AuditSecret) -> Row:
    rank = STATES.index(secret.state) if secret.state in STATES else _LAST
    by_end = secret.state in (EXPIRED, EXPIRES_SOON)
    return Row(client, secret, rank, (secret.expires_in or 0) if by_end else -(secret.age or 0))


def _lanes(audit: Audit, bars: Sequence[Bar]) -> list[Lane]:
    drawn = {id(line.secret): line for line in bars}
    lanes = [
        Lane(
            client,
            [drawn[id(secret)] for secret in client.secrets],
            min(_row(client, secret).rank for secret in client.secrets),
        )
        for client in audit.clients
        if client.secrets
    ]
    return sorted(lanes, key=lambda lane: (lane.rank, lane.client.name.casefold()))


def _asset(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """A Content-Security-Policy that allows this style and this script, and no request at all."""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src '{_digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _span(seconds: int) -> str:
    """``61 d``."""
    text = format_duration(timedelta(seconds=seconds))
    return f"{text[:-1]} {text[-1]}"


def _day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d")


def _minute(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")
