# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The process: start, end, kill, restart, TLS, options."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
import trustme

from simulator import ControlError, running
from simulator.caller import Caller

TESTS = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "simulator"]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TESTS), **more}


def wait_for(file: Path) -> int:
    deadline = time.monotonic() + 20
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return int(file.read_text())


def test_it_says_where_it_listens_and_ends_cleanly(tmp_path: Path) -> None:
    """When it is interrupted, too."""
    command = [*COMMAND, "--port-file", str(tmp_path / "port"), "--profile", "bodies"]
    with subprocess.Popen(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        port = wait_for(tmp_path / "port")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    assert output.decode() == f"simulator listening on http://127.0.0.1:{port} profile=bodies\n"
    assert (errors, process.returncode) == (b"", 0)


def test_a_killed_simulator_goes_on_with_its_state() -> None:
    with running(token_lifetime=100) as simulator:
        caller = Caller(simulator)
        simulator.admin.seed(clients=[{"name": "billing", "client_id": "c1"}])
        simulator.admin.switch(secret_id_type="integer")
        assert caller.add_secret("c1", "value-of-8", "first").status_code == 201
        before, log = simulator.admin.state(), simulator.admin.log()
        simulator.kill()
        simulator.restart()
        assert (simulator.admin.state(), simulator.admin.log()) == (before, log)
        assert Caller(simulator).accepts("c1", "value-of-8")
        assert Caller(simulator).iam("GET", "/v1/clients", token=caller.admin_token()).status_code == 200
        simulator.admin.reset()
        assert [client["client_id"] for client in simulator.admin.state()["clients"]] == ["admin"]
        assert simulator.admin.profile()["switches"]["token_lifetime"] == 100


def test_it_serves_https_with_the_given_certificate(tmp_path: Path) -> None:
    authority, files = trustme.CA(), (str(tmp_path / "cert.pem"), str(tmp_path / "key.pem"))
    server = authority.issue_cert("127.0.0.1")
    server.private_key_pem.write_to_path(files[1])
    for part in (*server.cert_chain_pems, authority.cert_pem):
        part.write_to_path(files[0], append=True)
    with running(tls=files) as simulator:
        caller = Caller(simulator, verify=files[0])
        assert simulator.url.startswith("https://")
        assert caller.iam("GET", "/v1/clients").json()["links"]["first"].startswith("https://")
        simulator.admin.add_faults({"action": "commit_then_drop"})
        with pytest.raises(OSError, match=r"reset|EOF|closed"):
            caller.iam("GET", "/v1/clients")


def test_the_admin_secret_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("another-admin-secret\n")
    options = ["--admin-client-id", "boss", "--admin-client-secret-file", str(tmp_path / "secret")]
    options += ["--port-file", str(tmp_path / "port"), "--state", str(tmp_path / "state.db")]
    form = {"grant_type": "client_credentials", "scope": "services.iam"}
    with subprocess.Popen([*COMMAND, *options], env=environment(), stdout=subprocess.DEVNULL) as process:
        url = f"http://127.0.0.1:{wait_for(tmp_path / 'port')}/acme/connect/token"
        statuses = [
            requests.post(url, data=form, auth=("boss", value), timeout=5).status_code
            for value in ("another-admin-secret", "simulator-admin-secret")
        ]
        process.terminate()
    assert statuses == [200, 401]


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    script = f"import subprocess, sys; print(subprocess.Popen({COMMAND!r} + sys.argv[1:], stdout=2).pid)"
    options = ["--exit-with-parent", "--port-file", str(tmp_path / "port")]
    script += f"\nimport pathlib, time\nwhile not pathlib.Path({str(tmp_path / 'port')!r}).exists(): time.sleep(0.02)"
    done = subprocess.run([sys.executable, "-c", script, *options], env=environment(), capture_output=True, check=True)
    deadline = time.monotonic() + 60
    while is_running(int(done.stdout)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(int(done.stdout))


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().split()[2] != "Z"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--host", "192.0.2.1"], "loopback"),
        (["--profile", "none"], "there is no profile 'none'"),
        (["--set", "no_such=1"], "there is no switch 'no_such'"),
    ],
)
def test_bad_options_are_refused(options: list[str], message: str) -> None:
    done = subprocess.run([*COMMAND, *options], env=environment(), capture_output=True, text=True, check=False)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr


def test_bad_switches_change_nothing() -> None:
    with running() as simulator:
        before = simulator.admin.profile()
        with pytest.raises(ControlError, match="there is no switch"):
            simulator.admin.switch(cascade=False, no_such=1)
        with pytest.raises(ControlError, match="there is no profile"):
            simulator.admin.reset("none")
        assert simulator.admin.profile() == before
