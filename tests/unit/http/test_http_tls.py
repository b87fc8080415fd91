# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificates a session trusts, and what it says about one that it does not trust."""

from __future__ import annotations

import ipaddress
import os
import ssl
import subprocess
import sys
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from urllib3.util.ssl_ import create_urllib3_context

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


def test_the_authority_in_ca_path_is_trusted(secure: Wire, session: OpenSession, bundle: str) -> None:
    secure.expect("GET", CLIENTS).reply(200, {})
    opened = session(api_url=f"{secure.url}/iam", ca_path=bundle)
    assert opened.request("listClients", "GET", ("clients",)).status == 200


def test_an_unknown_authority_is_not_trusted_and_not_tried_again(secure: Wire, session: OpenSession) -> None:
    opened = session(api_url=f"{secure.url}/iam")
    with pytest.raises(
        TransportError, match=r"certificate of 127.0.0.1:\d+ is not trusted.*ca_path.*validate_certs"
    ) as caught:
        opened.request("createClient", "POST", ("clients",), body={})
    assert opened.calls["iam"] == 1
    assert not isinstance(caught.value, AmbiguousError)
    assert secure.seen == []


def test_ca_path_and_validate_certs_win_over_the_environment(
    secure: Wire, session: OpenSession, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Path(bundle).with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
    secure.expect("GET", CLIENTS, times=2).reply(200, {})
    for trust in ({"ca_path": bundle}, {"validate_certs": False}):
        session(api_url=f"{secure.url}/iam", **trust).request("listClients", "GET", ("clients",))


def test_the_environment_names_the_authorities_where_no_option_is_set(
    secure: Wire, session: OpenSession, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    secure.expect("GET", CLIENTS).reply(200, {})
    session(api_url=f"{secure.url}/iam").request("listClients", "GET", ("clients",))


def test_without_validation_nothing_warns(secure: Wire, session: OpenSession) -> None:
    secure.expect("GET", CLIENTS).reply(200, {})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session(api_url=f"{secure.url}/iam", validate_certs=False).request("listClients", "GET", ("clients",))


def test_a_server_without_tls_is_not_tried_again(wire: Wire, session: OpenSession) -> None:
    opened = session(api_url=wire.url.replace("http:", "https:"))
    with pytest.raises(TransportError, match=r"the TLS handshake with 127.0.0.1:\d+ failed"):
        opened.request("listClients", "GET", ("clients",))
    assert opened.calls["iam"] == 1


@pytest.mark.parametrize("how", ["ca_path", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_file_of_authorities_without_a_certificate_is_named(
    secure: Wire, session: OpenSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate", encoding="utf-8")
    options = {"ca_path": str(broken)} if how == "ca_path" else {}
    if not options:
        monkeypatch.setenv(how, str(broken))
    with pytest.raises(TransportError, match=rf"{how} names .*broken.pem, which holds no certificate") as caught:
        session(api_url=f"{secure.url}/iam", **options).request("createClient", "POST", ("clients",), body={})
    assert not isinstance(caught.value, AmbiguousError)


NOW = datetime.now(timezone.utc)
REISSUE = "Have a new certificate issued"


def issued(folder: Path, fault: str) -> tuple[ssl.SSLContext, str]:
    """The TLS context of a server whose certificate has that fault, and the file with its authority."""

    def begun(names: str, public: ec.EllipticCurvePublicKey, *days: int) -> x509.CertificateBuilder:
        subject, issuer = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in names.split())
        first, last = (NOW + timedelta(days=each) for each in days)
        made = x509.CertificateBuilder(issuer, subject, public, x509.random_serial_number(), first, last)
        identity = x509.SubjectKeyIdentifier.from_public_key(public)
        return made.add_extension(identity, critical=False)

    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca = begun("authority authority", ca_key.public_key(), -30, -1 if fault == "expired authority" else 30)
    basic = x509.BasicConstraints(ca=True, path_length=None)
    ca = ca.add_extension(basic, critical=fault != "constraints not critical")
    if fault != "no key usage":
        signs = dict.fromkeys(("key_cert_sign", "crl_sign"), True)
        rest = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
        usage = x509.KeyUsage(**signs, **dict.fromkeys((*rest, "encipher_only", "decipher_only"), False))
        ca = ca.add_extension(usage, critical=True)
    alone = fault == "self-signed"
    days = {"expired": (-9, -1), "early": (1, 9)}.get(fault, (-1, 9))
    leaf = begun(f"leaf {'leaf' if alone else 'authority'}", key.public_key(), *days)
    where = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    name = x509.DNSName("other.example.test") if fault == "wrong host" else where
    leaf = leaf.add_extension(x509.SubjectAlternativeName([name]), critical=False)
    if fault not in ("no authority key identifier", "self-signed"):
        of_authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
        leaf = leaf.add_extension(of_authority, critical=False)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    shown = leaf.sign(key if alone else ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    (folder / "server.pem").write_bytes(secret + shown)
    authority = folder / "issuer.pem"
    authority.write_bytes(ca.sign(ca_key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    return context, str(authority)


def newer_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check certificates as Python 3.13 does by default."""

    def strict(*given: Any, **named: Any) -> ssl.SSLContext:
        context = create_urllib3_context(*given, **named)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr("urllib3.connection.create_urllib3_context", strict)


@pytest.mark.parametrize(
    ("fault", "reason", "hint"),
    [
        ("expired", "has expired", "Renew the certificate"),
        ("expired authority", "has expired", "or that of its authority"),
        ("early", "not yet valid", "clock"),
        ("wrong host", "IP address mismatch", "Use the name in the certificate"),
        ("self-signed", "self-signed", "Set ca_path"),
        ("another authority", "issuer certificate", "Set ca_path"),
        ("no authority key identifier", "Missing Authority Key Identifier", REISSUE),
        ("no key usage", "key usage", REISSUE),
        ("constraints not critical", "Basic Constraints", REISSUE),
    ],
)
def test_why_a_certificate_is_not_trusted_and_what_helps(
    session: OpenSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, reason: str, hint: str
) -> None:
    newer_python(monkeypatch)
    context, authority = issued(tmp_path, fault)
    if fault == "another authority":
        trustme.CA().cert_pem.write_to_path(authority)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    with serving(context) as server, pytest.raises(TransportError) as caught:
        session(api_url=f"{server.url}/iam").request("createClient", "POST", ("clients",), body={})
    assert reason in caught.value.message
    assert hint in caught.value.hint
    assert ("Set ca_path" in caught.value.hint) == (hint == "Set ca_path")
    assert ("REQUESTS_CA_BUNDLE" in caught.value.hint) == (hint == "Set ca_path")
    assert caught.value.details["sent"] is False


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
