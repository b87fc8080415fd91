# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scripted server on loopback: a test reads like a transcript of what went over the wire.

    wire.expect("POST", "/v1/clients").commit_then_drop()
    wire.expect("GET", "/v1/clients").reply(200, {"items": []})

Expectations are met in the order in which they were made, each once; ``always`` answers whatever they leave over. At
the end of the test every expectation must have been met, and nothing else asked.
"""

from __future__ import annotations

import base64
import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

TOKEN = {"access_token": "admin-token-1", "token_type": "Bearer", "expires_in": 3600, "scope": "services.iam"}


def jwt(claims: Any) -> str:
    """A token of that shape, whose signature is none."""
    parts: list[Any] = [{"alg": "none"}, claims, "signature"]
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)


@dataclass(frozen=True)
class Seen:
    """A request as it came in."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[str, str]
    body: bytes
    client: tuple[str, int]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.body.decode(), keep_blank_values=True).items()}


Play = Callable[["_Handler"], None]


@dataclass
class Rule:
    """An expected request, and what happens when it comes."""

    method: str
    path: str
    play: Play | None = None
    met: int = field(default=0)

    def reply(
        self, status: int, document: Any = None, *, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Rule:
        """Answer with a JSON document, or with ``body`` as it is."""
        content = body if body is not None else b"" if document is None else json.dumps(document).encode()
        told = {"Content-Length": str(len(content)), **({"Content-Type": "application/json"} if content else {})}

        def play(handler: _Handler) -> None:
            handler.send_response(status)
            for name, value in {**told, **(headers or {})}.items():
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(content)

        return self.plays(play)

    def html(self, status: int, title: str) -> Rule:
        """Answer with an HTML page."""
        page = f"<!DOCTYPE html>\n<html><head><title>{title}</title></head><body>x</body></html>".encode()
        return self.reply(status, body=page, headers={"Content-Type": "text/html"})

    def redirect(self, status: int, location: str) -> Rule:
        return self.reply(status, headers={"Location": location})

    def commit_then_drop(self) -> Rule:
        """Take the request in, then reset the connection."""
        return self.plays(_reset)

    def cut(self, status: int, body: bytes, *, missing: int = 10) -> Rule:
        """Send less than was announced, then close."""

        def play(handler: _Handler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", str(len(body) + missing))
            handler.end_headers()
            handler.wfile.write(body)
            handler.close_connection = True

        return self.plays(play)

    def hang(self) -> Rule:
        """Never answer."""

        def play(handler: _Handler) -> None:
            handler.wire.wait(30)
            handler.close_connection = True

        return self.plays(play)

    def drip(self, seconds: float = 30, *, pause: float = 0.05, in_headers: bool = False) -> Rule:
        """Send a byte now and then, for that long."""

        def play(handler: _Handler) -> None:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n" + (b"X: " if in_headers else b"\r\n"))
            for _byte in range(int(seconds / pause)):
                handler.wfile.write(b"x")
                if handler.wire.wait(pause):
                    break
            handler.close_connection = True

        return self.plays(play)

    def flood(self, size: int) -> Rule:
        """Send a body of that many bytes."""
        return self.reply(200, body=b" " * size)

    def plays(self, play: Play) -> Rule:
        """Do anything."""
        self.play = play
        return self


class Wire:
    """The server, its script, and what it saw."""

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.seen: list[Seen] = []
        self.unexpected: list[str] = []
        self._script: list[Rule] = []
        self._always: list[Rule] = []
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.wire = self
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def expect(self, method: str, path: str, *, times: int = 1) -> Rule:
        """The next request, or the next ``times``. All play the same."""
        rule = Rule(method, path)
        self._script += [rule] * times
        return rule

    def always(self, method: str, path: str) -> Rule:
        """Any number of such requests, in between the expected ones."""
        rule = Rule(method, path)
        self._always.append(rule)
        return rule

    def tokens(self, path: str = "/acme/connect/token") -> Rule:
        """Issue the admin token whenever it is asked for."""
        return self.always("POST", path).reply(200, TOKEN)

    def asked(self, path: str) -> list[Seen]:
        """The requests for a path."""
        return [each for each in self.seen if each.path == path]

    def wait(self, seconds: float) -> bool:
        """Wait, but not beyond the end of the test; whether it has ended."""
        return self._ended.wait(seconds)

    def take(self, seen: Seen) -> Play:
        """What to do about a request."""
        with self._lock:
            self.seen.append(seen)
            if self._script and (self._script[0].method, self._script[0].path) == (seen.method, seen.path):
                rule = self._script.pop(0)
            else:
                asked = (seen.method, seen.path)
                matching = [rule for rule in self._always if (rule.method, rule.path) == asked]
                if not matching:
                    self.unexpected.append(f"{seen.method} {seen.path}")
                    return _reset
                rule = matching[-1]
            rule.met += 1
            assert rule.play is not None, "an expectation without an answer"
            return rule.play

    def close(self) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def verify(self) -> None:
        """Whether what was expected came, and nothing else."""
        missing = [f"{rule.method} {rule.path}" for rule in self._script]
        assert (self.unexpected, missing) == ([], []), f"unexpected: {self.unexpected}; never came: {missing}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    wire: Wire

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Connections are dropped on purpose here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    @property
    def wire(self) -> Wire:
        return self.server.wire

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        parts = urlsplit(self.path)
        seen = Seen(
            self.command,
            parts.path,
            parse_qs(parts.query, keep_blank_values=True),
            dict(self.headers.items()),
            self.rfile.read(length),
            (self.client_address[0], self.client_address[1]),
        )
        with suppress(OSError):
            self.wire.take(seen)(self)

    def log_message(self, *args: Any, **kwargs: Any) -> None:
        """Quiet."""


for _method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_method}", _Handler.answer)


def _reset(handler: _Handler) -> None:
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """A server for the time of the block, which must go by its script."""
    wire = Wire(context)
    try:
        yield wire
    finally:
        wire.close()
    wire.verify()


@pytest.fixture
def wire() -> Iterator[Wire]:
    """A scripted server over http."""
    with serving() as server:
        yield server
