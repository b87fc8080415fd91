# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``oidc_client_info``."""

from __future__ import annotations

from ..module_utils._clients.clients import OIDC_CLIENT_INFO
from ..plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Runs in the controller process, or on the host of the task."""

    operation = OIDC_CLIENT_INFO
