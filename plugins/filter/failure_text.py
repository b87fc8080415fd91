# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a failure."""

from __future__ import annotations

DOCUMENTATION = r"""
name: failure_text
short_description: The message of a failed task, of all its items
version_added: 0.1.0
description:
  - Takes C(ansible_failed_result), as a C(rescue) section sees it, and answers its message. For a loop the messages
    of the items that failed are joined.
  - Of a task with C(no_log) it says only that it failed, unless it is a module of this collection, whose messages hold
    no secret. Such a task is told by its result or, where ansible-core does not say so there, by
    C(ansible_failed_task).
author:
  - the aritma.iam contributors (@aritma-iam)
options:
  _input:
    description: The result of the failed task.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Try, and tell why it did not work
  block:
    - name: Fail
      ansible.builtin.fail:
        msg: it does not work
  rescue:
    - name: Tell why
      ansible.builtin.debug:
        msg: "{{ ansible_failed_result | aritma.iam.failure_text }}"
"""

RETURN = r"""
_value:
  description: The message.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import pass_context


@pass_context
def failure_text(variables: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    """The message of a failed task; of a loop, those of the items that failed."""
    task = variables.get("ansible_failed_task") or {}
    hidden = bool(result.get("_ansible_no_log") or task.get("no_log"))
    failed = [each for each in result.get("results", []) if isinstance(each, Mapping) and each.get("failed")]
    return " ".join(dict.fromkeys(_text(each, hidden) for each in failed or [result]))


def _text(result: Mapping[str, Any], hidden: bool) -> str:
    if (hidden or result.get("_ansible_no_log")) and "failure" not in result:
        return "A task with no_log failed; what it said is hidden."
    said = str(result.get("msg") or "a task failed and said nothing").strip()
    # Not what a command wrote: that may hold a credential, and this text goes into reports.
    return f"{said.rstrip('.')} (rc {result['rc']})." if "rc" in result else said


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"failure_text": failure_text}
