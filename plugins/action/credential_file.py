# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``credential_file``: renders on the controller, writes where the task's host is."""

from __future__ import annotations

from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Params, carry_out, failed, unexpected
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._template import delivery
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import runs_here


class ActionModule(IamAction):
    """Ships the module only where the host or the user is another."""

    operation = CREDENTIAL_FILE

    _requires_connection = True

    def _carried_out(self, params: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        try:
            rendered = delivery(self, params, task_vars)
        except IamError as error:
            return failed(error, self.operation.spec.secrets(params))
        except Exception as error:  # a bug: say where, hide what
            return failed(unexpected(self.operation.name, error), self.operation.spec.secrets(params))
        result = self._placed(rendered, task_vars)
        if not result.get("changed"):
            # In a loop, Ansible would run the handlers of all items as soon as one has changed.
            self._task.notify = None
        return result

    def _placed(self, rendered: Params, task_vars: dict[str, Any]) -> dict[str, Any]:
        if runs_here(self):
            return carry_out(self.operation, rendered, check_mode=self._task.check_mode, diff=self._task.diff)
        return self.ship(rendered, task_vars)
