# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of ``client_secret``."""

from __future__ import annotations

from ..module_utils._secrets.secrets import CLIENT_SECRET
from ..plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Runs in the controller process, or on the host of the task."""

    operation = CLIENT_SECRET
