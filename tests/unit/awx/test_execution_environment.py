# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an execution environment gets: ansible-builder accepts both definitions, and they name every library."""

from __future__ import annotations

import ast
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import yaml
from packaging.requirements import Requirement

from awx.data import FOLDER

ROOT = FOLDER.parent.parent
DEFINITION = FOLDER.parent / "ee" / "execution-environment.yml"
BUILDER = Path(sys.prefix) / "bin" / "ansible-builder"
COMES_WITH = {"urllib3": "requests", "botocore": "boto3"}
"""Libraries that a requirement of ours brings along in any release."""


def _run(*arguments: str | Path) -> str:
    done = subprocess.run([BUILDER, *arguments], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _introspected(folder: Path) -> list[Requirement]:
    """What ansible-builder finds that this collection needs."""
    link = folder / "ansible_collections" / "aritma" / "iam"
    link.parent.mkdir(parents=True)
    link.symlink_to(ROOT)
    found = yaml.safe_load(_run("introspect", folder).partition("---")[2])
    assert found["system"] == []
    return [Requirement(each.partition("#")[0].strip()) for each in found["python"]]


def _imported() -> set[str]:
    """The first parts of the names of all modules that the plugins import, also by `library` when they are used."""
    names = set()
    for path in (ROOT / "plugins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                names.add(node.module.partition(".")[0])
            elif isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "library":
                names |= {str(each.value).partition(".")[0] for each in node.args[:1] if isinstance(each, ast.Constant)}
    return names


def test_every_library_is_asked_for(tmp_path: Path) -> None:
    """No more and no less than what the plugins import, in releases that the tests run with."""
    found = _introspected(tmp_path)
    ours = _imported() - sys.stdlib_module_names - {"ansible", "ansible_collections", "jinja2", "yaml"}
    assert {COMES_WITH.get(name, name) for name in ours} == {each.name for each in found}
    assert [each.name for each in found if version(each.name) not in each.specifier] == []


def test_an_image_can_be_prepared(tmp_path: Path) -> None:
    """The build context is made, installs this collection, and asks only for supported releases of ansible-core."""
    _run("create", "-f", DEFINITION, "-c", tmp_path / "context", "--output-filename", "Containerfile")
    asked = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text(encoding="utf-8"))
    assert [each["name"] for each in asked["collections"]] == ["aritma.iam"]
    dependencies = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))["dependencies"]
    core = Requirement(dependencies["ansible_core"]["package_pip"])
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    assert runtime["requires_ansible"] in str(core.specifier).split(",")
    assert version("ansible-core") in core.specifier
