# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``credential_store``: it runs here, and reaches a file where the task's host is."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.operation import Params, carry_out
from ..plugin_utils._action import IamAction
from ..plugin_utils._file_access import files_of
from ..plugin_utils._stores._operation import CREDENTIAL_STORE, credential_store


class ActionModule(IamAction):
    """Gives the operation access to files on the task's host."""

    operation = CREDENTIAL_STORE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        operation = credential_store(files_of(self, task_vars), self._loader)
        return carry_out(operation, params, check_mode=self._task.check_mode, diff=self._task.diff)
