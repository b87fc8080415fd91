# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check the text for people: spelling (codespell), style (proselint), and phrases that are not plain English.

It checks guides without their code, the documentation of plugins, and the options of roles. Settings:
``[tool.codespell]`` in pyproject.toml, and the two tables below.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
GUIDES = ("*.md", "docs/*.md", "roles/*/README.md", "tests/simulator/README.md", "extensions/**/*.md")
PLUGINS = ("modules", "lookup", "inventory", "filter", "doc_fragments")

OFF = ("typography.", "annotations.")
"""Checks of proselint that do not fit Markdown: a renderer sets typographic quotes."""

PLAIN = {
    r"\b(?:is|are) told as\b": "is reported as",
    r"\ba (?:host|run|client|secret) too many\b": "an extra ...",
    r"\bthe least that suffices\b": "the minimum",
    r"\bforetell": "predict",
    r"\bdo instead of\b": "can be used instead of",
    r"\bwho we think of\b": "the threat",
    r"\b(?-i:Who) (?:prefers|counts|wants|needs|has|uses)\b(?![^.]*\?)": "If you ...",
    r"\bfor ever\b": "forever, or without end",
    r"\bnothing swept\b": "nothing is cleaned up",
    r"\bwhoever\b": "anyone who, or the owner",
    r"\bmade by others\b": "created elsewhere",
    r"\bmakes? sure of\b": "create or update",
    r"\bto be had\b": "available",
}
"""Phrases that we do not write, and their replacements."""

_NO_PROSE = re.compile(r"^(```|~~~).*?^\1|<!--.*?-->|\]\([^)]*\)|https?://\S+", re.MULTILINE | re.DOTALL)
_NAME = re.compile(r"`[^`\n]+`|\b[A-Z]{1,2}\([^()]*\)")
_DOCUMENTATION = re.compile(r'^ *([A-Z_]+) = r?"""\n(.*?)"""', re.MULTILINE | re.DOTALL)
_EXAMPLES = re.compile(r"^    examples: \|-\n(?:      .*\n|\n)+", re.MULTILINE)
_KEY = re.compile(r"^[ -]*(?:[\w.]+: (?:\w+$)?|[\w.]+:$|- [\w.]+$)|^ *(?:sample|choices|default): .*$", re.MULTILINE)


def prose() -> Iterator[tuple[Path, str]]:
    """Each checked file with its prose. Other lines are blank, so that line numbers stay the same."""
    for pattern in GUIDES:
        for path in sorted(ROOT.glob(pattern)):
            if path.name not in ("CHANGELOG.md", "CODE_OF_CONDUCT.md"):
                yield path, _NAME.sub(_placeholder, _NO_PROSE.sub(_blank, path.read_text(encoding="utf-8")))
    for path in sorted(ROOT.glob("roles/*/meta/argument_specs.yml")):
        text = _KEY.sub(_blank, _EXAMPLES.sub(_blank, path.read_text(encoding="utf-8")))
        yield path, _NAME.sub(_placeholder, text)
    for folder in PLUGINS:
        for path in sorted((ROOT / "plugins" / folder).glob("*.py")):
            text = path.read_text(encoding="utf-8")
            kept, end = "", 0
            for found in _DOCUMENTATION.finditer(text):
                if found[1] != "EXAMPLES":
                    kept += _lines(text[end : found.start(2)]) + _NAME.sub(_placeholder, _KEY.sub(_blank, found[2]))
                    end = found.end(2)
            yield path, kept


def _placeholder(found: re.Match[str]) -> str:
    """Replace a name with a unique word that no check reports, also not as repeated."""
    return f"x{found.start()}"


def _blank(found: re.Match[str]) -> str:
    return _lines(found[0])


def _lines(text: str) -> str:
    return "\n" * text.count("\n")


def plain(path: Path, text: str) -> Iterator[str]:
    """The phrases in the text that have a plainer form."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, better in PLAIN.items():
            for found in re.finditer(pattern, line, re.IGNORECASE):
                yield f"{path.relative_to(ROOT)}:{number}: {found[0]!r}: write {better!r}"


def styled(files: list[tuple[Path, str]]) -> Iterator[str]:
    """The findings of proselint."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copies = []
        for path, text in files:
            copy = folder / f"{path.relative_to(ROOT)}.md"
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(text, encoding="utf-8")
            copies.append(copy)
        command = ["proselint", "check", *map(str, copies)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        # The quotations of proselint may contain line breaks.
        for finding in re.split(rf"^{re.escape(str(folder.resolve()))}/", done.stdout, flags=re.MULTILINE)[1:]:
            at, line, _column, what, text = finding.strip().split(":", 4)
            broken = "lexical_illusions" in what and "\n" in text  # a repeated word in two paragraphs is no mistake
            if not broken and not what.strip().startswith(OFF):
                yield f"{at.removesuffix('.md')}:{line}: {what.strip()}:{text}"
        if done.returncode and not done.stdout:
            yield f"proselint failed: {done.stderr}"


def spelt() -> Iterator[str]:
    """The findings of codespell, also in comments and messages."""
    folders = ("docs", "plugins", "roles", "playbooks", "scripts", "extensions")
    where = [each for each in folders if (ROOT / each).is_dir()] + [path.name for path in ROOT.glob("*.md")]
    done = subprocess.run(["codespell", *where], cwd=ROOT, capture_output=True, text=True, check=False)
    yield from done.stdout.splitlines()
    if done.returncode and not done.stdout:
        yield f"codespell failed: {done.stderr}"


def findings() -> list[str]:
    """All findings."""
    files = list(prose())
    return [*spelt(), *styled(files), *(each for path, text in files for each in plain(path, text))]


def main() -> None:
    found = findings()
    print("\n".join(found))
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
