# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes texts safe to show: replaces secrets, in every encoding of them, and escapes control characters."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "(hidden)"

_SHORT = 8
"""A shorter secret is replaced only as a whole word, because it may occur inside any word or address."""
_WORD = 3
"""A shorter secret is not replaced at all: it would match everywhere."""

_ODD = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters except tab and line break, characters that change the text direction, and lone surrogates."""

_URL_SAFE = str.maketrans("+/", "-_")
_SECRET_MEMBERS = frozenset({"value", "secret", "client_secret", "clientsecret", "password", "access_token"})


class Redaction:
    """Replaces the given secrets in texts. Its ``repr`` does not show them."""

    def __init__(self, secrets: Iterable[str]) -> None:
        whole = {each for secret in secrets for each in (secret, secret.rstrip("\r\n")) if len(each) >= _WORD}
        self._spellings = sorted({spelling for each in whole for spelling in _spellings(each)}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """``text`` with every secret replaced."""
        for spelling in self._spellings:
            if len(spelling) >= _SHORT:
                text = text.replace(spelling, HIDDEN)
            elif spelling in text:
                text = re.sub(rf"(?<![\w./:%-]){re.escape(spelling)}(?![\w/%]|[.:-]\w)", HIDDEN, text)
        return text


def escaped(text: str) -> str:
    """``text`` with unsafe characters as Python escapes, such as ``\\x1b``."""
    return _ODD.sub(lambda odd: odd[0].encode("unicode_escape").decode(), text)


def encodable(text: str) -> str:
    """``text`` with lone surrogates, which cannot be encoded, as Python escapes."""
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def secrets_in(body: Any) -> Iterator[str]:
    """The strings in a JSON body whose names mark them as secret, such as ``client_secret``."""
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
    # Environment bytes that are not UTF-8 arrive as surrogates, which a strict encoder refuses.
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
