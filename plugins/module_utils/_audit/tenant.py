# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the secrets of many clients at once, with a bounded number of connections. It never writes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from queue import SimpleQueue

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    ApiError,
    IamError,
    NotFoundError,
    PermissionDeniedError,
)
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Session
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import NOT_OFFERED, IamApi
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, Secret

CONNECTIONS = 8
"""Requests under way at one time: enough to hide the latency, few enough to be a polite guest."""

Wanted = Callable[[Client], bool]


@dataclass(frozen=True)
class TenantClient:
    """A client and what the server lists of its secrets. ``unreadable`` says why that list could not be had."""

    client: Client
    secrets: tuple[Secret, ...] = ()
    unreadable: str = ""

    @property
    def name(self) -> str:
        """The name; the client id where the server shows no name."""
        return self.client.name or self.client.client_id


@dataclass(frozen=True)
class Tenant:
    """The wanted clients, by name, and the requests that it took to read them, by endpoint.

    ``listed`` are all clients of the tenant, the wanted ones among them.
    """

    clients: tuple[TenantClient, ...]
    calls: dict[str, int]
    listed: tuple[Client, ...] = ()

    @property
    def descriptions_shown(self) -> bool:
        """Whether the server lists descriptions of secrets."""
        return any(secret.description for each in self.clients for secret in each.secrets)


def named_like(patterns: Sequence[str]) -> Wanted:
    """Clients whose name matches one of the shell patterns (``billing-*``), case and all; every client without any."""
    return lambda client: (
        not patterns or any(fnmatchcase(client.name or client.client_id, pattern) for pattern in patterns)
    )


def with_secrets(api: IamApi, client: Client) -> TenantClient | None:
    """The client and the list of its secrets; None for one that was deleted meanwhile."""
    try:
        return TenantClient(client, tuple(api.list_secrets(client.client_id)))
    except NotFoundError as error:
        return TenantClient(client, unreadable=error.message) if _is_there(api, client) else None
    except PermissionDeniedError as error:
        return TenantClient(client, unreadable=error.message)


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
        return Tenant(tuple(found), _sum(sessions), tuple(listed))


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

    with _threads(len(sessions)) as submit:
        return [future.result() for future in [submit(read_one, client) for client in clients]]


Submit = Callable[[Callable[[Client], "TenantClient | None"], Client], Future["TenantClient | None"]]


@contextmanager
def _threads(number: int) -> Iterator[Submit]:
    """Threads that begin nothing new once something went wrong."""
    pool = ThreadPoolExecutor(number, thread_name_prefix="aritma-iam")
    try:
        yield pool.submit
    finally:
        pool.shutdown(cancel_futures=True)


def _sum(sessions: Sequence[Session]) -> dict[str, int]:
    return dict(sum((session.calls for session in sessions), Counter()))
