# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the programs that some tests need: Chromium with its driver, and Java.

``programs.py`` installs missing programs with apt-get if the user is root or may use sudo without a password. Otherwise
it fails and says what to install.
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
    """A program: its name, a function that finds it, and its Debian packages."""

    name: str
    find: Callable[[], str | None]
    packages: tuple[str, ...]


def find_chromium() -> str | None:
    """A browser that chromedriver can drive."""
    return next(filter(None, map(shutil.which, CHROMIUM)), None)


def find_chromedriver() -> str | None:
    """The driver of Chromium. Some CI machines have it in a separate folder."""
    return shutil.which(
        "chromedriver", path=os.pathsep.join([os.environ["PATH"], os.environ.get("CHROMEWEBDRIVER", "")])
    )


def find_java() -> str | None:
    """A Java that is new enough for ansible-rulebook."""
    program = shutil.which("java")
    if program is None:
        return None
    output = subprocess.run([program, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', output)
    return program if version and int(version[1]) >= OLDEST_JAVA else None


NEEDS = (
    Need("Chromium", find_chromium, ("chromium",)),
    Need("chromedriver", find_chromedriver, ("chromium-driver",)),
    Need(f"Java {OLDEST_JAVA}", find_java, (f"openjdk-{OLDEST_JAVA}-jre-headless",)),
)


def missing() -> list[Need]:
    """The programs that this machine does not have."""
    return [need for need in NEEDS if need.find() is None]


def root() -> list[str] | None:
    """The start of a command that runs as root. None if this user may not run commands as root."""
    if os.geteuid() == 0:
        return []
    asked = ["sudo", "-n", "true"]
    may = shutil.which("sudo") and subprocess.run(asked, capture_output=True, check=False).returncode == 0
    return ["sudo", "-n"] if may else None


def install(needs: list[Need]) -> None:
    """Install the packages if apt-get exists and this user may run it."""
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
        # Two make targets may need them at the same time.
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
