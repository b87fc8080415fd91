# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action front of aritma.iam.client_secret."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.module_utils._secrets.secrets import CLIENT_SECRET
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Manages a secret of a client in the controller process."""

    operation = CLIENT_SECRET
