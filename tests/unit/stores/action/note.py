# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An action that writes what a play registered to a file, values and all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    """Options: ``path`` and ``what``."""

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """See ``ActionBase.run``."""
        super().run(tmp, task_vars)
        Path(self._task.args["path"]).write_text(json.dumps(self._task.args["what"]), encoding="utf-8")
        return {"changed": False, "_ansible_no_log": True}
