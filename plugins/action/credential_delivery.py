# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``credential_delivery``. It always runs in the controller process."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.operation import Params, carry_out
from ..plugin_utils._action import IamAction
from ..plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY, credential_delivery


class ActionModule(IamAction):
    """Passes the data loader to the operation, which finds files relative to the play."""

    operation = CREDENTIAL_DELIVERY

    def _carried_out(self, params: Params, _task_vars: dict[str, Any]) -> dict[str, Any]:
        operation = credential_delivery(self._loader)
        return carry_out(operation, params, check_mode=self._task.check_mode, diff=self._task.diff)
