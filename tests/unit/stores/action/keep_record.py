# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes a record in a play: see ``writer``."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Params, carry_out
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import files_here, files_of
from unit.stores.writer import writer


class ActionModule(IamAction):
    """On the files of the task's host."""

    operation = writer(files_here(check_mode=False), DataLoader())

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        operation = writer(files_of(self, task_vars), self._loader)
        return carry_out(operation, params, check_mode=self._task.check_mode, diff=self._task.diff)
