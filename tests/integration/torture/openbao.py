# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from doubles.openbao import MOUNT, Bao, reading, running_bao
from doubles.proxy import Proxy

TOKEN = "root-of-the-torture"
_READ_ONLY = (
    'path "secret/data/*" { capabilities = ["read"] } path "sys/internal/ui/mounts/*" { capabilities = ["read"] }'
)


@dataclass
class BaoRecords:
    """A server that keeps records, and the proxy before it."""

    server: Bao
    proxy: Proxy

    @property
    def url(self) -> str:
        """Where the server itself is."""
        return self.server.url

    def store(self, path: str) -> dict[str, Any]:
        """The variable ``service_client_store`` of a record there."""
        return {"type": "hashi_vault", "url": self.proxy.url, "token": TOKEN, "path": path}

    def source(self, path: str) -> dict[str, str]:
        """Where the consumer reads the record, past the proxy."""
        return {"url": self.url, "token": TOKEN, "mount": MOUNT, "path": path}

    def record(self, path: str) -> Any:
        """What a secret holds."""
        return self.server.record(path)

    def keep(self, path: str, record: Mapping[str, Any]) -> None:
        """Write a secret, as somebody else would."""
        self.server.keep(path, record)

    def read_only_token(self) -> str:
        """A token that may read all secrets and write none."""
        return self.server.token_for("reader", _READ_ONLY)


@contextmanager
def running_bao_records(home: Path) -> Iterator[BaoRecords]:
    """OpenBao in dev mode on a free port of loopback, behind a proxy."""
    with running_bao(home, TOKEN) as server:
        records = BaoRecords(server, Proxy(server.url, reading))
        try:
            yield records
        finally:
            records.proxy.close()
