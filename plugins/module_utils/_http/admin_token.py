# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin token that is sent with every request: given as an option, cached, or fetched with the admin credential."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing

from .._core.errors import ApiError, AuthenticationError, ContractError
from .._oauth.grant import ClientCredential, token_request
from .._oauth.verdict import Judgement, Verdict, judge
from .connection import Connection
from .problem import Call, answered, explain, status_error
from .retry import Repeats
from .token_cache import TokenCache
from .transport import Reply, Transport

_DEFAULT_LIFETIME = 300
_LOCK_WAIT = 15.0


class AdminTokens:
    """The admin tokens of one connection. ``calls["token"]`` counts the requests."""

    def __init__(self, connection: Connection, calls: Counter[str]) -> None:
        self._connection = connection
        self._calls = calls
        self._cache: TokenCache | None = None
        if not connection.access_token:
            request = (connection.token_url, connection.auth_client_id, connection.auth_scope)
            trust = (str(connection.validate_certs), connection.ca_path)
            self._cache = TokenCache((*request, *trust), connection.auth_client_secret)

    @property
    def given(self) -> bool:
        """Whether the token was given as an option, so that it cannot be renewed."""
        return self._cache is None

    def get(self) -> str:
        """A token that should be valid. Raises ``AuthenticationError``, ``ApiError``, ``TransportError``."""
        if self._cache is None:
            return self._connection.access_token
        return self._cache.load() or self._fetched(self._cache)

    def renew(self, refused: str) -> str | None:
        """A new token after the API refused one; None if the token was given as an option. Raises as ``get``."""
        if self._cache is None:
            return None
        self._cache.drop(refused)
        return self.get()

    def _fetched(self, cache: TokenCache) -> str:
        with cache.turn(min(_LOCK_WAIT, self._connection.request_timeout)):
            token = cache.load()  # another process may have fetched it
            if token is None:
                grant = fetch_token(self._connection, self._calls)
                token = grant.access_token
                cache.store(token, time.time() + usable_for(grant.expires_in))
            return token


def usable_for(expires_in: int | None) -> float:
    """The seconds after which a token is renewed: 60 before it expires, or a tenth of its lifetime if that is less."""
    lifetime = expires_in or _DEFAULT_LIFETIME
    return lifetime - min(60.0, lifetime / 10)


def fetch_token(connection: Connection, calls: Counter[str]) -> Judgement:
    """Exchange the admin credential for a token. Raises as ``AdminTokens.get``."""
    credential = ClientCredential(connection.auth_client_id, connection.auth_client_secret, connection.auth_scope or "")
    request = token_request(connection.token_url, credential)
    call = Call("token", "POST", connection.token_url, "token_url", credential.redaction)

    def send(timeout: float) -> Reply:
        calls["token"] += 1
        return transport.send(request, timeout)

    with closing(Transport(connection)) as transport:
        reply, spent = answered(connection, call, send, Repeats.READ)
    judgement = judge(reply.status, reply.headers, reply.body)
    if judgement.verdict is Verdict.ACCEPTED:
        return judgement
    raise _refusal(call, reply, judgement, spent)


def _refusal(call: Call, reply: Reply, judgement: Judgement, spent: str) -> ApiError | ContractError:
    """The error for a refused exchange. Never one, such as "not found", that a caller could mistake for the API's."""
    if 200 <= reply.status < 300:
        return ContractError(
            f"{call}: {call.redact(judgement.detail)}",
            hint=f"Check that {call.url} is the token endpoint (tenant, identity_url, token_url).",
            **call.details(),
            status=reply.status,
            expected="access_token",
        )
    if reply.status < 400 or reply.status == 429 or reply.status >= 500:
        return status_error(call, reply, spent, token_given=False)
    named = f", error {call.redact(judgement.error)}" if judgement.error else ""
    return AuthenticationError(
        f"The admin credential got no token: {call} answered {reply.status}{named}: {explain(reply, call.redact)}.",
        status=reply.status,
        hint="Check tenant (or token_url), auth_client_id, auth_client_secret and auth_scope.",
        **call.details(),
        error=call.redact(judgement.error or ""),
    )
