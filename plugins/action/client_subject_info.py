# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action front of aritma.iam.client_subject_info."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.module_utils._clients.subjects import CLIENT_SUBJECT_INFO
from ansible_collections.aritma.iam.plugins.plugin_utils._action import IamAction


class ActionModule(IamAction):
    """Finds the subject of a client from the controller process."""

    operation = CLIENT_SUBJECT_INFO
