# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Show libraries of this Python, and what they require, to a virtual environment: ``libraries.py VENV NAME...``."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def required(names: list[str]) -> set[str]:
    """The named distributions and what they require, as far as it is installed here."""
    found: set[str] = set()
    wanted = list(names)
    while wanted:
        name = wanted.pop()
        try:
            needs = distribution(name).requires or []
        except PackageNotFoundError:
            continue  # required on other systems only
        if name not in found:
            found.add(name)
            wanted += [re.split(r"[^A-Za-z0-9._-]", need)[0] for need in needs if "extra ==" not in need]
    return found


def link(venv: Path, name: str) -> None:
    """Link the top-level files and folders of a distribution."""
    (site_packages,) = venv.glob("lib/python3.*/site-packages")
    files = distribution(name).files or []
    for top in {
        file.parts[0] for file in files if not file.is_absolute() and file.parts[0] not in ("..", "__pycache__")
    }:
        place = site_packages / top
        if not place.exists():
            place.symlink_to(Path(str(distribution(name).locate_file(top))))


if __name__ == "__main__":
    for each in sorted(required(sys.argv[2:])):
        link(Path(sys.argv[1]), each)
