# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nodes of the token endpoint: which node a connection reaches, and what that node knows about a client."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from simulator.call import Call
from simulator.store import Client


class Nodes:
    """Assigns each new connection to the next node. All requests of a connection reach the same node."""

    def __init__(self) -> None:
        self._of: dict[Any, int] = {}
        self._assigned = 0

    def node_of(self, address: Any, open_addresses: Collection[Any], count: int) -> int:
        """The number of the node that the connection from this address reaches, counted from 0."""
        self._of = {each: node for each, node in self._of.items() if each in open_addresses}
        if address not in self._of:
            self._of[address] = self._assigned
            self._assigned += 1
        return self._of[address] % max(count, 1)


@dataclass(frozen=True)
class View:
    """A client as a node knows it, and the time up to which the node knows changes of its secrets."""

    client: Client
    moment: float


def view_of(call: Call, client_id: str, tenant: str) -> View | None:
    """What the node of this request knows about a client. The node caches it as long as the profile says."""
    store, profile, now = call.store, call.profile, call.store.database.clock()
    client = store.clients.find_even_deleted(client_id, tenant)
    if client is None:
        return None
    kept = store.kept_client(call.node, client, now) if profile.client_cache_seconds else None
    if kept is not None:
        settings, moment = kept
        return View(dataclasses.replace(client, **settings), moment)
    moment = now - call.node * profile.node_lag
    known = client.created <= moment and (client.deleted is None or moment < client.deleted)
    if profile.client_cache_seconds and known:
        store.keep_client(call.node, client, moment, until=now + profile.client_cache_seconds)
    return View(client, moment)
