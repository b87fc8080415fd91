# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts deliver to one path of a real OpenBao at the same time, each with its own members.

Each host is a thread that runs the code of ``credential_delivery``, with a latency of 50 ms. The benchmark measures how
long each delivery takes, and how many writes are sent.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

import requests
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import carry_out
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from doubles.openbao import Bao, running_bao

_LATENCY = 0.05
_TOKEN = "root-bench"


@dataclass
class Wire:
    """The number of writes that were sent over the slow connection."""

    writes: int = 0


def report(sizes: Sequence[int]) -> None:
    """Print a line for each number of writers."""
    if not sizes:
        return
    print(f"{'writers':>7} {'seconds':>8} {'median s':>9} {'worst s':>8} {'writes sent':>12} {'failed':>7}")
    with tempfile.TemporaryDirectory(prefix="aritma-iam-bench-") as folder, running_bao(Path(folder), _TOKEN) as bao:
        for writers in sizes:
            with slow() as wire:
                begun = time.monotonic()
                with ThreadPoolExecutor(writers) as pool:
                    done = list(pool.map(partial(_deliver, bao, f"bench/{writers}"), range(writers)))
                seconds = time.monotonic() - begun
            took = [each for each, _right in done]
            failed = sum(not right for _each, right in done)
            print(
                f"{writers:>7} {seconds:>8.1f} {median(took):>9.1f} {max(took):>8.1f} {wire.writes:>12} {failed:>7}",
                flush=True,
            )


def _deliver(bao: Bao, path: str, number: int) -> tuple[float, bool]:
    """Deliver once. Returns the seconds, and whether it succeeded."""
    options = {
        "target": {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": path},
        "credential": {"client_id": f"c{number}", "client_secret": f"value-{number}", "rotation_id": "r1"},
        "members": {f"id-{number}": "client_id", f"secret-{number}": "client_secret"},
    }
    params = ArgumentSpecValidator(**CREDENTIAL_DELIVERY.spec.to_kwargs()).validate(options).validated_parameters
    begun = time.monotonic()
    done = carry_out(CREDENTIAL_DELIVERY, params, check_mode=False, diff=False)
    return time.monotonic() - begun, bool(done.get("verified"))


@contextmanager
def slow() -> Iterator[Wire]:
    """Delay every request of this process, and count the writes."""
    wire, send = Wire(), requests.Session.send

    def later(self: requests.Session, request: Any, **named: Any) -> requests.Response:
        time.sleep(_LATENCY)
        wire.writes += request.method in ("POST", "PUT")
        return send(self, request, **named)

    with patch.object(requests.Session, "send", later):
        yield wire
