# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``credential_store``. It runs on the controller and accesses files on the host of the task."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.operation import Params, carry_out
from ..plugin_utils._action import IamAction
from ..plugin_utils._file_access import files_of
from ..plugin_utils._stores._operation import CREDENTIAL_STORE, credential_store


class ActionModule(IamAction):
    """Passes access to files on the host of the task to the operation."""

    operation = CREDENTIAL_STORE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        operation = credential_store(files_of(self, task_vars), self._loader)
        return carry_out(operation, params, check_mode=self._task.check_mode, diff=self._task.diff)
