# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tasks of the role follow a decision."""

from __future__ import annotations

DOCUMENTATION = r"""
name: task_file
short_description: The file with the tasks of the role that follow a decision
version_added: 0.1.0
description:
  - The role P(aritma.iam.service_client#role) keeps what few runs need in files of their own, so that the usual run
    does not skip through it. This filter answers which file comes next.
  - A delivery to a server that cannot be is an error here, before anything is written.
author:
  - the aritma.iam contributors (@aritma-iam)
options:
  _input:
    description: The result of M(aritma.iam.rotation_plan). Empty where nothing was decided yet.
    type: dict
    required: true
  deliveries:
    description: The variable C(service_client_deliveries).
    type: list
    elements: dict
    required: true
  probe:
    description: The variable C(service_client_probe).
    type: dict
    required: true
  report:
    description: The path of a report, in which a run is written down before it begins.
    type: str
    default: ""
  begun:
    description: Whether the steps that few runs need were taken already.
    type: bool
    default: false
seealso:
  - module: aritma.iam.rotation_plan
"""

EXAMPLES = r"""
- name: See which tasks would come next
  ansible.builtin.debug:
    msg: "{{ decided | aritma.iam.task_file(deliveries, probe) }}"
  vars:
    decided: {plan: {procedure: finish, preliminaries: false}}
    deliveries:
      - {type: file, path: /etc/billing/aritma.env}
    probe: {command: systemctl is-active billing}
"""

RETURN = r"""
_value:
  description: The name of the file, below C(tasks/) of the role.
  type: str
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.aritma.iam.plugins.filter.remote_deliveries import remote_deliveries

_UNDECIDED = {"procedure": "finish", "preliminaries": False}
"""ansible-core 2.18 also evaluates the name of an included file without what was registered."""


def task_file(
    decided: Mapping[str, Any],
    deliveries: Sequence[Mapping[str, Any]],
    probe: Mapping[str, Any],
    report: str = "",
    *,
    begun: bool = False,
) -> str:
    """The file that comes next. Raises ``AnsibleFilterError`` for a delivery that cannot be."""
    remote_deliveries(deliveries)
    plan = decided.get("plan", _UNDECIDED)
    if not begun and (report or plan["preliminaries"]):
        return "begin.yml"
    beyond = bool(probe) or any(each.get("type", "file") != "file" for each in deliveries)
    return f"{plan['procedure']}{'_beyond_files' if beyond and plan['procedure'] in ('first', 'finish') else ''}.yml"


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"task_file": task_file}
