# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An audit as one HTML page that needs nothing from anywhere: no network, no script for reading, no colour alone."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ...module_utils._audit.audit import Audit, AuditClient
from ...module_utils._core.time import format_duration
from ...module_utils._core.version import VERSION
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
)
from ._timeline import axis_of

_HERE = Path(__file__).parent

STATE_NAMES = {
    EXPIRED: ("expired", "No longer accepted."),
    EXPIRES_SOON: ("expires soon", "Ends within the expiry margin."),
    TOO_OLD: ("too old", "Has reached the age limit."),
    NOT_KNOWN: ("unknown", "The server shows too little to tell."),
    SUPERSEDED: ("superseded", "A newer secret of the same rotation is there; a run deletes this one."),
    FRESH: ("fresh", "Nothing to do."),
}
MANAGER_NAMES = {OURS: "aritma.iam", OTHERS: "others", NOT_KNOWN: "unknown"}


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
    environment.filters.update(span=_span, day="{:%Y-%m-%d}".format, minute="{:%Y-%m-%d %H:%M UTC}".format)
    style, script = ((_HERE / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    axis, at, margin = axis_of(audit), audit.audited_at, timedelta(seconds=audit.expiry_margin)
    rows = sorted(((client, secret) for client in audit.clients for secret in client.secrets), key=_place_in_table)
    lanes = [(client, [axis.line(secret) for secret in client.secrets]) for client in audit.clients if client.secrets]
    return environment.get_template("page.html.j2").render(
        audit=audit,
        version=VERSION,
        style=style,
        script=script,
        policy=_policy(style, script),
        states=STATE_NAMES,
        managers=MANAGER_NAMES,
        rows=rows,
        due_ours=sum(secret.due and secret.managed_by == OURS for _client, secret in rows),
        lanes=sorted(lanes, key=lambda lane: (min(map(_rank, lane[0].secrets)), lane[0].name.casefold())),
        aside=[client for client in audit.clients if client.unreadable or not client.secrets],
        ticks=axis.ticks(),
        now=axis.place(at),
        margin=min(100.0, axis.place(at + margin)),
        limit=None if audit.rotate_after is None else axis.place(at - timedelta(seconds=audit.rotate_after)),
    )


def _place_in_table(row: tuple[AuditClient, AgedSecret]) -> tuple[int, int, str]:
    """By urgency, the most urgent first."""
    client, secret = row
    by_end = secret.state in (EXPIRED, EXPIRES_SOON)
    return _rank(secret), (secret.expires_in or 0) if by_end else -(secret.age or 0), client.name.casefold()


def _rank(secret: AgedSecret) -> int:
    return STATES.index(secret.state) if secret.state in STATES else len(STATES)


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
