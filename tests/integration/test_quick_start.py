# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick start without a tenant: the one command, what it prints, and the guide with it, word for word."""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from examples import ROOT, Machine
from galaxy import installed
from guide_walk import Walk

from simulator.process import Server

GUIDE = "docs/quickstart.md"
LAST = "ARITMA_CLIENT_SECRET"
STRANGERS = {"ARITMA_ACCESS_TOKEN": "aTokenOfMyTenant", "ARITMA_TOKEN_URL": "https://id.example.org/me/connect/token"}


@contextmanager
def playing(collection: Path) -> Iterator[str]:
    """Run the documented command there; yields the commands for a shell that it prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with subprocess.Popen(
        [sys.executable, "tests/simulator", "--play"],
        cwd=collection,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        lines = []
        for line in process.stdout:
            lines.append(line)
            if LAST in line:
                break
        try:
            yield "".join(lines)
        finally:
            process.terminate()
            assert process.wait(60) == 0


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def after(script: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a shell in which somebody has pasted these lines."""
    command = ["bash", "-euc", f"{script}\nenv -0"]
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return dict(pair.split("=", 1) for pair in done.stdout.split("\0") if pair)


@pytest.mark.timeout(900)
def test_the_quick_start(tmp_path: Path) -> None:
    """From the folder of the installed collection, in an environment that led to another tenant before."""
    collection = installed(tmp_path)
    with playing(collection) as script:
        address = re.search("^export ARITMA_IDENTITY_URL=(.*)$", script, re.MULTILINE)
        assert address
        server = Server(shlex.split(address[1])[0])
        walk = Walk(GUIDE, Machine(tmp_path, server))
        walk.collection = collection
        walk.machine.substitutes |= {"8099": str(_free_port()), "~/quickstart": str(walk.folder)}
        walk.machine.substitutes["/home/you/quickstart"] = str(walk.folder)
        environment = walk.machine.environment
        environment["ANSIBLE_COLLECTIONS_PATH"] = str(collection.parents[2])
        pasted = after(script, {**environment, **STRANGERS})
        assert not STRANGERS.keys() & pasted.keys()
        environment.clear()
        environment |= pasted
        assert f" {collection}/plugins/" in walk.run("ansible-doc --list_files aritma.iam", "installed")
        walk.go()
        clients = server.admin.state()["clients"]
        assert {each["name"] for each in clients} == {"IAM admin", "legacy-import", "partner-portal"}
        assert not (walk.folder / "billing.env").exists()  # the guide ends with a revocation


def test_it_says_what_to_install(tmp_path: Path) -> None:
    """An environment without the simulator's packages is told the command that helps."""
    command = [sys.executable, "-S", "-E", str(ROOT / "tests" / "simulator"), "--play"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 1
    assert f"{sys.executable} -m pip install joserfc jsonschema-rs starlette uvicorn pyyaml" in done.stderr
