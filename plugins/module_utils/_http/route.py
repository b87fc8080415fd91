# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The route to a server: the proxy and the trusted certificates, and the option or variable that set each."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from .._core.deps import requests
from .connection import Connection
from .urls import is_loopback

_BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PORTS = {"http": 80, "https": 443}
_SCHEMES = frozenset({"http", "https", "socks4", "socks4a", "socks5", "socks5h"})

Fault = tuple[str, str]
"""What is wrong with the local configuration, and what to do."""


@dataclass(frozen=True)
class Route:
    """How to reach a server. ``proxy`` is empty if there is none.

    ``trust`` is a file or directory of certificates, or whether to verify at all. ``proxy_from`` and ``trust_from``
    name the option or variable that set them. ``server`` is the host and port to connect to, of the proxy if any.
    """

    server: tuple[str, int]
    trust: bool | str
    trust_from: str
    proxy: str = field(default="", repr=False)
    proxy_from: str = ""

    @property
    def proxies(self) -> dict[str, str]:
        """The proxies in the format of requests."""
        return dict.fromkeys(("http", "https"), self.proxy) if self.proxy else {}

    def fault(self) -> Fault | None:
        """A fault that is known before anything is sent."""
        if self.proxy and not self.server[0]:
            return f"{self.proxy_from} is not the address of a proxy", f"Correct {self.proxy_from}: http://host:port."
        if self.proxy.startswith("socks") and not _has_socks():
            return (
                f"{self.proxy_from} names a SOCKS proxy, and the Python library for it is missing",
                f"Install PySocks (requests[socks]) here, or correct {self.proxy_from}.",
            )
        if isinstance(self.trust, str):
            needed = os.R_OK | (os.X_OK if Path(self.trust).is_dir() else 0)
            if not os.access(self.trust, needed):
                return self._bundle_fault("does not exist or cannot be read")
        return None

    def unusable_bundle(self) -> Fault | None:
        """The fault of a certificate file that holds no certificates."""
        if isinstance(self.trust, str) and not Path(self.trust).is_dir():
            try:
                ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(self.trust)
            except OSError:
                return self._bundle_fault("holds no certificate in PEM format")
        return None

    def _bundle_fault(self, problem: str) -> Fault:
        return f"{self.trust_from} names {self.trust}, which {problem}", f"Correct {self.trust_from}."


def find_route(url: str, connection: Connection) -> Route:
    """The route to ``url``. Loopback addresses never use a proxy, and options precede environment variables."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    server = host, parts.port or _PORTS[parts.scheme]
    trust, trust_from = _trust(connection) if parts.scheme == "https" else (True, "")
    given = None if is_loopback(host) else requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    proxy = (given or "").strip()
    if not proxy:
        return Route(server, trust, trust_from)
    kinds = (parts.scheme, "all")
    names = [name for kind in kinds for name in (f"{kind}_proxy", f"{kind}_proxy".upper())]
    proxy_from = next((name for name in names if os.environ.get(name) == given), "the proxy of this machine")
    return Route(_server(proxy), trust, trust_from, proxy, proxy_from)


def _trust(connection: Connection) -> tuple[bool | str, str]:
    if not connection.validate_certs:
        return False, "validate_certs"
    if connection.ca_path:
        return connection.ca_path, "ca_path"
    given = ((os.environ.get(name, "").strip(), name) for name in _BUNDLES)
    return next(((path, name) for path, name in given if path), (True, ""))


def _server(proxy: str) -> tuple[str, int]:
    """Host and port of a proxy; an empty host if its address is invalid."""
    try:
        parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        host = parts.hostname or ""
        host.encode("idna")
        port = _PORTS.get(parts.scheme, 1080) if parts.port is None else parts.port
        usable = parts.scheme in _SCHEMES and port and all(character > " " for character in host)
    except ValueError:
        return "", 0
    return (host, port) if usable else ("", 0)


def _has_socks() -> bool:
    try:
        import_module("socks")
    except ImportError:
        return False
    return True
