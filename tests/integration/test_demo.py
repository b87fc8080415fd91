# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration touches the simulator that it was given, and no tenant of whoever runs it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_run import Ansible

from demo.__main__ import consumer, places
from simulator.process import Simulator

TOKEN = "aTokenOfMyTenant"


@pytest.fixture
def mine(ansible: Ansible) -> Ansible:
    """Somebody whose environment leads to a tenant of their own, by every variable that there is."""
    ansible.environment |= {
        "ARITMA_TOKEN_URL": ansible.environment["ARITMA_IDENTITY_URL"] + "/acme/connect/token",
        "ARITMA_ACCESS_TOKEN": TOKEN,
        "ARITMA_AUTH_SCOPE": "another.scope",
        "ARITMA_TENANT": "globex",
        "ARITMA_CLIENT_ID": "me",
        "ARITMA_CLIENT_SECRET": "mySecretOfGlobex",
    }
    return ansible


def test_the_demonstration(
    tmp_path: Path, simulator: Simulator, simulate: Callable[..., Simulator], mine: Ansible
) -> None:
    """It runs to its end, and the tenant in the environment hears nothing."""
    stage = simulate()
    with consumer(tmp_path) as port:
        mine.environment |= places(tmp_path, stage, port)
        run = mine.run("aritma.iam.demo").ok()
    assert "0 failed." in run.output
    assert stage.admin.log(kind="request")
    assert simulator.admin.log() == []


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1.example.org",
        *(pytest.param(url, marks=pytest.mark.torture) for url in ("", "https://api.dev.aritma.io")),
    ],
)
def test_without_a_simulator_it_does_nothing(tmp_path: Path, simulator: Simulator, mine: Ansible, url: str) -> None:
    """What `make demo` would have said is not there, or leads elsewhere."""
    run = mine.run("aritma.iam.demo", DEMO_HOME=str(tmp_path), DEMO_CONSUMER_PORT="1", DEMO_URL=url)
    assert run.code != 0 and "make demo" in run.output
    assert simulator.admin.log() == [] and not (tmp_path / "store").exists()
