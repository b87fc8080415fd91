# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a rotation as a file: the entries of other runs are kept, and no other file is overwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.plugin_utils._pages.rotation import report_in
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.report import SCHEMA, merge_entry, write_entry


def note(path: Path, name: str) -> None:
    """Write the entry of one client."""
    entry = {"client_id": f"id-{name}", "client_name": name, "state": "failed", "at": "2026-11-24T10:00:00Z"}
    write_entry(str(path), entry)


def names(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8")
    report = report_in(text) if path.suffix == ".html" else json.loads(text)
    return [each["client_name"] for each in report["clients"]]


@pytest.mark.parametrize("file", ["report.json", "report.html", "report"])
@pytest.mark.parametrize("there", [True, False])
def test_each_client_has_one_entry(tmp_path: Path, there: bool, file: str) -> None:
    path = tmp_path / file
    if there:
        path.touch()
    for name in ("b", "a", "b"):
        note(path, name)
    assert names(path) == ["a", "b"]


def test_an_entry_takes_the_place_of_an_earlier_one() -> None:
    first = merge_entry({}, {"client_name": "a", "state": "failed", "at": "2026-11-24T10:00:00Z"})
    again = {"client_name": "a", "state": "rotated", "at": "2026-11-24T10:05:00Z"}
    assert merge_entry(first, again) == {"schema": SCHEMA, "written_at": "2026-11-24T10:05:00Z", "clients": [again]}


def test_what_is_no_entry_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"schema": 1, "clients": ["x", None, {"client_name": "a"}]}), encoding="utf-8")
    note(path, "b")
    assert names(path) == ["a", "b"]


def test_names_are_harmless_in_the_page(tmp_path: Path) -> None:
    """The data in the page have each name as it is, and a browser finds no markup in it."""
    path, name = tmp_path / "report.html", "</script><script>alert(1)</script>'\"&{{ 7*7 }}"
    note(path, name)
    note(path, "b")
    assert names(path) == [name, "b"]
    page = path.read_text(encoding="utf-8")
    assert name not in page
    assert page.count("<script") == page.count("</script>") == 2


@pytest.mark.parametrize("name", ["report.json", "report.html"])
@pytest.mark.parametrize("text", ["no json", "[]", "{}", '{"clients": {}}', '{"client_id": "c", "client_secret": "s"}'])
def test_a_file_that_is_no_report_is_not_overwritten(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(IamError, match=r"does not hold a report. It was not overwritten. Move it away"):
        note(path, "a")
    assert path.read_text(encoding="utf-8") == text


def test_a_report_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    with pytest.raises(IamError, match=r"cannot be written: No such file or directory\. Give a path"):
        note(tmp_path / "no such folder" / "report.json", "a")
