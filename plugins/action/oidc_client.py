# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin of all modules that need no action code of their own. ``meta/runtime.yml`` routes them here.

It has the name of one of them, because each action plugin needs a module with its documentation.
"""

from __future__ import annotations

from typing import Any

from ..module_utils._audit.audit import SECRET_AUDIT_INFO
from ..module_utils._clients.clients import OIDC_CLIENT, OIDC_CLIENT_INFO
from ..module_utils._clients.subjects import CLIENT_SUBJECT_INFO
from ..module_utils._doctor.doctor import DOCTOR
from ..module_utils._groups.groups import SUBJECT_GROUP
from ..module_utils._groups.members import SUBJECT_GROUP_INFO, SUBJECT_GROUP_MEMBERS
from ..module_utils._groups.memberships import SUBJECT_MEMBERSHIPS, SUBJECT_MEMBERSHIPS_INFO
from ..module_utils._oauth.exchange import TOKEN_EXCHANGE
from ..module_utils._policies.permissions import SUBJECT_PERMISSIONS_INFO
from ..module_utils._policies.policies import IAM_POLICY, IAM_POLICY_INFO
from ..module_utils._policies.policy_set import IAM_POLICIES
from ..module_utils._secrets.secrets import CLIENT_SECRET, CLIENT_SECRET_INFO
from ..plugin_utils._action import IamAction
from ..plugin_utils._audit._report import AUDIT_REPORT

_OPERATIONS = {
    operation.name: operation
    for operation in (
        AUDIT_REPORT,
        CLIENT_SECRET,
        CLIENT_SECRET_INFO,
        CLIENT_SUBJECT_INFO,
        DOCTOR,
        IAM_POLICIES,
        IAM_POLICY,
        IAM_POLICY_INFO,
        OIDC_CLIENT,
        OIDC_CLIENT_INFO,
        SECRET_AUDIT_INFO,
        SUBJECT_GROUP,
        SUBJECT_GROUP_INFO,
        SUBJECT_GROUP_MEMBERS,
        SUBJECT_MEMBERSHIPS,
        SUBJECT_MEMBERSHIPS_INFO,
        SUBJECT_PERMISSIONS_INFO,
        TOKEN_EXCHANGE,
    )
}


class ActionModule(IamAction):
    """Runs the operation with the name of the module."""

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.operation = _OPERATIONS[self._task.action.rpartition(".")[2]]
