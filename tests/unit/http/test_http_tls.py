# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom a session trusts."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousError, TransportError
from ansible_collections.aritma.iam.tests.unit.http.conftest import OpenSession
from ansible_collections.aritma.iam.tests.unit.wire import Wire, serving

CLIENTS = "/iam/v1/clients"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[Wire]:
    """A scripted server whose certificate the authority signed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with serving(context) as server:
        yield server


@pytest.fixture
def bundle(authority: trustme.CA, tmp_path: Path) -> str:
    path = tmp_path / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def test_ca_path_is_trusted(secure: Wire, session: OpenSession, bundle: str) -> None:
    secure.expect("GET", CLIENTS).reply(200, {})
    opened = session(api_url=f"{secure.url}/iam", ca_path=bundle)
    assert opened.request("listClients", "GET", ("clients",)).status == 200


def test_an_unknown_authority_is_not_and_not_asked_twice(secure: Wire, session: OpenSession) -> None:
    start = time.monotonic()
    with pytest.raises(
        TransportError, match=r"certificate of 127.0.0.1:\d+ is not trusted.*ca_path.*validate_certs"
    ) as e:
        session(api_url=f"{secure.url}/iam").request("createClient", "POST", ("clients",), body={})
    assert time.monotonic() - start < 1
    assert not isinstance(e.value, AmbiguousError)
    assert secure.seen == []


def test_the_environment_does_not_win_over_options(
    secure: Wire, session: OpenSession, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path(bundle).with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    secure.expect("GET", CLIENTS, times=2).reply(200, {})
    for trust in ({"ca_path": bundle}, {"validate_certs": False}):
        session(api_url=f"{secure.url}/iam", **trust).request("listClients", "GET", ("clients",))


def test_it_counts_where_no_option_is_set(
    secure: Wire, session: OpenSession, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    secure.expect("GET", CLIENTS).reply(200, {})
    session(api_url=f"{secure.url}/iam").request("listClients", "GET", ("clients",))


def test_without_validation_there_is_no_noise(secure: Wire, session: OpenSession) -> None:
    secure.expect("GET", CLIENTS).reply(200, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session(api_url=f"{secure.url}/iam", validate_certs=False).request("listClients", "GET", ("clients",))


def test_a_server_that_speaks_no_tls(wire: Wire, session: OpenSession) -> None:
    start = time.monotonic()
    with pytest.raises(TransportError, match=r"no TLS connection with 127.0.0.1:\d+ came about"):
        session(api_url=wire.url.replace("http:", "https:")).request("listClients", "GET", ("clients",))
    assert time.monotonic() - start < 2


def test_a_bundle_that_is_none(secure: Wire, session: OpenSession, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate", encoding="utf-8")
    with pytest.raises(TransportError, match="ca_path"):
        session(api_url=f"{secure.url}/iam", ca_path=str(broken)).request("listClients", "GET", ("clients",))


def test_an_empty_variable_does_not_switch_the_check_off_for_a_lookup(secure: Wire, tmp_path: Path) -> None:
    options = {
        "ARITMA_VALIDATE_CERTS": "",
        "ARITMA_TOKEN_URL": f"{secure.url}/connect/token",
        "ARITMA_CLIENT_ID": "admin",
        "ARITMA_CLIENT_SECRET": "s" * 16,
        "ARITMA_RETRY_BUDGET": "0",
    }
    command = [str(Path(sys.executable).with_name("ansible")), "localhost", "-m", "ansible.builtin.debug"]
    shown = subprocess.run(
        [*command, "-a", "msg={{ lookup('aritma.iam.access_token') }}"],
        env={**os.environ, **options, "ANSIBLE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "is not trusted" in shown.stdout + shown.stderr
    assert secure.seen == []
