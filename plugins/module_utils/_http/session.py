# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to the IAM API: the admin token, repetitions inside the budget, and errors in place of bad statuses."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field, replace
from email.utils import parsedate_to_datetime
from typing import Any, final
from urllib.parse import quote, urljoin, urlsplit

from .._core.errors import OptionError
from .._core.redaction import Redaction, secrets_in
from .admin_token import AdminTokens
from .connection import Connection
from .loss import Lost
from .problem import Call, ambiguous_error, answered, read_json, status_error
from .retry import Repeats
from .transport import Reply, Request, Transport

Query = Mapping[str, "str | int | bool"]
"""The query of a request; booleans are written as ``true`` and ``false``."""

_REPEATS = {"GET": Repeats.READ, "POST": Repeats.CREATE}
"""What repeating a request could do; ``Repeats.WRITE`` for the other methods."""
UNCERTAIN = frozenset({500, 502, 503, 504})
"""Answers that do not say whether a write was carried out."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 4


@dataclass(frozen=True)
class Answer(Reply):
    """A 2xx answer."""

    call: Call = field(kw_only=True, repr=False)

    def json(self) -> Any:
        """The JSON value of the body, ``None`` when the body is empty. Raises ``ContractError`` when it is no JSON."""
        return read_json(self.call, self)


@final
class Session(AbstractContextManager["Session"]):
    """One task's requests, all with the admin token. Its block closes the connections."""

    def __init__(self, connection: Connection) -> None:
        self.calls: Counter[str] = Counter()
        """Requests sent so far, repetitions included, by endpoint: ``iam`` and ``token``."""
        self.unclear = 0
        """Requests so far that may have been carried out although their answer was lost, or does not say so."""
        self._told: tuple[float, float] | None = None
        self._connection = connection
        self._transport = Transport(connection)
        self._tokens = AdminTokens(connection, self.calls)

    def __exit__(self, *_raised: object) -> None:
        self._transport.close()

    @property
    def served(self) -> float | None:
        """What the clock of the server shows now, in seconds since 1970; None where no answer told it."""
        return self._told[0] + time.monotonic() - self._told[1] if self._told else None

    def request(
        self,
        operation: str,
        method: str,
        path_segments: Sequence[str],
        *,
        query: Query | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Answer:
        """The 2xx answer to one operation of the API.

        ``operation`` is the operationId; ``path_segments`` are the raw segments below ``/v1``, such as ``("clients",
        client_id)``; ``body`` is sent as JSON, under the name ``content_type``, unless it is ``None``. GET, PUT, PATCH
        and DELETE are repeated inside the retry budget, so that a DELETE may meet its own success as a 404. A POST is
        repeated only when nothing was sent, or on 429.

        Raises ``OptionError`` (a segment that is no name), ``NotFoundError``, ``ConflictError``,
        ``PermissionDeniedError``, ``AuthenticationError``, ``ApiError`` (any other status), ``ContractError``,
        ``TransportError``, and ``AmbiguousError`` where a write may have been carried out although its answer was
        lost (for a POST also when the answer was 500, 502, 503 or 504).
        """
        request = Request(
            method,
            _url(self._connection.api_url, path_segments),
            params=_written(query or {}),
            headers={} if body is None else {"Content-Type": content_type},
            body=None if body is None else json.dumps(body).encode(),
        )
        token = self._tokens.get()
        reply, call, spent = self._answered(operation, request, body, token)
        renewed = self._tokens.renew(token) if reply.status == 401 else None
        if renewed is not None:
            reply, call, spent = self._answered(operation, request, body, renewed)
        if 200 <= reply.status < 300:
            return Answer(reply.status, reply.headers, reply.body, call=call)
        if method == "POST" and reply.status in UNCERTAIN:
            raise ambiguous_error(call, reply)
        raise status_error(call, reply, spent, token_given=self._tokens.given)

    def _answered(self, operation: str, request: Request, body: Any, token: str) -> tuple[Reply, Call, str]:
        """The last reply to a request with that token, what it was about, and what it took."""
        secrets = [token, self._connection.auth_client_secret, *secrets_in(body)]
        call = Call(operation, request.method, request.url, "api_url", Redaction(secrets))
        authorized = replace(request, authorization=f"Bearer {token}")
        repeats = _REPEATS.get(request.method, Repeats.WRITE)
        reply, spent = answered(self._connection, call, lambda timeout: self._followed(authorized, timeout), repeats)
        return reply, call, spent

    def _followed(self, request: Request, timeout: float) -> Reply:
        """The reply, after those redirects of a GET that stay at the same origin: the token goes nowhere else."""
        end = time.monotonic() + timeout
        for _hop in range(_MOST_REDIRECTS):
            reply = self._sent(request, end)
            target = _redirect_target(request, reply)
            if target is None:
                return reply
            request = replace(request, url=target, params={})
        return self._sent(request, end)

    def _sent(self, request: Request, end: float) -> Reply:
        self.calls["iam"] += 1
        try:
            reply = self._transport.send(request, max(0.05, end - time.monotonic()))
        except Lost as lost:
            self.unclear += lost.sent
            raise
        self.unclear += reply.status in UNCERTAIN
        with suppress(KeyError, ValueError, OverflowError):
            self._told = parsedate_to_datetime(reply.headers["Date"]).timestamp(), time.monotonic()
        return reply


def _url(api_url: str, path_segments: Sequence[str]) -> str:
    for segment in path_segments:
        if segment in ("", ".", ".."):
            raise OptionError(
                f"{segment!r} cannot be the id or name of a thing in the API.",
                hint="Look at the options that name the client, the secret or the subject.",
            )
    return "/".join([api_url, "v1", *(quote(segment, safe="") for segment in path_segments)])


def _written(query: Query) -> dict[str, str]:
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}


def _redirect_target(request: Request, reply: Reply) -> str | None:
    location = reply.headers.get("Location")
    if request.method != "GET" or reply.status not in _REDIRECTS or not location:
        return None
    try:
        target = urljoin(request.url, location)
        return target if _origin(target) == _origin(request.url) else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
