# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that change while they are read page by page: no client is created twice, and none is overlooked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from simulator.caller import Caller
from unit.api.driver import Driver

CLIENTS = [{"name": f"client {number}", "client_id": f"c{number}"} for number in range(8)]


Change = Callable[[Driver], object]


def _delete(client_id: str) -> Change:
    return lambda iam: Caller(iam.simulator).iam("DELETE", f"/v1/clients/{client_id}").raise_for_status()


def _add(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": "another", "client_id": "c8"}])


@contextmanager
def _between_two_pages(iam: Driver, change: Change) -> Iterator[None]:
    """Make the change once, after the first page was read and before the second one is answered."""
    match = {"operation": "listClients", "path_regex": ""}
    iam.admin.switch(clients_page_max=3, clients_page_default=3, search_text="id_only")
    # A search finds nobody on this server; then all clients are listed, whose second page waits.
    iam.admin.add_faults({"action": "pause", "name": "page", "match": match, "after_skip": 2, "times": 1})

    def act() -> None:
        assert iam.admin.paused(wait=20)
        change(iam)
        iam.admin.clear_faults()

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(act)
        yield
        done.result()


MOVES = [("oldest", _delete("c0"), "client 2"), ("newest", _delete("c7"), "client 4"), ("newest", _add, "client 5")]
"""The last one moves from the first page to the second, and is seen twice."""


@pytest.mark.parametrize(("order", "change", "moved"), MOVES)
def test_a_client_that_moves_to_another_page_is_not_created_again(
    iam: Driver, order: str, change: Change, moved: str
) -> None:
    iam.admin.seed(clients=CLIENTS)
    iam.admin.switch(list_order=order)
    with _between_two_pages(iam, change):
        assert not iam.ok("oidc_client", name=moved)["changed"]
    assert len(iam.clients(moved)) == 1


@pytest.mark.parametrize(("order", "change", "moved"), MOVES)
def test_a_client_that_moves_to_another_page_is_deleted(iam: Driver, order: str, change: Change, moved: str) -> None:
    iam.admin.seed(clients=CLIENTS)
    iam.admin.switch(list_order=order)
    with _between_two_pages(iam, change):
        assert iam.ok("oidc_client", name=moved, state="absent")["changed"]
    assert iam.clients(moved) == []
