# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``attached.py PROGRAM ARGUMENT...`` becomes that program, which then ends when its parent does, however that ends.

A test that is killed, or that ``ansible-test units`` runs in a fork that it leaves without a word, stops no server.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

ATTACHED = (sys.executable, "-I", "-S", __file__)
"""What stands before the command of a server that a test starts."""

_SET_PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of prctl(2), which keeps it across execve(2). Other systems than Linux have none."""

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    os.execv(sys.argv[1], sys.argv[1:])
