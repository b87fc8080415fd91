# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of what people read finds something, and not in code; every term has its line in the glossary."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import prose

PLUGIN = '''
DOCUMENTATION = r"""
description:
  - {text}
  - Another one, with C(the the).
"""
EXAMPLES = r"""
- name: It is told as an error
"""
'''
TERMS = ("lineage", "lease", "sweep", "promote", "retire", "grace", "round", "generation", "target", "tombstone")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], list[str]]:
    """What the linters say of one file of a repository."""
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    def lint(name: str, text: str) -> list[str]:
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        return prose.findings()

    return lint


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# T\n\nA plain sentence.\n", []),
        ("# T\n\nThis is is wrong.\n", ["docs/a.md:3: lexical_illusions"]),
        ("# T\n\nA seperate word.\n", ["docs/a.md:3: seperate ==> separate"]),
        ("# T\n\nIt is told as an error.\n", ["docs/a.md:3: 'is told as': write 'is reported as'"]),
        ("# T\n\nWho prefers nox: run it.\n", ["docs/a.md:3: 'Who prefers': write 'If you ...'"]),
        ("# T\n\n`a` and `b` and `c`\n\n```console\nis told as as\n```\n", []),
    ],
)
def test_guides(said: Callable[[str, str], list[str]], text: str, found: list[str]) -> None:
    lines = said("docs/a.md", text)
    assert len(lines) == len(found), lines
    assert all(line.startswith(each) for line, each in zip(lines, found, strict=True)), lines


@pytest.mark.parametrize(("text", "lines"), [("A plain sentence.", 0), ("It is told as as an error.", 2)])
def test_documentation_of_plugins(said: Callable[[str, str], list[str]], text: str, lines: int) -> None:
    found = said("plugins/modules/a.py", PLUGIN.format(text=text))
    assert len(found) == lines, found
    assert all(each.startswith("plugins/modules/a.py:4: ") for each in found), found


@pytest.mark.parametrize("term", TERMS)
def test_glossary(term: str) -> None:
    text = (prose.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| \*\*{term}\*\* \| [A-Z]", text, re.MULTILINE)
