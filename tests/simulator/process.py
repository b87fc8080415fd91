# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts and controls the simulator from a test. It uses only the standard library, so it runs in any environment.

with running(profile="small_pages", accept_delay=2) as simulator:
    simulator.admin.seed(clients=[{"name": "billing"}])
    ... simulator.api_url, simulator.token_url() ...
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

ADMIN_CLIENT_ID = "admin"
ADMIN_CLIENT_SECRET = "simulator-admin-secret"
TENANT = "acme"
_TESTS = Path(__file__).resolve().parent.parent
_START_SECONDS = 120.0
_STOP_SECONDS = 10.0
Switch = str | int | float | bool


class ControlError(RuntimeError):
    """The control API refused a call; the message is its answer."""


class Admin:
    """The control API of a running simulator. Answers are plain JSON data."""

    def __init__(self, url: str, ca_file: str | None = None) -> None:
        self._address = urlsplit(url)
        self._ca_file = ca_file

    def _connection(self, timeout: float) -> HTTPConnection:
        host, port = self._address.hostname or "", self._address.port
        if self._ca_file is None:
            return HTTPConnection(host, port, timeout=timeout)
        trust = ssl.create_default_context(cafile=self._ca_file)
        return HTTPSConnection(host, port, timeout=timeout, context=trust)

    def call(self, method: str, path: str, data: Any = None, timeout: float = 30.0) -> Any:
        """Call a path below /_sim. Raises `ControlError` if the call is refused."""
        body = None if data is None else json.dumps(data)
        with contextlib.closing(self._connection(timeout)) as connection:
            connection.request(method, f"/_sim{path}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
        if response.status >= HTTPStatus.BAD_REQUEST:
            raise ControlError(f"{method} {path}: {response.status} {text}")
        return json.loads(text)

    def health(self) -> dict[str, Any]:
        """Check that the simulator answers; its profile."""
        answer: dict[str, Any] = self.call("GET", "/health", timeout=5.0)
        return answer

    def reset(self, profile: str | None = None, **switches: Switch) -> dict[str, Any]:
        """Forget all state, and optionally change the profile."""
        data = {"profile": profile, "switches": switches or None}
        answer: dict[str, Any] = self.call("POST", "/reset", {key: item for key, item in data.items() if item})
        return answer

    def profile(self) -> dict[str, Any]:
        """The values of the switches."""
        answer: dict[str, Any] = self.call("GET", "/profile")
        return answer

    def switch(self, **switches: Switch) -> dict[str, Any]:
        """Change switches."""
        answer: dict[str, Any] = self.call("PATCH", "/profile", switches)
        return answer

    def seed(self, **things: Any) -> dict[str, Any]:
        """Create clients, policies, users, groups, scopes and actions. Returns their ids."""
        answer: dict[str, Any] = self.call("POST", "/seed", things)
        return answer

    def state(self, client_id: str | None = None) -> dict[str, Any]:
        """The state, without values of secrets."""
        query = "" if client_id is None else "?" + urlencode({"client_id": client_id})
        answer: dict[str, Any] = self.call("GET", "/state" + query)
        return answer

    def check(self, client_id: str, value: str) -> dict[str, list[str | int]]:
        """The ids of the secrets that have this value: `matches`, `live`, `deleted`."""
        answer: dict[str, list[str | int]] = self.call("POST", "/check", {"client_id": client_id, "value": value})
        return answer

    def allowed(self, token: str, action: str, scope: str) -> dict[str, Any]:
        """Whether a resource would allow a client with this token: `allowed`, and `through` which subjects."""
        data = {"token": token, "action": action, "scope": scope}
        answer: dict[str, Any] = self.call("POST", "/allowed", data)
        return answer

    def log(self, since: int = 0, **wanted: str) -> list[dict[str, Any]]:
        """The log, in order. `wanted` filters by members such as operation, client_id or kind."""
        answer: list[dict[str, Any]] = self.call("GET", "/log?" + urlencode({"since": since, **wanted}))
        return answer

    def clear_log(self) -> None:
        """Clear the log."""
        self.call("DELETE", "/log")

    def mark(self, **event: Any) -> dict[str, Any]:
        """Add a marker to the log."""
        answer: dict[str, Any] = self.call("POST", "/log", event)
        return answer

    def add_faults(self, *rules: Mapping[str, Any]) -> None:
        """Add fault rules."""
        self.call("POST", "/faults", list(rules))

    def faults(self) -> list[dict[str, Any]]:
        """The fault rules with their counters `matched` and `applied`."""
        answer: list[dict[str, Any]] = self.call("GET", "/faults")
        return answer

    def clear_faults(self) -> None:
        """Remove all rules and resume paused requests."""
        self.call("DELETE", "/faults")

    def paused(self, wait: float = 0.0) -> list[dict[str, Any]]:
        """The paused requests. Waits up to `wait` seconds until there is one."""
        answer: list[dict[str, Any]] = self.call("GET", f"/paused?wait={wait}", timeout=wait + 10.0)
        return answer

    def resume(self, name: str | None = None, seq: int | None = None, drop: bool = False) -> int:
        """Resume paused requests, or drop their connections. Returns how many."""
        answer = self.call("POST", "/resume", {"name": name, "seq": seq, "drop": drop})
        return int(answer["resumed"])

    def violations(self) -> dict[str, list[dict[str, Any]]]:
        """Contract violations: `requests` and `responses`."""
        answer: dict[str, list[dict[str, Any]]] = self.call("GET", "/violations")
        return answer

    def clear_violations(self) -> None:
        """Clear the violations."""
        self.call("DELETE", "/violations")


class Server:
    """A running simulator: its addresses, its admin client, and its control API."""

    tenant = TENANT
    admin_client_id = ADMIN_CLIENT_ID

    def __init__(self, url: str, admin_secret: str = ADMIN_CLIENT_SECRET, ca_file: str | None = None) -> None:
        self.url = url
        self.admin_client_secret = admin_secret
        self._ca_file = ca_file

    @property
    def api_url(self) -> str:
        """The URL of IAM, without /v1."""
        return self.url + "/core/iam"

    @property
    def identity_url(self) -> str:
        """The URL before /{tenant}/connect/token."""
        return self.url

    def token_url(self, tenant: str | None = TENANT) -> str:
        """The token endpoint of a tenant; with None, of the default tenant."""
        return f"{self.url}/{tenant}/connect/token" if tenant else f"{self.url}/connect/token"

    @property
    def admin(self) -> Admin:
        """The control API."""
        return Admin(self.url, self._ca_file)


class Simulator(Server):
    """A simulator process. `kill` and `restart` keep its state file."""

    def __init__(self, arguments: list[str], *, tls: tuple[str, str] | None, admin_secret: str) -> None:
        super().__init__("", admin_secret, tls[0] if tls else None)
        self.directory = Path(tempfile.mkdtemp(prefix="simulator-"))
        self._arguments = arguments
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def pid(self) -> int:
        """The process id; 0 when it is not running."""
        return self._process.pid if self._process else 0

    def start(self) -> None:
        """Start the process on the port that it had before, and wait until it answers."""
        port_file = self.directory / "port"
        port_file.unlink(missing_ok=True)
        command = [
            sys.executable,
            "-m",
            "simulator",
            "--port",
            str(self._port),
            "--port-file",
            str(port_file),
            "--state",
            str(self.directory / "state.db"),
            "--exit-with-parent",
            *self._arguments,
        ]
        environment = {**os.environ, "PYTHONPATH": str(_TESTS), "SIMULATOR_ADMIN_SECRET": self.admin_client_secret}
        with (self.directory / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while not self._answers(port_file):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise RuntimeError(f"the simulator did not start:\n{self.output()}")
            time.sleep(0.02)

    def _answers(self, port_file: Path) -> bool:
        if not port_file.exists():
            return False
        self._port = int(port_file.read_text())
        self.url = f"{'https' if self._ca_file else 'http'}://127.0.0.1:{self._port}"
        try:
            return bool(self.admin.health())
        except (OSError, HTTPException):
            return False

    def output(self) -> str:
        """What the process has printed."""
        return (self.directory / "output.log").read_text(errors="replace")

    def stop(self) -> int | None:
        """End the process with SIGTERM. Returns its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the process with SIGKILL. The state is kept."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """End the process if it runs, and start it with the same state on the same port."""
        self.stop()
        self.start()

    def _end(self, how: signal.Signals) -> int | None:
        if self._process is None:
            return None
        self._process.send_signal(how)
        try:
            code = self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        self._process = None
        return code

    def close(self) -> None:
        """End the process and remove its files."""
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)


@contextlib.contextmanager
def running(
    profile: str = "documented",
    *,
    tls: tuple[str, str] | None = None,
    admin_secret: str = ADMIN_CLIENT_SECRET,
    **switches: Switch,
) -> Iterator[Simulator]:
    """Run a simulator with this profile on a free port of 127.0.0.1. `tls` is (certificate file, key file)."""
    arguments = ["--profile", profile]
    for name, value in switches.items():
        arguments += ["--set", f"{name}={value}"]
    if tls is not None:
        arguments += ["--tls-cert", tls[0], "--tls-key", tls[1]]
    simulator = Simulator(arguments, tls=tls, admin_secret=admin_secret)
    try:
        yield simulator
    finally:
        simulator.close()
