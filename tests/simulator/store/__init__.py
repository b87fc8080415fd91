# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of the simulator: one SQLite file, and one class for each kind of object in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from simulator.store.clients import Client, Clients
from simulator.store.database import Database
from simulator.store.lag import Lag, count_up
from simulator.store.people import People, Person
from simulator.store.policies import Policies, Policy
from simulator.store.secrets import SHARED, Secret, Secrets

__all__ = ["SHARED", "Client", "Database", "Lag", "Person", "Policy", "Secret", "Store"]

_LONG_AGO = -(1 << 40)


class Store:
    """The state of the simulator."""

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self.database = Database(path, clock)
        self.clients = Clients(self.database)
        self.secrets = Secrets(self.database)
        self.policies = Policies(self.database)
        self.people = People(self.database)

    def names(self, kind: str) -> list[str]:
        """Seeded names of scopes or actions."""
        return [row["name"] for row in self.database.all("SELECT name FROM names WHERE kind = ? ORDER BY rowid", kind)]

    def add_name(self, kind: str, name: str) -> None:
        """Seed a scope or an action."""
        self.database.run("INSERT OR IGNORE INTO names VALUES (?, ?)", kind, name)

    def settle(self) -> None:
        """Make all objects visible to lists that lag by requests."""
        for table in ("clients", "secrets", "policies", "groups", "members"):
            self.database.run(f"UPDATE {table} SET created_tick = ?", _LONG_AGO)

    def keep_client(self, node: int, client: Client, moment: float, until: float) -> None:
        """Let a node cache the grants and scopes of a client, and the time up to which it knows its secrets."""
        settings = json.dumps({"grant_types": client.grant_types, "scopes": client.scopes})
        self.database.run(
            "INSERT OR REPLACE INTO kept_clients VALUES (?, ?, ?, ?, ?, ?)",
            *(node, client.tenant, client.client_id, settings, moment, until),
        )

    def kept_client(self, node: int, client: Client, now: float) -> tuple[dict[str, Any], float] | None:
        """The settings of a client that a node has cached, and their time."""
        row = self.database.one(
            "SELECT * FROM kept_clients WHERE node = ? AND tenant = ? AND client_id = ? AND until > ?",
            *(node, client.tenant, client.client_id, now),
        )
        if row is None:
            return None
        return {name: tuple(items) for name, items in json.loads(row["settings"]).items()}, row["moment"]

    def count_exchange(self, client_id: str) -> int:
        """Count a token exchange of a client. Returns the new count."""
        return count_up(self.database, f"exchanges:{client_id}")

    def remember_token(self, jti: str, client_id: str, secret: int) -> None:
        """Remember the secret that a token was issued for."""
        self.database.insert("tokens", jti=jti, client_id=client_id, secret=secret)

    def token_secret_is_live(self, jti: str) -> bool:
        """Whether the secret and the client of an issued token still exist."""
        row = self.database.one(
            "SELECT secrets.id FROM tokens JOIN secrets ON secrets.id = tokens.secret"
            " JOIN clients ON clients.client_id = tokens.client_id"
            " WHERE tokens.jti = ? AND secrets.deleted IS NULL AND clients.deleted IS NULL",
            jti,
        )
        return row is not None
