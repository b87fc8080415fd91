# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs operations against a simulator as a task would: the same validation of options, the same turn into a result."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.aritma.iam.plugins.module_utils._clients.clients import OIDC_CLIENT, OIDC_CLIENT_INFO
from ansible_collections.aritma.iam.plugins.module_utils._clients.subjects import CLIENT_SUBJECT_INFO
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, carry_out
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import SENSITIVE, SERVED
from ansible_collections.aritma.iam.plugins.module_utils._doctor.doctor import DOCTOR
from ansible_collections.aritma.iam.plugins.module_utils._groups.groups import SUBJECT_GROUP
from ansible_collections.aritma.iam.plugins.module_utils._groups.members import (
    SUBJECT_GROUP_INFO,
    SUBJECT_GROUP_MEMBERS,
)
from ansible_collections.aritma.iam.plugins.module_utils._groups.memberships import (
    SUBJECT_MEMBERSHIPS,
    SUBJECT_MEMBERSHIPS_INFO,
)
from ansible_collections.aritma.iam.plugins.module_utils._policies.permissions import SUBJECT_PERMISSIONS_INFO
from ansible_collections.aritma.iam.plugins.module_utils._policies.policies import IAM_POLICY, IAM_POLICY_INFO
from ansible_collections.aritma.iam.plugins.module_utils._policies.policy_set import IAM_POLICIES
from ansible_collections.aritma.iam.plugins.module_utils._secrets.secrets import CLIENT_SECRET, CLIENT_SECRET_INFO
from simulator import Simulator

OPERATIONS: dict[str, Operation] = {
    each.name: each
    for each in (
        *(OIDC_CLIENT, OIDC_CLIENT_INFO, CLIENT_SECRET, CLIENT_SECRET_INFO, DOCTOR),
        *(CLIENT_SUBJECT_INFO, IAM_POLICIES, IAM_POLICY, IAM_POLICY_INFO, SUBJECT_PERMISSIONS_INFO),
        *(SUBJECT_GROUP, SUBJECT_GROUP_INFO, SUBJECT_GROUP_MEMBERS, SUBJECT_MEMBERSHIPS, SUBJECT_MEMBERSHIPS_INFO),
    )
}

READS = ("GET", "HEAD")


class Driver:
    """Tasks against one simulator."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.admin = simulator.admin

    def run(self, task: str, /, *, check: bool = False, **options: Any) -> dict[str, Any]:
        """The result of one task, failed or not, with its diff."""
        operation = OPERATIONS[task]
        given = {
            "api_url": self.simulator.api_url,
            "identity_url": self.simulator.identity_url,
            "tenant": "acme",
            "auth_client_id": "admin",
            "auth_client_secret": self.simulator.admin_client_secret,
            "request_timeout": 3,
            "retry_budget": 6,
            **options,
        }
        checked = ArgumentSpecValidator(**operation.spec.to_kwargs()).validate(given)
        if checked.error_messages:
            return {"failed": True, "changed": False, "msg": "; ".join(checked.error_messages)}
        result = carry_out(operation, checked.validated_parameters, check_mode=check, diff=True)
        result.pop(SENSITIVE, None)
        result.pop(SERVED, None)
        return result

    def ok(self, task: str, /, **options: Any) -> dict[str, Any]:
        """The result of a task that must not fail."""
        result = self.run(task, **options)
        assert "failed" not in result, result
        return result

    def refused(self, task: str, /, **options: Any) -> str:
        """The message of a task that must fail."""
        result = self.run(task, **options)
        assert result.get("failed"), result
        assert result["changed"] is False
        return str(result["msg"])

    def calls(self, since: int = 0) -> list[str]:
        """Method and operation of the requests to the API after log entry ``since``."""
        entries = self.admin.log(since=since, kind="request")
        called = [entry for entry in entries if not entry["operation"].startswith("token")]
        return [f"{entry['method']} {entry['operation']}" for entry in called]

    def writes(self) -> list[str]:
        """The requests that were no reads since the log was cleared."""
        return [call for call in self.calls() if call.split()[0] not in READS]

    def clients(self, name: str) -> list[dict[str, Any]]:
        """The clients of exactly this name that the simulator holds."""
        return [client for client in self.admin.state()["clients"] if client["name"] == name]

    def secrets(self, client_id: str) -> list[dict[str, Any]]:
        """The secrets of a client that the simulator holds."""
        return list(self.admin.state(client_id)["clients"][0]["secrets"])
