# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request and its reply: no repetition, no redirect, no cookie, no netrc, and an end in any case."""

from __future__ import annotations

import socket
import threading
import warnings
from collections.abc import Mapping
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy

from .._core.deps import requests
from .._core.version import VERSION
from .connection import Connection
from .loss import Lost, classify
from .route import Route, find_route

LARGEST_BODY = 16 * 1024 * 1024
_GRACE = 0.2


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


class Transport:
    """Sends requests with the connection's trust settings, on kept connections unless ``fresh``."""

    def __init__(self, connection: Connection, *, fresh: bool = False) -> None:
        self._connection = connection
        self._fresh = fresh
        self._session: requests.Session | None = None
        self._addresses: dict[tuple[str, int], int] = {}
        """How many the names of servers have."""

    def send(self, request: Request, timeout: float) -> Reply:
        """The reply to one request, all of it within ``timeout`` seconds. Raises ``Lost``."""
        host, route = _host(request.url), find_route(request.url, self._connection)
        fault = route.fault()
        if fault:
            raise Lost(fault[0], sent=False, final=True, hint=fault[1])
        future = self._started(request, route, timeout)
        if not wait([future], timeout=timeout + _GRACE).done:
            # The thread still holds the connections: leave them to it.
            self._session = None
            if future.cancel():
                raise Lost(f"the name of {host} was not resolved within {timeout:.3g} s", sent=False)
            raise Lost(f"{host} did not answer in full within {timeout:.3g} s", sent=True)
        try:
            return future.result()
        except Lost:
            self.close()
            raise
        except Exception as error:
            self.close()
            raise classify(error, host, route, timeout) from None
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
            if not self._connection.validate_certs:
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")
            self._session = requests.Session()
            # Proxy and bundle are those of the route, and nothing comes from ~/.netrc.
            self._session.trust_env = False
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._session.headers.update({"User-Agent": f"aritma.iam/{VERSION}", "Accept": "application/json"})
            if self._fresh:
                self._session.headers["Connection"] = "close"
        return self._session

    def _started(self, request: Request, route: Route, timeout: float) -> Future[Reply]:
        """The exchange, under way in a thread of its own. Until the server's name is resolved it can be cancelled.

        The timeouts of sockets cannot do it: they hold for one read each, so that a server which sends a byte now and
        then is waited for without end; and none holds for looking a name up. Each address has its share of the time, so
        that a dead one leaves some for the others.
        """
        future: Future[Reply] = Future()

        def run() -> None:
            share = timeout / (self._resolved(route.server) + 1)
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._exchange(self._opened(), request, route, (share, timeout)))
            except BaseException as error:  # whatever it is, it belongs to the one who waits
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def _resolved(self, server: tuple[str, int]) -> int:
        """The number of addresses; 1 where the name is not known, which the exchange will find out."""
        with suppress(OSError, UnicodeError):
            if server not in self._addresses:
                self._addresses[server] = len(
                    {each[4] for each in socket.getaddrinfo(*server, type=socket.SOCK_STREAM)}
                )
            return self._addresses[server]
        return 1

    def _exchange(
        self, session: requests.Session, request: Request, route: Route, patience: tuple[float, float]
    ) -> Reply:
        authorization = {"Authorization": request.authorization} if request.authorization else {}
        with session.request(
            request.method,
            request.url,
            params=request.params,
            headers={**request.headers, **authorization},
            data=request.body,
            timeout=patience,
            proxies=route.proxies,
            verify=route.trust,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Reply(response.status_code, response.headers, _read(response, _host(request.url)))


def _read(response: requests.Response, host: str) -> bytes:
    body = bytearray()
    for piece in response.iter_content(65536):
        body += piece
        if len(body) > LARGEST_BODY:
            raise Lost(f"{host} sent more than {LARGEST_BODY // 1024 // 1024} MiB", sent=True, final=True)
    return bytes(body)


def _host(url: str) -> str:
    return url.split("/")[2]
