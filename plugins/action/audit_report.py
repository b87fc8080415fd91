# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action of ``audit_report``."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._report import AUDIT_REPORT


class ActionModule(IamAction):
    """Writes on the controller."""

    operation = AUDIT_REPORT
