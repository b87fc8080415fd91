# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certified OpenID provider, the npm package `oidc-provider`, with the clients and secrets of a simulator."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from doubles.node import installed

_HERE = Path(__file__).resolve().parent


@contextmanager
def running_provider(node: str, simulator: str) -> Iterator[str]:
    """Run the provider for the simulator at this address. Yields the URL before `/acme/connect/token`."""
    place = installed(_HERE)
    shutil.copy(_HERE / "server.js", place)
    command = [node, str(place / "server.js"), simulator]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin and process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.wait(10)
