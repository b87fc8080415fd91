# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""URLs of servers that are sent secrets."""

from __future__ import annotations

import ipaddress
from urllib.parse import SplitResult, urlsplit

from ansible_collections.aritma.iam.plugins.module_utils._errors import OptionError


def checked_url(url: str, option: str, server: str) -> str:
    """``url`` without a slash at its end. Raises ``OptionError`` unless it is one of https, or of loopback.

    ``option`` is where it was given, ``server`` whose it is, for messages.
    """
    parts = _split(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.hostname:
        raise OptionError(f"{option}: {url!r} is not the URL of {server}.", hint="Write https://host:port.")
    if parts.scheme == "http" and not _loopback(parts.hostname):
        raise OptionError(
            f"{option}: {url} would send credentials and secrets unencrypted.",
            hint="Use https://; http:// is for loopback alone.",
            option=option,
        )
    return url.rstrip("/")


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
