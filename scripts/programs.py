# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the programs that some tests drive, beside the Python packages: Chromium with its driver, and Java.

``programs.py`` makes sure that they are there. What is missing it installs with apt-get, where this user may do that
(root, or sudo without a password); else it says what to install, and fails.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environment import BUILD

OLDEST_JAVA = 17
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-qq"]


@dataclass(frozen=True)
class Need:
    """A program: what it is for people, how to find it, and the Debian packages that have it."""

    name: str
    find: Callable[[], str | None]
    packages: tuple[str, ...]


def find_chromium() -> str | None:
    """A browser that chromedriver can drive."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def find_chromedriver() -> str | None:
    """Its driver; some CI machines keep it in a folder of its own."""
    return shutil.which(
        "chromedriver", path=os.pathsep.join([os.environ["PATH"], os.environ.get("CHROMEWEBDRIVER", "")])
    )


def find_java() -> str | None:
    """A Java that ansible-rulebook can use."""
    program = shutil.which("java")
    if program is None:
        return None
    told = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    return program if version and int(version[1]) >= OLDEST_JAVA else None


NEEDS = (
    Need("Chromium", find_chromium, ("chromium",)),
    Need("chromedriver", find_chromedriver, ("chromium-driver",)),
    Need(f"Java {OLDEST_JAVA}", find_java, (f"openjdk-{OLDEST_JAVA}-jre-headless",)),
)


def missing() -> list[Need]:
    """What this machine lacks."""
    return [need for need in NEEDS if need.find() is None]


def root() -> list[str] | None:
    """What to put before a command to run it as root; None where that is not possible."""
    if os.geteuid() == 0:
        return []
    asked = ["sudo", "-n", "true"]
    may = shutil.which("sudo") and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if may else None


def install(needs: list[Need]) -> None:
    """Install the packages, where there is apt-get and this user may."""
    prefix = root()
    if prefix is None or shutil.which("apt-get") is None:
        return
    packages = [package for need in needs for package in need.packages]
    print(f"installing {' '.join(packages)} ...", flush=True)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
        subprocess.run([*prefix, *environment, *APT, *arguments], check=False, stdin=subprocess.DEVNULL)


def main() -> None:
    BUILD.mkdir(exist_ok=True)
    with Path(BUILD / "programs.lock").open("w") as file:
        # Two targets of one run may want them at the same time.
        fcntl.flock(file, fcntl.LOCK_EX)
        if missing():
            install(missing())
    if missing():
        names = ", ".join(need.name for need in missing())
        packages = " ".join(package for need in missing() for package in need.packages)
        sys.exit(
            f"programs: {names} not found. The tests of the audit page and of the rulebook need them.\n"
            f"Install them; on Debian: apt-get install {packages}"
        )


if __name__ == "__main__":
    main()
