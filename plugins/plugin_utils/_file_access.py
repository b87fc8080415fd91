# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Access to the file of a store: in this process where the host is this one, else over the connection of the task."""

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
    """Whether the task's host is this one and its user is ours, so that no module needs to be shipped."""
    return bool(action._connection.transport == "local" and action._connection.become is None)


def files_of(action: IamAction, task_vars: dict[str, Any]) -> FileAccess:
    """Access to the files of a task's host.

    It raises ``StoreError`` or ``StoreConflictError`` as the host told it, ``HostError`` where that cannot be reached.
    """
    if runs_here(action):
        return files_here(action._task.check_mode)

    def access(options: Mapping[str, Any]) -> Mapping[str, Any]:
        result = action.ship({**options, "usual": None}, task_vars, "store_file")
        if result.get("failed"):
            raise _told(result)
        return result

    return access


def files_here(check_mode: bool) -> FileAccess:
    """Access in this process."""

    def access(options: Mapping[str, Any]) -> Mapping[str, Any]:
        if options.get("usual") and options["access"] in ("check", "replace") and thrown_away():
            raise StoreError(
                f"The record would be kept in {options['path']}, in a container that is thrown away, and the secret"
                " with it. Nothing was changed.",
                hint="Give the store (service_client_store) a path on a volume, or keep records in Vault or AWS.",
                path=options["path"],
            )
        return STORE_FILE.run({**_OPTIONAL, **options}, check_mode).result

    return access


def thrown_away() -> bool:
    """Whether the home directory is that of a container, such as a job of AWX, and no volume of its own."""
    marked = any(Path(each).exists() for each in ("/.dockerenv", "/run/.containerenv"))
    if not (marked or "KUBERNETES_SERVICE_HOST" in os.environ or "AWX_ISOLATED_DATA_DIR" in os.environ):
        return False
    with suppress(OSError, RuntimeError):
        return Path.home().stat().st_dev == Path("/").stat().st_dev
    return True


def _told(result: Mapping[str, Any]) -> StoreError:
    details = dict(result.get("failure") or {})
    kind = StoreConflictError if details.pop("kind", "") == StoreConflictError.kind else StoreError
    if not details and "msg" not in result:
        return kind("The module store_file failed on the host without a word.", hint="Run it with -vvv.")
    return kind(str(result.get("msg", "")), **details)
