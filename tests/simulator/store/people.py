# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users, groups and memberships in the state file."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from sqlite3 import Row

from simulator.store.database import Database


@dataclass(frozen=True)
class Person:
    """A user or a group."""

    kind: str
    tenant: str
    uuid: str
    name: str
    detail: str

    @property
    def subject_id(self) -> str:
        """`user-<id>` or `group-<id>`."""
        return f"{self.kind.lower()}-{self.uuid}"


def _user(row: Row) -> Person:
    return Person("User", row["tenant"], row["uuid"], row["name"], row["email"])


def _group(row: Row) -> Person:
    return Person("Group", row["tenant"], row["uuid"], row["name"], row["description"])


class People:
    """The users and groups of every tenant."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def users(self, tenant: str, text: str = "") -> list[Person]:
        """The users whose name contains the text."""
        rows = self._database.all(
            "SELECT * FROM users WHERE tenant = ? AND instr(folded, ?) > 0 ORDER BY id", tenant, text.casefold()
        )
        return [_user(row) for row in rows]

    def groups(self, tenant: str, text: str = "") -> list[Person]:
        """The groups whose name contains the text."""
        rows = self._database.all(
            "SELECT * FROM groups WHERE tenant = ? AND instr(folded, ?) > 0 ORDER BY id", tenant, text.casefold()
        )
        return [_group(row) for row in rows]

    def user(self, tenant: str, uuid_: str) -> Person | None:
        """One user."""
        row = self._database.one("SELECT * FROM users WHERE tenant = ? AND uuid = ?", tenant, uuid_)
        return None if row is None else _user(row)

    def group(self, tenant: str, uuid_: str) -> Person | None:
        """One group."""
        row = self._database.one("SELECT * FROM groups WHERE tenant = ? AND uuid = ?", tenant, uuid_)
        return None if row is None else _group(row)

    def add_user(self, tenant: str, name: str, email: str) -> Person:
        """Add a user."""
        made = str(uuid.uuid4())
        self._database.insert(
            "users",
            tenant=tenant,
            uuid=made,
            name=name,
            folded=name.casefold(),
            email=email,
            created=self._database.clock(),
        )
        return Person("User", tenant, made, name, email)

    def add_group(self, tenant: str, name: str, description: str) -> Person:
        """Add a group."""
        made = str(uuid.uuid4())
        self._database.insert(
            "groups",
            tenant=tenant,
            uuid=made,
            name=name,
            folded=name.casefold(),
            description=description,
            created=self._database.clock(),
        )
        return Person("Group", tenant, made, name, description)

    def delete_group(self, group: Person) -> None:
        """Delete a group with its memberships."""
        self._database.run("DELETE FROM groups WHERE uuid = ?", group.uuid)
        self._database.run("DELETE FROM members WHERE group_uuid = ?", group.uuid)
        self.leave_all(group.subject_id)

    def members(self, group_uuid: str) -> list[str]:
        """The subject ids in a group."""
        rows = self._database.all("SELECT subject_id FROM members WHERE group_uuid = ? ORDER BY rowid", group_uuid)
        return [row["subject_id"] for row in rows]

    def join(self, group_uuid: str, subject_id: str) -> None:
        """Put a subject into a group."""
        self._database.run("INSERT OR IGNORE INTO members VALUES (?, ?)", group_uuid, subject_id)

    def leave(self, group_uuid: str, subject_id: str) -> None:
        """Take a subject out of a group."""
        self._database.run("DELETE FROM members WHERE group_uuid = ? AND subject_id = ?", group_uuid, subject_id)

    def leave_all(self, subject_id: str) -> None:
        """Take a subject out of every group."""
        self._database.run("DELETE FROM members WHERE subject_id = ?", subject_id)

    def direct_groups(self, tenant: str, subject_id: str) -> list[Person]:
        """The groups that list the subject as a member."""
        rows = self._database.all(
            "SELECT groups.* FROM groups JOIN members ON members.group_uuid = groups.uuid"
            " WHERE members.subject_id = ? AND groups.tenant = ? ORDER BY groups.id",
            subject_id,
            tenant,
        )
        return [_group(row) for row in rows]

    def all_groups(self, tenant: str, subject_id: str) -> list[Person]:
        """The groups of the subject, through other groups too, nearest first."""
        found: dict[str, Person] = {}
        waiting = [subject_id]
        while waiting:
            for group in self.direct_groups(tenant, waiting.pop(0)):
                if group.uuid not in found:
                    found[group.uuid] = group
                    waiting.append(group.subject_id)
        return list(found.values())
