# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host names: whatever clients are called, each has one of its own that is safe in patterns, paths and templates."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.host_names import RESERVED, host_names

SAFE = re.compile(r"[^\W_][\w.-]*")
SAMPLES = ["a b", "a/b", "a_b", "a", "a_1", "a_2", "localhost", "due", "", ".."]
NAMES = st.none() | st.text() | st.text("./-_ a") | st.sampled_from(SAMPLES)
IDS = st.text(min_size=1) | st.text("./-_ a", min_size=1) | st.sampled_from(["1", "2", "b", "a b", "a/b", "1_1"])


def named(*names: str | None) -> list[str]:
    """The host names of clients with these names and the ids c0, c1 and so on."""
    clients = [Client(client_id=f"c{number}", name=name) for number, name in enumerate(names)]
    return list(in_order(clients).values())


def in_order(clients: list[Client]) -> dict[str, str]:
    """The names in the order of the clients."""
    found = host_names(clients, {"due", "service_clients"})
    return {client.client_id: found[client.client_id] for client in clients}


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("billing", "billing"),
        ("Billing-Run_2.x", "Billing-Run_2.x"),
        ("billing nightly", "billing_nightly"),
        ("fakturering æøå", "fakturering_æøå"),
        ("a\u030a", "å"),
        ("""it's "billing" """, "it_s_billing"),
        ("100%25/billing", "100_25_billing"),
        ("{{ lookup('pipe', 'id') }}", "lookup_pipe_id"),
        ("web[1:3]", "web_1_3"),
        ("a:b,c&d!e*f", "a_b_c_d_e_f"),
        ("~^a.*", "a."),
        ("../../etc", "etc"),
        ("-rf", "rf"),
        ("@file", "file"),
        ("x" * 300, "x" * 100),
    ],
)
def test_characters_that_a_host_name_cannot_have_are_replaced(name: str, host: str) -> None:
    assert named(name) == [host]


@pytest.mark.parametrize("name", [None, "", " ", "..", "/", "🧾"])
def test_a_client_without_a_usable_name_is_named_after_its_id(name: str | None) -> None:
    assert named(name) == ["c0"]


@pytest.mark.parametrize("name", [*sorted(RESERVED), "due", "service_clients", "local host/../localhost"])
def test_a_reserved_name_gets_the_id(name: str) -> None:
    taken = name in RESERVED or name in ("due", "service_clients")
    assert named(name) == [f"{name}_c0"] if taken else named(name) != ["localhost"]


def test_names_that_are_not_unique_get_the_ids() -> None:
    assert named("billing", "other", "billing") == ["billing_c0", "other", "billing_c2"]
    assert named("a b", "a/b", "a") == ["a_b_c0", "a_b_c1", "a"]


def test_a_name_that_equals_another_name_with_an_id_gets_its_own_id() -> None:
    first, second, third = named("a", "a", "a_c0")
    assert second == "a_c1"
    assert third == "a_c0_c2"
    assert first.startswith("a_c0_")


@given(st.lists(st.builds(lambda client_id, name: Client(client_id=client_id, name=name), IDS, NAMES), max_size=12))
@example([Client(client_id="a b", name="x"), Client(client_id="a/b", name="x")])
def test_any_clients_have_safe_and_unique_names(clients: list[Client]) -> None:
    """Each has a name of its own, safe and not taken, in whatever order they are listed."""
    clients = list({client.client_id: client for client in clients}.values())
    found = in_order(clients)
    assert len(set(found.values())) == len(clients)
    assert all(SAFE.fullmatch(name) for name in found.values())
    assert not set(found.values()) & (RESERVED | {"due", "service_clients"})
    shuffled = random.Random(0).sample(clients, len(clients))
    assert in_order(shuffled) == found
