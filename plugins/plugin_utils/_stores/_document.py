# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores a record on a server: in a KV version 2 secret of Vault or OpenBao, or a secret of AWS Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...module_utils._rotation.record import Record, read_record
from .._documents import _aws, _vault
from .._documents._place import Document
from .._documents._replaced import Token
from ._protocol import Setting


@dataclass(frozen=True)
class DocumentStore:
    """A store whose document is the record. The token of the document is that of the store."""

    document: Document
    client_id: str

    def read(self) -> tuple[Record | None, Token]:
        held = self.document.read()
        if held.members is None:
            return None, held.token
        # Copied to a plain dict, because libraries return types of their own.
        return read_record(dict(held.members), client_id=self.client_id, where=self.document.where), held.token

    def write(self, record: Record, expected: Token) -> None:
        self.document.write(record.to_data(), expected)

    def remove(self, expected: Token) -> None:
        self.document.remove(expected)

    def check(self) -> None:
        self.document.check()


def open_vault(options: Mapping[str, Any], setting: Setting) -> DocumentStore:
    """A store in a secret of Vault."""
    path = options.get("path") or f"aritma-iam/{quote(setting.client_id or 'check', safe='')}"
    return DocumentStore(_vault.open_vault(options, path, setting.loader, setting.option), setting.client_id)


def open_aws(options: Mapping[str, Any], setting: Setting) -> DocumentStore:
    """A store in a secret of AWS."""
    # Percent-encoded with "=" instead of "%", so that it has only characters that a name may have.
    encoded = quote(setting.client_id or "check", safe="").replace("~", "%7E").replace("%", "=")
    name = options.get("path") or f"aritma-iam/{encoded}"
    return DocumentStore(_aws.open_aws(options, name, setting.option), setting.client_id)
