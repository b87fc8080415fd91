# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client secrets in the state file, with only a SHA-256 of each value."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from dataclasses import dataclass
from sqlite3 import Row

from simulator.store.database import Database
from simulator.store.lag import VISIBLE, Lag, current_tick, horizon

SHARED = "SharedSecret"


@dataclass(frozen=True)
class Secret:
    """One secret of a client. Times are seconds since the epoch."""

    number: int
    uuid: str
    client_id: str
    type: str
    description: str
    expires: float | None
    digest: str
    created: float
    deleted: float | None

    def live(self, now: float) -> bool:
        """Neither deleted nor expired."""
        return self.deleted is None and (self.expires is None or self.expires > now)


def digest_of(value: str) -> str:
    """The hash that is stored for a value."""
    return hashlib.sha256(value.encode()).hexdigest()


def _secret(row: Row) -> Secret:
    return Secret(
        number=row["id"],
        uuid=row["uuid"],
        client_id=row["client_id"],
        type=row["type"],
        description=row["description"],
        expires=row["expires"],
        digest=row["digest"],
        created=row["created"],
        deleted=row["deleted"],
    )


class Secrets:
    """The secrets of every client."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def every(self, client_id: str) -> list[Secret]:
        """All secrets of the client, including deleted ones, oldest first."""
        rows = self._database.all("SELECT * FROM secrets WHERE client_id = ? ORDER BY id", client_id)
        return [_secret(row) for row in rows]

    def present(self, client_id: str) -> list[Secret]:
        """The secrets that are not deleted."""
        return [secret for secret in self.every(client_id) if secret.deleted is None]

    def visible(self, client_id: str, lag: Lag) -> list[Secret]:
        """The secrets that a list shows."""
        values = {"client_id": client_id, **horizon(self._database, f"secrets:{client_id}", lag)}
        rows = self._database.all(
            f"SELECT * FROM secrets WHERE client_id = :client_id AND {VISIBLE} ORDER BY id", **values
        )
        return [_secret(row) for row in rows]

    def matching(self, client_id: str, value: str) -> list[Secret]:
        """The secrets with this value, including deleted ones."""
        wanted = digest_of(value)
        return [secret for secret in self.every(client_id) if hmac.compare_digest(secret.digest, wanted)]

    def add(
        self,
        client_id: str,
        value: str,
        description: str,
        expires: float | None = None,
        *,
        created: float | None = None,
        type_: str = SHARED,
    ) -> Secret:
        """Add a secret, and update the peak of live secrets of the client."""
        number = self._database.insert(
            "secrets",
            uuid=str(uuid.uuid4()),
            client_id=client_id,
            type=type_,
            description=description,
            expires=expires,
            digest=digest_of(value),
            created=created or self._database.clock(),
            created_tick=current_tick(self._database, f"secrets:{client_id}"),
        )
        now = self._database.clock()
        everything = self.every(client_id)
        self._raise_peak(client_id, sum(secret.live(now) for secret in everything))
        return next(secret for secret in everything if secret.number == number)

    def _raise_peak(self, client_id: str, count: int) -> None:
        self._database.run(
            "INSERT INTO peaks VALUES (?, ?) ON CONFLICT (client_id) DO UPDATE SET peak = MAX(peak, excluded.peak)",
            client_id,
            count,
        )

    def peaks(self) -> dict[str, int]:
        """The highest number of secrets of each client that were live at the same time."""
        return {row["client_id"]: row["peak"] for row in self._database.all("SELECT * FROM peaks")}

    def delete(self, secret: Secret) -> None:
        """Delete a secret. Stale lists may still show it."""
        self._database.run(
            "UPDATE secrets SET deleted = ?, deleted_tick = ? WHERE id = ? AND deleted IS NULL",
            self._database.clock(),
            current_tick(self._database, f"secrets:{secret.client_id}"),
            secret.number,
        )
