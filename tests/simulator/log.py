# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ordered log of requests and test markers, and the list of contract violations; both are durable."""

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
    """A request body for the log: every member that may hold a secret is replaced."""
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
    """Requests and markers in the order in which they began."""

    def __init__(self, database: Database) -> None:
        self._database = database
        row = database.one("SELECT MAX(seq) AS last FROM log")
        self._last = 0 if row is None or row["last"] is None else int(row["last"])

    def begin(self, **members: Any) -> dict[str, Any]:
        """A new entry with its `seq` and the time of its start; `end` completes it."""
        self._last += 1  # goes on after a clear, so that a running request cannot write over a later one
        entry = {"seq": self._last, "started": time.time(), "ended": None, **members}
        self._database.insert("log", seq=entry["seq"], entry=json.dumps(entry))
        return entry

    def end(self, entry: dict[str, Any]) -> None:
        """Write an entry again with the time of its end."""
        entry["ended"] = time.time()
        self.write(entry)

    def write(self, entry: dict[str, Any]) -> None:
        """Write an entry again as it is now; an entry that was cleared meanwhile stays away."""
        self._database.run("UPDATE log SET entry = ? WHERE seq = ?", json.dumps(entry), entry["seq"])

    def entries(self, since: int = 0) -> list[dict[str, Any]]:
        """All entries after a `seq`."""
        rows = self._database.all("SELECT entry FROM log WHERE seq > ? ORDER BY seq", since)
        return [json.loads(row["entry"]) for row in rows]

    def clear(self) -> None:
        """Forget all entries."""
        self._database.run("DELETE FROM log")


class Violations:
    """What broke the contract: requests (the client's fault) and responses (the simulator's fault)."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, kind: str, entry: Mapping[str, Any], problem: str) -> None:
        """Record one problem of a logged exchange."""
        members = {key: entry[key] for key in ("seq", "operation", "method", "path")}
        self._database.insert("violations", kind=kind, entry=json.dumps({**members, "problem": problem}))

    def found(self) -> dict[str, list[dict[str, Any]]]:
        """All problems, by whose fault they are."""
        rows = self._database.all("SELECT kind, entry FROM violations ORDER BY id")
        return {
            "requests": [json.loads(row["entry"]) for row in rows if row["kind"] == "request"],
            "responses": [json.loads(row["entry"]) for row in rows if row["kind"] == "response"],
        }

    def clear(self) -> None:
        """Forget all problems."""
        self._database.run("DELETE FROM violations")
