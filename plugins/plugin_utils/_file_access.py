# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to a store file on the host of a task: in this process where that is this host, else by a shipped module."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleConnectionFailure
from ansible.plugins.action import ActionBase

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreConflictError, StoreError
from ansible_collections.aritma.iam.plugins.module_utils._files.store_file import STORE_FILE

_OPTIONAL = {"mode": "0600", "owner": None, "group": None, "content": None, "expected": None}


def runs_here(action: ActionBase) -> bool:
    """Whether the task's host is this one and its user is ours, so that no module needs to be shipped."""
    return bool(action._connection.transport == "local" and action._connection.become is None)


def files_here(check_mode: bool) -> Callable[[Mapping[str, Any]], Mapping[str, Any]]:
    """Access in this process."""

    def access(options: Mapping[str, Any]) -> Mapping[str, Any]:
        return STORE_FILE.run({**_OPTIONAL, **options}, check_mode).result

    return access


class ShippedFiles:
    """Access over the connection of a task.

    ``lost`` is set when the connection failed: the action raises it in the end, so that the host counts as unreachable.
    """

    def __init__(self, action: ActionBase, task_vars: dict[str, Any]) -> None:
        self._action = action
        self._task_vars = task_vars
        self.lost: AnsibleConnectionFailure | None = None

    def __call__(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """One access. Raises ``StoreError`` or ``StoreConflictError`` as the host told it."""
        try:
            result: dict[str, Any] = self._action._execute_module(
                module_name="aritma.iam.store_file", module_args=dict(options), task_vars=self._task_vars
            )
        except AnsibleConnectionFailure as error:
            self.lost = error
            raise StoreError("The host of the store file cannot be reached.") from None
        if result.get("failed"):
            raise _told(result)
        return result


def _told(result: Mapping[str, Any]) -> StoreError:
    details = dict(result.get("failure") or {})
    kind = StoreConflictError if details.pop("kind", "") == StoreConflictError.kind else StoreError
    if not details and "msg" not in result:
        return kind("The module store_file failed on the host without a word.", hint="Run it with -vvv.")
    return kind(str(result.get("msg", "")), **details)
