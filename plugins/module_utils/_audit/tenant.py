# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the secrets of many clients at once, with a bounded number of connections. It never writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import datetime
from fnmatch import fnmatchcase
from queue import SimpleQueue
from typing import Any

from .._core.deps import BaseModel, Field, ValidationError
from .._core.errors import ApiError, IamError, NotFoundError, PermissionDeniedError
from .._http.connection import Connection
from .._http.session import Session
from .._iam.api import NOT_OFFERED, IamApi
from .._iam.contract import Client, Secret
from .._secrets.age import AgedSecret, Limits, judge_secrets

CONNECTIONS = 8
"""Requests at the same time: enough to hide the latency, without much load on the server."""

Wanted = Callable[[Client], bool]


class TenantClient(BaseModel):
    """A client and its listed secrets. ``unreadable`` says why the list could not be read."""

    client: Client
    secrets: tuple[Secret, ...] = ()
    unreadable: str = ""

    @property
    def name(self) -> str:
        """The name, or the client id if the server shows no name."""
        return self.client.name or self.client.client_id


class Tenant(BaseModel):
    """The wanted ``clients`` in the order of their names, and all clients ``listed`` in the tenant.

    ``calls`` counts the requests by endpoint. It is not part of the data.
    """

    clients: tuple[TenantClient, ...]
    listed: tuple[Client, ...]
    calls: dict[str, int] = Field(default_factory=dict, exclude=True)

    def judged(self, client: TenantClient, at: datetime, limits: Limits) -> tuple[AgedSecret, ...]:
        """The secrets of one of the clients, judged at the moment ``at``, the newest first."""
        shown = any(secret.description for each in self.clients for secret in each.secrets)
        return judge_secrets(client.secrets, at, limits, descriptions_shown=shown)

    def to_cache(self) -> dict[str, Any]:
        """As plain data. No member of a client or a secret holds a value or a token."""
        data: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return data

    @classmethod
    def from_cache(cls, data: object) -> Tenant | None:
        """Read the data that ``to_cache`` made; None for anything else."""
        try:
            return cls.model_validate(data)
        except ValidationError:
            return None


def named_like(patterns: Sequence[str]) -> Wanted:
    """Clients whose name matches one of the shell patterns (``billing-*``), case-sensitive; without patterns all."""
    return lambda client: (
        not patterns or any(fnmatchcase(client.name or client.client_id, pattern) for pattern in patterns)
    )


def with_secrets(api: IamApi, client: Client) -> TenantClient | None:
    """The client and its listed secrets; None if it was deleted meanwhile."""
    try:
        return TenantClient(client=client, secrets=tuple(api.list_secrets(client.client_id)))
    except PermissionDeniedError as error:
        return TenantClient(client=client, unreadable=error.message)
    except NotFoundError as error:
        return TenantClient(client=client, unreadable=error.message) if _exists(api, client) else None


def _exists(api: IamApi, client: Client) -> bool:
    """Whether the client exists. True if the server does not support a GET of a client."""
    try:
        api.get_client(client.client_id)
    except NotFoundError:
        return False
    except ApiError as error:
        if error.status not in NOT_OFFERED:
            raise
    return True


Read = Callable[[IamApi, Client], "TenantClient | None"]
"""Reads one wanted client. None leaves it out."""


def read_tenant(
    connection: Connection, wanted: Wanted, connections: int = CONNECTIONS, *, read: Read = with_secrets
) -> Tenant:
    """The wanted clients of the tenant, each read by ``read``: one request for each page, and one for each client.

    A client that is deleted meanwhile is left out. A client is ``unreadable`` if this admin may not list its secrets.
    For any other error raises ``IamError``, after the requests in progress were answered. Its ``calls`` counts the
    requests.
    """
    with ExitStack() as stack:
        sessions = [stack.enter_context(Session(connection))]
        try:
            listed = IamApi(sessions[0]).list_clients()
            clients = [each for each in listed if wanted(each)]
            further = min(connections, len(clients)) - 1
            sessions += [stack.enter_context(Session(connection)) for _each in range(further)]
            found = [each for each in _read_all(sessions, clients, read) if each]
        except IamError as error:
            error.details["calls"] = _sum(sessions)
            raise
        found.sort(key=lambda each: (each.name, each.client.client_id))
        return Tenant(clients=tuple(found), listed=tuple(listed), calls=_sum(sessions))


def _read_all(sessions: Sequence[Session], clients: Sequence[Client], read: Read) -> list[TenantClient | None]:
    free: SimpleQueue[Session] = SimpleQueue()
    for session in sessions:
        free.put(session)

    def read_one(client: Client) -> TenantClient | None:
        session = free.get()  # a session must not be shared by threads
        try:
            return read(IamApi(session), client)
        finally:
            free.put(session)

    pool = ThreadPoolExecutor(len(sessions), thread_name_prefix="aritma-iam")
    try:
        return [future.result() for future in [pool.submit(read_one, client) for client in clients]]
    finally:
        pool.shutdown(cancel_futures=True)  # after an error, start no further requests


def _sum(sessions: Sequence[Session]) -> dict[str, int]:
    return dict(sum((session.calls for session in sessions), Counter()))
