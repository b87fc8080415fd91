# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as users have it: installed from a tarball, in an environment without a link to the checkout."""

from __future__ import annotations

import os
import subprocess
import venv
from pathlib import Path

from ansible_run import VENV, Ansible

ROOT = Path(__file__).resolve().parents[2]


def bare(home: Path) -> Path:
    """An environment with all that this one has, except for collections. Returns its ``bin``."""
    place = home / "venv"
    venv.create(place, symlinks=True)
    (theirs,) = VENV.glob("lib/python3.*/site-packages")
    (ours,) = place.glob("lib/python3.*/site-packages")
    for path in theirs.iterdir():
        if path.name != "ansible_collections" and not (ours / path.name).exists():
            (ours / path.name).symlink_to(path)
    for program in (VENV / "bin").glob("ansible*"):
        _first, _newline, code = program.read_text(encoding="utf-8").partition("\n")
        copy = place / "bin" / program.name
        copy.write_text(f"#!{place / 'bin' / 'python'}\n{code}", encoding="utf-8")
        copy.chmod(0o755)
    return place / "bin"


def installed(home: Path) -> Path:
    """Build the tarball and install it. Returns the folder of the collection."""
    _galaxy(home, "build", "--output-path", "built", str(ROOT))
    _galaxy(home, "install", "--force", "--offline", "-p", "collections", *map(str, (home / "built").glob("*.tar.gz")))
    return home / "collections" / "ansible_collections" / "aritma" / "iam"


def _galaxy(home: Path, *arguments: str) -> None:
    command = [str(VENV / "bin" / "ansible-galaxy"), "collection", *arguments]
    environment = {**os.environ, "HOME": str(home)}
    subprocess.run(command, check=True, capture_output=True, cwd=home, env=environment)


def as_users_have_it(ansible: Ansible) -> Path:
    """Let ``ansible`` run with the installed collection, and no other. Returns the folder of the programs."""
    programs = bare(ansible.home)
    ansible.environment |= {
        "ANSIBLE_COLLECTIONS_PATH": str(installed(ansible.home).parents[2]),
        "PATH": f"{programs}{os.pathsep}{ansible.environment['PATH']}",
    }
    return programs
