# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fault rule does to a request: before the operation commits, and after it."""

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

# Stands for: no answer, the connection is reset.
DROP = Response(status_code=599)


class Cut(Response):
    """An answer that promises its whole length and ends in the middle."""

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        half = bytes(self.body[: len(self.body) // 2])
        await send({"type": "http.response.body", "body": half, "more_body": True})


class Connection:
    """The TCP connection of one request; `protocols` are the server's open connections."""

    def __init__(self, scope: Scope, receive: Receive, protocols: Iterable[Any]) -> None:
        self._client = scope.get("client")
        self._receive = receive
        self._protocols = protocols

    def _transport(self) -> asyncio.Transport | None:
        mine = (protocol for protocol in self._protocols if protocol.client == self._client)
        return getattr(next(mine, None), "transport", None)

    async def closed(self) -> None:
        """Wait until the client has gone."""
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def reset(self) -> None:
        """Send a TCP reset: linger with no time makes the kernel send RST in place of FIN."""
        transport = self._transport()
        if transport is not None:
            linger = struct.pack("ii", 1, 0)
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            transport.abort()
        await self.closed()

    def close(self) -> None:
        """Close after what was sent."""
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


async def _hold(
    rule: Rule, phase: str, pauses: Pauses, entry: dict[str, Any], connection: Connection
) -> Response | None:
    """What `hang`, `slow` and `pause` do in their phase; an answer when the request ends with it."""
    if rule.phase != phase:
        return None
    if rule.action == "hang":
        return await _hang(rule, connection)
    if rule.action == "slow":
        await asyncio.sleep(rule.seconds or 0)
    if rule.action == "pause" and await pauses.hold(rule.name, phase, entry):
        return DROP
    return None


async def before_commit(rule: Rule, pauses: Pauses, entry: dict[str, Any], connection: Connection) -> Response | None:
    """An answer that comes in place of the operation's, or none: go on."""
    if rule.action == "fail_before":
        return _failure(rule)
    if rule.action == "drop_before":
        return DROP
    if rule.action == "redirect":
        return _redirect(rule)
    return await _hold(rule, "before", pauses, entry, connection)


async def after_commit(
    rule: Rule, pauses: Pauses, entry: dict[str, Any], connection: Connection, response: Response
) -> Response:
    """The answer that the client gets after the operation was carried out."""
    if rule.action == "fail_after":
        return _failure(rule)
    if rule.action == "commit_then_drop":
        return DROP
    if rule.action in ("truncated_json", "bad_json", "wrong_shape"):
        return _spoiled(rule, response)
    return await _hold(rule, "after", pauses, entry, connection) or response


def _spoiled(rule: Rule, response: Response) -> Response:
    body = bytes(response.body) or b'{"items": []}'
    status = response.status_code if response.status_code != 204 else 200
    if rule.action == "truncated_json" and rule.drop_connection:
        return Cut(body, status_code=status, media_type="application/json")
    spoiled = {
        "truncated_json": body[: len(body) // 2],
        "bad_json": b'{"items": [1, 2,, ]',
        "wrong_shape": json.dumps({"unexpected": True} if rule.payload is None else rule.payload).encode(),
    }
    return Response(spoiled[rule.action], status_code=status, media_type="application/json")
