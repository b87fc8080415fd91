# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request and its reply: no repetition, no redirect, no cookie, no netrc, and an end in any case."""

from __future__ import annotations

import socket
import ssl
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any, TypeVar

from .._core.deps import NewConnectionError, requests
from .._core.version import VERSION
from .connection import Connection

LARGEST_BODY = 16 * 1024 * 1024
_GRACE = 0.2

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """What is sent. ``authorization`` is the header's value; without one no such header is sent."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """What came back, whatever its status. ``headers`` are looked up without regard to case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


@dataclass(eq=False)
class Lost(Exception):
    """No whole reply came back. ``reason`` is for people and names the host.

    ``sent`` says whether the server may have got the request; ``final`` that repeating it is of no use; ``trust`` that
    the server's certificate is why.
    """

    reason: str
    sent: bool = field(kw_only=True)
    final: bool = field(default=False, kw_only=True)
    trust: bool = field(default=False, kw_only=True)


class Transport:
    """Sends requests with the connection's trust settings, on kept connections unless ``fresh``."""

    def __init__(self, connection: Connection, *, fresh: bool = False) -> None:
        self._verify: bool | str = (connection.ca_path or True) if connection.validate_certs else False
        self._fresh = fresh
        self._session: requests.Session | None = None

    def send(self, request: Request, timeout: float) -> Reply:
        """The reply to one request, all of it within ``timeout`` seconds. Raises ``Lost``."""
        host = _host(request.url)
        try:
            return _within(timeout + _GRACE, lambda: self._exchange(self._opened(), request, timeout))
        except Lost:
            self.close()
            raise
        except _Overdue:
            # The thread still holds the connections: leave them to it.
            self._session = None
            raise Lost(f"{host} did not answer in full within {timeout:.3g} s", sent=True) from None
        except Exception as error:
            self.close()
            raise classify(error, host, timeout) from None
        finally:
            if self._fresh:
                self.close()

    def close(self) -> None:
        """Close the connections that are kept."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _opened(self) -> requests.Session:
        if self._session is None:
            if self._verify is False:
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")
            self._session = requests.Session()
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._session.headers.update({"User-Agent": f"aritma.iam/{VERSION}", "Accept": "application/json"})
            if self._fresh:
                self._session.headers["Connection"] = "close"
        return self._session

    def _exchange(self, session: requests.Session, request: Request, timeout: float) -> Reply:
        with session.request(
            request.method,
            request.url,
            params=request.params,
            headers=request.headers,
            data=request.body,
            # Set by hand, as a callable: without one requests would put in what ~/.netrc says.
            auth=_authorize(request.authorization),
            timeout=timeout,
            # Given here as well: on the session alone it loses against REQUESTS_CA_BUNDLE.
            verify=self._verify,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Reply(response.status_code, response.headers, _read(response, _host(request.url)))


def classify(error: Exception, host: str, timeout: float) -> Lost:
    """What a failed attempt means. The texts of the libraries are not repeated: they may hold a secret."""
    causes = list(_causes(error))
    kinds_met = {type(cause) for cause in causes}
    if requests.exceptions.ProxyError in kinds_met and ssl.SSLCertVerificationError not in kinds_met:
        return _lost_at_proxy(causes, host)
    for kinds, reason, traits in _meanings():
        for cause in causes:
            if isinstance(cause, kinds):
                return Lost(reason.format(host=host, timeout=f"{timeout:.3g} s", cause=cause), **traits)
    # A ValueError says that the request could not even be written.
    reason = f"the exchange with {host} failed ({type(error).__name__})"
    return Lost(reason, sent=not isinstance(error, ValueError), final=True)


def _lost_at_proxy(causes: list[BaseException], host: str) -> Lost:
    """The same kind of error says that a proxy was not reached, and that it broke off after it had got the request."""
    not_reached = (NewConnectionError, requests.exceptions.ConnectTimeout, ConnectionRefusedError, socket.gaierror)
    for cause in causes:
        if isinstance(cause, not_reached) or str(cause).startswith("Tunnel connection failed"):
            return Lost(f"the proxy on the way to {host} cannot be used", sent=False)
    return Lost(f"the proxy on the way to {host} broke the connection off", sent=True)


def _meanings() -> list[tuple[tuple[type[BaseException], ...], str, dict[str, bool]]]:
    """Kinds of errors, what they say, and the traits of ``Lost``; the first that fits anywhere in the chain counts."""
    no_trust = {"final": True, "trust": True}
    named = requests.exceptions
    return [
        (
            (ssl.SSLCertVerificationError,),
            "the certificate of {host} is not trusted ({cause.verify_message})",
            {"sent": False, **no_trust},
        ),
        ((socket.gaierror,), "the name of {host} cannot be resolved", {"sent": False}),
        ((named.ConnectTimeout,), "{host} accepted no connection within {timeout}", {"sent": False}),
        ((ConnectionRefusedError,), "{host} refused the connection", {"sent": False}),
        ((NewConnectionError,), "{host} cannot be reached", {"sent": False}),
        ((named.Timeout, TimeoutError), "{host} did not answer within {timeout}", {"sent": True}),
        ((ssl.SSLEOFError, ssl.SSLZeroReturnError), "{host} broke the connection off", {"sent": True}),
        ((ssl.SSLError,), "no TLS connection with {host} came about ({cause.reason})", {"sent": True, **no_trust}),
        (
            (named.ConnectionError, named.ChunkedEncodingError, OSError),
            "{host} broke the connection off",
            {"sent": True},
        ),
    ]


def _authorize(value: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    def apply(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        if value:
            prepared.headers["Authorization"] = value
        return prepared

    return apply


def _read(response: requests.Response, host: str) -> bytes:
    body = bytearray()
    for piece in response.iter_content(65536):
        body += piece
        if len(body) > LARGEST_BODY:
            raise Lost(f"{host} sent more than {LARGEST_BODY // 1024 // 1024} MiB", sent=True, final=True)
    return bytes(body)


class _Overdue(Exception):
    """The work goes on, but nobody waits for it any more."""


def _within(seconds: float, work: Callable[[], T]) -> T:
    """What ``work`` returns or raises; raises ``_Overdue`` once ``seconds`` have passed.

    In a thread of its own, because the timeouts of sockets cannot do it: they hold for one read each, so that a server
    which sends a byte now and then is waited for without end; and none holds for looking a name up.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # whatever it is, it belongs to the one who waits
            future.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    if not wait([future], timeout=seconds).done:
        raise _Overdue
    return future.result()


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what led to it, in all the places where requests and urllib3 keep that."""
    seen: list[Any] = []
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or cause in seen:
            continue
        seen.append(cause)
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]


def _host(url: str) -> str:
    return url.split("/")[2]
