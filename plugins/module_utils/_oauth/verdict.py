# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answer of a token endpoint says about a credential (RFC 6749, sections 5.1 and 5.2)."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from .._http.connection import is_token_text
from .._http.document import parse_json
from .._http.retry import retry_after

_REFUSALS = frozenset({400, 401})
_AFTER_THE_SECRET = frozenset({"invalid_scope", "unauthorized_client"})
"""Errors that Duende IdentityServer and similar servers give only after they have accepted the secret."""
_MISCONFIGURED = frozenset({"invalid_scope", "unauthorized_client", "unsupported_grant_type", "invalid_request"})
_MISCONFIGURED_STATUSES = frozenset({400, 401, 403})
_NOT_HERE = frozenset({301, 302, 303, 307, 308, 404, 405, 410})


class Verdict(str, Enum):
    """What is known about a credential after an exchange. Only ``REJECTED`` means that it does not work."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    MISCONFIGURED = "misconfigured"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """The verdict, and what it is based on.

    ``error`` is the OAuth error code. ``detail`` is a sentence for people that quotes the server: redact it before you
    show it. ``access_token``, ``expires_in`` (seconds) and ``scope`` are set if the verdict is accepted.
    ``retry_after`` is in seconds. ``final`` is true if a repetition is useless.
    """

    verdict: Verdict
    detail: str
    error: str | None = None
    status: int | None = None
    retry_after: float | None = None
    access_token: str = field(default="", repr=False)
    expires_in: int | None = None
    scope: str | None = None
    final: bool = False


def judge(status: int, headers: Mapping[str, str], body: bytes) -> Judgement:
    """Judge by the member ``error``, never by the status alone. An answer that is not understood is unknown."""
    document = _object(body)
    if document is None:
        return _judge_other(status, headers)
    if document.get("error") is None and status == 200:
        return _judge_grant(document)
    return _judge_refusal(status, headers, document)


def decode_claims(token: str) -> dict[str, Any] | None:
    """The claims of a JWT, without a check of its signature; None if the token is not a JWT."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        return _object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return None


def _judge_other(status: int, headers: Mapping[str, str]) -> Judgement:
    detail = f"The address answered {status} without a JSON object."
    if status in _NOT_HERE:
        detail = f"There is no token endpoint here: {status}. Check tenant, identity_url or token_url."
    wait = retry_after(headers)
    return Judgement(Verdict.UNKNOWN, detail, status=status, retry_after=wait, final=status in _NOT_HERE)


def _judge_grant(document: Mapping[str, Any]) -> Judgement:
    token, kind = document.get("access_token"), document.get("token_type", "Bearer")
    if not isinstance(token, str) or not is_token_text(token):
        return Judgement(Verdict.UNKNOWN, "The token endpoint answered 200 without an access token.", status=200)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        return Judgement(Verdict.UNKNOWN, "The token endpoint issued a token that is not a bearer token.", status=200)
    scope = document.get("scope")
    return Judgement(
        Verdict.ACCEPTED,
        "A token was issued.",
        status=200,
        access_token=token,
        expires_in=_seconds(document.get("expires_in")),
        scope=scope if isinstance(scope, str) else None,
    )


def _judge_refusal(status: int, headers: Mapping[str, str], document: Mapping[str, Any]) -> Judgement:
    error = document.get("error")
    name = error if isinstance(error, str) else None
    verdict = Verdict.UNKNOWN
    if name == "invalid_client" and status in _REFUSALS:
        verdict = Verdict.REJECTED
    elif name in _MISCONFIGURED and status in _MISCONFIGURED_STATUSES:
        verdict = Verdict.MISCONFIGURED
    description = document.get("error_description")
    shown = f" ({description})" if isinstance(description, str) and description else ""
    detail = f"The token endpoint answered {status}, error {name or 'not named'}{shown}."
    if verdict is Verdict.MISCONFIGURED and name in _AFTER_THE_SECRET:
        detail += " On servers like Duende IdentityServer this proves that the secret itself is valid."
    return Judgement(verdict, detail, error=name, status=status, retry_after=retry_after(headers))


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        document = parse_json(body)
    except ValueError:
        return None
    return document if isinstance(document, dict) else None


def _seconds(value: object) -> int | None:
    """A lifetime in seconds. Some servers send it as a string."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        seconds = int(float(value))
    except (ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None
