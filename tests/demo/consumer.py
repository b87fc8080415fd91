# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small service that reads its delivered credential file and exchanges it for a token, again and again.

``python tests/demo/consumer.py CREDENTIAL_FILE --port 8099`` serves a status as JSON on loopback: the number of
exchanges, the number of failures, and the rotation ids that it has used. It represents a real service and its probe.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

PAUSE = 0.01
"""Seconds between two exchanges."""


class Consumer:
    """Counts its exchanges. An exchange without a token is a failure."""

    def __init__(self, credential: Path) -> None:
        self._credential = credential
        self._session = requests.Session()
        self.status: dict[str, Any] = {"exchanges": 0, "failed": 0, "rotation_ids": [], "errors": [], "seconds": 0.0}

    def work(self) -> None:
        """Wait for the first delivery, then exchange forever."""
        while not self._credential.exists():
            time.sleep(PAUSE)
        begun = time.monotonic()
        while True:
            self._exchange()
            self.status["seconds"] = round(time.monotonic() - begun, 2)
            time.sleep(PAUSE)

    def _exchange(self) -> None:
        credential = read_env(self._credential.read_text(encoding="utf-8"))
        form = {
            "grant_type": "client_credentials",
            "client_id": credential["CLIENT_ID"],
            "client_secret": credential["CLIENT_SECRET"],
            "scope": credential["SCOPE"],
        }
        self.status["exchanges"] += 1
        try:
            answer = self._session.post(credential["TOKEN_URL"], data=form, timeout=10)
            answer.raise_for_status()
        except requests.RequestException as error:
            self.status["failed"] += 1
            self.status["errors"].append(type(error).__name__)
            return
        if credential["ROTATION_ID"] not in self.status["rotation_ids"]:
            self.status["rotation_ids"].append(credential["ROTATION_ID"])


def read_env(text: str) -> dict[str, str]:
    """The members of a credential file of format ``env``."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, value in pairs}


def _handler(consumer: Consumer) -> type[BaseHTTPRequestHandler]:
    class Status(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(consumer.status).encode() + b"\n"
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Log nothing."""

    return Status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="A small service that uses a delivered credential.")
    parser.add_argument("credential", type=Path, help="the credential file, format env; the service waits for it")
    parser.add_argument("--port", type=int, default=0, help="the port of the status page; 0: a free port")
    parser.add_argument("--port-file", type=Path, help="a file for the port, written when the service is ready")
    return parser


def main() -> None:
    """Serve the status, and exchange credentials."""
    options = _parser().parse_args()
    consumer = Consumer(options.credential)
    server = ThreadingHTTPServer(("127.0.0.1", options.port), _handler(consumer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = str(server.server_address[1])
    if options.port_file:
        part = options.port_file.with_suffix(".part")
        part.write_text(port, encoding="utf-8")
        part.replace(options.port_file)
    print(f"http://127.0.0.1:{port}/ shows what this service has done. Ctrl-C ends it.", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        consumer.work()


if __name__ == "__main__":
    main()
