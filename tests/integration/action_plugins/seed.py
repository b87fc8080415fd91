# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that gives a play a simulator that has forgotten all, with what it plants there."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from simulator.process import Admin


class ActionModule(ActionBase):
    """Options: ``url`` of the simulator, and ``things`` to plant. Returns the ids that were made."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See ``ActionBase.run``."""
        super().run(tmp, task_vars)
        admin = Admin(self._task.args["url"])
        admin.reset()
        return {"changed": False, **admin.seed(**self._task.args["things"])}
