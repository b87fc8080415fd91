# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that change between two pages: nothing is made twice, and nothing of ours is overlooked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from simulator.caller import Caller
from unit.api.driver import Driver

CLIENTS = [{"name": f"client {number}", "client_id": f"c{number}"} for number in range(8)]


def _delete_the_first(iam: Driver) -> None:
    assert Caller(iam.simulator).iam("DELETE", "/v1/clients/c0").ok


def _add_one(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": "another", "client_id": "c8"}])


@contextmanager
def _between_two_pages(iam: Driver, change: Callable[[Driver], None]) -> Iterator[None]:
    """Do it once, when the first page was read and the second one is asked for."""
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


@pytest.mark.parametrize("order", ["oldest", "newest"])
@pytest.mark.parametrize("change", [_delete_the_first, _add_one])
@pytest.mark.parametrize("wanted", ["client 3", "client 4", "client 5"])
def test_a_client_that_moves_to_another_page_is_not_made_again(
    iam: Driver, wanted: str, change: Callable[[Driver], None], order: str
) -> None:
    iam.admin.seed(clients=CLIENTS)
    iam.admin.switch(list_order=order)
    with _between_two_pages(iam, change):
        assert not iam.ok("oidc_client", name=wanted)["changed"]
    assert len(iam.clients(wanted)) == 1


def test_a_client_that_moves_to_another_page_is_deleted(iam: Driver) -> None:
    iam.admin.seed(clients=CLIENTS)
    with _between_two_pages(iam, _delete_the_first):
        assert iam.ok("oidc_client", name="client 3", state="absent")["changed"]
    assert iam.clients("client 3") == []
