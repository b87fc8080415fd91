# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy between tests and a server of secrets. It pauses a write, loses its answer, or refuses an operation."""

from __future__ import annotations

import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_OWN_HEADERS = frozenset({"host", "connection", "content-length", "transfer-encoding", "accept-encoding"})


@dataclass(frozen=True)
class Asked:
    """A request: its operation, the path of its secret, and whether it writes."""

    operation: str
    path: str
    writes: bool


Reading = Callable[[str, str, Mapping[str, str], bytes], Asked]
"""Describes a request with this method, path, headers and body."""


@dataclass
class Rule:
    """A fault in writes of the secret ``path``: ``pause`` before or after the commit, or ``drop`` the answer.

    It skips ``skip`` writes, and then applies to the next ``times`` writes.
    """

    path: str
    action: str
    phase: str = "after"
    skip: int = 0
    times: int = 1
    operation: str = ""
    held: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)
    dropped: bool = False

    @property
    def spent(self) -> bool:
        """Whether the rule was applied ``times`` times."""
        return self.times <= 0

    def meets(self, asked: Asked) -> bool:
        """Whether the rule matches this write."""
        return not self.spent and self.path == asked.path and self.operation in ("", asked.operation)


class Proxy:
    """Forwards requests to ``target``. ``writes`` has the secret of each committed write."""

    def __init__(self, target: str, reading: Reading) -> None:
        self.target = target
        self.reading = reading
        self.rules: list[Rule] = []
        self.refusals: dict[str, tuple[int, bytes, Mapping[str, str]]] = {}
        """By operation, the answer that the proxy gives itself: status, body and headers."""
        self.asked: list[Asked] = []
        self.writes: list[str] = []
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Forward)
        self._server.proxy = self
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """End the proxy, and drop paused writes."""
        self.release(drop=True)
        self._server.shutdown()
        self._server.server_close()

    def release(self, *, drop: bool) -> None:
        """Resume paused writes, or drop them."""
        for rule in self.rules:
            rule.dropped = drop
            rule.released.set()
        self.rules = []

    def rule_for(self, asked: Asked) -> Rule | None:
        """The rule to apply to this write, if any."""
        with self._lock:
            for rule in self.rules:
                if rule.meets(asked):
                    rule.skip -= 1
                    if rule.skip < 0:
                        rule.times -= 1
                        return rule
                    return None
        return None

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes, str]:
        """Send the request to the server. Returns status, body and content type."""
        passed = {name: value for name, value in headers.items() if name.lower() not in _OWN_HEADERS}
        request = urllib.request.Request(self.target + path, body or None, passed, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read(), answer.headers.get("Content-Type", "")
        except urllib.error.HTTPError as error:
            return error.code, error.read(), error.headers.get("Content-Type", "")


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy


class _Forward(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = dict(self.headers.items())
        asked = proxy.reading(self.command, self.path, headers, body)
        proxy.asked.append(asked)
        if asked.operation in proxy.refusals:
            self._reply(*proxy.refusals[asked.operation])
            return
        rule = proxy.rule_for(asked) if asked.writes else None
        if rule and self._lost(rule, "before"):
            return
        status, answer, kind = proxy.forward(self.command, self.path, headers, body)
        if asked.writes and status < 300:
            proxy.writes.append(asked.path)
        if not (rule and self._lost(rule, "after")):
            self._reply(status, answer, {"Content-Type": kind})

    def _lost(self, rule: Rule, phase: str) -> bool:
        """Apply the rule in this phase. Returns whether the answer is lost."""
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

    def _reply(self, status: int, answer: bytes, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            sent = {"Content-Type": "application/json", "Content-Length": str(len(answer)), **headers}
            for name, value in sent.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)
        except OSError:
            self.close_connection = True  # its client was killed

    do_GET = do_POST = do_PUT = do_DELETE = do_LIST = _pass

    def log_message(self, *_args: object) -> None:
        """Log nothing."""
