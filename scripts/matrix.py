# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the integration tests marked ``matrix`` once for each named core: ``matrix.py 2.18 2.21 -- -n 2``.

pytest itself runs in the main environment. ANSIBLE_VENV is the environment whose ansible-playbook the tests start.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environment import ROOT, EnvironmentFailure, Venv, prepare


def passes(venv: Venv, options: list[str]) -> bool:
    print(f"integration tests marked matrix, {venv.name}", flush=True)
    command = [str(Venv("main").python), "-m", "pytest", "tests/integration", "-m", "matrix and not torture", *options]
    return subprocess.call(command, cwd=ROOT, env=os.environ | {"ANSIBLE_VENV": str(venv.path)}) == 0


def main(arguments: list[str]) -> None:
    split = arguments.index("--") if "--" in arguments else len(arguments)
    venvs = prepare([f"core-{core}" for core in arguments[:split]])
    failed = [venv.name for venv in venvs if not passes(venv, arguments[split + 1 :])]
    if failed:
        sys.exit(f"matrix failed in {', '.join(failed)}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except EnvironmentFailure as failure:
        sys.exit(f"environment: {failure}")
