# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small service: it reads its delivered credential file and exchanges it for a token, again and again.

``python -m demo.consumer CREDENTIAL_FILE PORT_FILE`` answers on loopback what it has done, as JSON: how many exchanges
it made, how many failed, and the rotation ids it has worked with. It is what a real service would be, and its probe.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import requests

PAUSE = 0.01
"""Seconds between two exchanges."""


class Consumer:
    """Counts what it does; a failure is any exchange that brought no token."""

    def __init__(self, credential: Path) -> None:
        self._credential = credential
        self._session = requests.Session()
        self.status: dict[str, Any] = {"exchanges": 0, "failed": 0, "rotation_ids": [], "errors": [], "seconds": 0.0}

    def work(self) -> None:
        """Wait for the first delivery, then exchange for ever."""
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
            body = json.dumps(consumer.status).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Status


def main() -> None:
    """Serve the status, and work."""
    credential, port_file = Path(sys.argv[1]), Path(sys.argv[2])
    consumer = Consumer(credential)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(consumer))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    part = port_file.with_suffix(".part")
    part.write_text(str(server.server_address[1]), encoding="utf-8")
    part.replace(port_file)
    consumer.work()


if __name__ == "__main__":
    main()
