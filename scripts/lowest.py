# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the unit tests of HTTP and stores with the oldest supported libraries.

Options are passed to pytest: ``lowest.py -n 2 -k vault``.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import ROOT, EnvironmentFailure, prepare

TESTS = ("tests/unit/http", "tests/unit/api", "tests/unit/stores", "tests/unit/rotation/test_record.py")


def main(options: list[str]) -> int:
    venvs = prepare(["lowest"])
    if not venvs:
        sys.exit("lowest: no environment to run in")
    path = f"{venvs[0].path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    command = [str(venvs[0].python), "-m", "pytest", *TESTS, *options]
    return subprocess.call(command, cwd=ROOT, env=os.environ | {"PATH": path})


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except EnvironmentFailure as failure:
        sys.exit(f"environment: {failure}")
