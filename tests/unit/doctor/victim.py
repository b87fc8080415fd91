# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs doctors that kill themselves: for each number on standard input one that ends after so many writes.

The options are its argument, as JSON. It answers each number with the exit status of that doctor.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from unittest import mock

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import carry_out
from ansible_collections.aritma.iam.plugins.module_utils._doctor.doctor import DOCTOR
from ansible_collections.aritma.iam.plugins.module_utils._http.transport import Reply, Request, Transport

OPTIONS = json.loads(sys.argv[1])


def fatal(writes: int) -> Callable[[Transport, Request, float], Reply]:
    """Sends, and kills the process once so many writes were answered."""
    send, left = Transport.send, iter(range(writes - 1, -1, -1))

    def sent(transport: Transport, request: Request, timeout: float) -> Reply:
        reply = send(transport, request, timeout)
        if request.method != "GET" and "/connect/" not in request.url and next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return reply

    return sent


def die_after(writes: int) -> int:
    """The status of a doctor in a process of its own."""
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1]
    with mock.patch.object(Transport, "send", fatal(writes)):
        os._exit("failed" in carry_out(DOCTOR, OPTIONS, check_mode=False, diff=False))


for line in sys.stdin:
    print(die_after(int(line)), flush=True)
