# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a document: a KV version 2 secret of Vault or OpenBao, or a secret of AWS Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...module_utils._delivery.fence import Stamp
from .._documents import _aws, _vault
from .._documents._protocol import Document
from ._protocol import Delivery, Held, TargetType, Workload, remaining


@dataclass(frozen=True)
class DocumentTarget:
    """The object of a document: services read it when they need it. It has no marks and no stamp."""

    document: Document
    workloads: Sequence[Workload] = ()

    @property
    def where(self) -> str:
        return self.document.where

    def marks(self, _delivery: Delivery) -> Mapping[str, str]:
        return {}

    def read(self, _delivery: Delivery) -> Held:
        return Held(*self.document.read())

    def put(self, held: Held, delivery: Delivery) -> None:
        self.document.write({**(held.members or {}), **delivery.members}, held.token)

    def restamp(self, held: Held, delivery: Delivery) -> None:
        pass

    def drop(self, held: Held, delivery: Delivery) -> None:
        left = remaining(held, delivery.members)
        if left:
            self.document.write(left, held.token)
        else:
            self.document.remove(held.token)


@dataclass(frozen=True)
class VaultTarget(DocumentTarget):
    """It has its stamp in the custom metadata of the secret, one for each lineage: the data is the service's alone.

    It is written right after the data, and without compare-and-set: Vault has none for it. So it is a help against runs
    that slept, and no proof; a token that may not write it does without.
    """

    document: _vault.VaultDocument

    def read(self, delivery: Delivery) -> Held:
        data, token, notes = self.document.read_with_notes()
        stamp = Stamp.parse(notes.get(_note(delivery.stamp), "")) if delivery.stamp else None
        return Held(data, token, stamp=stamp, notes=notes)

    def put(self, held: Held, delivery: Delivery) -> None:
        super().put(held, delivery)
        self._stamp(held, delivery)

    def restamp(self, held: Held, delivery: Delivery) -> None:
        """Where there is none yet it may be that there can be none: that is not tried in every run."""
        if held.stamp:
            self._stamp(held, delivery)

    def _stamp(self, held: Held, delivery: Delivery) -> None:
        if delivery.stamp:
            self.document.note({**held.notes, _note(delivery.stamp): str(delivery.stamp)})


def _note(stamp: Stamp) -> str:
    return f"aritma_iam_{stamp.lineage}"


def _open_vault(options: Mapping[str, Any], loader: Any) -> VaultTarget:
    return VaultTarget(_vault.open_vault(options, options["path"], loader, "target"))


def _open_aws(options: Mapping[str, Any], _loader: Any) -> DocumentTarget:
    return DocumentTarget(_aws.open_aws(options, options["path"], "target"))


HASHI_VAULT = TargetType(_vault.MEMBERS, ("path",), _open_vault)
AWS_SECRETSMANAGER = TargetType(_aws.MEMBERS, ("path",), _open_aws)
