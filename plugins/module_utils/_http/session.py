# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends requests to the IAM API: adds the admin token, repeats within the budget, raises errors for error statuses."""

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
"""What a repetition could do, by method. It is ``Repeats.WRITE`` for the other methods."""
UNCERTAIN = frozenset({500, 502, 503, 504})
"""Statuses that do not say whether a write was carried out."""
_MAY_BE_DONE = {"POST": UNCERTAIN, "DELETE": frozenset({500})}
"""Those of them that are not repeated, by method."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_MOST_REDIRECTS = 4


@dataclass(frozen=True)
class Answer(Reply):
    """A 2xx answer."""

    call: Call = field(kw_only=True, repr=False)

    def json(self) -> Any:
        """The JSON value of the body, None if the body is empty. Raises ``ContractError`` if it is not JSON."""
        return read_json(self.call, self)


@final
class Session(AbstractContextManager["Session"]):
    """Sends the requests of one task with the admin token. Closes the connections at the end of its block."""

    def __init__(self, connection: Connection) -> None:
        self.calls: Counter[str] = Counter()
        """The requests sent so far, including repetitions, by endpoint: ``iam`` and ``token``."""
        self.unclear = 0
        """The number of requests that may have been carried out, but whose answer was lost or does not say so."""
        self._server_time: tuple[float, float] | None = None
        """The date of the last answer, and the monotonic time at which it came."""
        self._connection = connection
        self._transport = Transport(connection)
        self._tokens = AdminTokens(connection, self.calls)

    def __exit__(self, *_raised: object) -> None:
        self._transport.close()

    @property
    def served(self) -> float | None:
        """The time now by the clock of the server, in seconds since 1970; None if no answer had a date."""
        return self._server_time[0] + time.monotonic() - self._server_time[1] if self._server_time else None

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
        """Send one operation of the API, and return its 2xx answer.

        ``operation`` is the operationId; ``path_segments`` are the unquoted segments below ``/v1``, such as
        ``("clients", client_id)``; ``body`` is sent as JSON with the type ``content_type``, unless it is None. GET,
        PUT, PATCH and DELETE are repeated within the retry budget. So a DELETE may get 404 although it deleted the
        object. A POST is repeated only if nothing was sent, or on 429.

        Raises ``OptionError`` (an invalid segment), ``NotFoundError``, ``ConflictError``, ``PermissionDeniedError``,
        ``AuthenticationError``, ``ApiError`` (any other status), ``ContractError``, ``TransportError``, and
        ``AmbiguousError`` if the answer to a write was lost, which may have been carried out (for a DELETE also after
        500; for a POST after 500, 502, 503 or 504).
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
        if reply.status in _MAY_BE_DONE.get(method, ()):
            raise ambiguous_error(call, reply)
        raise status_error(call, reply, spent, token_given=self._tokens.given)

    def _answered(self, operation: str, request: Request, body: Any, token: str) -> tuple[Reply, Call, str]:
        """The last reply to a request with that token, a description of the call, and the attempts and time."""
        secrets = [token, self._connection.auth_client_secret, *secrets_in(body)]
        call = Call(operation, request.method, request.url, "api_url", Redaction(secrets))
        authorized = replace(request, authorization=f"Bearer {token}")
        repeats = _REPEATS.get(request.method, Repeats.WRITE)
        reply, spent = answered(self._connection, call, lambda timeout: self._followed(authorized, timeout), repeats)
        return reply, call, spent

    def _followed(self, request: Request, timeout: float) -> Reply:
        """Send, and follow redirects of a GET within the same origin. The token is never sent to another origin."""
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
            self._server_time = parsedate_to_datetime(reply.headers["Date"]).timestamp(), time.monotonic()
        return reply


def _url(api_url: str, path_segments: Sequence[str]) -> str:
    for segment in path_segments:
        if segment in ("", ".", ".."):
            raise OptionError(
                f"{segment!r} cannot be an id or a name in the API.",
                hint="Check the options that name the client, the secret or the subject.",
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
