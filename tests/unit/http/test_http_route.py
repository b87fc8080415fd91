# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way to the server: what is wrong on this side, proxies, and names with several addresses."""

from __future__ import annotations

import math
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousError, TransportError
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Session
from ansible_collections.aritma.iam.tests.unit.http.conftest import OpenSession
from ansible_collections.aritma.iam.tests.unit.wire import Wire, serving

CREATE = "/iam/v1/clients"
PROXY_VARIABLES = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
SOCKS = "names a SOCKS proxy, and the Python library for it is missing"
NO_PROXY = "is not the address of a proxy"
NO_BUNDLE = "which does not exist or cannot be read"


def create(opened: Session) -> int:
    """A request that must not be repeated where it may have been sent."""
    return opened.request("createClient", "POST", ("clients",), body={"name": "n"}).status


def lost(opened: Session) -> TransportError:
    """The error of a request that was not sent."""
    with pytest.raises(TransportError) as caught:
        create(opened)
    assert not isinstance(caught.value, AmbiguousError)
    assert (caught.value.details["sent"], opened.unclear) == (False, 0)
    return caught.value


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("REQUESTS_CA_BUNDLE", "/no/such.pem", NO_BUNDLE),
        ("CURL_CA_BUNDLE", "/no/such/folder", NO_BUNDLE),
        ("HTTPS_PROXY", "socks5://127.0.0.1:1080", SOCKS),
        ("ALL_PROXY", "socks5h://user:canary@127.0.0.1:1080", SOCKS),
        ("https_proxy", "http://canary:canary@127.0.0.1:notaport", NO_PROXY),
        ("https_proxy", "http://[::1", NO_PROXY),
        ("https_proxy", "http://", NO_PROXY),
        ("https_proxy", "://proxy", NO_PROXY),
        ("HTTPS_PROXY", "http:///proxy", NO_PROXY),
        ("HTTPS_PROXY", "proxy:99999", NO_PROXY),
        ("HTTPS_PROXY", "proxy:0", NO_PROXY),
        ("HTTPS_PROXY", "ftp://proxy:21", NO_PROXY),
        ("HTTPS_PROXY", "http://a proxy:3128", NO_PROXY),
        ("all_proxy", "http://a..proxy:3128", NO_PROXY),
    ],
)
def test_a_variable_that_cannot_be_used_is_named_before_anything_is_sent(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, said: str
) -> None:
    monkeypatch.setenv(variable, value)
    monkeypatch.setitem(sys.modules, "socks", None)
    opened = session(api_url="https://iam.example.test/iam")
    error = lost(opened)
    assert f"{variable} " in error.message
    assert said in error.message
    assert f"Correct {variable}" in error.hint or f"correct {variable}" in error.hint
    assert "canary" not in str(error)
    assert opened.calls["iam"] == 1


@pytest.mark.parametrize("value", ["", "  ", "\n"])
def test_a_blank_variable_counts_as_not_set(session: OpenSession, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    for variable in ("HTTPS_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(variable, value)
    error = lost(session(api_url="https://nowhere.invalid/iam", retry_budget=0.0))
    assert "name of nowhere.invalid cannot be resolved" in error.message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "localhost", "LocalHost", "[::1]", "[::ffff:127.0.0.1]"])
def test_loopback_never_goes_to_a_proxy(session: OpenSession, monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    with serving() as proxy, closing(socket.socket(socket.AF_INET6)) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        other.bind(("::", 0))
        for variable in PROXY_VARIABLES:
            monkeypatch.setenv(variable, proxy.url)
        error = lost(session(api_url=f"http://{host}:{other.getsockname()[1]}/iam", retry_budget=0.0))
        assert "refused the connection" in error.message
        assert proxy.seen == []


@contextmanager
def proxying(answer: str, port: int) -> Iterator[str]:
    """A proxy that answers CONNECT so; where that is 200, it hands everything on to ``port``."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def pipe(source: socket.socket, target: socket.socket) -> None:
            try:
                while piece := source.recv(65536):
                    target.sendall(piece)
            except OSError:
                pass
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def serve() -> None:
            while True:
                try:
                    taken, _address = listener.accept()
                except OSError:
                    return
                taken.recv(65536)
                taken.sendall(f"HTTP/1.1 {answer}\r\n\r\n".encode())
                if not answer.startswith("200"):
                    taken.close()
                    continue
                behind = socket.create_connection(("127.0.0.1", port))
                for ends in ((taken, behind), (behind, taken)):
                    threading.Thread(target=pipe, args=ends, daemon=True).start()
                stack.callback(taken.close)
                stack.callback(behind.close)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def far(tmp_path: Path) -> Iterator[tuple[Wire, dict[str, str]]]:
    """A server that only a proxy reaches, and the options for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("iam.example.test").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with serving(context) as server:
        yield server, {"api_url": "https://iam.example.test/iam", "ca_path": str(tmp_path / "ca.pem")}


@pytest.mark.parametrize(("before", "after"), [("http://", ""), ("", "\n"), ("http://user:pass word@", "/")])
def test_a_proxy_is_used_in_each_spelling_of_its_address(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, far: tuple[Wire, Any], before: str, after: str
) -> None:
    server, options = far
    server.expect("POST", CREATE).reply(201, {})
    with proxying("200 Fine", server.port) as address:
        monkeypatch.setenv("HTTPS_PROXY", f"{before}{address}{after}")
        with session(**options) as opened:
            assert create(opened) == 201


def test_a_create_that_was_lost_behind_a_proxy_is_ambiguous(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, far: tuple[Wire, Any]
) -> None:
    server, options = far
    server.expect("POST", CREATE).commit_then_drop()
    with proxying("200 Fine", server.port) as address:
        monkeypatch.setenv("HTTPS_PROXY", address)
        with (
            session(**options) as opened,
            pytest.raises(AmbiguousError, match=r"iam.example.test closed the connection"),
        ):
            create(opened)


@pytest.mark.parametrize(
    ("answer", "again"), [("407 Authenticate", False), ("403 No", False), ("502 Far away", True), ("503 Busy", True)]
)
def test_a_proxy_that_refuses_is_named(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, answer: str, again: bool
) -> None:
    with proxying(answer, 0) as address:
        monkeypatch.setenv("https_proxy", f"http://me:canary@{address}")
        opened = session(api_url="https://iam.example.test/iam", retry_budget=0.8)
        error = lost(opened)
    assert f"the proxy on the way to iam.example.test answered {answer[:3]}" in error.message
    assert error.hint == "Check https_proxy."
    assert "canary" not in str(error)
    assert (opened.calls["iam"] > 1) == again


@pytest.mark.parametrize("scheme", ["http", "socks5", "socks5h"])
def test_a_proxy_that_cannot_be_reached_is_named(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("HTTPS_PROXY", f"{scheme}://127.0.0.1:{bound.getsockname()[1]}")
        error = lost(session(api_url="https://iam.example.test/iam", retry_budget=0.0))
    assert "the proxy on the way to iam.example.test cannot be used" in error.message
    assert error.hint == "Check HTTPS_PROXY."


@contextmanager
def deaf(port: int, *hosts: str) -> Iterator[None]:
    """Addresses that answer no attempt to connect: their queues are full."""
    with ExitStack() as stack:
        for host in hosts:
            listener = stack.enter_context(socket.socket())
            listener.bind((host, port))
            listener.listen(0)
            for _each in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((host, port))
        yield


def resolve(monkeypatch: pytest.MonkeyPatch, host: str, port: int, *addresses: str, seconds: float = 0.0) -> None:
    """Let ``host`` have these addresses, which take so long to be found."""
    real = socket.getaddrinfo

    def found(name: str, *given: Any, **named: Any) -> Any:
        if name != host:
            return real(name, *given, **named)
        time.sleep(seconds)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", found)


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # urllib3 drops the socket of a connect that timed out
@pytest.mark.parametrize("dead", [1, 3])
def test_a_dead_address_leaves_time_for_the_next(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, far: tuple[Wire, Any], dead: int
) -> None:
    server, options = far
    hosts = [f"127.0.1.{number}" for number in range(dead)]
    resolve(monkeypatch, "iam.example.test", server.port, *hosts, "127.0.0.1")
    server.expect("POST", CREATE).reply(201, {})
    with deaf(server.port, *hosts), session(**options, request_timeout=4.0, retry_budget=0.0) as opened:
        assert create(opened) == 201


@pytest.mark.parametrize("dead", [1, 5])
def test_a_server_that_accepts_no_connection_got_nothing(
    session: OpenSession, monkeypatch: pytest.MonkeyPatch, dead: int
) -> None:
    """All its addresses together have the time of one request."""
    hosts = [f"127.0.2.{number}" for number in range(dead)]
    resolve(monkeypatch, "iam.example.test", 8443, *hosts)
    waits: list[float] = []
    real = socket.socket.connect

    def connect(opened: socket.socket, address: Any) -> None:
        waits.append(opened.gettimeout() or math.inf)
        real(opened, address)

    monkeypatch.setattr(socket.socket, "connect", connect)
    with deaf(8443, *hosts):
        error = lost(session(api_url="https://iam.example.test:8443", request_timeout=1.0, retry_budget=0.0))
    assert "accepted no connection in time" in error.message
    assert len(waits) == dead and sum(waits) <= 1.0


def test_a_request_is_not_sent_once_the_name_took_too_long_to_resolve(
    wire: Wire, session: OpenSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, "localhost", wire.port, "127.0.0.1", seconds=0.8)
    error = lost(session(api_url=f"http://localhost:{wire.port}/iam", request_timeout=0.3, retry_budget=0.0))
    assert "was not resolved within 0.3 s" in error.message
    time.sleep(0.8)
    assert wire.seen == []


def test_a_server_whose_handshake_never_ends_got_nothing(session: OpenSession) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        error = lost(session(api_url=url, request_timeout=2.0, retry_budget=0.0))
    assert "accepted no connection in time" in error.message
