# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The baseline profile: every operation once, and the rules of each resource."""

from __future__ import annotations

from typing import Any

import pytest

from simulator import Simulator
from simulator.caller import Caller

CLIENT = {
    "name": "billing",
    "description": "sends bills",
    "allowedGrantTypes": ["client_credentials"],
    "redirectUris": [],
    "allowedScopes": ["api"],
}


def make_client(caller: Caller, **members: Any) -> str:
    body = {**CLIENT, **members}
    assert caller.iam("POST", "/v1/clients", json=body).status_code == 200
    found = caller.iam("GET", "/v1/clients", params={"searchText": body["name"]}).json()["items"]
    return str(next(item["clientId"] for item in found if item["name"] == body["name"]))


def secrets_of(caller: Caller, client_id: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = caller.iam("GET", f"/v1/clients/{client_id}/secrets").json()
    return listed


@pytest.fixture(autouse=True)
def _no_violations(simulator: Simulator) -> Any:
    yield
    assert simulator.admin.violations() == {"requests": [], "responses": []}


def test_a_client_is_created_without_an_answer_and_found_by_its_name(caller: Caller) -> None:
    answer = caller.iam("POST", "/v1/clients", json=CLIENT)
    assert (answer.status_code, answer.content, "Location" in answer.headers) == (200, b"", False)
    page = caller.iam("GET", "/v1/clients", params={"searchText": "BILL"}).json()
    assert [item["name"] for item in page["items"]] == ["billing"]
    assert page["metadata"] == {"page": 1, "pageSize": 50, "totalCount": 1}


def test_an_update_replaces_the_settings(caller: Caller) -> None:
    client_id = make_client(caller)
    answer = caller.iam("PUT", f"/v1/clients/{client_id}", json={**CLIENT, "description": "æøå {{ x }} %"})
    assert answer.status_code == 204
    details = caller.iam("GET", f"/v1/clients/{client_id}").json()
    assert details == {"clientId": client_id, **CLIENT, "description": "æøå {{ x }} %"}


def test_a_deleted_client_is_gone_with_its_secrets_and_policies(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    caller.add_secret(client_id, "value-of-8", "one")
    policy = {"subject": f"client-{client_id}", "action": "banking.ais.read", "scope": "/x"}
    caller.iam("POST", "/v1/policies", json=policy)
    assert caller.accepts(client_id, "value-of-8")
    assert caller.iam("DELETE", f"/v1/clients/{client_id}").status_code == 204
    assert caller.iam("GET", f"/v1/clients/{client_id}").status_code == 404
    assert not caller.accepts(client_id, "value-of-8")
    assert simulator.admin.state()["policies"] == []


def test_a_secret_is_added_listed_accepted_and_deleted(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    answer = caller.add_secret(client_id, "value-of-8", "one", expiration="2031-02-03T04:05:06Z")
    assert (answer.status_code, answer.content) == (201, b"")
    [secret] = secrets_of(caller, client_id)
    assert (secret["description"], secret["expiration"]) == ("one", "2031-02-03T04:05:06Z")
    assert simulator.admin.check(client_id, "value-of-8")["live"] == [secret["id"]]
    assert caller.iam("DELETE", f"/v1/clients/{client_id}/secrets/{secret['id']}").status_code == 204
    assert not caller.accepts(client_id, "value-of-8")
    assert caller.iam("DELETE", f"/v1/clients/{client_id}/secrets/{secret['id']}").status_code == 404


def test_an_expired_secret_is_refused(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    caller.add_secret(client_id, "value-of-8", "one", expiration="2031-02-03T04:05:06Z")
    assert caller.accepts(client_id, "value-of-8")
    simulator.admin.switch(clock_offset=10 * 365 * 86400)
    assert not caller.accepts(client_id, "value-of-8")


def test_the_peak_counts_secrets_that_lived_at_once(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    for number in range(3):
        caller.add_secret(client_id, f"value-of-{number}", str(number))
        if number == 1:
            first = secrets_of(caller, client_id)[0]["id"]
            caller.iam("DELETE", f"/v1/clients/{client_id}/secrets/{first}")
    assert simulator.admin.state()["counters"]["peak_live_secrets"][client_id] == 2
    [client] = simulator.admin.state(client_id)["clients"]
    assert [item["deleted_at"] is None for item in client["history"]] == [False, True, True]


def test_include_flags_add_what_follows_from_literal_policies(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    subject = f"client-{client_id}"
    [group] = simulator.admin.seed(groups=[{"name": "robots", "members": [subject]}])["groups"]
    simulator.admin.seed(policies=[{"subject": group["subject_id"], "action": "banking.read", "scope": "/a"}])

    def actions(**flags: str) -> list[str]:
        found = caller.iam("GET", "/v1/policies", params={"subject": subject, **flags}).json()["data"]
        return sorted(item["action"] for item in found)

    assert actions() == []
    assert actions(includeInherited="true") == ["banking.read"]
    everything = ["banking.ais.read", "banking.pis.read", "banking.read"]
    assert actions(includeInherited="true", includeDerived="true") == everything


def test_policies_are_paged_by_cursor(simulator: Simulator, caller: Caller) -> None:
    client_id = make_client(caller)
    made = [{"client_id": client_id, "action": "documents.read", "scope": f"/{number}"} for number in range(7)]
    simulator.admin.seed(policies=made)
    scopes: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        query = {"pageSize": "3", **({"cursor": cursor} if cursor else {})}
        page = caller.iam("GET", "/v1/policies", params=query).json()
        scopes += [item["scope"] for item in page["data"]]
        cursor = page["cursor"]
    assert scopes == [f"/{number}" for number in range(7)]
    assert caller.iam("GET", "/v1/policies", params={"cursor": "nonsense"}).status_code == 400


def test_a_policy_is_deleted_with_a_json_body(caller: Caller) -> None:
    key = {"subject": f"client-{make_client(caller)}", "action": "documents.read", "scope": "/a"}
    assert caller.iam("POST", "/v1/policies", json={**key, "action": "no.such"}).status_code == 400
    assert caller.iam("POST", "/v1/policies", json={**key, "subject": "client-x"}).status_code == 400
    assert caller.iam("POST", "/v1/policies", json=key).status_code == 200
    assert caller.iam("DELETE", "/v1/policies", json=key).status_code == 204
    assert caller.iam("DELETE", "/v1/policies", json=key).status_code == 404


def test_users_scopes_actions_and_the_caller(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.seed(users=[{"name": "Kari", "email": "kari@example.org"}], actions=["x.y"], scopes=["own"])
    assert caller.iam("GET", "/v1/users").json()["items"][0]["userName"] == "Kari"
    assert caller.iam("GET", "/v1/subjects/users").json()["data"][0]["properties"]["email"] == "kari@example.org"
    assert "x.y" in caller.iam("GET", "/v1/actions").json()
    assert "own" in [scope["name"] for scope in caller.iam("GET", "/v1/scopes").json()]
    assert caller.iam("GET", "/v1/me").json()["id"] == "admin"
    assert {claim["userId"] for claim in caller.iam("GET", "/v1/me/claims").json()} == {"admin"}
    assert {item["type"] for item in caller.iam("GET", "/v1/subjects").json()["data"]} == {"User", "Client"}


def test_tenants_do_not_see_each_other(simulator: Simulator, caller: Caller) -> None:
    secret = {"value": "value-of-8", "description": ""}
    simulator.admin.seed(
        clients=[
            {
                "name": "theirs",
                "client_id": "g1",
                "tenant": "globex",
                "allowed_scopes": ["services.iam"],
                "secrets": [secret],
            }
        ]
    )
    assert caller.iam("GET", "/v1/clients", params={"searchText": "theirs"}).json()["items"] == []
    token = caller.exchange("g1", "value-of-8", "services.iam", tenant="globex").json()["access_token"]
    listed = caller.iam("GET", "/v1/clients", token=token).json()["items"]
    assert [item["clientId"] for item in listed] == ["g1"]
