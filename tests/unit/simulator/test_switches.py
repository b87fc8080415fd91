# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of switches is complete and documented, and profiles are read from files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from simulator.named import NAMED, every_profile, named_profile
from simulator.profiles import SWITCHES, Profile, UnknownSwitch, Value

SIMULATOR = Path(__file__).resolve().parents[2] / "simulator"


def shown(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value) or "(empty)"


def test_every_switch_has_a_fact_and_a_default_that_it_allows() -> None:
    facts = {f"U{number}" for number in range(1, 23)}
    assert facts <= {field.metadata["fact"] for field in SWITCHES.values()}
    for name, field in SWITCHES.items():
        allowed = field.metadata["values"]
        assert not allowed or getattr(Profile(), name) in allowed, name


def test_the_readme_has_a_row_for_every_profile_and_switch() -> None:
    rows = []
    for name, switches in NAMED.items():
        departs = ", ".join(f"`{switch}`={shown(value)}" for switch, value in switches.items())
        rows.append(f"| `{name}` | {departs or 'the baseline'} |")
    for name, field in SWITCHES.items():
        known = field.metadata
        values = ", ".join(map(shown, known["values"]))
        cells = (f"`{name}`", known["fact"], shown(getattr(Profile(), name)), values, known["doc"])
        rows.append("| " + " | ".join(cells) + " |")
    written = (SIMULATOR / "README.md").read_text(encoding="utf-8").splitlines()
    assert [row for row in rows if row not in written] == []


def test_a_profile_is_a_file_of_switches(tmp_path: Path) -> None:
    for name, text in (
        ("p.json", json.dumps({"name": "x", "schema": 1, "findings": [{"row": "U9"}], "accept_delay": 1.5})),
        ("p.yml", "accept_delay: 1.5\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert named_profile(str(tmp_path / name), {"cascade": "false"}) == Profile(accept_delay=1.5, cascade=False)
    assert "example" in every_profile()
    assert not {path.stem for path in (SIMULATOR / "profiles").glob("*.json")} & set(NAMED)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"acept_delay": 1}', "there is no switch 'acept_delay'; probably accept_delay is meant"),
        ('{"accept_delay": [1]}', "switch accept_delay takes a value of type float"),
        ('{"error_body": "xml"}', "switch error_body takes one of problem, json, empty, html, text"),
        ('["accept_delay"]', "is no mapping"),
        ("{", "cannot be read"),
    ],
)
def test_a_file_that_is_no_profile_says_why(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "p.json").write_text(text, encoding="utf-8")
    with pytest.raises(UnknownSwitch, match=message):
        named_profile(str(tmp_path / "p.json"))
