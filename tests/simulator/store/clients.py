# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients in the state file."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from sqlite3 import Row
from typing import Any

from simulator.store.database import Database
from simulator.store.lag import VISIBLE, Lag, current_tick, horizon

_SEARCH = {
    "name": "instr(folded, :folded) > 0",
    "contains": "(instr(folded, :folded) > 0 OR instr(client_id, :text) > 0)",
    "exact_case": "instr(name, :text) > 0",
    "prefix": "substr(folded, 1, length(:folded)) = :folded",
    "id_only": "instr(client_id, :text) > 0",
    "everywhere": "(instr(folded, :folded) > 0 OR instr(client_id, :text) > 0 OR instr(description, :text) > 0)",
    "ignored": "1",
}


@dataclass(frozen=True)
class Client:
    """An OAuth client. Its subject id contains `uuid` if subjects are opaque.

    `extra` are undocumented members; with None, those of the profile.
    """

    tenant: str
    client_id: str
    name: str
    description: str
    grant_types: tuple[str, ...]
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    extra: dict[str, Any] | None = None
    uuid: str = ""
    created: float = 0.0
    deleted: float | None = None

    @property
    def subject_ids(self) -> tuple[str, str]:
        """Both subject ids that a client may have under the profiles."""
        return f"client-{self.client_id}", f"client-{self.uuid}"


def _client(row: Row) -> Client:
    return Client(
        tenant=row["tenant"],
        client_id=row["client_id"],
        name=row["name"],
        description=row["description"],
        grant_types=tuple(json.loads(row["grant_types"])),
        redirect_uris=tuple(json.loads(row["redirect_uris"])),
        scopes=tuple(json.loads(row["scopes"])),
        extra=json.loads(row["extra"]),
        uuid=row["uuid"],
        created=row["created"],
        deleted=row["deleted"],
    )


def _settings(client: Client) -> dict[str, Any]:
    return {
        "name": client.name,
        "folded": client.name.casefold(),
        "description": client.description,
        "grant_types": json.dumps(client.grant_types),
        "redirect_uris": json.dumps(client.redirect_uris),
        "scopes": json.dumps(client.scopes),
        "extra": json.dumps(client.extra),
    }


class Clients:
    """The clients of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, client_id: str, tenant: str | None = None) -> Client | None:
        """The client, if it exists."""
        row = self._database.one(
            "SELECT * FROM clients WHERE client_id = ? AND deleted IS NULL AND (? IS NULL OR tenant = ?)",
            client_id,
            tenant,
            tenant,
        )
        return None if row is None else _client(row)

    def find_even_deleted(self, client_id: str, tenant: str) -> Client | None:
        """The client, or its last state if it was deleted."""
        row = self._database.one(
            "SELECT * FROM clients WHERE client_id = ? AND tenant = ? ORDER BY id DESC", client_id, tenant
        )
        return None if row is None else _client(row)

    def by_uuid(self, tenant: str, uuid_: str) -> Client | None:
        """The client whose subject has this opaque id."""
        row = self._database.one(
            "SELECT * FROM clients WHERE uuid = ? AND tenant = ? AND deleted IS NULL", uuid_, tenant
        )
        return None if row is None else _client(row)

    def named(self, tenant: str, name: str) -> list[Client]:
        """The clients with exactly this name."""
        rows = self._database.all(
            "SELECT * FROM clients WHERE name = ? AND tenant = ? AND deleted IS NULL", name, tenant
        )
        return [_client(row) for row in rows]

    def every(self) -> list[Client]:
        """All clients that exist."""
        return [_client(row) for row in self._database.all("SELECT * FROM clients WHERE deleted IS NULL ORDER BY id")]

    def page(
        self, tenant: str, text: str, how: str, *, lag: Lag, newest: bool, offset: int, limit: int
    ) -> tuple[list[Client], int]:
        """One page of a list, and the number of clients on all pages."""
        values = {
            "tenant": tenant,
            "text": text,
            "folded": text.casefold(),
            "offset": offset,
            "limit": limit,
            **horizon(self._database, "clients", lag),
        }
        where = f"FROM clients WHERE tenant = :tenant AND {_SEARCH[how] if text else '1'} AND {VISIBLE}"
        total = self._database.one(f"SELECT COUNT(*) AS n {where}", **values)
        order = "DESC" if newest else "ASC"
        rows = self._database.all(f"SELECT * {where} ORDER BY id {order} LIMIT :limit OFFSET :offset", **values)
        return [_client(row) for row in rows], 0 if total is None else int(total["n"])

    def add(self, client: Client) -> Client:
        """Add a client. Sets its `uuid` and its time of creation."""
        made = uuid.uuid4()
        self._database.insert(
            "clients",
            tenant=client.tenant,
            client_id=client.client_id,
            uuid=str(made),
            created=client.created or self._database.clock(),
            created_tick=current_tick(self._database, "clients"),
            **_settings(client),
        )
        added = self.find(client.client_id, client.tenant)
        assert added is not None
        return added

    def update(self, client: Client) -> None:
        """Replace the settings of a client."""
        self._database.run(
            "UPDATE clients SET name = :name, folded = :folded, description = :description,"
            " grant_types = :grant_types, redirect_uris = :redirect_uris, scopes = :scopes, extra = :extra"
            " WHERE client_id = :client_id AND tenant = :tenant AND deleted IS NULL",
            client_id=client.client_id,
            tenant=client.tenant,
            **_settings(client),
        )

    def delete(self, client_id: str) -> None:
        """Delete a client. Stale lists may still show it."""
        self._database.run(
            "UPDATE clients SET deleted = ?, deleted_tick = ? WHERE client_id = ? AND deleted IS NULL",
            self._database.clock(),
            current_tick(self._database, "clients"),
            client_id,
        )
