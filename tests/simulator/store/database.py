# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file: one SQLite connection, its tables, and small query helpers.

WAL with synchronous off: a commit survives a kill of the process. The tests need no more.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

TABLES = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS ticks (key TEXT PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS clients (
  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, client_id TEXT NOT NULL, name TEXT NOT NULL,
  folded TEXT NOT NULL, description TEXT NOT NULL, grant_types TEXT NOT NULL, redirect_uris TEXT NOT NULL,
  scopes TEXT NOT NULL, extra TEXT NOT NULL, uuid TEXT NOT NULL, created REAL NOT NULL, created_tick INTEGER NOT NULL,
  deleted REAL, deleted_tick INTEGER);
CREATE INDEX IF NOT EXISTS clients_by_id ON clients (client_id, tenant);
CREATE TABLE IF NOT EXISTS secrets (
  id INTEGER PRIMARY KEY AUTOINCREMENT, uuid TEXT NOT NULL, client_id TEXT NOT NULL, type TEXT NOT NULL,
  description TEXT NOT NULL, expires REAL, digest TEXT NOT NULL, created REAL NOT NULL, created_tick INTEGER NOT NULL,
  deleted REAL, deleted_tick INTEGER);
CREATE INDEX IF NOT EXISTS secrets_by_client ON secrets (client_id);
CREATE TABLE IF NOT EXISTS peaks (client_id TEXT PRIMARY KEY, peak INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS policies (
  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, subject TEXT NOT NULL, action TEXT NOT NULL,
  scope TEXT NOT NULL, created REAL NOT NULL, created_tick INTEGER NOT NULL, deleted REAL, deleted_tick INTEGER);
CREATE INDEX IF NOT EXISTS policies_by_subject ON policies (subject, action, scope);
CREATE TABLE IF NOT EXISTS users (
  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, uuid TEXT NOT NULL, name TEXT NOT NULL,
  folded TEXT NOT NULL, email TEXT NOT NULL, created REAL NOT NULL);
CREATE TABLE IF NOT EXISTS groups (
  id INTEGER PRIMARY KEY AUTOINCREMENT, tenant TEXT NOT NULL, uuid TEXT NOT NULL, subject_id TEXT NOT NULL,
  name TEXT NOT NULL, folded TEXT NOT NULL, description TEXT NOT NULL, created REAL NOT NULL,
  created_tick INTEGER NOT NULL, deleted REAL, deleted_tick INTEGER);
CREATE TABLE IF NOT EXISTS members (
  id INTEGER PRIMARY KEY AUTOINCREMENT, group_uuid TEXT NOT NULL, subject_id TEXT NOT NULL, created REAL NOT NULL,
  created_tick INTEGER NOT NULL, deleted REAL, deleted_tick INTEGER);
CREATE INDEX IF NOT EXISTS members_by_subject ON members (subject_id);
CREATE TABLE IF NOT EXISTS kept_clients (
  node INTEGER NOT NULL, tenant TEXT NOT NULL, client_id TEXT NOT NULL, settings TEXT NOT NULL, moment REAL NOT NULL,
  until REAL NOT NULL, PRIMARY KEY (node, tenant, client_id));
CREATE TABLE IF NOT EXISTS names (kind TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (kind, name));
CREATE TABLE IF NOT EXISTS tokens (jti TEXT PRIMARY KEY, client_id TEXT NOT NULL, secret INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS violations (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, entry TEXT NOT NULL);
"""
_EMPTIED = (
    "ticks",
    "clients",
    "secrets",
    "peaks",
    "policies",
    "users",
    "groups",
    "members",
    "kept_clients",
    "names",
    "tokens",
    "log",
    "violations",
)


class Database:
    """The connection. `clock` returns the time in seconds since the epoch."""

    def __init__(self, path: str, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=OFF")
        self._connection.executescript(TABLES)

    def all(self, sql: str, *values: object, **named: object) -> list[sqlite3.Row]:
        """Every row of a query."""
        return self._connection.execute(sql, named or values).fetchall()

    def one(self, sql: str, *values: object, **named: object) -> sqlite3.Row | None:
        """The first row of a query, or None."""
        row: sqlite3.Row | None = self._connection.execute(sql, named or values).fetchone()
        return row

    def run(self, sql: str, *values: object, **named: object) -> int:
        """Execute a statement. Returns the number of changed rows."""
        return self._connection.execute(sql, named or values).rowcount

    def insert(self, table: str, **columns: object) -> int:
        """Insert one row. Returns its row id."""
        names = ", ".join(columns)
        places = ", ".join(f":{name}" for name in columns)
        row_id = self._connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", columns).lastrowid
        return row_id or 0

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements, or none after an error."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def empty(self) -> None:
        """Delete everything except the meta values, such as the signing key."""
        with self.transaction():
            for table in _EMPTIED:
                self._connection.execute(f"DELETE FROM {table}")
            # Row ids start at 1 again.
            self._connection.execute("DELETE FROM sqlite_sequence")

    def get_meta(self, key: str) -> str | None:
        """A value that a reset keeps."""
        row = self.one("SELECT value FROM meta WHERE key = ?", key)
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Store a value that a reset keeps."""
        self.run("INSERT OR REPLACE INTO meta VALUES (?, ?)", key, value)

    def close(self) -> None:
        """Write the log back into the state file and close it."""
        self._connection.close()
