# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signals for a run with all its processes. Ansible's workers leave the process group: one signal is not enough."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path


def family(pid: int) -> list[int]:
    """A process and all that it has started, by the parents that /proc names."""
    parents = dict(_parents())
    found = [pid]
    for each in found:
        found += [child for child, parent in parents.items() if parent == each]
    return found


def _parents() -> Iterator[tuple[int, int]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, ValueError):
            status = (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            yield int(folder.name), int(status[1])


def send(pid: int, which: signal.Signals) -> None:
    """Send a signal to a process and all that it has started; those that are gone do not matter."""
    for each in family(pid):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, which)


def kill_all(pid: int) -> None:
    """End a run as a power cut does: first nobody may start anything any more, then everybody goes."""
    send(pid, signal.SIGSTOP)
    send(pid, signal.SIGSTOP)
    send(pid, signal.SIGKILL)
