# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action front of aritma.iam.oidc_client_info."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.module_utils._clients.clients import OIDC_CLIENT_INFO
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Shows OAuth clients from the controller process."""

    operation = OIDC_CLIENT_INFO
