# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The interface of a credential store: it holds one record, and writes it only if it has not changed since the read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...module_utils._rotation.record import Record
from .._documents._replaced import Token

FileAccess = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Runs ``store_file`` once on the host of the file. Takes its options and returns its return values."""


class Store(Protocol):
    """The record of one client in some place. States and leases do not matter to it.

    Every method raises ``StoreError``, which says what to do.
    """

    def read(self) -> tuple[Record | None, Token]:
        """The record, None if there is none, and the token for a write."""

    def write(self, record: Record, expected: Token) -> None:
        """Write ``record`` durably. Raises ``StoreConflictError`` if the token is no longer ``expected``."""

    def remove(self, expected: Token) -> None:
        """Remove the record. Raises as ``write`` does."""

    def check(self) -> None:
        """Raise unless a record could be written. Leaves nothing behind."""


@dataclass(frozen=True)
class Setting:
    """What a back end needs from its task. ``client_id`` may be empty if the path is given.

    ``option`` is the option with the members of the store, for messages.
    """

    client_id: str
    files: FileAccess
    loader: Any
    """The data loader of Ansible. It finds files on the controller relative to the play."""
    option: str = "store"
