# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Schemathesis asks the simulator for everything that the contract describes, and for what it does not.

Its checks are all in use but two. ``positive_data_acceptance`` would have every request succeed that fits the schema,
also one for a subject that does not exist; ``negative_data_rejection`` would have a ``pageSize`` refused which is
documented to be clamped.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.caller import Caller
from simulator.process import running
from unit.fuzz.given import EXAMPLES

CONTRACT = Path(__file__).parents[2] / "contract" / "aritma-iam.openapi.yaml"
NOT_USED = "positive_data_acceptance,negative_data_rejection"


def schemathesis(home: Path, url: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it against ``url``."""
    fixed = ["--phases", "coverage,fuzzing", "--exclude-checks", NOT_USED, "--seed", "1", "--no-color"]
    program = Path(sys.executable).with_name("schemathesis")
    return subprocess.run(
        [program, "run", CONTRACT, "--url", url, "--max-examples", str(max(1, EXAMPLES // 25)), *fixed, *options],
        cwd=home,
        env={**os.environ, "HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.torture
def test_the_simulator_answers_as_described(tmp_path: Path) -> None:
    """The API, and the token endpoint, which lies elsewhere. No answer breaks the simulator's own checks either.

    Those checks judge every answer that any other test gets; here everything is asked for that no test asks.
    """
    with running() as simulator:
        simulator.admin.seed(clients=[{"name": "billing", "client_id": "c1"}])
        token = Caller(simulator).admin_token()
        bearer = ["--header", f"Authorization: Bearer {token}", "--exclude-path-regex", "connect/token"]
        for url, options in (
            (simulator.api_url, bearer),
            (simulator.identity_url, ["--include-path-regex", "connect/token"]),
        ):
            done = schemathesis(tmp_path, url, *options)
            assert done.returncode == 0, done.stdout + done.stderr
        assert simulator.admin.violations()["responses"] == []
