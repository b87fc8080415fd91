# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The profile `duende`, and the cache and the nodes of the token endpoint."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from simulator import Simulator
from simulator.caller import Caller

OLD, NEW = "theOldSecret0", "theNewSecret0"
CLIENT: dict[str, Any] = {
    "name": "Billing",
    "description": "sends bills",
    "allowedGrantTypes": ["client_credentials"],
    "redirectUris": [],
    "allowedScopes": ["api"],
}
CERTIFICATE = {"value": "aThumbprint0", "description": "certificate", "type": "X509Thumbprint"}


def seed(simulator: Simulator, profile: str = "documented", **switches: Any) -> None:
    """A client `c0` with a secret."""
    simulator.admin.reset(profile, **switches)
    secrets = [{"value": OLD, "description": "old"}]
    simulator.admin.seed(clients=[{"name": "Billing", "client_id": "c0", "secrets": secrets}])


def replace_secret(simulator: Simulator, caller: Caller) -> None:
    """Add the new secret and delete the old one."""
    [old] = simulator.admin.state("c0")["clients"][0]["secrets"]
    assert caller.add_secret("c0", NEW, "new").ok
    assert caller.iam("DELETE", f"/v1/clients/c0/secrets/{old['id']}").ok


def accepted(caller: Caller) -> tuple[bool, bool]:
    """Whether the old and the new secret are accepted."""
    return caller.accepts("c0", OLD), caller.accepts("c0", NEW)


def test_a_cached_client_keeps_its_old_secrets(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, client_cache_seconds=900)
    assert not caller.accepts("c0", "wrongSecret0")  # a refused exchange fills the cache too
    replace_secret(simulator, caller)
    caller.iam("PUT", "/v1/clients/c0", json={**CLIENT, "allowedScopes": ["services.iam"]})
    assert accepted(caller) == (True, False)
    simulator.admin.switch(clock_offset=901)
    assert caller.exchange("c0", NEW).json()["error"] == "invalid_scope"
    assert not caller.accepts("c0", OLD)


def test_an_unknown_client_is_not_cached(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("documented", client_cache_seconds=900, token_nodes=2, node_lag=8)
    made = caller.iam("POST", "/v1/clients", json=CLIENT)
    client_id = simulator.admin.state()["clients"][-1]["client_id"]
    assert made.ok and caller.add_secret(client_id, OLD, "old").ok
    both = [Caller(simulator), Caller(simulator)]
    assert sorted(each.accepts(client_id, OLD) for each in both) == [False, True]
    simulator.admin.switch(clock_offset=9)
    assert all(each.accepts(client_id, OLD) for each in both)


def test_connections_reach_nodes_that_are_behind(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, token_nodes=2, node_lag=8)
    first, second = Caller(simulator), Caller(simulator)
    nodes = {accepted(first): first, accepted(second): second}
    assert nodes.keys() == {(True, False)}
    replace_secret(simulator, caller)
    assert {accepted(first), accepted(second)} == {(True, False), (False, True)}
    assert {entry["node"] for entry in simulator.admin.log(operation="tokenForTenant", client_id="c0")} == {0, 1}
    simulator.admin.switch(clock_offset=9)
    assert {accepted(first), accepted(second)} == {(False, True)}


def test_every_error_of_the_token_endpoint_is_400(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, "duende")
    simulator.admin.seed(secrets=[{"client_id": "c0", **CERTIFICATE}])
    answers = {
        "invalid_client": [
            caller.exchange("c0", "wrongSecret0", basic=True),
            caller.exchange("nobody", OLD, basic=True),
            caller.exchange("c0", CERTIFICATE["value"]),
        ],
        "invalid_request": [
            caller.exchange("c0", "x" * 101, basic=True),
            caller.exchange("x" * 101, OLD),
            requests.post(simulator.token_url(), data={"x": "y"}, headers={"Authorization": "Basic ?"}, timeout=5),
        ],
        "invalid_scope": [caller.exchange("c0", OLD, "services.iam", basic=True)],
    }
    for error, given in answers.items():
        assert [(each.status_code, each.json()["error"]) for each in given] == [(400, error)] * len(given)


def test_the_scope_may_be_checked_before_the_secret(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, "scope_first")
    assert caller.exchange("c0", "wrongSecret0", "services.iam").json()["error"] == "invalid_scope"
    assert caller.exchange("c0", "wrongSecret0").json()["error"] == "invalid_client"
    assert caller.exchange("nobody", OLD, "services.iam").json()["error"] == "invalid_client"


def test_secrets_have_numbers_as_ids_and_types(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, "duende")
    simulator.admin.seed(secrets=[{"client_id": "c0", **CERTIFICATE}])
    listed = caller.iam("GET", "/v1/clients/c0/secrets").json()
    assert [(each["type"], each["value"]) for each in listed] == [("SharedSecret", None), ("X509Thumbprint", None)]
    made = caller.add_secret("c0", NEW, "new").json()
    assert made["id"] == listed[1]["id"] + 1 and made["value"] is None
    missing = caller.iam("DELETE", "/v1/clients/c0/secrets/0")
    assert (missing.status_code, missing.headers["Content-Type"]) == (400, "application/problem+json")


def test_a_create_answers_with_links_that_lead_nowhere(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("duende")
    answer = caller.iam("POST", "/v1/clients", json=CLIENT)
    assert (answer.status_code, [link["href"] for link in answer.json()]) == (201, [None, None])


@pytest.mark.parametrize(
    "members",
    [
        {"name": "x" * 201},
        {"description": "x" * 1001},
        {"allowedScopes": ["x" * 201]},
        {"allowedGrantTypes": ["x" * 251]},
        {"redirectUris": ["https://" + "x" * 400]},
        {"allowedScopes": ["api", "api"]},
        {"redirectUris": ["https://a.example", "https://a.example"]},
    ],
)
def test_long_and_doubled_members_are_refused(simulator: Simulator, caller: Caller, members: dict[str, Any]) -> None:
    simulator.admin.reset("duende")
    answer = caller.iam("POST", "/v1/clients", json={**CLIENT, **members})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, list(members))
    simulator.admin.reset("documented")
    assert caller.iam("POST", "/v1/clients", json={**CLIENT, **members}).ok


def test_cursors_are_numbers(simulator: Simulator, caller: Caller) -> None:
    seed(simulator, "duende")
    made = [{"client_id": "c0", "action": "documents.read", "scope": f"/{number}"} for number in range(12)]
    simulator.admin.seed(policies=made)
    first = caller.iam("GET", "/v1/policies").json()
    assert len(first["data"]) == 10 and first["cursor"] > 1 << 31
    last = caller.iam("GET", "/v1/policies", params={"cursor": first["cursor"]}).json()
    assert (len(last["data"]), last["cursor"]) == (2, None)
    assert caller.iam("GET", "/v1/policies", params={"cursor": 5}).status_code == 400
    assert caller.add_secret("c0", NEW, "x" * 2001).status_code == 400
