# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTML page of a rotation: what a run did for each client. It contains the report, to which entries are added."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

from ...module_utils._core.time import parse_timestamp
from .._inventory.host_names import safe_name
from .page import StateName, render, rotation_command

STATE_NAMES = {
    "failed": StateName("failed", "Stopped. The reason says what to do.", "cross"),
    "blocked": StateName("blocked", "Needs a decision of yours first.", "stop"),
    "rolled_back": StateName("rolled back", "The service has the secret from before.", "diamond"),
    "retire_unconfirmed": StateName("unconfirmed", "The old secret may still be accepted.", "triangle"),
    "waiting": StateName("waiting", "A later run deletes the old secret.", "clock"),
    "rotated": StateName("rotated", "A new secret is in use.", "dot"),
    "would_rotate": StateName("would rotate", "Check mode: nothing was changed.", "plus"),
    "unchanged": StateName("unchanged", "Nothing was due.", "ring"),
}
UNFINISHED = ("failed", "blocked", "rolled_back", "retire_unconfirmed")
"""States in which the same command continues the run once the cause is removed."""

_DATA = re.compile(r'<script type="application/json" id="report">(.*?)</script>', re.DOTALL)


def rotation_page(report: Mapping[str, Any]) -> str:
    """Render the page, with the most urgent clients first."""
    order = list(STATE_NAMES)
    clients = [{"state": "failed", "reason": "", "client_id": None, "left": [], **each} for each in report["clients"]]
    entries = sorted(clients, key=lambda each: (_rank(order, each["state"]), str(each["client_name"]).casefold()))
    counts = Counter(each["state"] for each in entries)
    return render(
        "rotation.html.j2",
        report=report,
        written_at=parse_timestamp(report["written_at"]),
        rows=[(each, parse_timestamp(each["at"]), _command(each)) for each in entries],
        states={name: shown for name, shown in STATE_NAMES.items() if counts[name]},
        counts=counts,
        unfinished=sum(counts[state] for state in UNFINISHED),
    )


def report_in(page: str) -> Any:
    """Read the report from a page. Raises ``ValueError`` for any other text."""
    found = _DATA.search(page)
    if found is None:
        raise ValueError("no report in this page")
    return json.loads(found[1])


def _rank(order: list[str], state: str) -> int:
    return order.index(state) if state in order else len(order)


def _command(entry: Mapping[str, Any]) -> str | None:
    host = safe_name(str(entry["client_name"]))
    return rotation_command(host) if host and entry["state"] in UNFINISHED else None
