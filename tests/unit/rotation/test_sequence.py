# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of the role stand in the order that the model drives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.module_utils._rotation.rounds import ROUNDS
from ansible_collections.aritma.iam.tests.unit.rotation.play import GIVE_UP, RESTORE, ROUND, Task

TASKS = Path(__file__).resolve().parents[3] / "roles" / "service_client" / "tasks"
PREFIX = "aritma.iam."
DEFAULTS = {"client_secret": "present", "token_exchange": "accepted"}
INCLUDES = ("ansible.builtin.import_tasks", "ansible.builtin.include_tasks")
SECTIONS = ("block", "rescue", "always")


class Step(NamedTuple):
    """One task of a module of ours: ``state`` is what it is asked for, where the module has states."""

    module: str
    state: str | None


def steps(file: str, folder: Path = TASKS) -> list[Step]:
    """The tasks of a file of the role, with those of the files that it includes; without what rescues them."""
    return list(_steps(yaml.safe_load((folder / file).read_text(encoding="utf-8")), folder, "block"))


def rescue(file: str, folder: Path = TASKS) -> list[Step]:
    """The tasks of the rescue sections alone."""
    return list(_steps(yaml.safe_load((folder / file).read_text(encoding="utf-8")), folder, "rescue"))


def _steps(tasks: Sequence[dict[str, Any]], folder: Path, section: str) -> Iterator[Step]:
    for task in tasks:
        for name in SECTIONS:
            wanted = name == section or (section == "rescue" and name == "block")
            if name in task and wanted:
                yield from _steps(task[name], folder, "block" if name == section == "rescue" else section)
        if section == "block":
            yield from _step(task, folder)
        elif included := _included(task):
            yield from _steps(yaml.safe_load((folder / included).read_text(encoding="utf-8")), folder, section)


def _step(task: dict[str, Any], folder: Path) -> Iterator[Step]:
    for name, options in task.items():
        if name.startswith(PREFIX):
            module = name.removeprefix(PREFIX)
            asked = options.get("expect" if module == "token_exchange" else "state", DEFAULTS.get(module))
            yield Step(module, asked)
    included = _included(task)
    if included:
        yield from steps(included, folder)


def _included(task: dict[str, Any]) -> str | None:
    """The file of ours that a task includes; none for one that a variable names, or where it only looks.

    What only looks, before anything is made, writes nothing: the model knows nothing of it.
    """
    if str(task.get("name")).startswith("Check | "):
        return None
    for name in INCLUDES:
        file = task.get(name)
        if isinstance(file, str) and "{{" not in file:
            return file
    return None


def driven(tasks: Sequence[Task]) -> list[Step]:
    """The same of the tasks that the model drives."""
    return [Step(each.module, each.state) for each in tasks if each.module]


@pytest.mark.parametrize(("file", "tasks"), [("round.yml", ROUND), ("restore.yml", RESTORE)])
def test_the_model_drives_what_the_role_does(file: str, tasks: Sequence[Task]) -> None:
    assert steps(file) == driven(tasks)


def test_a_run_has_its_rounds_and_a_failed_one_is_restored() -> None:
    assert steps("rotate.yml") == [*driven(ROUND) * ROUNDS, Step("rotation", "reported")]
    assert rescue("rotate.yml") == driven(RESTORE)
    assert rescue("restore.yml") == driven(GIVE_UP)


def test_tasks_with_a_rescue_are_guarded_against_keywords_of_the_play() -> None:
    tasks = yaml.safe_load((TASKS / "rotate.yml").read_text(encoding="utf-8"))
    guarded = [each for each in tasks if "rescue" in each]
    assert [
        {name: each.get(name) for name in ("ignore_errors", "ignore_unreachable", "any_errors_fatal")}
        for each in guarded
    ] == [{"ignore_errors": False, "ignore_unreachable": False, "any_errors_fatal": False}]


def test_the_order_is_read_through_blocks_and_includes(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        "- block:\n"
        "    - aritma.iam.rotation: {state: begun}\n"
        "    - ansible.builtin.include_tasks: b.yml\n"
        "  rescue:\n"
        "    - aritma.iam.rotation: {state: abandoned}\n"
        "- ansible.builtin.command: id\n"
        "- ansible.builtin.include_tasks: {file: '{{ own }}'}\n",
        encoding="utf-8",
    )
    (tmp_path / "b.yml").write_text(
        "- aritma.iam.client_secret: {value: v}\n- aritma.iam.token_exchange: {expect: rejected}\n", encoding="utf-8"
    )
    found = [Step("rotation", "begun"), Step("client_secret", "present"), Step("token_exchange", "rejected")]
    assert steps("a.yml", tmp_path) == found
    assert rescue("a.yml", tmp_path) == [Step("rotation", "abandoned")]
