# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measures the memory of the processes that a test has started."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from meanwhile import meanwhile

MEGABYTE = 1024
"""In the unit of /proc: kB."""
_PEAK = re.compile(r"^VmHWM:\s+(\d+) kB", re.MULTILINE)


class Memory:
    """The highest peak of resident memory of any process in a session, in kB."""

    def __init__(self, session: int) -> None:
        self._session = session
        self.peak = 0
        self.processes: set[int] = set()

    def sample(self) -> None:
        """Look at every process of the session once."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                self._look_at(int(entry.name))

    def _look_at(self, pid: int) -> None:
        try:
            if os.getsid(pid) != self._session:
                return
            peak = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
        except (ProcessLookupError, FileNotFoundError):  # it has ended meanwhile
            return
        if peak:
            self.processes.add(pid)
            self.peak = max(self.peak, int(peak[1]))


@contextmanager
def sampled(session: int) -> Iterator[Memory]:
    """Look at a session ten times a second."""
    memory = Memory(session)
    with meanwhile(memory.sample, 0.1):
        yield memory
