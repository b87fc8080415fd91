# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a credential store is: a place for one record, read with a token and written only if that token still holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...module_utils._rotation.record import Record
from .._documents._replaced import Token

FileAccess = Callable[[Mapping[str, Any]], Mapping[str, Any]]
"""Carries out one access of ``store_file`` on the host that has the file; its options in, its return values out."""


class Store(Protocol):
    """One client's record in some place. It knows nothing of states and leases.

    Every method raises ``StoreError`` with what to do about it.
    """

    def read(self) -> tuple[Record | None, Token]:
        """The record, or None where there is none, and the token to write it with."""

    def write(self, record: Record, expected: Token) -> None:
        """Store ``record``, durably. Raises ``StoreConflictError`` when the store is not as ``expected`` any more."""

    def remove(self, expected: Token) -> None:
        """Remove the record. Raises as ``write`` does."""

    def check(self) -> None:
        """Return when a record could be written here; leave nothing behind."""


@dataclass(frozen=True)
class Setting:
    """What a back end may use of the task that it works for. ``client_id`` is empty where the path is enough.

    ``option`` is where its members were given: messages name it.
    """

    client_id: str
    files: FileAccess
    loader: Any
    """Ansible's data loader: it finds files of the controller relative to the play."""
    option: str = "store"
