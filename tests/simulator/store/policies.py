# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies in the state file. A policy is identified by subject, action and scope in a tenant."""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Row

from simulator.store.database import Database
from simulator.store.lag import VISIBLE, Lag, current_tick, horizon


@dataclass(frozen=True)
class Policy:
    """A policy. `origin` names the policy that a derived or inherited one comes from."""

    tenant: str
    subject: str
    action: str
    scope: str
    origin: str = ""


def _policy(row: Row) -> Policy:
    return Policy(row["tenant"], row["subject"], row["action"], row["scope"])


class Policies:
    """The policies of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def visible(self, tenant: str, lag: Lag, **exact: str) -> list[Policy]:
        """The stored policies that a list shows. `exact` filters by subject, action or scope."""
        filters = "".join(f" AND {column} = :{column}" for column in exact)
        values = {"tenant": tenant, **exact, **horizon(self._database, "policies", lag)}
        rows = self._database.all(
            f"SELECT * FROM policies WHERE tenant = :tenant{filters} AND {VISIBLE} ORDER BY id", **values
        )
        return [_policy(row) for row in rows]

    def every(self) -> list[Policy]:
        """All policies of all tenants."""
        return [_policy(row) for row in self._database.all("SELECT * FROM policies WHERE deleted IS NULL ORDER BY id")]

    def has(self, policy: Policy) -> bool:
        """Whether this policy exists."""
        found = self._database.one(
            "SELECT id FROM policies WHERE tenant = ? AND subject = ? AND action = ? AND scope = ? AND deleted IS NULL",
            policy.tenant,
            policy.subject,
            policy.action,
            policy.scope,
        )
        return found is not None

    def add(self, policy: Policy, created: float | None = None) -> None:
        """Add a policy."""
        self._database.insert(
            "policies",
            tenant=policy.tenant,
            subject=policy.subject,
            action=policy.action,
            scope=policy.scope,
            created=created or self._database.clock(),
            created_tick=current_tick(self._database, "policies"),
        )

    def delete(self, policy: Policy) -> bool:
        """Delete a policy. Returns whether it existed."""
        changed = self._database.run(
            "UPDATE policies SET deleted = ?, deleted_tick = ?"
            " WHERE tenant = ? AND subject = ? AND action = ? AND scope = ? AND deleted IS NULL",
            self._database.clock(),
            current_tick(self._database, "policies"),
            policy.tenant,
            policy.subject,
            policy.action,
            policy.scope,
        )
        return changed > 0

    def delete_of_subject(self, tenant: str, subject: str) -> None:
        """Delete every policy of a subject."""
        self._database.run(
            "UPDATE policies SET deleted = ?, deleted_tick = ? WHERE tenant = ? AND subject = ? AND deleted IS NULL",
            self._database.clock(),
            current_tick(self._database, "policies"),
            tenant,
            subject,
        )
