# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lint of prose finds mistakes in guides and documentation, not in code; every term is in the glossary."""

from __future__ import annotations

import os
import re
import sys
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


GUIDES: dict[str, tuple[str, str]] = {
    "plain": ("A plain sentence.", ""),
    "twice": ("This is is wrong.", "lexical_illusions"),
    "spelling": ("A seperate word.", "seperate ==> separate"),
    "told": ("It is told as an error.", "'is told as': write 'is reported as'"),
    "who": ("Who prefers nox: run it.", "'Who prefers': write 'If you ...'"),
    "code": ("`a` and `b` and `c`\n\n```console\nis told as as\n```", ""),
}
"""Sentences of guides, and how what is found in them begins."""


def test_mistakes_are_found_in_prose_and_not_in_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {f"docs/{name}.md": f"# T\n\n{text}\n" for name, (text, _found) in GUIDES.items()}
    files["plugins/modules/good.py"] = PLUGIN.format(text="A plain sentence.")
    files["plugins/modules/bad.py"] = PLUGIN.format(text="It is told as as an error.")
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    monkeypatch.setattr(prose, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")

    lines = prose.findings()

    for name, (_text, found) in GUIDES.items():
        said = [line for line in lines if line.startswith(f"docs/{name}.md:")]
        assert len(said) == bool(found) and all(line.startswith(f"docs/{name}.md:3: {found}") for line in said), lines
    of_plugins = [line for line in lines if line.startswith("plugins/")]
    assert len(of_plugins) == 2 and all(line.startswith("plugins/modules/bad.py:4: ") for line in of_plugins), lines


@pytest.mark.parametrize("term", TERMS)
def test_each_term_has_a_line_in_the_glossary(term: str) -> None:
    text = (prose.ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert re.search(rf"^\| \*\*{term}\*\* \| [A-Z]", text, re.MULTILINE)
