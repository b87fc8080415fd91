# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""token_exchange and the access_token lookup as plays use them: values usable, and shown nowhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.tests.unit.wire import TOKEN, Wire

TOKENS = "/acme/connect/token"
SECRET = "canary-secret-0123456789"
ISSUED = {**TOKEN, "access_token": "canary-token-0123456789"}

PLAY: list[dict[str, Any]] = [
    {
        "hosts": "localhost",
        "gather_facts": False,
        "module_defaults": {"aritma.iam.token_exchange": {"tenant": "acme", "client_id": "b", "scope": "api"}},
        "tasks": [
            {
                "aritma.iam.token_exchange": {
                    "client_secret": "{{ lookup('file', secret_file) }}",
                    "return_token": True,
                },
                "register": "issued",
            },
            {
                "aritma.iam.token_exchange": {"client_secret": "{{ lookup('file', secret_file) }}", "deadline": 0},
                "register": "refused",
                "ignore_errors": True,
            },
            {
                "ansible.builtin.assert": {
                    "that": [
                        "issued.access_token | length == 23",
                        "refused is failed",
                        "refused.verdict == 'rejected'",
                        "refused.attempts == 1",
                        "lookup('aritma.iam.access_token') | length == 23",
                        "lookup('aritma.iam.access_token', tenant='acme', access_token='given') == 'given'",
                    ]
                },
                "vars": {"aritma_iam_tenant": "acme"},
            },
        ],
    }
]


@pytest.fixture
def environment(wire: Wire, tmp_path: Path) -> dict[str, str]:
    return {
        **os.environ,
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_HOME": str(tmp_path / "ansible"),
        "ARITMA_IDENTITY_URL": wire.url,
        "ARITMA_CLIENT_ID": "admin",
        "ARITMA_CLIENT_SECRET": SECRET,
    }


def test_a_play(wire: Wire, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    play = tmp_path / "play.yml"
    play.write_text(json.dumps(PLAY), encoding="utf-8")
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    wire.expect("POST", TOKENS).reply(401, {"error": "invalid_client", "error_description": SECRET})
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    command = [str(Path(sys.executable).with_name("ansible-playbook")), str(play), "-vvvv"]
    done = subprocess.run(
        [*command, "-e", f"secret_file={tmp_path}/secret"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    assert "invalid_client" in output
    assert SECRET not in output
    assert str(ISSUED["access_token"]) not in output
