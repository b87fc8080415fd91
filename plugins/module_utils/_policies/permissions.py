# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The permissions of a subject, and the policies that grant them: the operation ``subject_permissions_info``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, MissingError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._groups.groups import Group
from .._groups.memberships import memberships_of
from .._iam.api import NOT_OFFERED, IamApi, api_operation, refuse_empty
from .._iam.contract import Permission, Policy
from .policies import snake_members

PERMISSIONS_INFO = ArgumentSpec({"subject": {"type": "str", "required": True}})

_UNKNOWN = (403, 404, *NOT_OFFERED)
"""Statuses that hide policies or groups. The permissions are shown nevertheless."""


@dataclass(frozen=True)
class Held:
    """A policy that applies to the subject: its own (``group`` is None), or of a group, also through other groups."""

    policy: Policy
    group: Group | None = None

    def origin(self, permission: Policy | Permission) -> dict[str, Any]:
        """How this policy grants ``permission``."""
        same_action, same_scope = self.policy.action == permission.action, self.policy.scope == permission.scope
        return {
            "through": "group" if self.group else "direct",
            "group": self.group and self.group.name,
            "subject": self.policy.subject,
            "action": self.policy.action,
            "scope": self.policy.scope,
            "by": "policy" if same_action and same_scope else "parent_scope" if same_action else "parent_action",
        }


def permissions_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``subject_permissions_info``."""
    refuse_empty(params, "subject")
    subject = params["subject"]
    listed = api.subject_permissions(subject)
    held, warnings = _held(api, subject)
    found: list[dict[str, Any]] = []
    for permission in listed:
        follows = [each.origin(permission) for each in origins(permission, held)]
        found.append({**snake_members(permission.document), "listed": True, "origins": follows})
    keys = {(each.action, each.scope or None) for each in listed}
    for each in held:
        if (each.policy.action, each.policy.scope) not in keys and (each.policy.action, None) not in keys:
            policy = each.policy.model_dump(exclude_none=True)
            found.append({**policy, "listed": False, "origins": [each.origin(each.policy)]})
    return Outcome(False, {"permissions": found}, warnings=warnings)


def origins(permission: Permission, held: Sequence[Held]) -> list[Held]:
    """The policies that grant a permission: all with the same action and scope, else all with the same action.

    Else the policies whose action has the same first word (``banking.manage`` covers ``banking.ais.read``). The
    hierarchy of actions is not documented, so these are only likely.
    """
    covering = [each for each in held if not permission.scope or _covers(each.policy.scope, permission.scope)]
    named = [each for each in covering if each.policy.action == permission.action]
    exact = [each for each in named if each.policy.scope == permission.scope]
    word = (permission.action or "").partition(".")[0]
    return exact or named or [each for each in covering if each.policy.action.partition(".")[0] == word]


def _covers(scope: str, below: str) -> bool:
    return f"{below}/".startswith(scope.rstrip("/") + "/")


def _held(api: IamApi, subject: str) -> tuple[list[Held], list[str]]:
    """The policies that apply to the subject, its own first, and a warning if not all could be read."""
    held: list[Held] = []
    holders: dict[str, Group | None] = {subject: None}
    waiting = [subject]
    try:
        while waiting:
            holder = waiting.pop(0)
            policies = api.list_policies({"subject": holder})
            held += [Held(policy, holders[holder]) for policy in policies if policy.subject == holder]
            found = {group.subject_id: group for group in memberships_of(api, holder)}
            waiting += found.keys() - holders.keys()  # groups may contain groups
            holders = {**found, **holders}
    except (ApiError, MissingError) as error:
        if isinstance(error, ApiError) and error.status not in _UNKNOWN:
            raise
        return held, [f"Not all origins of the permissions are known. {error.message}"]
    return held, []


SUBJECT_PERMISSIONS_INFO = api_operation("subject_permissions_info", PERMISSIONS_INFO, permissions_info)
