# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``rotation_plan``: it reads the store here, and asks the API from where it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params, carry_out
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import ShippedFiles, files_here, runs_here
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation_plan import rotation_plan


def ask_here(operation: Operation, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask the API from this process."""
    outcome = operation.run(options, False)
    return {**outcome.result, "calls": outcome.calls}


class ActionModule(IamAction):
    """Gives the operation access to the API and to files on the task's host."""

    operation = rotation_plan(ask_here, files_here(check_mode=True), DataLoader())

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        shipped = ShippedFiles(self, task_vars)
        files = files_here(check_mode=True) if runs_here(self) else shipped

        def ask_there(operation: Operation, options: Mapping[str, Any]) -> Mapping[str, Any]:
            try:
                answer = self.ship(options, task_vars, operation.name)
            except AnsibleConnectionFailure as error:
                shipped.lost = error
                raise IamError("The host of the task cannot be reached.") from None
            if answer.get("failed"):
                raise IamError(str(answer.get("msg", "")), **(answer.get("failure") or {}))
            return answer

        ask = ask_there if params["run_on"] == "target" else ask_here
        operation = rotation_plan(ask, files, self._loader)
        result = carry_out(operation, params, check_mode=self._task.check_mode, diff=False)
        if shipped.lost is not None:
            raise shipped.lost
        return result
