# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a document: each member of the credential is a member of its JSON object."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._protocol import Held, TargetType
from ansible_collections.aritma.iam.plugins.plugin_utils._documents import _aws, _vault
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import Document


@dataclass(frozen=True)
class DocumentTarget:
    """The object of a document. It has no marks, and nothing starts anew for it: services read it when they need it."""

    document: Document

    @property
    def where(self) -> str:
        """See ``Target``."""
        return self.document.where

    def marks(self, _rotation_id: str) -> Mapping[str, str]:
        """See ``Target``."""
        return {}

    def read(self) -> Held:
        """See ``Target``."""
        return Held(*self.document.read())

    def put(self, held: Held, members: Mapping[str, str], _marks: Mapping[str, str]) -> None:
        """See ``Target``."""
        self.document.write({**(held.members or {}), **members}, held.token)

    def drop(self, held: Held, names: Collection[str]) -> None:
        """See ``Target``."""
        left = {name: value for name, value in (held.members or {}).items() if name not in names}
        if left:
            self.document.write(left, held.token)
        else:
            self.document.remove(held.token)

    def outdated(self, _rotation_id: str) -> Sequence[str]:
        """See ``Target``."""
        return ()

    def roll_out(self, _rotation_id: str) -> None:
        """See ``Target``."""


def _open_vault(options: Mapping[str, Any], loader: Any) -> DocumentTarget:
    return DocumentTarget(_vault.open_vault(options, options["path"], loader, "target"))


def _open_aws(options: Mapping[str, Any], _loader: Any) -> DocumentTarget:
    return DocumentTarget(_aws.open_aws(options, options["path"], "target"))


HASHI_VAULT = TargetType(_vault.MEMBERS, ("path",), _open_vault)
AWS_SECRETSMANAGER = TargetType(_aws.MEMBERS, ("path",), _open_aws)
