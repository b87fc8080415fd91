# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a rotation as a file: what others wrote there is kept, or told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.report import run


def note(path: Path, name: str) -> dict[str, Any]:
    """Write the entry of one client; it is what the task returns."""
    left_open = dict.fromkeys(("reason", "rotation_id", "previous_rotation_id", "left"))
    entry = {"client_id": f"id-{name}", "client_name": name, "results": {}, "outcome": "failed", "calls": []}
    return dict(run({"path": str(path), **entry, **left_open}, False).result["entry"])


@pytest.mark.parametrize("there", [True, False])
def test_each_client_has_one_entry(tmp_path: Path, there: bool) -> None:
    path = tmp_path / "report.json"
    if there:
        path.touch()
    for name in ("b", "a", "b"):
        note(path, name)
    assert [each["client_name"] for each in json.loads(path.read_text(encoding="utf-8"))["clients"]] == ["a", "b"]


def test_what_is_no_entry_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": 1, "clients": ["x", None, {"client_name": "a"}]}), encoding="utf-8")
    note(path, "b")
    assert [each["client_name"] for each in json.loads(path.read_text(encoding="utf-8"))["clients"]] == ["a", "b"]


@pytest.mark.parametrize("text", ["no json", "[]", '{"clients": {}}'])
def test_a_file_that_is_no_report_is_not_overwritten(tmp_path: Path, text: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IamError, match=r"holds something else than a report, which is not overwritten. Move it away"):
        note(path, "a")
    assert path.read_text(encoding="utf-8") == text
