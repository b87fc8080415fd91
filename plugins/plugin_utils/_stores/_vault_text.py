# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Encrypts and decrypts ansible-vault text on the controller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, get_file_vault_secret, is_encrypted

from ...module_utils._core.errors import OptionError, StoreError


@dataclass(frozen=True)
class VaultText:
    """Encrypts with ``label`` and ``secret``. Without a secret, text is not encrypted."""

    label: str | None = None
    secret: Any = None
    member: str = ""
    option: str = "store"

    def sealed(self, text: str) -> str:
        """Encrypt ``text``, if there is a secret."""
        if self.secret is None:
            return text
        # ansible-vault writes no label for the default one (header version 1.1).
        label = None if self.label == "default" else self.label
        return str(self._library().encrypt(text, self.secret, vault_id=label).decode())

    def opened(self, text: str, where: str) -> str:
        """Decrypt ``text``. Text that is not encrypted is returned; the next write encrypts it."""
        if not is_encrypted(text):
            return text
        if self.secret is None:
            raise StoreError(
                f"{where} is encrypted with ansible-vault.",
                hint=f"Give {self.option}.vault_password_file, or {self.option}.vault_id (label@file).",
                where=where,
            )
        try:
            return str(self._library().decrypt(text).decode())
        except (AnsibleError, UnicodeDecodeError):
            raise StoreError(
                f"{where} cannot be decrypted with the password of {self.option}.{self.member}.",
                hint="Give the password with which it was encrypted, or restore the file.",
                where=where,
            ) from None

    def _library(self) -> VaultLib:
        return VaultLib([(self.label, self.secret)])


def vault_text(members: Mapping[str, Any], loader: Any, option: str) -> VaultText:
    """Read ``vault_password_file`` or ``vault_id`` from the members of a store. Raises ``OptionError``."""
    given = [name for name in ("vault_password_file", "vault_id") if name in members]
    if not given:
        return VaultText(option=option)
    if len(given) > 1:
        raise OptionError(f"{option}: only one of {' and '.join(given)} can be given.", option=option)
    label, path = "default", members[given[0]]
    if given == ["vault_id"]:
        label, _at, path = path.partition("@")
        if not (label and path) or path.startswith("prompt"):
            raise OptionError(
                f"{option}: vault_id does not have the form label@file.",
                hint="A prompt for the password is not possible here. Name a file, or a script that prints it.",
                option=option,
            )
    try:
        secret = get_file_vault_secret(filename=loader.path_dwim(path), vault_id=label, loader=loader)
        secret.load()
    except AnsibleError as error:
        raise OptionError(
            f"{option}: the vault password of {given[0]} cannot be read from {path}: {error.message}",
            hint="Give its whole path, for example below inventory_dir.",
            option=option,
        ) from None
    return VaultText(label, secret, given[0], option)
