# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks the addresses of servers that receive credentials: https, or http on this machine only."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from .._core.errors import OptionError


def checked_url(url: str, option: str, hint: str) -> str:
    """Return ``url`` if credentials may be sent to it: an absolute URL without user, query and fragment.

    Otherwise raises ``OptionError`` that names ``option`` and says ``hint``.
    """
    parts = _split(url)
    if parts is None:
        # The URL is not shown, because it may hold a password.
        raise OptionError(
            f"{option}: the address is not an absolute http(s) URL without user, query and fragment.",
            hint=hint,
            option=option,
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise OptionError(
            f"{option}: {url} would send credentials unencrypted.",
            hint="Use https://. Only this machine (localhost, 127.0.0.0/8, ::1) may have http://.",
            option=option,
        )
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of a valid URL, else None."""
    try:
        parts = urlsplit(url)
        absolute = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    plain = not ("@" in parts.netloc or parts.query or parts.fragment or set(url) & set(" \t\r\n\\"))
    return parts if absolute and plain else None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is a loopback address."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
