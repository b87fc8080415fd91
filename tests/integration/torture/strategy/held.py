# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A strategy that stops chosen hosts between two of their tasks: for ever, or until a file says that they may go on.

It is Ansible's own ``free``, so that in one run each host gets as far as its own point. HOLD_FILE names a JSON file
with the task, for each host, that is not begun any more: its number, and what the names of tasks have that are
counted. Who has arrived is noted beside it, and there the file appears that lets them go on.
"""

from __future__ import annotations

DOCUMENTATION = """
name: held
short_description: Like free, and holds hosts between two tasks
description: For the tests of this collection.
author: the aritma.iam contributors (@aritma-iam)
"""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from ansible.plugins.strategy.free import StrategyModule as Free


class StrategyModule(Free):
    """See the module."""

    def run(self, iterator: Any, play_context: Any, result: Any = 0) -> Any:
        """Learn who is to be held, and go on."""
        self._file = Path(os.environ["HOLD_FILE"])
        self._holds: dict[str, tuple[int, str]] = json.loads(self._file.read_text(encoding="utf-8"))
        self._begun: Counter[str] = Counter()
        self._waiting: list[tuple[Any, ...]] = []
        go_on: Any = super().run
        return go_on(iterator, play_context)

    def _queue_task(self, host: Any, task: Any, task_vars: Any, play_context: Any) -> None:
        name = host.get_name()
        number, counted = self._holds.get(name, (0, ""))
        meant = counted in task.get_name()
        self._begun[name] += meant
        held = meant and self._begun[name] == number
        with self._file.with_suffix(".log").open("a", encoding="utf-8") as log:
            log.write(json.dumps({"host": name, "task": task.get_name(), "held": held}) + "\n")
        if held:
            self._waiting.append((host, task, task_vars, play_context))
        else:
            queue: Any = super()._queue_task
            queue(host, task, task_vars, play_context)

    def _process_pending_results(self, *given: Any, **named: Any) -> Any:
        """Called again and again: those that may go on do."""
        queue: Any = super()._queue_task
        go_on: Any = super()._process_pending_results
        if self._waiting and self._file.with_suffix(".go").exists():
            waiting, self._waiting = self._waiting, []
            for each in waiting:
                queue(*each)
        return go_on(*given, **named)
