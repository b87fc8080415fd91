# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``subject_memberships_info``."""

from __future__ import annotations

from ..module_utils._groups.memberships import SUBJECT_MEMBERSHIPS_INFO
from ..plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Runs in the controller process, or on the host of the task."""

    operation = SUBJECT_MEMBERSHIPS_INFO
