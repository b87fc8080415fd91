# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure which lines and branches of plugins/ the tests reach: ``measure.py -- PYTEST OPTIONS``.

It counts the test process, the workers of Ansible, and modules on a target, each under its file in plugins/. It fails
below the limits, or if a test fails.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

from environment import BUILD, ROOT, Venv

LINES, BRANCHES = 95.0, 90.0
"""The minimum percentages."""

PLACE = BUILD / "coverage"


def coverage(*arguments: str) -> int:
    """Run coverage.py. Returns its exit code."""
    return subprocess.call([str(Venv("main").python), "-m", "coverage", *arguments], cwd=ROOT)


def main(options: list[str]) -> int:
    shutil.rmtree(PLACE, ignore_errors=True)
    PLACE.mkdir(parents=True)
    tests = coverage("run", "-m", "pytest", *options)
    coverage("combine", "--quiet")
    coverage("report")
    coverage("json", "--quiet", "-o", str(PLACE / "report.json"))
    totals = json.loads((PLACE / "report.json").read_text())["totals"]
    lines = 100 * totals["covered_lines"] / totals["num_statements"]
    branches = 100 * totals["covered_branches"] / totals["num_branches"]
    print(f"lines {lines:.1f} % (at least {LINES:.0f}), branches {branches:.1f} % (at least {BRANCHES:.0f})")
    return tests or int(lines < LINES or branches < BRANCHES)


if __name__ == "__main__":
    sys.exit(main(sys.argv[2:] if sys.argv[1:2] == ["--"] else sys.argv[1:]))
