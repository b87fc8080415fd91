# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed task said, for people: without what it may not say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def failure_text(result: Mapping[str, Any], task: Mapping[str, Any]) -> str:
    """The message of a failed task; of a loop, those of the items that failed.

    Of a task with ``no_log`` it says only which one failed, unless it is a module of this collection, whose messages
    hold no secret. What a command wrote is never told: that may hold a credential, and this text goes into reports.
    """
    if not result:
        return "The run was ended by the play, not by a task of this client."
    hidden = bool(result.get("_ansible_no_log") or task.get("no_log"))
    failed = [each for each in result.get("results", []) if isinstance(each, Mapping) and each.get("failed")]
    return " ".join(dict.fromkeys(_text(each, task, hidden) for each in failed or [result]))


def _text(result: Mapping[str, Any], task: Mapping[str, Any], hidden: bool) -> str:
    code = f" (rc {result['rc']})" if "rc" in result else ""
    code += " after its time limit" if "timedout" in result else ""
    item = result.get(str(result.get("ansible_loop_var", "item")))
    where = f" on {item['host']}" if isinstance(item, Mapping) and item.get("host") else ""
    if (hidden or result.get("_ansible_no_log")) and "failure" not in result:
        what = f"The task {task.get('name') or 'with no_log'!r} failed{where}{code}."
        return f"{what} Its output may hold a secret and is hidden; run it by hand to see it."
    said = str(result.get("msg") or "a task failed and said nothing").strip()
    return f"{said.rstrip('.')}{code}." if code else said
