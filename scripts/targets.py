# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the targets of ``ansible-test integration`` against a simulator: ``targets.py main core-2.21 -- oidc_client``.

Beyond what ansible-test looks at, a warning fails that no task declares with the variable ``expected_warning``, and so
does output that holds the admin secret.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sanity import Place, run

START_SECONDS = 30.0
# A warning of Ansible is wrapped, and ends before an empty line or the next message.
WARNING = re.compile(
    r"^\[(?:DEPRECATION )?WARNING\]: "
    r"((?:.+\n)(?:(?!\[|[a-z]+: \[|PLAY|TASK|WARNING|expected warning: ).+\n)*)",
    re.MULTILINE,
)
EXPECTED = re.compile(r"^expected warning: (.*)$", re.MULTILINE)


@contextmanager
def simulator(place: Place, secret: str) -> Iterator[str]:
    """A simulator, run by the environment's Python, for as long as the context lasts; its URL."""
    port_file = place.home / "simulator.port"
    port_file.unlink(missing_ok=True)
    process = subprocess.Popen(
        [place.venv.python, "-m", "simulator", "--port-file", port_file, "--exit-with-parent"],
        cwd=place.checkout / "tests",
        env=os.environ | {"SIMULATOR_ADMIN_SECRET": secret},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("integration: the simulator did not start")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text().strip()}"
    finally:
        process.terminate()
        process.wait()


def integration(place: Place, options: list[str]) -> bool:
    secret = secrets.token_hex(16)
    with simulator(place, secret) as url:
        settings = {"simulator_url": url, "simulator_admin_secret": secret}
        (place.checkout / "tests" / "integration" / "integration_config.yml").write_text(json.dumps(settings))
        process = place.start(options, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        output = echoed(process)
        passed = process.wait() == 0
    found = [f"a warning that no task expects: {each}" for each in unexpected(output)]
    found += ["the output holds the admin secret"] if secret in output else []
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
    """The warnings in the output of ansible-test that no task said to expect, each on one line."""
    expected = {squeezed(text) for text in EXPECTED.findall(output)}
    warnings = [" ".join(text.split()) for text in WARNING.findall(output)]
    return [text for text in warnings if squeezed(text) not in expected]


def squeezed(text: str) -> str:
    return "".join(text.split())


if __name__ == "__main__":
    run("integration", integration)
