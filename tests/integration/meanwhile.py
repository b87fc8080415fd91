# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does something again and again while something else goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager


@contextmanager
def meanwhile(act: Callable[[], object], pause: float) -> Iterator[None]:
    """Call ``act`` in a thread as long as the context lasts, with ``pause`` seconds before each call.

    What it raises ends the repetitions, and is raised again with the end of the context: a watch that died saw nothing.
    """
    ended = threading.Event()

    def work() -> None:
        while not ended.wait(pause):
            act()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        try:
            yield
        finally:
            ended.set()
        done.result()
