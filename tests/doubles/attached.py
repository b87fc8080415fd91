# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``attached.py PROGRAM ARGUMENT...`` runs a program that is killed when its parent process ends.

A test that is killed cannot stop its servers, and neither can a fork that ``ansible-test units`` ends.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

ATTACHED = (sys.executable, "-I", "-S", __file__)
"""The start of the command of every server that a test starts."""

_SET_PARENT_DEATH_SIGNAL = 1
"""``PR_SET_PDEATHSIG`` of prctl(2). It survives execve(2), and exists only on Linux."""

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    os.execv(sys.argv[1], sys.argv[1:])
