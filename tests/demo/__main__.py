# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m demo`` starts the simulator and a consumer, and runs the playbook ``aritma.iam.demo`` on them.

It uses one temporary folder and child processes, and removes both at the end, also after Ctrl-C.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from simulator.process import Server, running

_PORT_SECONDS = 60.0


def main() -> int:
    """Run the demonstration. Returns the exit code of the playbook."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with contextlib.suppress(KeyboardInterrupt), tempfile.TemporaryDirectory(prefix="aritma-iam-demo-") as name:
        home = Path(name)
        with running(profile="documented") as simulator, consumer(home) as port:
            environment = {
                **_without_ansible(os.environ),
                "ARITMA_TOKEN_CACHE_DIR": str(home / "tokens"),
                "ANSIBLE_LOCAL_TEMP": str(home / "tmp"),
                "ANSIBLE_REMOTE_TEMP": str(home / "tmp"),
                "ANSIBLE_LOCALHOST_WARNING": "false",
                "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
                **places(home, simulator, port),
            }
            return _play(environment)
    print("Interrupted: every process and file of the demonstration is gone.")
    return 130


def _interrupt(*_args: object) -> None:
    raise KeyboardInterrupt


def _without_ansible(environment: os._Environ[str]) -> dict[str, str]:
    """The environment without settings of the user for Ansible and for the collection."""
    return {name: value for name, value in environment.items() if not name.startswith(("ANSIBLE_", "ARITMA_"))}


def _play(environment: dict[str, str]) -> int:
    playbook = Path(sys.executable).with_name("ansible-playbook")
    process = subprocess.Popen([playbook, "aritma.iam.demo"], env=environment, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    finally:
        _end(process)


def places(home: Path, simulator: Server, consumer_port: int) -> dict[str, str]:
    """The environment variables that tell the playbook its folder, URL and port."""
    return {"DEMO_HOME": str(home), "DEMO_URL": simulator.url, "DEMO_CONSUMER_PORT": str(consumer_port)}


@contextlib.contextmanager
def consumer(home: Path) -> Iterator[int]:
    """Run a consumer that waits for its credential. Yields the port of its status page."""
    port_file = home / "consumer.port"
    program = Path(__file__).with_name("consumer.py")
    process = subprocess.Popen(
        [sys.executable, program, home / "credentials.env", "--port-file", port_file],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + _PORT_SECONDS
        while not port_file.exists():
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The consumer did not start.")
            time.sleep(0.02)
        yield int(port_file.read_text(encoding="utf-8"))
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main())
