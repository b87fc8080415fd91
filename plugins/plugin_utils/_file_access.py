# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the file of a store: in this process if the host is this one, else over the connection of the task."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible.plugins.action import ActionBase

from ..module_utils._core.errors import StoreConflictError, StoreError
from ..module_utils._files.store_file import STORE_FILE
from ._action import IamAction
from ._stores._protocol import FileAccess

_OPTIONAL = {"mode": "0600", "owner": None, "group": None, "content": None, "expected": None}


def runs_here(action: ActionBase) -> bool:
    """Whether the task runs on this machine as this user, so that no module needs to be shipped."""
    return bool(action._connection.transport == "local" and action._connection.become is None)


def files_of(action: IamAction, task_vars: dict[str, Any]) -> FileAccess:
    """Access to the files on the host of a task.

    It raises the ``StoreError`` or ``StoreConflictError`` of the host, and ``HostError`` if the host cannot be reached.
    """
    if runs_here(action):
        return files_here(action._task.check_mode)

    def access(options: Mapping[str, Any]) -> Mapping[str, Any]:
        result = action.ship({**options, "usual": None}, task_vars, "store_file")
        if result.get("failed"):
            raise _error_in(result)
        return result

    return access


def files_here(check_mode: bool) -> FileAccess:
    """Access in this process."""

    def access(options: Mapping[str, Any]) -> Mapping[str, Any]:
        if options.get("usual") and options["access"] in ("check", "replace") and is_ephemeral_home():
            raise StoreError(
                f"The record would be written to {options['path']}, in a container that is removed after the run. The"
                " secret would be lost. Nothing was changed.",
                hint="Give the store (service_client_store) a path on a volume, or keep records in Vault or AWS.",
                path=options["path"],
            )
        return STORE_FILE.run({**_OPTIONAL, **options}, check_mode).result

    return access


def is_ephemeral_home() -> bool:
    """Whether the home directory belongs to a container, such as a job of AWX, and is not on a volume."""
    marked = any(Path(each).exists() for each in ("/.dockerenv", "/run/.containerenv"))
    if not (marked or "KUBERNETES_SERVICE_HOST" in os.environ or "AWX_ISOLATED_DATA_DIR" in os.environ):
        return False
    with suppress(OSError, RuntimeError):
        return Path.home().stat().st_dev == Path("/").stat().st_dev
    return True


def _error_in(result: Mapping[str, Any]) -> StoreError:
    details = dict(result.get("failure") or {})
    kind = StoreConflictError if details.pop("kind", "") == StoreConflictError.kind else StoreError
    if not details and "msg" not in result:
        return kind("The module store_file failed on the host without a message.", hint="Run it with -vvv.")
    return kind(str(result.get("msg", "")), **details)
