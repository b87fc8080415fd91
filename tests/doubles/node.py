# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds Node, and installs pinned npm packages."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

OLDEST_NODE = 20
_BUILD = Path(__file__).resolve().parents[2] / ".build"


def find_node() -> str | None:
    """The path of Node, if it is new enough and npm is installed too."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    return node if int(version.removeprefix("v").split(".")[0]) >= OLDEST_NODE else None


def installed(pins: Path) -> Path:
    """Install the packages that the folder ``pins`` lists, unless they are installed. Returns their folder."""
    place = _BUILD / pins.name
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        kept, wanted = place / "package-lock.json", pins / "package-lock.json"
        fresh = (place / "node_modules").is_dir() and kept.exists() and kept.read_bytes() == wanted.read_bytes()
        if not fresh:
            shutil.copy(pins / "package.json", place)
            shutil.copy(wanted, place)
            npm = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(npm, cwd=place, capture_output=True, text=True, check=False)
            if done.returncode:
                kept.unlink()
                raise RuntimeError(f"npm could not install {pins.name}:\n{done.stdout}{done.stderr}")
    return place
