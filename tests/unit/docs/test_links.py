# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every relative link of the guides leads to a file that is there, and every anchor to a heading of it.

Every Python file and every test that they name is there too.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
GUIDES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "roles/*/README.md", "tests/simulator/README.md")
    for path in ROOT.glob(pattern)
)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#+ +(.+?) *$", re.MULTILINE)
_PATH = re.compile(r"(?:docs|extensions|playbooks|plugins|requirements|roles|scripts|tests)/[\w./-]+")

_PYTHON = re.compile(r"[\w/]+\.py")
_TEST = re.compile(r"(?:([\w/]+\.py)::)?(test_\w+)")
SOURCES = {
    path.as_posix(): path.read_text(encoding="utf-8")
    for folder in ("plugins", "tests")
    for path in (ROOT / folder).rglob("*.py")
}


def prose(text: str) -> str:
    """A guide without its fenced blocks."""
    return _FENCED.sub("", text)


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings: a heading that comes again has a number."""
    found: list[str] = []
    for heading in _HEADING.findall(prose(text)):
        words = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = sum(re.fullmatch(rf"{re.escape(words)}(?:-\d+)?", each) is not None for each in found)
        found.append(f"{words}-{again}" if again else words)
    return set(found)


def broken(path: Path, root: Path = ROOT) -> list[str]:
    """The links of a guide that lead nowhere, and the paths of this project that it names and that are not there."""
    text, lost = path.read_text(encoding="utf-8"), []
    for link in _LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        name, _sharp, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target.read_text(encoding="utf-8"))):
            lost.append(link)
    # A span with a mark of a pattern or a name to fill in is no path.
    named = [each for each in _SPAN.findall(prose(text)) if _PATH.fullmatch(each)]
    return lost + [each for each in named if not ((root / each).exists() or (path.parent / each).exists())]


def unknown_code(text: str) -> list[str]:
    """The Python files and tests that a guide names and that do not exist. The end of a path is enough."""
    lost = []
    for span in _SPAN.findall(prose(text)):
        test = _TEST.fullmatch(span)
        if test:
            file, wanted = f"/{test.group(1)}" if test.group(1) else "", f"def {test.group(2)}("
        elif _PYTHON.fullmatch(span):
            file, wanted = f"/{span}", ""
        else:
            continue
        if not any(wanted in code for path, code in SOURCES.items() if path.endswith(file)):
            lost.append(span)
    return lost


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """To a file or to a heading."""
    assert broken(path) == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_and_test_that_is_named_is_there(path: Path) -> None:
    """Python files are named by any end of their path, tests with or without their file."""
    assert unknown_code(path.read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_is_seen(tmp_path: Path) -> None:
    """To a file, to a heading of another guide or of its own; and what only looks like a link is none."""
    (tmp_path / "there.md").write_text("# One `thing`: here\n\n## Twice\n\n## Twice\n", encoding="utf-8")
    guide = tmp_path / "guide.md"
    text = """# Own heading
[a](there.md) [b](there.md#one-thing-here) [c](there.md#twice-1) [d](#own-heading) [e](https://example.com/lost.md)
[f](lost.md) [g](there.md#twice-2) [h](#lost) `docs/lost.md` `tests/*.py`
```yaml
x: "[i](lost.md)"
```
"""
    guide.write_text(text, encoding="utf-8")
    assert broken(guide, tmp_path) == ["lost.md", "there.md#twice-2", "#lost", "docs/lost.md"]


def test_a_name_that_is_not_there_is_seen() -> None:
    """Of a file, of a test, and of a test in another file than its own."""
    here, there = "test_a_name_that_is_not_there_is_seen", "docs/test_links.py"
    assert unknown_code(f"`{here}` `{there}` `{there}::{here}` `make x`") == []
    lost = ["lost.py", "test_that_is_lost", f"conftest.py::{here}"]
    assert unknown_code(" ".join(f"`{each}`" for each in lost)) == lost
