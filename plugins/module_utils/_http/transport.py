# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends one HTTP request: no repetition, redirect, cookie or netrc, and a limit for the whole time."""

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
    """An HTTP request. ``authorization`` is the value of that header, which is not sent if it is empty."""

    method: str
    url: str
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = field(default=None, repr=False)
    authorization: str = field(default="", repr=False)


@dataclass(frozen=True)
class Reply:
    """An HTTP reply of any status. Names of ``headers`` are case-insensitive."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(default=b"", repr=False)


class Transport:
    """Sends requests with the trust settings of the connection. With ``fresh``, each on a new connection."""

    def __init__(self, connection: Connection, *, fresh: bool = False) -> None:
        self._connection = connection
        self._fresh = fresh
        self._session: requests.Session | None = None
        self._addresses: dict[tuple[str, int], int] = {}
        """The number of addresses of each server."""

    def send(self, request: Request, timeout: float) -> Reply:
        """Send one request, and return its reply within ``timeout`` seconds. Raises ``Lost``."""
        host, route = _host(request.url), find_route(request.url, self._connection)
        fault = route.fault()
        if fault:
            raise Lost(fault[0], sent=False, final=True, hint=fault[1])
        future = self._started(request, route, timeout)
        if not wait([future], timeout=timeout + _GRACE).done:
            # The thread still uses the connections.
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
        """Close the open connections."""
        if self._session is not None:
            self._session.close()
            self._session = None

    def _opened(self) -> requests.Session:
        if self._session is None:
            if not self._connection.validate_certs:
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")
            self._session = requests.Session()
            # Take the proxy and the certificates from the route, and nothing from ~/.netrc.
            self._session.trust_env = False
            self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
            self._session.headers.update({"User-Agent": f"aritma.iam/{VERSION}", "Accept": "application/json"})
            if self._fresh:
                self._session.headers["Connection"] = "close"
        return self._session

    def _started(self, request: Request, route: Route, timeout: float) -> Future[Reply]:
        """Start the exchange in a thread. It can be cancelled until the name of the server is resolved.

        Socket timeouts are not enough. They apply to each read, so a server that sends a byte now and then would never
        time out, and they do not apply to name resolution. Each address gets a share of the time, so that some is left
        for the others if one does not answer.
        """
        future: Future[Reply] = Future()

        def run() -> None:
            share = timeout / (self._resolved(route.server) + 1)
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(self._exchange(self._opened(), request, route, (share, timeout)))
            except BaseException as error:  # future.result() raises it
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def _resolved(self, server: tuple[str, int]) -> int:
        """The number of addresses of the server; 1 if its name cannot be resolved. The exchange reports that."""
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
