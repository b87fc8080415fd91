# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The argument of every handler (`Call`), and the errors that handlers raise."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from simulator.profiles import Profile
from simulator.store import Lag, Store
from simulator.tokens import Identity, Tokens

if TYPE_CHECKING:
    from simulator.contract import Operation

# Tenant names and ids. The claim `tid` of a token holds the name.
TENANTS = {
    "default": "00000000-0000-4000-8000-000000000001",
    "acme": "00000000-0000-4000-8000-0000000000ac",
    "globex": "00000000-0000-4000-8000-00000000061b",
}
DEFAULT_TENANT = "default"
MAIN_TENANT = "acme"


class ApiError(Exception):
    """An error answer of the IAM API: a status, a text, and for 400 the wrong members."""

    def __init__(self, status: int, detail: str, members: dict[str, list[str]] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members or {}


class TokenError(Exception):
    """An OAuth error answer of the token endpoint (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error = error
        self.description = description


@dataclass
class Call:
    """One request, with everything that a handler needs."""

    store: Store
    tokens: Tokens
    profile: Profile
    admin_client_id: str
    base_url: str
    operation: Operation | None
    method: str
    raw_path: str
    params: dict[str, str]
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    identity: Identity | None
    node: int = 0
    entry: dict[str, Any] = field(default_factory=dict)

    @property
    def tenant(self) -> str:
        """The tenant of the caller's token. IAM serves only what belongs to it."""
        if self.identity is None:
            raise ApiError(401, "the access token is missing, expired or wrong")
        return self.identity.tenant

    @property
    def lag(self) -> Lag:
        """How far lists are behind."""
        return Lag(self.profile.list_lag_seconds, self.profile.list_lag_requests)

    @property
    def iam_url(self) -> str:
        """The server URL of IAM, without /v1."""
        return self.base_url + self.profile.base_path

    def json(self) -> dict[str, Any]:
        """The request body as a JSON object."""
        try:
            data = json.loads(self.body)
        except ValueError:
            raise ApiError(400, "the body is not JSON") from None
        if not isinstance(data, dict):
            raise ApiError(400, "the body is not a JSON object")
        return data

    def integer(self, name: str) -> int | None:
        """An integer query parameter."""
        text = self.query.get(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError:
            raise ApiError(400, f"{name} is not an integer", {name: ["not an integer"]}) from None

    def flag(self, name: str, default: bool) -> bool:
        """A boolean query parameter."""
        text = self.query.get(name)
        if text is None:
            return default
        if text.lower() not in {"true", "false"}:
            raise ApiError(400, f"{name} is not true or false", {name: ["not a boolean"]})
        return text.lower() == "true"
