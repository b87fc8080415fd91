# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which process on which machine: what outlives a kill and tells whether somebody is still at work."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_GONE = frozenset({"Z", "X", "x"})
"""States of a process that runs no more: one that its parent has not waited for yet is as dead as one that is gone."""
_START_FIELD = 19
"""Field 22 (starttime) of proc_pid_stat(5), counted from field 3 (state), which is behind the command's name."""


@dataclass(frozen=True)
class Place:
    """Where process ids mean the same: one host, since one boot, in one pid namespace (a container has its own).

    ``boot`` and ``namespace`` are empty where the system does not tell them (it is not Linux).
    """

    host: str
    boot: str
    namespace: str

    @property
    def known(self) -> bool:
        """Whether an equal place is certainly this one. A host name alone is not enough."""
        return bool(self.boot and self.namespace)


def here() -> Place:
    """The place of this process."""
    host = socket.gethostname()
    try:
        return Place(host, _BOOT.read_text(encoding="ascii").strip(), str(_NAMESPACE.stat().st_ino))
    except OSError:
        return Place(host, "", "")


def start_time(pid: int) -> str:
    """When a process of this place started, in clock ticks since boot; empty when it is gone or cannot be seen."""
    status = _status(pid)
    return "" if status is None or status[0] in _GONE else status[_START_FIELD]


def _status(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the command stands in parentheses and may hold blanks and parentheses.
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _START_FIELD else None


def is_alive(pid: int, started: str) -> bool:
    """Whether the process that had this id and this start time is still running. In doubt it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        # It exists and belongs to somebody else.
        pass
    status = _status(pid)
    if status is None:
        # It exists, but /proc does not show it (hidepid), or there is no /proc.
        return True
    return status[0] not in _GONE and status[_START_FIELD] == started
