# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Applies a fault rule to a request, before or after the operation commits."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Iterable
from email.utils import formatdate
from typing import Any

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.faults import Rule
from simulator.pauses import Pauses
from simulator.render import error_body

# A marker: send no answer and reset the connection.
DROP = Response(status_code=599)


class Truncated(Response):
    """An answer with the full Content-Length whose body ends in the middle."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


class Connection:
    """The TCP connection of one request. `protocols` are the open connections of the server."""

    def __init__(self, scope: Scope, receive: Receive, protocols: Iterable[Any]) -> None:
        self._client = scope.get("client")
        self._receive = receive
        self._protocols = protocols

    def _transport(self) -> asyncio.Transport | None:
        mine = (protocol for protocol in self._protocols if protocol.client == self._client)
        return getattr(next(mine, None), "transport", None)

    async def closed(self) -> None:
        """Wait until the client has disconnected."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def reset(self) -> None:
        """Send a TCP reset: with a linger time of zero the kernel sends RST instead of FIN."""
        transport = self._transport()
        if transport is not None:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        await self.closed()

    def close(self) -> None:
        """Close the connection after the data that was sent."""
        transport = self._transport()
        if transport is not None:
            transport.close()


def _failure(rule: Rule) -> Response:
    if rule.payload is not None:
        response = Response(json.dumps(rule.payload), status_code=rule.status, media_type="application/json")
    else:
        response = error_body(rule.body, rule.status, "injected by a fault rule")
    if rule.retry_after is not None:
        response.headers["Retry-After"] = str(rule.retry_after)
    if rule.retry_after_date is not None:
        response.headers["Retry-After"] = formatdate(time.time() + rule.retry_after_date, usegmt=True)
    for name, value in rule.headers.items():
        response.headers[name] = value
    return response


def _redirect(rule: Rule) -> Response:
    status = rule.status if 300 <= rule.status < 400 else 307
    return Response(status_code=status, headers={"Location": rule.location, **rule.headers})


async def _hang(rule: Rule, connection: Connection) -> Response:
    try:
        await asyncio.wait_for(connection.closed(), rule.seconds)
    except TimeoutError:
        return DROP
    return DROP


async def _wait_or_hang(
    rule: Rule, phase: str, pauses: Pauses, entry: dict[str, Any], connection: Connection
) -> Response | None:
    """Apply `hang`, `slow` or `pause` in its phase. Returns an answer if the request ends here."""
    if rule.phase != phase:
        return None
    if rule.action == "hang":
        return await _hang(rule, connection)
    if rule.action == "slow":
        await asyncio.sleep(rule.seconds or 0)
    if rule.action == "pause" and await pauses.pause(rule.name, phase, entry):
        return DROP
    return None


async def before_commit(rule: Rule, pauses: Pauses, entry: dict[str, Any], connection: Connection) -> Response | None:
    """The answer that replaces the operation, or None to carry it out."""
    if rule.action == "fail_before":
        return _failure(rule)
    if rule.action == "drop_before":
        return DROP
    if rule.action == "redirect":
        return _redirect(rule)
    return await _wait_or_hang(rule, "before", pauses, entry, connection)


async def after_commit(
    rule: Rule, pauses: Pauses, entry: dict[str, Any], connection: Connection, response: Response
) -> Response:
    """The answer that the client gets after the operation."""
    if rule.action == "fail_after":
        return _failure(rule)
    if rule.action == "commit_then_drop":
        return DROP
    if rule.action in ("truncated_json", "bad_json", "wrong_shape"):
        return _damaged(rule, response)
    return await _wait_or_hang(rule, "after", pauses, entry, connection) or response


def _damaged(rule: Rule, response: Response) -> Response:
    body = bytes(response.body) or b'{"items": []}'
    status = response.status_code if response.status_code != 204 else 200
    if rule.action == "truncated_json" and rule.drop_connection:
        return Truncated(body, status_code=status, media_type="application/json")
    damaged = {
        "truncated_json": body[: len(body) // 2],
        "bad_json": b'{"items": [1, 2,, ]',
        "wrong_shape": json.dumps({"unexpected": True} if rule.payload is None else rule.payload).encode(),
    }
    return Response(damaged[rule.action], status_code=status, media_type="application/json")
