# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``credential_file``: renders on the controller, writes on the host of the task."""

from __future__ import annotations

from typing import Any

from ..module_utils._core.errors import IamError
from ..module_utils._core.operation import Params, carry_out, unexpected
from ..module_utils._delivery.credential_file import CREDENTIAL_FILE
from ..module_utils._delivery.fence import require_in_time, seconds_left
from ..plugin_utils._action import IamAction
from ..plugin_utils._deliveries._template import delivery
from ..plugin_utils._file_access import runs_here


class ActionModule(IamAction):
    """Ships the module only to another host or user."""

    operation = CREDENTIAL_FILE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            rendered = delivery(self, params, task_vars)
        except IamError:
            raise
        except Exception as error:
            raise unexpected(self.operation.name, error) from None
        if runs_here(self):
            return carry_out(self.operation, rendered, check_mode=self._task.check_mode, diff=self._task.diff)
        left = seconds_left(params["not_after"])
        if not self._task.check_mode:
            require_in_time(params["not_after"])
        return self.ship({**rendered, "not_after": None, "seconds_left": left}, task_vars)
