# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explains why no reply came, whether the server may have received the request, and what to do."""

from __future__ import annotations

import re
import socket
import ssl
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .._core.deps import NewConnectionError, requests
from .route import Route

_TUNNEL = re.compile(r"Tunnel connection failed: (\d{3})")

_AUTHORITY = "Set ca_path to the certificates of the authority that signed it (validate_certs: false trusts anybody)."
_NAME = "Use the name in the certificate, or have a certificate issued for this name."
_CERTIFICATE_HINTS = {
    9: "Check the clock of this machine, and the start date of the certificate. ca_path does not help.",
    10: "Renew the certificate (the server's, or that of its authority), or correct the clock of this machine.",
    62: _NAME,
    64: _NAME,
    **dict.fromkeys((2, 18, 19, 20, 21), _AUTHORITY),
}
"""By OpenSSL code (X509_V_ERR_...): not yet valid, expired, wrong host, wrong address, unknown issuer."""
_RULE_BROKEN = "Have a new certificate issued. This Python, or its OpenSSL, does not accept such certificates."


@dataclass(eq=False)
class Lost(Exception):
    """No complete reply came back. ``reason`` is for people and names the host.

    ``sent`` is true if the server may have received the request, ``final`` if a repetition is useless. ``hint`` says
    what to do, if that is known.
    """

    reason: str
    sent: bool = field(kw_only=True)
    final: bool = field(default=False, kw_only=True)
    hint: str = field(default="", kw_only=True)


def classify(error: Exception, host: str, route: Route, timeout: float) -> Lost:
    """Explain a failed attempt. The texts of the libraries are not repeated, because they may hold a secret."""
    causes = list(_causes(error))
    connecting = any(map(_raised_in_connect, causes))
    # After a ValueError the request was not written.
    sent = not connecting and not isinstance(error, ValueError)
    secure = [cause for cause in causes if isinstance(cause, ssl.SSLError)]
    if secure:
        return _insecure(secure, host, route, sent=sent)
    if connecting and route.proxy:
        return _at_proxy(causes, host, route)
    for kinds, reason in _reasons(connecting):
        if any(isinstance(cause, kinds) for cause in causes):
            return Lost(reason.format(host=host, timeout=f"{timeout:.3g} s"), sent=sent)
    return Lost(f"the exchange with {host} failed ({type(error).__name__})", sent=sent, final=True)


def _reasons(connecting: bool) -> list[tuple[tuple[type[BaseException], ...], str]]:
    """Error types and the reason for each. The first type that occurs in the chain of causes counts."""
    named = requests.exceptions
    late = "{host} accepted no connection in time" if connecting else "{host} did not answer within {timeout}"
    return [
        ((socket.gaierror,), "the name of {host} cannot be resolved"),
        ((ConnectionRefusedError,), "{host} refused the connection"),
        ((named.Timeout, TimeoutError), late),
        ((NewConnectionError,), "{host} cannot be reached"),
        ((named.ConnectionError, named.ChunkedEncodingError, OSError), "{host} closed the connection"),
    ]


def _insecure(errors: list[ssl.SSLError], host: str, route: Route, *, sent: bool) -> Lost:
    for error in errors:
        if isinstance(error, ssl.SSLCertVerificationError):
            reason, hint = error.verify_message, _CERTIFICATE_HINTS.get(error.verify_code, _RULE_BROKEN)
            if hint is _AUTHORITY and route.trust_from:
                hint += f" The trusted certificates now come from {route.trust_from}."
            return Lost(f"the certificate of {host} is not trusted ({reason})", sent=False, final=True, hint=hint)
    if any(isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for error in errors):
        return Lost(f"{host} closed the connection", sent=sent)
    unusable = route.unusable_bundle()
    if unusable:
        return Lost(*unusable[:1], sent=False, final=True, hint=unusable[1])
    hint = "Check that the port is for TLS, and which TLS versions and client certificates the server requires."
    return Lost(f"the TLS handshake with {host} failed ({errors[-1].reason})", sent=sent, final=True, hint=hint)


def _at_proxy(causes: list[BaseException], host: str, route: Route) -> Lost:
    refused = next(filter(None, (_TUNNEL.search(str(cause)) for cause in causes)), None)
    how = f"answered {refused[1]}" if refused else "cannot be used"
    final = refused is not None and refused[1].startswith("4")
    return Lost(f"the proxy on the way to {host} {how}", sent=False, final=final, hint=f"Check {route.proxy_from}.")


def _raised_in_connect(error: BaseException) -> bool:
    """Whether it was raised in ``connect``, before any part of the request was sent."""
    return any(frame.f_code.co_name == "connect" for frame, _line in traceback.walk_tb(error.__traceback__))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and its causes, from all the attributes in which requests and urllib3 keep them."""
    seen: list[Any] = []
    waiting: list[Any] = [error]
    while waiting:
        cause = waiting.pop()
        if not isinstance(cause, BaseException) or cause in seen:
            continue
        seen.append(cause)
        yield cause
        waiting += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
