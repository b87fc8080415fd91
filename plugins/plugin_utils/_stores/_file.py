# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stores a record in a file on the inventory host. With a password, only ansible-vault text leaves the controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ...module_utils._rotation.record import Record, decode_record, encode_record
from .._documents._replaced import Token
from ._protocol import FileAccess, Setting
from ._vault_text import VaultText, vault_text

MEMBERS: dict[str, dict[str, Any]] = {
    "path": {"type": "str"},
    "mode": {"type": "raw"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "vault_password_file": {"type": "str", "no_log": False},
    "vault_id": {"type": "str", "no_log": False},
}


@dataclass(frozen=True)
class FileStore:
    """A store in a file. Its token is the digest of the content, so that any change is noticed."""

    path: str
    client_id: str
    ownership: Mapping[str, Any]
    files: FileAccess
    vault: VaultText
    usual: bool = False
    """Whether the path is the default one."""

    def read(self) -> tuple[Record | None, Token]:
        answer = self.files({"access": "read", "path": self.path})
        token = str(answer["digest"])
        if answer["content"] is None:
            return None, token
        text = self.vault.opened(answer["content"], self.path)
        return decode_record(text, client_id=self.client_id, where=self.path), token

    def write(self, record: Record, expected: Token) -> None:
        content = self.vault.sealed(encode_record(record))
        self._change({"access": "replace", "content": content, "expected": expected})

    def remove(self, expected: Token) -> None:
        self._change({"access": "remove", "expected": expected})

    def check(self) -> None:
        self._change({"access": "check"})

    def _change(self, access: Mapping[str, Any]) -> None:
        self.files({**access, "path": self.path, "usual": self.usual, **self.ownership})


def usual_path(client_id: str) -> str:
    """The default path of a record."""
    return f"~/.aritma-iam/{quote(client_id, safe='')}.json"


def open_file(options: Mapping[str, Any], setting: Setting) -> FileStore:
    """A store in a file on the inventory host."""
    path = options.get("path") or usual_path(setting.client_id or "check")
    ownership = {name: options[name] for name in ("mode", "owner", "group") if name in options}
    vault = vault_text(options, setting.loader, setting.option)
    return FileStore(path, setting.client_id, ownership, setting.files, vault, not options.get("path"))
