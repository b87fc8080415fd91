# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ``ansible-test units`` with the tests of tests/unit: ``units.py main core-2.21 -- tests/unit/http/``.

It uses the libraries of the environment, and installs nothing.
"""

from __future__ import annotations

from environment import python_version
from sanity import Place, run


def units(place: Place, options: list[str]) -> bool:
    version = python_version(place.venv.python)
    return place.start(["--python", str(version), *options]).wait() == 0


if __name__ == "__main__":
    run("units", units)
