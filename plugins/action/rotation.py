# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``rotation``. It accesses the store from the controller, and the API as ``run_on`` says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible import constants
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader

from ..module_utils._core.errors import IamError, OptionError
from ..module_utils._core.operation import Operation, Params, carry_out
from ..module_utils._core.outcome import SERVED
from ..plugin_utils._action import IamAction
from ..plugin_utils._deliveries._template import delivery
from ..plugin_utils._file_access import files_here, files_of, runs_here
from ..plugin_utils._inputs import is_blank, without_blanks
from ..plugin_utils._lease import this_run
from ..plugin_utils._rotation.operation import rotation
from ..plugin_utils._rotation.role import role_options
from ..plugin_utils._rotation.step import Site

_SAMPLE: dict[str, Any] = {
    "state": "present",
    "content": None,
    "members": None,
    "credential": dict.fromkeys(("client_id", "client_secret", "token_url", "scope", "rotation_id"), "sample"),
}
"""Renders templates before there is a credential, to find errors."""

_FROM_STEPS = ("plan", "evidence", "failure")
"""Options with results of earlier steps."""


def ask_here(operation: Operation, options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Run a request to the API in this process."""
    outcome = operation.run(options, False)
    return {**outcome.result, "calls": outcome.calls, SERVED: outcome.served}


class ActionModule(IamAction):
    """Passes access to the API and to files on the host of the task to the operation."""

    operation = rotation(Site(ask_here, files_here(check_mode=True), DataLoader(), this_run(), {}))

    _requires_connection = True

    def _validated(self) -> dict[str, Any]:
        """Treat blank and null as not given. Options that the task omits come from the variables of the role."""
        in_task = {name: value for name, value in self._task.args.items() if not is_blank(value)}
        options = {**role_options(self._templar.available_variables, self._template), **in_task}
        given = {name: value if name in _FROM_STEPS else without_blanks(value) for name, value in options.items()}
        self._task.args = {name: value for name, value in given.items() if not is_blank(value)}
        if "client_name" not in self._task.args:
            raise OptionError(
                "service_client_name is not given. Nothing was changed.", hint="Name the client.", option="client_name"
            )
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
            runs_here(self),
            self._find_tasks,
            lambda options: delivery(self, {**_SAMPLE, **options}, task_vars),
            self._handlers(),
        )
        return carry_out(rotation(site), params, check_mode=self._task.check_mode, diff=self._task.diff)

    def _find_tasks(self, name: str) -> None:
        """Raise ``OptionError`` for an invalid file of tasks, which would end the run in the middle."""
        try:
            tasks = self._loader.load_from_file(self._find_needle("tasks", name))
        except AnsibleError as error:
            reason = error.message.splitlines()[0]
            raise OptionError(
                f"The file of tasks {name} cannot be used: {reason}.",
                hint="Name it by its whole path, for example below inventory_dir.",
                option="tasks",
            ) from None
        if not isinstance(tasks, list) or not all(isinstance(each, Mapping) for each in tasks):
            raise OptionError(f"The file of tasks {name} does not hold a list of tasks.", option="tasks")

    def _handlers(self) -> frozenset[str] | None:
        """The names that tasks of this play can notify; None if one of them is a template."""
        play = self._task.get_play()
        names: set[str] = set()
        for block in getattr(play, "handlers", ()):
            for handler in block.block:
                names.update([handler.name, handler.get_name(), *handler.listen])
        return None if play is None or any("{{" in str(name) for name in names) else frozenset(names)
