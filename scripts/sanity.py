# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test without containers, on a copy of the checkout in a folder that ansible-test accepts.

``sanity.py NAME...`` runs ``ansible-test sanity --local`` in each named environment (``main``, ``core-2.18``, ...).
Options after ``--`` are passed to ansible-test, for example ``sanity.py main -- --test validate-modules``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import BUILD, ROOT, EnvironmentFailure, Venv, prepare

# ansible-test downloads get-pip.py unless the file is in its cache. This one installs the pip of the standard library.
GET_PIP = "import ensurepip\nensurepip.bootstrap()\n"
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")


def copy_checkout(target: Path) -> None:
    """Copy the files that git tracks or would track into a new repository. ansible-test would use an outer one."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    listed = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in sorted(set(filter(None, listed.split("\0")))):
        source = ROOT / name
        if source.is_symlink() or source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name, follow_symlinks=False)
    git(target, "init", "--quiet")
    git(target, "add", "--all", "--force")


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def place_pip_stand_in(venv: Venv, home: Path) -> None:
    (requirements,) = venv.path.glob("lib/python3.*/site-packages/ansible_test/_internal/python_requirements.py")
    for version in re.findall(r"pip='([\d.]+)'", requirements.read_text()):
        cached = home / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
        cached.parent.mkdir(parents=True, exist_ok=True)
        cached.write_text(GET_PIP)


def search_path(venv: Venv) -> str:
    """The PATH: the venv first, then the inherited PATH without pyenv shims (which fail), then the pyenv Pythons."""
    inherited = [part for part in os.environ["PATH"].split(os.pathsep) if not part.endswith("/shims")]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    real = [str(found) for python in PYTHONS for found in sorted(pyenv.glob(f"versions/{python}.*/bin"))]
    return os.pathsep.join([str(venv.path / "bin"), *inherited, *real])


def environment(venv: Venv, home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "PYTHON"))}
    return kept | {"HOME": str(home), "PATH": search_path(venv)}


def share_pip_settings(home: Path) -> None:
    """Let pip use the package index of the user although HOME is another folder."""
    settings = Path.home() / ".config" / "pip"
    link = home / ".config" / "pip"
    if settings.is_dir() and not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(settings)


@dataclass(frozen=True)
class Place:
    """The folders of one ansible-test command in one environment: a copy of the checkout, and a home folder."""

    venv: Venv
    command: str

    @property
    def checkout(self) -> Path:
        return BUILD / self.command / self.venv.name / "ansible_collections" / "aritma" / "iam"

    @property
    def home(self) -> Path:
        return BUILD / self.command / self.venv.name / "home"

    def lay_out(self) -> None:
        copy_checkout(self.checkout)
        place_pip_stand_in(self.venv, self.home)
        share_pip_settings(self.home)

    def start(self, options: list[str], **how: Any) -> subprocess.Popen[str]:
        program = str(self.venv.path / "bin" / "ansible-test")
        command = [program, self.command, "--local", "--color", "no", *options]
        settings = environment(self.venv, self.home)
        return subprocess.Popen(
            command, cwd=self.checkout, env=settings, stdin=subprocess.DEVNULL, text=True, errors="replace", **how
        )


def sanity(place: Place, options: list[str]) -> bool:
    return place.start(options).wait() == 0


def main(command: str, test: Callable[[Place, list[str]], bool], arguments: list[str]) -> None:
    """Run ``test`` in each named environment. Exits with the names of those that failed."""
    split = arguments.index("--") if "--" in arguments else len(arguments)
    places = [Place(venv, command) for venv in prepare(arguments[:split])]
    if not places:
        sys.exit(f"{command}: no environment to run in")
    failed = []
    for place in places:
        place.lay_out()
        passed = test(place, arguments[split + 1 :])
        print(f"{command} in {place.venv.name}: {'passed' if passed else 'failed'}", flush=True)
        failed += [] if passed else [place.venv.name]
    if failed:
        sys.exit(f"{command} failed in {', '.join(failed)}")


def run(command: str, test: Callable[[Place, list[str]], bool]) -> None:
    """Run ``main`` with the arguments of the script."""
    try:
        main(command, test, sys.argv[1:])
    except EnvironmentFailure as failure:
        sys.exit(f"environment: {failure}")


if __name__ == "__main__":
    run("sanity", sanity)
