# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``rotation``: it reads and writes the store here, and asks the API from where it is told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.parsing.dataloader import DataLoader

from ..module_utils._core.errors import IamError
from ..module_utils._core.operation import Operation, Params, carry_out
from ..plugin_utils._action import IamAction
from ..plugin_utils._file_access import files_here, files_of
from ..plugin_utils._lease import this_run
from ..plugin_utils._rotation.operation import Site, rotation
from ..plugin_utils._rotation.role import role_options


def ask_here(operation: Operation, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask the API from this process."""
    outcome = operation.run(options, False)
    return {**outcome.result, "calls": outcome.calls}


class ActionModule(IamAction):
    """Gives the operation access to the API and to files on the task's host."""

    operation = rotation(Site(ask_here, files_here(check_mode=True), DataLoader(), this_run(), {}, print, ""))

    _requires_connection = True

    def _validated(self) -> dict[str, Any]:
        """Blank and null are the same as not given; what a task does not say is a variable of the role."""
        said = {name: value for name, value in self._task.args.items() if _given(value) is not None}
        options = {**role_options(self._templar.available_variables, self._templar.template), **said}
        self._task.args = {name: _given(value) for name, value in options.items() if _given(value) is not None}
        return super()._validated()

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        def ask_there(operation: Operation, options: Mapping[str, Any]) -> Mapping[str, Any]:
            answer = self.ship(options, task_vars, operation.name)
            if answer.get("failed"):
                raise IamError(str(answer.get("msg", "")), **(answer.get("failure") or {}))
            return answer

        site = Site(
            ask_there if params["run_on"] == "target" else ask_here,
            files_of(self, task_vars),
            self._loader,
            this_run(str(task_vars.get("inventory_hostname", ""))),
            task_vars,
            self._display.display,
            str(vars(constants)["DEFAULT_LOCAL_TMP"]),
        )
        return carry_out(rotation(site), params, check_mode=self._task.check_mode, diff=self._task.diff)


def _given(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: each for name, each in value.items() if each is not None and each != ""}
    return None if value == "" else value
