# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifies processes across machines, so that a later run can tell whether the run that holds a lease is alive."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_NAMESPACE = Path("/proc/self/ns/pid")
_GONE = frozenset({"Z", "X", "x"})
"""States of a process that has ended, including a zombie."""
_START_FIELD = 19
"""Index of field 22 (starttime) of proc_pid_stat(5), counted from field 3 (state), the first after the command."""


@dataclass(frozen=True)
class Place:
    """The scope of a process id: a host, one boot of it, and a pid namespace (a container has its own).

    ``boot`` and ``namespace`` are empty on systems other than Linux.
    """

    host: str
    boot: str
    namespace: str

    @property
    def known(self) -> bool:
        """Whether two equal places are certainly the same. A host name alone is not enough."""
        return bool(self.boot and self.namespace)


def here() -> Place:
    """The place of this process."""
    host = socket.gethostname()
    try:
        return Place(host, _BOOT.read_text(encoding="ascii").strip(), str(_NAMESPACE.stat().st_ino))
    except OSError:
        return Place(host, "", "")


def start_time(pid: int) -> str:
    """The start time of a process here, in clock ticks since boot; empty if it has ended or cannot be seen."""
    status = _status(pid)
    return "" if status is None or status[0] in _GONE else status[_START_FIELD]


def _status(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The command is in parentheses and may itself contain spaces and parentheses.
    fields = text.rpartition(")")[2].split()
    return fields if len(fields) > _START_FIELD else None


def is_alive(pid: int, started: str) -> bool:
    """Whether the process with this id and start time is still running. True if that cannot be determined."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # it exists and belongs to another user
    status = _status(pid)
    if status is None:
        return True  # it exists, but /proc does not show it (hidepid), or there is no /proc
    return status[0] not in _GONE and status[_START_FIELD] == started
