# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application. It logs and validates every request of the API, applies fault rules, and answers."""

from __future__ import annotations

from collections.abc import Collection
from email.utils import formatdate
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.call import Call
from simulator.contract import Exchange, Operation
from simulator.faults import Rule, Traits
from simulator.injection import DROP, Connection, Truncated, after_commit, before_commit
from simulator.log import masked_body
from simulator.nodes import Nodes
from simulator.routes.token import claimed_client_id, tenant_of
from simulator.simulation import Simulation

CONTROL_PREFIX = "/_sim/"


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)


class Gate:
    """Sends requests to the control API or to the simulated API, and logs and validates those to the latter."""

    # The open connections of the server; some faults reset them.
    connections: Collection[Any] = ()

    def __init__(self, simulation: Simulation, control: Starlette) -> None:
        self._simulation = simulation
        self._control = control
        self._nodes = Nodes()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        if scope["path"].startswith(CONTROL_PREFIX):
            await self._control(scope, receive, send)
            return
        call = self._call(scope, await read_body(receive))
        if call.operation is not None and not call.operation.secured:
            addresses = {protocol.client for protocol in self.connections}
            call.node = self._nodes.node_of(scope["client"], addresses, call.profile.token_nodes)
            call.entry["node"] = call.node
        rule = self._simulation.faults.pick(_traits(call))
        connection = Connection(scope, receive, self.connections)
        answer = await self._answer(call, rule, connection)
        self._complete(call, answer)
        if answer is DROP:
            await connection.reset()
            return
        answer.headers.setdefault("Date", formatdate(self._simulation.store.database.clock(), usegmt=True))
        await answer(scope, receive, send)
        if isinstance(answer, Truncated):
            connection.close()

    async def _answer(self, call: Call, rule: Rule | None, connection: Connection) -> Response:
        pauses = self._simulation.pauses
        if rule is not None:
            call.entry["fault"] = rule.action
            self._simulation.log.write(call.entry)
            early = await before_commit(rule, pauses, call.entry, connection)
            if early is not None:
                return early
        response = self._simulation.handle(call)
        call.entry["handler_status"] = response.status_code
        call.entry["committed"] = call.method != "GET" and response.status_code < HTTPStatus.BAD_REQUEST
        self._simulation.judge_response(call, response)
        if rule is None:
            return response
        self._simulation.log.write(call.entry)
        return await after_commit(rule, pauses, call.entry, connection, response)

    def _complete(self, call: Call, answer: Response) -> None:
        call.entry["status"] = None if answer is DROP else answer.status_code
        self._simulation.log.end(call.entry)

    def _call(self, scope: Scope, body: bytes) -> Call:
        simulation = self._simulation
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        raw_path = scope["raw_path"].decode("latin-1").partition("?")[0]
        query = scope["query_string"].decode("latin-1")
        operation, params = self._match(scope["method"], raw_path)
        authorization = headers.get("authorization", "")
        secured = operation is None or operation.secured
        call = Call(
            store=simulation.store,
            tokens=simulation.tokens,
            profile=simulation.profile,
            admin_client_id=simulation.settings.admin_client_id,
            base_url=f"{scope['scheme']}://{headers.get('host', 'localhost')}",
            operation=operation,
            method=scope["method"],
            raw_path=raw_path,
            params=params,
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            identity=simulation.tokens.verify(authorization, simulation.known_tenants()) if secured else None,
        )
        call.entry = simulation.log.begin(**_first_entry(call, query))
        self._judge_request(call, Exchange(query, headers.get("content-type", ""), authorization, body))
        return call

    def _match(self, method: str, raw_path: str) -> tuple[Operation | None, dict[str, str]]:
        base_path = self._simulation.profile.base_path
        of_iam = raw_path.startswith(base_path + "/")
        operation, params = self._simulation.contract.match(method, raw_path.removeprefix(base_path))
        if operation is None or operation.secured != of_iam:
            return None, {}
        return operation, params

    def _judge_request(self, call: Call, exchange: Exchange) -> None:
        for problem in self._simulation.contract.request_problems(call.operation, exchange):
            self._simulation.violations.add("request", call.entry, problem)


def _first_entry(call: Call, query: str) -> dict[str, Any]:
    content_type = call.headers.get("content-type", "")
    is_token = call.operation is not None and call.operation.id.startswith("token")
    claimed = claimed_client_id(call.headers.get("authorization", ""), call.body) if is_token else None
    tenant = call.identity.tenant if call.identity else None
    return {
        "kind": "request",
        "operation": call.operation.id if call.operation else None,
        "method": call.method,
        "path": call.raw_path,
        "query": query,
        "params": call.params,
        "tenant": tenant_of(call.profile, call.params.get("tenant")) if is_token else tenant,
        "caller": call.identity.client_id if call.identity else None,
        "client_id": claimed if is_token else call.params.get("clientId"),
        "body": masked_body(content_type, call.body),
        "user_agent": call.headers.get("user-agent", ""),
        "fault": None,
        "status": None,
        "handler_status": None,
        "committed": False,
    }


def _traits(call: Call) -> Traits:
    client_ids = {call.entry["caller"], call.entry["client_id"], call.params.get("client")}
    return Traits(
        operation=call.operation.id if call.operation else "",
        method=call.method,
        path=call.raw_path,
        client_ids=frozenset(client_id for client_id in client_ids if client_id),
    )
