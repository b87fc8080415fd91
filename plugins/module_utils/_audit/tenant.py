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
"""Requests under way at one time: enough to hide the latency, few enough to be a polite guest."""

Wanted = Callable[[Client], bool]


class TenantClient(BaseModel):
    """A client and what the server lists of its secrets. ``unreadable`` says why that list could not be had."""

    client: Client
    secrets: tuple[Secret, ...] = ()
    unreadable: str = ""

    @property
    def name(self) -> str:
        """The name; the client id where the server shows no name."""
        return self.client.name or self.client.client_id


class Tenant(BaseModel):
    """The wanted ``clients``, by name, and all that are ``listed`` in the tenant, the wanted ones among them.

    ``calls`` counts the requests that it took to read them, by endpoint; it is no part of the data.
    """

    clients: tuple[TenantClient, ...]
    listed: tuple[Client, ...]
    calls: dict[str, int] = Field(default_factory=dict, exclude=True)

    def judged(self, client: TenantClient, at: datetime, limits: Limits) -> tuple[AgedSecret, ...]:
        """The secrets of one of the clients, the newest first, at that moment."""
        shown = any(secret.description for each in self.clients for secret in each.secrets)
        return judge_secrets(client.secrets, at, limits, descriptions_shown=shown)

    def to_cache(self) -> dict[str, Any]:
        """As plain data. Neither a client nor a secret has a member for a value or a token."""
        data: dict[str, Any] = self.model_dump(mode="json", exclude_none=True)
        return data

    @classmethod
    def from_cache(cls, data: object) -> Tenant | None:
        """What ``to_cache`` made; None for anything else, which is as good as no cache."""
        try:
            return cls.model_validate(data)
        except ValidationError:
            return None


def named_like(patterns: Sequence[str]) -> Wanted:
    """Clients whose name matches one of the shell patterns (``billing-*``), case and all; every client without any."""
    return lambda client: (
        not patterns or any(fnmatchcase(client.name or client.client_id, pattern) for pattern in patterns)
    )


def with_secrets(api: IamApi, client: Client) -> TenantClient | None:
    """The client and the list of its secrets; None for one that was deleted meanwhile."""
    try:
        return TenantClient(client=client, secrets=tuple(api.list_secrets(client.client_id)))
    except PermissionDeniedError as error:
        return TenantClient(client=client, unreadable=error.message)
    except NotFoundError as error:
        return TenantClient(client=client, unreadable=error.message) if _is_there(api, client) else None


def _is_there(api: IamApi, client: Client) -> bool:
    """Whether a client without a list of secrets is there after all: unless the server says that it is not."""
    try:
        api.get_client(client.client_id)
    except NotFoundError:
        return False
    except ApiError as error:
        if error.status not in NOT_OFFERED:
            raise
    return True


Read = Callable[[IamApi, Client], "TenantClient | None"]
"""Reads what is to be known of one wanted client; None leaves it out."""


def read_tenant(
    connection: Connection, wanted: Wanted, connections: int = CONNECTIONS, *, read: Read = with_secrets
) -> Tenant:
    """The wanted clients of the tenant, each as ``read`` reads it: one request a page, and one a client for secrets.

    A client that is deleted meanwhile is left out. One whose secrets this admin may not list is ``unreadable``. Raises
    ``IamError`` for anything else that goes wrong, once the requests under way are answered; its ``calls`` count what
    was sent.
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
        session = free.get()  # one thread a session: a session is not to be shared
        try:
            return read(IamApi(session), client)
        finally:
            free.put(session)

    pool = ThreadPoolExecutor(len(sessions), thread_name_prefix="aritma-iam")
    try:
        return [future.result() for future in [pool.submit(read_one, client) for client in clients]]
    finally:
        pool.shutdown(cancel_futures=True)  # nothing new is begun once something went wrong


def _sum(sessions: Sequence[Session]) -> dict[str, int]:
    return dict(sum((session.calls for session in sessions), Counter()))
