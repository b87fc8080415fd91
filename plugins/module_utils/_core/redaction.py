# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes secrets out of texts, in every spelling in which a server might echo them."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "(hidden)"

_URL_SAFE = str.maketrans("+/", "-_")
_SECRET_MEMBERS = frozenset({"value", "secret", "client_secret", "clientsecret", "password", "access_token"})


class Redaction:
    """Knows some secrets; its ``repr`` does not show them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spellings = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
        self._spellings = sorted(spellings, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """``text`` with every secret replaced."""
        for spelling in self._spellings:
            text = text.replace(spelling, HIDDEN)
        return text


def secrets_in(body: Any) -> Iterator[str]:
    """The strings of a JSON body whose member's name says that they are secret."""
    if isinstance(body, Mapping):
        for name, value in body.items():
            if isinstance(value, str) and str(name).lower() in _SECRET_MEMBERS:
                yield value
            else:
                yield from secrets_in(value)
    elif isinstance(body, (list, tuple)):
        for each in body:
            yield from secrets_in(each)


def _spellings(secret: str) -> set[str]:
    # Bytes of the environment that are no text arrive as surrogates, which an encoder would refuse.
    lenient = "surrogatepass"
    encoded = base64.b64encode(secret.encode(errors=lenient)).decode()
    return {
        secret,
        quote(secret, safe="", errors=lenient),
        quote_plus(secret, errors=lenient),
        html.escape(secret),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        encoded,
        encoded.rstrip("="),
        encoded.rstrip("=").translate(_URL_SAFE),
    }
