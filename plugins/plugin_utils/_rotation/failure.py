# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The message of a failed task, without texts that may hold a secret."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def failure_text(result: Mapping[str, Any], task: Mapping[str, Any]) -> str:
    """The message of a failed task; for a loop, the messages of the failed items.

    For a task with ``no_log`` it says only which task failed, except for modules of this collection, whose messages
    hold no secrets. It never has the output of a command, which may hold a credential: this text goes into reports.
    """
    if not result:
        return "The play ended the run, not a task of this client."
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
        if "module_stderr" in result:
            return f"{what} Ansible could not run its module there: check ansible_python_interpreter (ansible -m ping)."
        return f"{what} Its output is hidden, because it may hold a secret. Run it by hand to see it."
    message = str(result.get("msg") or "a task failed without a message").strip()
    return f"{message.rstrip('.')}{code}." if code else message
