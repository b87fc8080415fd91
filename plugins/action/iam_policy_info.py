# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action front of aritma.iam.iam_policy_info."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.module_utils._policies.policies import IAM_POLICY_INFO
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Shows policies from the controller process."""

    operation = IAM_POLICY_INFO
