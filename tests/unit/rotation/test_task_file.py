# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks of the role follow a decision."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.aritma.iam.plugins.filter.task_file import task_file

FILE = {"type": "file", "path": "/etc/billing/aritma.env"}
SERVER = {"type": "hashi_vault", "path": "services/billing/aritma"}
OWN = {"type": "tasks", "file": "deliver.yml"}
PROBE = {"command": "systemctl is-active billing"}
TASKS = Path(__file__).parents[3] / "roles" / "service_client" / "tasks"


def decided(procedure: str, *, preliminaries: bool = False) -> dict[str, Any]:
    return {"plan": {"procedure": procedure, "preliminaries": preliminaries}}


@pytest.mark.parametrize("procedure", ["first", "finish"])
@pytest.mark.parametrize(
    ("deliveries", "probe", "beyond"),
    [
        ([], {}, False),
        ([FILE], {}, False),
        ([{"path": "/etc/billing/aritma.env"}], {}, False),
        ([FILE], PROBE, True),
        ([FILE, OWN], {}, True),
        ([SERVER], {}, True),
    ],
)
def test_what_reaches_beyond_files_has_steps_of_its_own(
    procedure: str, deliveries: list[dict[str, Any]], probe: dict[str, Any], beyond: bool
) -> None:
    answer = task_file(decided(procedure), deliveries, probe)

    assert answer == (f"{procedure}_beyond_files.yml" if beyond else f"{procedure}.yml")
    assert (TASKS / answer).is_file()


@pytest.mark.parametrize("procedure", ["hand_over", "predict"])
def test_other_procedures_are_one_for_all(procedure: str) -> None:
    assert task_file(decided(procedure), [SERVER], PROBE) == f"{procedure}.yml"
    assert (TASKS / f"{procedure}.yml").is_file()


def test_steps_that_few_runs_need_come_first() -> None:
    assert task_file(decided("finish", preliminaries=True), [FILE], {}) == "begin.yml"
    assert task_file(decided("finish"), [FILE], {}, "/var/log/rotation.json") == "begin.yml"
    assert task_file(decided("finish", preliminaries=True), [FILE], {}, "/a", begun=True) == "finish.yml"


def test_before_anything_was_decided_there_is_a_file_too() -> None:
    assert (TASKS / task_file({}, [], {})).is_file()


def test_a_delivery_that_cannot_be_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match=r"service_client_deliveries: .*path"):
        task_file(decided("finish"), [{"type": "hashi_vault"}], {})
