# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of servers that get credentials: https, or http to this host alone."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from .._core.errors import OptionError


def checked_url(url: str, option: str, hint: str) -> str:
    """``url``, if it is an absolute URL that credentials may be sent to: one without user, query and fragment.

    ``option`` is where it was given. Raises ``OptionError``, with ``hint`` where it is no such URL.
    """
    parts = _split(url)
    if parts is None:
        # The text is not shown: it may hold a password.
        raise OptionError(
            f"{option}: the address is not an absolute http(s) URL without user, query and fragment.",
            hint=hint,
            option=option,
        )
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise OptionError(
            f"{option}: {url} would send credentials unencrypted.",
            hint="Use https://; http:// is accepted for this host alone (localhost, 127.0.0.0/8, ::1).",
            option=option,
        )
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of a URL of the kind that we use, or nothing."""
    try:
        parts = urlsplit(url)
        absolute = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return None
    plain = not ("@" in parts.netloc or parts.query or parts.fragment or set(url) & set(" \t\r\n\\"))
    return parts if absolute and plain else None


def is_loopback(host: str) -> bool:
    """Whether a host name or address is that of this machine alone."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".") == "localhost"
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback
