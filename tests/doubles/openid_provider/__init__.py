# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certified OpenID provider, npm's `oidc-provider`, that knows the clients and secrets of a simulator."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

OLDEST_NODE = 20
_HERE = Path(__file__).resolve().parent
_PLACE = _HERE.parents[2] / ".build" / "openid_provider"


def find_node() -> str | None:
    """A Node that is new enough, with npm beside it."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(version.removeprefix("v").split(".")[0]) >= OLDEST_NODE else None


@contextmanager
def running_provider(node: str, simulator: str) -> Iterator[str]:
    """Run it for the simulator at an address; yields its own, below which there is `/acme/connect/token`."""
    _install()
    command = [node, str(_PLACE / "server.js"), simulator]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)


def _install() -> None:
    """The pinned packages, once for as long as the pins stay."""
    _PLACE.mkdir(parents=True, exist_ok=True)
    with (_PLACE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept, wanted = _PLACE / "package-lock.json", _HERE / "package-lock.json"
        fresh = (_PLACE / "node_modules").is_dir() and kept.exists() and kept.read_bytes() == wanted.read_bytes()
        if not fresh:
            shutil.copy(_HERE / "package.json", _PLACE)
            shutil.copy(wanted, _PLACE)
            npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(npm, cwd=_PLACE, capture_output=True, text=True, check=False)
            if done.returncode:
                kept.unlink()
                raise RuntimeError(f"npm could not install oidc-provider:\n{done.stdout}{done.stderr}")
        shutil.copy(_HERE / "server.js", _PLACE)
