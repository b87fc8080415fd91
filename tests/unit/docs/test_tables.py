# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of all variables and the table of mistakes say what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.variables import PLAYBOOKS

ROOT = Path(__file__).resolve().parents[3]
_ROW = re.compile(r"^\| `(?P<name>[a-z_]+)` \|(?P<kind>[^|]*)\|(?P<default>[^|]*)\|", re.MULTILINE)


def _rows() -> dict[str, tuple[str, str]]:
    text = (ROOT / "docs" / "variables.md").read_text(encoding="utf-8")
    return {match["name"]: (match["kind"].strip(), match["default"].strip()) for match in _ROW.finditer(text)}


def _role() -> dict[str, tuple[str, str]]:
    """Type and default of each variable, as they are written. What is raw for Ansible has its type in a comment."""
    text = (ROOT / "roles/service_client/meta/argument_specs.yml").read_text(encoding="utf-8")
    options = yaml.safe_load(text)["argument_specs"]["main"]["options"]
    found = {}
    for name, option in options.items():
        block = text[text.index(f"\n      {name}:\n") :]  # not one of the examples, which are indented more
        kind = re.search(r"^        type: (?:raw # )?(.+)$", block, re.MULTILINE)
        assert kind
        if "default" in option:
            default = f"`{_shown(option['default'])}`"
        else:
            default = "required" if option.get("required") else ""
        found[name] = (kind[1] + (" of str" if option.get("elements") == "str" else ""), default)
    return found


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {each}" for name, each in value.items()) + "}"
    return str(value) if value != "" else '""'


def test_every_variable_is_in_the_table() -> None:
    """With its type and default, and no other."""
    rows, role = _rows(), _role()
    playbooks = {name for name in PLAYBOOKS if not name.startswith("audit_")}
    assert {name: rows.get(name) for name in role} == role
    assert {name for name in rows if not name.startswith(("service_client_", "audit_"))} == playbooks
    assert set(rows) - playbooks - set(role) == {name for name in rows if name.startswith("audit_")}


def _sources() -> str:
    files = [*(ROOT / "plugins").rglob("*.py"), *(ROOT / "roles").rglob("*.yml"), *(ROOT / "playbooks").rglob("*.*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files)
    # Texts that are written on several lines, and the places of what is named in them.
    return re.sub(r"\{[^{}\n]*\}", "…", re.sub(r'"\s*\n\s*f?"', "", " ".join(text.split(" "))))


def _said() -> list[str]:
    text = (ROOT / "docs" / "mistakes.md").read_text(encoding="utf-8")
    return [said for line in text.splitlines() if line.startswith("| ") for said in re.findall(r"`([^`]+)` \|$", line)]


@pytest.fixture(scope="module")
def sources() -> str:
    """Everything that ships, with … where a message names something."""
    return _sources()


@pytest.mark.parametrize("said", _said())
def test_each_message_in_the_table_of_mistakes_is_in_the_code(said: str, sources: str) -> None:
    """Each part of the message between the names that it mentions."""
    for part in said.split("…"):
        assert part.strip() in sources, said


def test_the_table_of_mistakes_is_found() -> None:
    """In another form of the table the test above would find nothing to check."""
    assert len(_said()) > 35
