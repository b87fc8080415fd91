# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``store_file``. It censors the content that the module reads."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.operation import Params, carry_out
from ..module_utils._files.store_file import STORE_FILE
from ..plugin_utils._action import IamAction
from ..plugin_utils._file_access import runs_here


class ActionModule(IamAction):
    """Ships the module only to another host or user."""

    operation = STORE_FILE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        if runs_here(self):
            return carry_out(self.operation, params, check_mode=self._task.check_mode, diff=self._task.diff)
        return self.ship(params, task_vars)
