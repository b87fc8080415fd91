# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of requests and test markers, and the list of contract violations. A restart keeps both."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from simulator.store import Database

_SECRET_MEMBERS = frozenset({"value", "client_secret", "client_assertion", "password", "access_token", "refresh_token"})
_MASK = "(removed)"


def masked_body(content_type: str, body: bytes) -> Any:
    """A request body for the log, with every member replaced that may hold a secret."""
    if not body:
        return None
    media_type = content_type.split(";", maxsplit=1)[0].strip().lower()
    try:
        data = dict(parse_qsl(body.decode())) if "form" in media_type else json.loads(body)
    except ValueError:
        return "(not readable)"
    return _mask(data)


def _mask(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _MASK if key in _SECRET_MEMBERS else _mask(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_mask(item) for item in data]
    return data


class Log:
    """Requests and markers in the order in which they started."""

    def __init__(self, database: Database) -> None:
        self._database = database
        row = database.one("SELECT MAX(seq) AS last FROM log")
        self._last = 0 if row is None or row["last"] is None else int(row["last"])

    def begin(self, **members: Any) -> dict[str, Any]:
        """Add an entry with its `seq` and its start time; `end` completes it."""
        self._last += 1  # a clear does not reset it, so a running request cannot overwrite a later entry
        entry = {"seq": self._last, "started": time.time(), "ended": None, **members}
        self._database.insert("log", seq=entry["seq"], entry=json.dumps(entry))
        return entry

    def end(self, entry: dict[str, Any]) -> None:
        """Write the entry again with its end time."""
        entry["ended"] = time.time()
        self.write(entry)

    def write(self, entry: dict[str, Any]) -> None:
        """Write the entry again. Does nothing if the entry was cleared in the meantime."""
        self._database.run("UPDATE log SET entry = ? WHERE seq = ?", json.dumps(entry), entry["seq"])

    def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """All entries after a `seq`."""
        rows = self._database.all("SELECT entry FROM log WHERE seq > ? ORDER BY seq", since)
        return [json.loads(row["entry"]) for row in rows]

    def clear(self) -> None:
        """Forget all entries."""
        self._database.run("DELETE FROM log")


class Violations:
    """Requests and responses that broke the contract."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, entry: Mapping[str, Any], problem: str) -> None:
        """Record one problem of a logged request."""
        members = {key: entry[key] for key in ("seq", "operation", "method", "path")}
        self._database.insert("violations", kind=kind, entry=json.dumps({**members, "problem": problem}))

    def found(self) -> dict[str, list[dict[str, Any]]]:
        """All problems: `requests` are faults of the client, `responses` are faults of the simulator."""
        rows = self._database.all("SELECT kind, entry FROM violations ORDER BY id")
        return {
            "requests": [json.loads(row["entry"]) for row in rows if row["kind"] == "request"],
            "responses": [json.loads(row["entry"]) for row in rows if row["kind"] == "response"],
        }

    def clear(self) -> None:
        """Forget all problems."""
        self._database.run("DELETE FROM violations")
