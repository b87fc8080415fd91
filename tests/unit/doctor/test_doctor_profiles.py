# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doctor finds every switch of every profile, and its report is a profile that answers in the same way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._doctor.known import OPEN, ROW_OF, is_assumed, is_known
from simulator.named import NAMED, every_profile, named_profile
from simulator.profiles import SWITCHES, Profile, Value
from unit.api.driver import Driver

ROOT = Path(__file__).resolve().parents[3]
FASTER: dict[str, dict[str, Value]] = {
    "slow": {"accept_delay": 1.0, "refuse_delay": 1.0},
    "flapping": {"accept_delay": 1.0, "refuse_delay": 1.0},
    "two_nodes": {"node_lag": 1.0},
    "stale_lists_seconds": {"list_lag_seconds": 0.8},
}
"""Profiles that take long, with shorter delays."""
NEAR = 0.5
"""How far a measured time may be from the true one, on a busy machine."""
STAYS = {"no_update": (1, 0), "strict_groups": (0, 2)}
"""Clients and groups that a server without their deletion keeps."""


def furnish(iam: Driver) -> None:
    """More policies than fit on a page, of another client."""
    [other] = iam.admin.seed(clients=[{"name": "billing"}])["clients"]
    key = {"client_id": other["client_id"], "action": "documents.read"}
    iam.admin.seed(policies=[{**key, "scope": f"/subscriptions/{number}"} for number in range(110)])


def visited(iam: Driver, profile: str, switches: dict[str, Value]) -> dict[str, Any]:
    """What the doctor reports of a simulator under a profile."""
    iam.admin.reset(profile, **switches)
    furnish(iam)
    done = iam.run("doctor", write=True)
    assert "failed" not in done, done
    assert not [line for line in done["table"] if " at " in line and ".py:" in line]
    state = iam.admin.state()
    assert len(done["left"]) == len(state["clients"]) - 2 + len(state["groups"])
    assert not [each for each in state["policies"] if "doctor" in each["scope"]]
    assert iam.admin.violations()["responses"] == [], "the simulator answers as the contract says"
    report: dict[str, Any] = done["report"]
    return report


def rows(report: dict[str, Any]) -> list[Any]:
    """The findings without times."""
    return [
        (
            each["asked"],
            each["verdict"] if each["asked"] != "settings of the role" else None,  # it follows from times
            {name: value for name, value in each["tells"].items() if not isinstance(value, float)},
            {name: value for name, value in each["came"].items() if name in ("status", "body", "shape", "met")}
            if isinstance(each["came"], dict)
            else None,
        )
        for each in report["findings"][1:]
    ]


def close(told: Value, true: Value) -> bool:
    """Whether this is the true value; a time need only be near."""
    if isinstance(told, float) and isinstance(true, float):
        return abs(told - true) <= NEAR
    return told == true and type(told) is type(true)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.torture if place % 3 else ()) for place, name in enumerate(every_profile())],
)
def test_the_doctor_finds_each_switch(iam: Driver, name: str) -> None:
    switches = {**NAMED.get(name, {}), **FASTER.get(name, {})}
    true = vars(named_profile(name, FASTER.get(name)))
    report = visited(iam, name, FASTER.get(name, {}))
    state = iam.admin.state()
    assert (len(state["clients"]) - 2, len(state["groups"])) == STAYS.get(name, (0, 0))

    told = {switch: value for finding in report["findings"][1:] for switch, value in finding["tells"].items()}
    assert {switch: told.get(switch) for switch in switches if not close(told.get(switch, ""), true[switch])} == {}
    assert all(report[switch] == value for switch, value in told.items() if not isinstance(value, float))


SOME = {"assumed", "duende", "silent", "slow"}
"""Profiles whose report is played back in every run of the tests; the others take as long again."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in SOME else pytest.mark.torture) for name in every_profile()]
)
def test_a_report_is_a_profile_that_leads_to_the_same_report(iam: Driver, name: str, tmp_path: Path) -> None:
    report = visited(iam, name, FASTER.get(name, {}))
    file = tmp_path / "told.json"
    file.write_text(json.dumps(report), encoding="utf-8")
    again = visited(iam, str(file), {})
    assert rows(again) == rows(report)
    assert all(close(again[each], report[each]) for each in report if each in SWITCHES)


def test_each_open_question_is_a_switch_of_the_simulator() -> None:
    for name in ROW_OF:
        known = SWITCHES[name].metadata
        assert ROW_OF[name] == known["fact"], name
        assert is_assumed(name, getattr(Profile(), name)), name
        assert all(is_known(name, value) for value in known["values"]), name
    assert {switch for switches in NAMED.values() for switch in switches} <= ROW_OF.keys()
    for names in OPEN.values():
        for name, values in names.items():
            documented = SWITCHES[name].metadata["values"]
            assert (set(values) if isinstance(values, tuple) else set()) == set(documented), name


def test_the_contract_has_a_row_for_each_open_question() -> None:
    contract = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
    documented = {line.split("|")[1].strip() for line in contract.splitlines() if line.startswith("|")}
    assert {*OPEN, *(f"U{number}" for number in range(1, 23))} - documented == set()
