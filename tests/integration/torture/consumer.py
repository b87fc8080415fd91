# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service at the end of a credential store: it reads the current value and exchanges it, again and again.

``python -m torture.consumer CONFIG LOG``: the configuration is a list of what to read (see ``Target``); the log gets a
line of JSON for each exchange. SIGTERM ends it.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import hvac
import requests

PAUSE = 0.06
"""Seconds between two exchanges."""

Pair = tuple[str, str]
"""A value and the rotation id it belongs to."""


@dataclass(frozen=True)
class Target:
    """One client. ``store`` is ``{path}`` of a record file, ``{url, token, mount, path}`` of a KV v2 secret, or
    ``{endpoint_url, path}`` of one of AWS.
    """

    name: str
    client_id: str
    token_url: str
    scope: str
    store: dict[str, str]


def reader(store: dict[str, str]) -> Callable[[], Any]:
    """How to read a record; None as long as there is none."""
    if "endpoint_url" in store:
        from doubles.aws import client, held

        secrets = client(store["endpoint_url"])
        return lambda: held(secrets, store["path"])
    if "url" not in store:
        return lambda: _file(Path(store["path"]))
    kv = hvac.Client(url=store["url"], token=store["token"]).secrets.kv.v2

    def secret() -> Any:
        try:
            answer = kv.read_secret_version(store["path"], mount_point=store["mount"], raise_on_deleted_version=True)
        except hvac.exceptions.InvalidPath:
            return None
        return answer["data"]["data"]

    return secret


def _file(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None


class Consumer:
    """Exchanges for one client, and says what came of it."""

    def __init__(self, target: Target, session: requests.Session) -> None:
        self.target = target
        self._session = session
        self._read = reader(target.store)

    def exchange(self) -> dict[str, Any]:
        """One reading and one exchange. A value that was replaced in between is ``raced``: a reader must read again."""
        begun = time.time()
        pair = self._current()
        verdict = self._verdict(*pair) if pair else "absent"
        if verdict == "refused" and self._current() != pair:
            verdict = "raced"
        rotation_id = pair[1] if pair else None
        return {"at": begun, "name": self.target.name, "verdict": verdict, "rotation_id": rotation_id}

    def _current(self) -> Pair | None:
        current = (self._read() or {}).get("current")
        return (current["value"], current["rotation_id"]) if current else None

    def _verdict(self, value: str, rotation_id: str) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": self.target.client_id or self._read()["client_id"],
            "client_secret": value,
            "scope": self.target.scope,
        }
        answer = self._session.post(self.target.token_url, data=form, timeout=30)
        if answer.ok:
            return "accepted"
        return "refused" if answer.json().get("error") == "invalid_client" else f"odd: {answer.status_code}"


def work(targets: list[Target], log: TextIO, ended: threading.Event) -> None:
    """Exchange for each in turn until it is to end; a request is not cut off."""
    session = requests.Session()
    session.trust_env = False
    consumers = [Consumer(each, session) for each in targets]
    while not ended.is_set():
        for each in consumers:
            try:
                line = each.exchange()
            except (requests.RequestException, hvac.exceptions.VaultError, ValueError) as error:
                line = {"at": time.time(), "name": each.target.name, "verdict": f"error: {type(error).__name__}"}
            log.write(json.dumps(line) + "\n")
            log.flush()
            time.sleep(PAUSE)


def main() -> None:
    """See the module."""
    config, log = Path(sys.argv[1]), Path(sys.argv[2])
    targets = [Target(**each) for each in json.loads(config.read_text(encoding="utf-8"))]
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda _number, _frame: ended.set())
    with log.open("a", encoding="utf-8") as file:
        work(targets, file, ended)


if __name__ == "__main__":
    main()
