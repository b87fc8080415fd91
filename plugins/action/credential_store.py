# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``credential_store``: always in the controller process; only a store file may be elsewhere."""

from __future__ import annotations

from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Params, carry_out
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import ShippedFiles, files_here, runs_here
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._operation import CREDENTIAL_STORE, credential_store


class ActionModule(IamAction):
    """Gives the operation access to files on the task's host."""

    operation = CREDENTIAL_STORE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        check_mode = self._task.check_mode
        shipped = ShippedFiles(self, task_vars)
        files = files_here(check_mode) if runs_here(self) else shipped
        operation = credential_store(files, self._loader)
        result = carry_out(operation, params, check_mode=check_mode, diff=self._task.diff)
        if shipped.lost is not None:
            raise shipped.lost
        return result
