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


def run(play: object, environment: dict[str, str], folder: Path, *options: str) -> str:
    """What a play that must succeed shows."""
    (folder / "play.yml").write_text(json.dumps(play), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "play.yml", *options]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False, timeout=99)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def test_a_play_uses_the_token_and_shows_no_secret(wire: Wire, environment: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    wire.expect("POST", TOKENS).reply(401, {"error": "invalid_client", "error_description": SECRET})
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    output = run(PLAY, environment, tmp_path, "-vvvv", "-e", f"secret_file={tmp_path}/secret")
    assert "invalid_client" in output
    assert SECRET not in output
    assert str(ISSUED["access_token"]) not in output


def test_modules_that_share_an_action_keep_their_own_defaults(
    wire: Wire, environment: dict[str, str], tmp_path: Path
) -> None:
    tasks: list[dict[str, Any]] = [
        {"aritma.iam.iam_policy_info": {}, "register": "listed"},
        {"action": "iam_policy_info subject=told", "collections": ["aritma.iam"]},
        {"aritma.iam.iam_policy": {"subject": "s", "scope": "/1"}, "check_mode": True, "register": "granted"},
        {"aritma.iam.oidc_client_info": {"action": "a"}, "register": "wrong", "ignore_errors": True},
        {
            "ansible.builtin.assert": {
                "that": [
                    "listed.policies == []",
                    "granted is changed and granted.policy == {'subject': 's', 'action': 'read', 'scope': '/1'}",
                    "'parameters for (aritma.iam.oidc_client_info) module: action' in wrong.msg",
                ]
            }
        },
    ]
    defaults = {
        "group/aritma.iam.iam": {"api_url": wire.url, "access_token": "canary-token-1"},
        "aritma.iam.oidc_client": {"name": "billing"},
        "aritma.iam.iam_policy_info": {"scope": "/2"},
        "aritma.iam.iam_policy": {"action": "read"},
    }
    wire.always("GET", "/v1/policies").reply(200, {"policies": []})
    play = {"hosts": "localhost", "gather_facts": False, "module_defaults": defaults, "tasks": tasks}
    run([play], environment, tmp_path)
    first, second, third, *_rest = wire.seen
    assert first.query["scope"] == second.query["scope"] == ["/2"]
    assert "subject" not in first.query
    assert (second.query["subject"], third.query["action"]) == (["told"], ["read"])
