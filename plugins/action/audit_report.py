# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``audit_report``."""

from __future__ import annotations

from ..plugin_utils._action import IamAction
from ..plugin_utils._audit._report import AUDIT_REPORT


class ActionModule(IamAction):
    """Runs in the controller process, or on the host of the task."""

    operation = AUDIT_REPORT
