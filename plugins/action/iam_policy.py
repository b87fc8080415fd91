# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``iam_policy``."""

from __future__ import annotations

from ..module_utils._policies.policies import IAM_POLICY
from ..plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Runs in the controller process, or on the host of the task."""

    operation = IAM_POLICY
