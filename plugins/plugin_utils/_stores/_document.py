# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A store in any document."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Record, read_record
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import Document, Token


@dataclass(frozen=True)
class DocumentStore:
    """The document is the record; its token is the store's."""

    document: Document
    client_id: str

    def read(self) -> tuple[Record | None, Token]:
        """See ``Store``."""
        data, token = self.document.read()
        if data is None:
            return None, token
        # A copy: libraries hand out types of their own.
        return read_record(dict(data), client_id=self.client_id, where=self.document.where), token

    def write(self, record: Record, expected: Token) -> None:
        """See ``Store``."""
        self.document.write(record.to_data(), expected)

    def remove(self, expected: Token) -> None:
        """See ``Store``."""
        self.document.remove(expected)

    def check(self) -> None:
        """See ``Store``."""
        self.document.check()
