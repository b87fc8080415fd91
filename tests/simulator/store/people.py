# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, groups and memberships in the state file."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from sqlite3 import Row

from simulator.store.database import Database
from simulator.store.lag import VISIBLE, Lag, current_tick, horizon

_NOW = Lag()


@dataclass(frozen=True)
class Person:
    """A user or a group; `subject_id` is `user-...` or `group-...`."""

    kind: str
    tenant: str
    uuid: str
    subject_id: str
    name: str
    detail: str


def _user(row: Row) -> Person:
    return Person("User", row["tenant"], row["uuid"], f"user-{row['uuid']}", row["name"], row["email"])


def _group(row: Row) -> Person:
    return Person("Group", row["tenant"], row["uuid"], row["subject_id"], row["name"], row["description"])


class People:
    """The users and groups of every tenant. With a `lag`, a method returns what a stale list shows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def users(self, tenant: str, text: str = "") -> list[Person]:
        """The users whose name contains the text."""
        rows = self._database.all(
            "SELECT * FROM users WHERE tenant = ? AND instr(folded, ?) > 0 ORDER BY id", tenant, text.casefold()
        )
        return [_user(row) for row in rows]

    def user(self, tenant: str, uuid_: str) -> Person | None:
        """One user."""
        row = self._database.one("SELECT * FROM users WHERE tenant = ? AND uuid = ?", tenant, uuid_)
        return None if row is None else _user(row)

    def add_user(self, tenant: str, name: str, email: str) -> Person:
        """Add a user."""
        uuid_ = str(uuid.uuid4())
        self._database.insert(
            "users",
            tenant=tenant,
            uuid=uuid_,
            name=name,
            folded=name.casefold(),
            email=email,
            created=self._database.clock(),
        )
        return Person("User", tenant, uuid_, f"user-{uuid_}", name, email)

    def groups(self, tenant: str, text: str = "", lag: Lag = _NOW) -> list[Person]:
        """The groups whose name contains the text."""
        values = {"tenant": tenant, "text": text.casefold(), **horizon(self._database, "groups", lag)}
        rows = self._database.all(
            f"SELECT * FROM groups WHERE tenant = :tenant AND instr(folded, :text) > 0 AND {VISIBLE} ORDER BY id",
            **values,
        )
        return [_group(row) for row in rows]

    def group(self, tenant: str, *, uuid_: str = "", subject_id: str = "") -> Person | None:
        """One group, by its id or by its subject id."""
        row = self._database.one(
            "SELECT * FROM groups WHERE tenant = ? AND (uuid = ? OR subject_id = ?) AND deleted IS NULL",
            *(tenant, uuid_, subject_id),
        )
        return None if row is None else _group(row)

    def add_group(self, tenant: str, name: str, description: str, *, opaque: bool) -> Person:
        """Add a group. If `opaque`, its subject id does not contain its id."""
        uuid_ = str(uuid.uuid4())
        subject_id = f"group-{uuid.uuid4() if opaque else uuid_}"
        shown = {"name": name, "folded": name.casefold(), "description": description}
        self._add("groups", tenant=tenant, uuid=uuid_, subject_id=subject_id, **shown)
        return Person("Group", tenant, uuid_, subject_id, name, description)

    def delete_group(self, group: Person) -> None:
        """Delete a group with its memberships."""
        self._delete("groups", "uuid = :uuid", uuid=group.uuid)
        self._delete("members", "group_uuid = :uuid", uuid=group.uuid)
        self.leave_all(group.subject_id)

    def members(self, group_uuid: str, lag: Lag = _NOW) -> list[str]:
        """The subject ids of the members of a group."""
        values = {"group_uuid": group_uuid, **horizon(self._database, "members", lag)}
        rows = self._database.all(
            f"SELECT subject_id FROM members WHERE group_uuid = :group_uuid AND {VISIBLE} ORDER BY id", **values
        )
        return [row["subject_id"] for row in rows]

    def join(self, group_uuid: str, subject_id: str) -> None:
        """Add a subject to a group."""
        if subject_id not in self.members(group_uuid):
            self._add("members", group_uuid=group_uuid, subject_id=subject_id)

    def leave(self, group_uuid: str, subject_id: str) -> None:
        """Remove a subject from a group."""
        which = "group_uuid = :group_uuid AND subject_id = :subject_id"
        self._delete("members", which, group_uuid=group_uuid, subject_id=subject_id)

    def leave_all(self, subject_id: str) -> None:
        """Remove a subject from every group."""
        self._delete("members", "subject_id = :subject_id", subject_id=subject_id)

    def direct_groups(self, tenant: str, subject_id: str, lag: Lag = _NOW) -> list[Person]:
        """The groups that have the subject as a direct member."""
        values = {"tenant": tenant, "subject_id": subject_id, **horizon(self._database, "members", lag)}
        rows = self._database.all(
            "SELECT * FROM groups WHERE tenant = :tenant AND deleted IS NULL AND uuid IN"
            f" (SELECT group_uuid FROM members WHERE subject_id = :subject_id AND {VISIBLE}) ORDER BY id",
            **values,
        )
        return [_group(row) for row in rows]

    def all_groups(self, tenant: str, subject_id: str) -> list[Person]:
        """The direct and indirect groups of the subject, nearest first."""
        found: dict[str, Person] = {}
        waiting = [subject_id]
        while waiting:
            for group in self.direct_groups(tenant, waiting.pop(0)):
                if group.uuid not in found:
                    found[group.uuid] = group
                    waiting.append(group.subject_id)
        return list(found.values())

    def _add(self, table: str, **columns: str) -> None:
        moment = {"created": self._database.clock(), "created_tick": current_tick(self._database, table)}
        self._database.insert(table, **columns, **moment)

    def _delete(self, table: str, which: str, **values: str) -> None:
        self._database.run(
            f"UPDATE {table} SET deleted = :now, deleted_tick = :tick WHERE deleted IS NULL AND {which}",
            now=self._database.clock(),
            tick=current_tick(self._database, table),
            **values,
        )
