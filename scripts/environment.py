# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create the Python environments under .build/ from the pinned files in requirements/.

``environment.py NAME...`` creates or updates the named environments: ``demo`` and ``main`` in .build/venv, and
``docs``, ``importer``, ``lowest`` and ``core-2.18`` and the like (see ``[tool.aritma-iam.cores]`` in pyproject.toml)
in their own folders. It skips a core with a notice if this machine has none of its Pythons. ``environment.py --lock``
pins new versions of all groups, ``environment.py --matrix`` prints cores and Pythons as JSON.

Needs Python 3.11 with only the standard library, and the package index. Works with an externally managed Python.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import tomllib

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / ".build"
REQUIREMENTS = ROOT / "requirements"
UV_VERSION = "0.13.9"
OLDEST_PYTHON = "3.11"
# The Python settings of the caller must not affect the environments. Without PYTHONDONTWRITEBYTECODE, Python compiles a
# module when it is first imported.
UNWANTED = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in UNWANTED} | {
    "UV_PYTHON_DOWNLOADS": "never"
}


class EnvironmentFailure(Exception):
    """A failure that the user must fix; the text says how."""


@dataclass(frozen=True)
class Venv:
    """A virtual environment with its name, its folder, and the file with its pinned versions."""

    name: str

    @property
    def path(self) -> Path:
        return BUILD / ("venv" if self.name in ("demo", "main") else self.name)

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def requirements(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def stamp_file(self) -> Path:
        return self.path / "aritma-iam.stamp"

    def stamp(self) -> str:
        """The sources of this environment: the path of the checkout, the version of uv, and the pinned versions."""
        digest = hashlib.sha256(self.requirements.read_bytes()).hexdigest()
        return f"{self.name}\n{ROOT}\n{UV_VERSION}\n{digest}\n"

    def up_to_date(self) -> bool:
        if not (self.stamp_file.is_file() and self.python.exists()):
            return False
        # The main environment contains everything that the demo needs.
        wanted = {self.stamp(), Venv("main").stamp()} if self.name == "demo" else {self.stamp()}
        return self.stamp_file.read_text() in wanted

    def moved(self) -> bool:
        """Whether the checkout was moved: the scripts in bin/ contain its old path."""
        return self.stamp_file.is_file() and str(ROOT) not in self.stamp_file.read_text().splitlines()


def settings() -> dict[str, list[str]]:
    """Each tested release of ansible-core with the Python versions that may run it, best first."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        cores: dict[str, list[str]] = tomllib.load(file)["tool"]["aritma-iam"]["cores"]
    return cores


def run(*command: str | Path) -> None:
    """Run a command without showing its output. Raises `EnvironmentFailure` with the output if it fails."""
    try:
        subprocess.run(command, check=True, env=ENVIRONMENT, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    except subprocess.CalledProcessError as failure:
        what = " ".join(map(str, command))
        raise EnvironmentFailure(f"{what}\nfailed:\n{failure.stdout}{failure.stderr}") from None


def uv() -> Path:
    """The pinned uv, installed alone in a folder below .build/."""
    home = BUILD / f"uv-{UV_VERSION}"
    program = home / "bin" / "uv"
    if not program.exists():
        shutil.rmtree(home, ignore_errors=True)
        package = f"uv=={UV_VERSION}"
        try:
            run(sys.executable, "-m", "pip", "install", "--quiet", "--target", home, package)
        except EnvironmentFailure:
            # A Python without pip may have ensurepip.
            run(sys.executable, "-m", "venv", "--clear", home)
            run(home / "bin" / "python", "-m", "pip", "install", "--quiet", package)
    return program


def python_version(program: Path | str) -> str | None:
    """The version of a Python, such as ``3.12``. None if it is missing or fails, as some pyenv shims do."""
    command = [program, "-I", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def candidates(version: str) -> Iterator[str | Path]:
    yield sys.executable
    if on_path := shutil.which(f"python{version}"):
        yield on_path
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(pyenv.glob(f"versions/{version}.*/bin/python{version}"), reverse=True)
    yield from sorted((Path.home() / ".local/share/uv/python").glob(f"*-{version}.*/bin/python{version}"), reverse=True)


def find_python(versions: list[str]) -> str | Path | None:
    for version in versions:
        for program in candidates(version):
            if python_version(program) == version:
                return program
    return None


def interpreter(venv: Venv) -> str | Path | None:
    core = venv.name.removeprefix("core-")
    return sys.executable if core == venv.name else find_python(settings()[core])


def link_collection(venv: Venv) -> None:
    """Make the checkout importable as ansible_collections.aritma.iam in the environment."""
    (site_packages,) = venv.path.glob("lib/python3.*/site-packages")
    place_link(site_packages / "ansible_collections" / "aritma" / "iam")


def place_link(link: Path) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT)


def make(venv: Venv) -> None:
    """Update one environment. The stamp is written last, so the next run repeats an interrupted one."""
    if venv.up_to_date():
        return
    python = interpreter(venv)
    if python is None:
        print(f"notice: skipping {venv.name}: none of Python {', '.join(settings()[venv.name[5:]])} found", flush=True)
        return
    print(f"making {venv.path.relative_to(ROOT)} ({venv.name}) ...", flush=True)
    if venv.moved() or not venv.python.exists():
        run(uv(), "venv", "--quiet", "--clear", "--python", python, venv.path)
    venv.stamp_file.unlink(missing_ok=True)
    run(uv(), "pip", "install", "--quiet", "--python", venv.python, "-r", venv.requirements)
    link_collection(venv)
    # mypy checks source only on its own path, never in site-packages.
    place_link(BUILD / "source" / "ansible_collections" / "aritma" / "iam")
    venv.stamp_file.write_text(venv.stamp())


def prepare(names: list[str]) -> list[Venv]:
    """Update the named environments. Returns those that this machine can run."""
    unknown = [name for name in names if not Venv(name).requirements.is_file()]
    if unknown:
        raise EnvironmentFailure(f"unknown: {', '.join(unknown)}; there are {', '.join(known())}")
    BUILD.mkdir(exist_ok=True)
    with (BUILD / "environment.lock").open("w") as file:
        # Two runs must not create the same environment at the same time.
        fcntl.flock(file, fcntl.LOCK_EX)
        for name in names:
            make(Venv(name))
    return [venv for venv in map(Venv, names) if venv.up_to_date()]


def lock() -> None:
    """Pin the group of every environment for all its Pythons. The demo gets the versions of main."""
    pythons = dict.fromkeys(("main", "demo", "docs", "importer", "lowest"), OLDEST_PYTHON)
    pythons |= {f"core-{core}": min(versions, key=minor) for core, versions in settings().items()}
    for name, python in pythons.items():
        constraint: list[str | Path] = ["--constraint", Venv("main").requirements] if name == "demo" else []
        group = f"{ROOT / 'pyproject.toml'}:{name}"
        options = ["--quiet", "--universal", "--upgrade", "--no-header", "--no-annotate", "--python-version", python]
        options += ["--resolution", "lowest-direct"] if name == "lowest" else []
        run(uv(), "pip", "compile", *options, *constraint, "--group", group, "-o", Venv(name).requirements)


def known() -> list[str]:
    return sorted(file.stem for file in REQUIREMENTS.glob("*.txt"))


def minor(version: str) -> int:
    return int(version.partition(".")[2])


def matrix() -> str:
    """Each core and its best Python, as JSON for a hosted CI."""
    return json.dumps([{"core": core, "python": versions[0]} for core, versions in settings().items()])


def main() -> None:
    parser = argparse.ArgumentParser(description="Create the Python environments under .build/.")
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--lock", action="store_true", help="pin new versions of all groups in pyproject.toml")
    parser.add_argument("--matrix", action="store_true", help="print the tested cores and Pythons as JSON")
    wanted = parser.parse_args()
    if wanted.matrix:
        print(matrix())
    if wanted.lock:
        lock()
    prepare(wanted.names)


if __name__ == "__main__":
    try:
        main()
    except EnvironmentFailure as failure:
        sys.exit(f"environment: {failure}")
