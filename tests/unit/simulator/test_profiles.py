# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every named profile answers, within the contract or with a declared departure; and the switches do what they say."""

from __future__ import annotations

import time
from typing import Any

import pytest

from simulator import Simulator
from simulator.caller import Caller
from simulator.named import NAMED, named_profile

CLIENT = {
    "name": "Billing",
    "description": "sends bills",
    "allowedGrantTypes": ["client_credentials"],
    "redirectUris": [],
    "allowedScopes": ["api"],
}
VALUE = "valueOf8"


def created_client(simulator: Simulator) -> str:
    return str(simulator.admin.state()["clients"][-1]["client_id"])


def seed_clients(simulator: Simulator, count: int) -> None:
    simulator.admin.seed(clients=[{"name": f"Service {number}", "client_id": f"c{number}"} for number in range(count)])


def names_found(caller: Caller, text: str) -> list[str]:
    page = caller.iam("GET", "/v1/clients", params={"searchText": text, "pageSize": 20}).json()
    return [item["name"] for item in page["items"]]


@pytest.mark.parametrize("profile", sorted(NAMED))
def test_a_client_lives_its_whole_life(simulator: Simulator, caller: Caller, profile: str) -> None:
    simulator.admin.reset(profile)
    statuses = [caller.iam("POST", "/v1/clients", json=CLIENT).status_code]
    client_id = created_client(simulator)
    subject = simulator.admin.state(client_id)["clients"][0]["subject_id"]
    policy = {"subject": subject, "action": "banking.read", "scope": "/a"}
    put = caller.iam("PUT", f"/v1/clients/{client_id}", json={**CLIENT, "description": "changed"})
    patch = caller.iam("PATCH", f"/v1/clients/{client_id}", json={"description": "changed"})
    allowed = {"put": (True, False), "patch": (False, True), "both": (True, True), "none": (False, False)}
    assert (put.ok, patch.ok) == allowed[named_profile(profile).update_method]
    statuses += [caller.add_secret(client_id, VALUE + str(number), str(number)).status_code for number in range(2)]
    statuses.append(caller.iam("POST", "/v1/policies", json=policy).status_code)
    for path in (
        "/v1/clients",
        f"/v1/clients/{client_id}",
        f"/v1/clients/{client_id}/secrets",
        "/v1/policies",
        "/v1/subjects",
        "/v1/subjects/clients",
        f"/v1/subjects/{subject}/permissions",
        "/v1/scopes",
        "/v1/me",
    ):
        statuses.append(caller.iam("GET", path).status_code)
    statuses.append(caller.iam("DELETE", "/v1/policies", json=policy).status_code)
    secret = simulator.admin.state(client_id)["clients"][0]["secrets"][0]["id"]
    statuses.append(caller.iam("DELETE", f"/v1/clients/{client_id}/secrets/{secret}").status_code)
    assert {status // 100 for status in statuses} == {2}
    assert caller.iam("GET", "/v1/clients/none").status_code == 404
    assert simulator.admin.violations()["responses"] == []


def test_bodies(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("bodies")
    answer = caller.iam("POST", "/v1/clients", json=CLIENT)
    client_id = answer.json()["clientId"]
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{simulator.api_url}/v1/clients/{client_id}")
    made = caller.add_secret(client_id, VALUE, "first")
    assert (made.status_code, made.json()["description"], "value" in made.json()) == (201, "first", False)
    simulator.admin.switch(create_secret_body="echo")
    assert caller.add_secret(client_id, VALUE + "x", "second").json()["value"] == VALUE + "x"


def test_links(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("links_hrefs")
    links = caller.iam("POST", "/v1/clients", json=CLIENT).json()
    href = f"{simulator.api_url}/v0/clients/{created_client(simulator)}"
    assert links[0] == {"rel": "self", "href": href, "method": "GET"}


def test_silent(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("silent")
    made = caller.iam("POST", "/v1/clients", json=CLIENT)
    secret = caller.add_secret(created_client(simulator), VALUE, "first")
    refused = caller.iam("GET", "/v1/clients/none")
    assert [(answer.status_code, answer.content) for answer in (made, secret, refused)] == [
        (204, b""),
        (204, b""),
        (404, b""),
    ]


@pytest.mark.parametrize("name", ["items", "data", "results", "secrets"])
def test_envelopes_of_secrets(simulator: Simulator, caller: Caller, name: str) -> None:
    seed_clients(simulator, 1)
    simulator.admin.switch(secrets_envelope=name)
    caller.add_secret("c0", VALUE, "first")
    answer = caller.iam("GET", "/v1/clients/c0/secrets").json()
    assert [secret["description"] for secret in answer[name]] == ["first"]


@pytest.mark.parametrize(
    ("profile", "members", "kind"),
    [
        ("integer_ids", {"id", "description", "expiration", "created"}, int),
        ("renamed_ids", {"secretId", "description", "expiresAt", "createdAt"}, str),
        ("renamed_ids_client", {"clientSecretId", "description", "expires", "createdOn"}, str),
        ("no_descriptions", {"id", "expiration", "created"}, str),
    ],
)
def test_shape_of_secrets(
    simulator: Simulator, caller: Caller, profile: str, members: set[str], kind: type[object]
) -> None:
    simulator.admin.reset(profile)
    seed_clients(simulator, 1)
    caller.add_secret("c0", VALUE, "first")
    [secret] = caller.iam("GET", "/v1/clients/c0/secrets").json()
    assert set(secret) == members
    identifier = next(value for name, value in secret.items() if name.lower().endswith("id"))
    assert isinstance(identifier, kind)
    assert caller.iam("DELETE", f"/v1/clients/c0/secrets/{identifier}").status_code == 204


def test_opaque_subjects(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("opaque_subjects")
    seed_clients(simulator, 1)
    query = {"searchQuery": "service 0"}
    [subject] = caller.iam("GET", "/v1/subjects/clients", params=query).json()["data"]
    assert subject["properties"]["clientId"] == "c0"
    assert subject["id"] != "c0"
    assert subject["subjectId"] == f"client-{subject['id']}"
    policy = {"subject": subject["subjectId"], "action": "banking.read", "scope": "/a"}
    assert caller.iam("POST", "/v1/policies", json=policy).status_code == 200
    assert caller.iam("POST", "/v1/policies", json={**policy, "subject": "client-c0"}).status_code == 400


def test_small_pages(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("small_pages")
    seed_clients(simulator, 12)
    page = caller.iam("GET", "/v1/clients", params={"pageSize": 200, "page": 5}).json()
    assert page["metadata"] == {"page": 5, "pageSize": 3, "totalCount": 13}
    assert (len(page["items"]), page["links"]["next"]) == (1, None)
    subjects = caller.iam("GET", "/v1/subjects/clients", params={"pageSize": 200}).json()
    assert (subjects["pageSize"], subjects["count"], subjects["total"], subjects["totalPages"]) == (10, 10, 13, 2)


@pytest.mark.parametrize(
    ("profile", "text", "found"),
    [
        ("documented", "lling", ["Billing"]),
        ("documented", "BILL", ["Billing"]),
        ("search_exact_case", "BILL", []),
        ("search_exact_case", "Bill", ["Billing"]),
        ("search_prefix", "lling", []),
        ("search_prefix", "bill", ["Billing"]),
        ("search_by_id_only", "Billing", []),
        ("search_by_id_only", "c-1", ["Billing"]),
        ("search_everywhere", "bills", ["Billing"]),
        ("search_ignored", "zzz", ["IAM admin", "Billing"]),
    ],
)
def test_search(simulator: Simulator, caller: Caller, profile: str, text: str, found: list[str]) -> None:
    simulator.admin.reset(profile)
    simulator.admin.seed(clients=[{"name": "Billing", "client_id": "c-1", "description": "sends bills"}])
    assert names_found(caller, text) == found


def test_delays_at_the_token_endpoint(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("documented", accept_delay=0.4, refuse_delay=0.4)
    seed_clients(simulator, 1)
    caller.add_secret("c0", VALUE, "first")
    assert not caller.accepts("c0", VALUE)
    time.sleep(0.5)
    assert caller.accepts("c0", VALUE)
    [secret] = simulator.admin.state("c0")["clients"][0]["secrets"]
    caller.iam("DELETE", f"/v1/clients/c0/secrets/{secret['id']}")
    assert caller.accepts("c0", VALUE)
    time.sleep(0.5)
    assert not caller.accepts("c0", VALUE)


def test_flapping_during_a_delay(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("flapping")
    seed_clients(simulator, 1)
    caller.add_secret("c0", VALUE, "first")
    assert [caller.accepts("c0", VALUE) for _unused in range(4)] == [False, True, False, True]


@pytest.mark.parametrize("switches", [{"list_lag_requests": 2}, {"list_lag_seconds": 0.4}])
def test_stale_lists(simulator: Simulator, caller: Caller, switches: dict[str, Any]) -> None:
    simulator.admin.reset("documented", **switches)
    seed_clients(simulator, 1)

    def listed() -> int:
        return len(caller.iam("GET", "/v1/clients/c0/secrets").json())

    def eventually(count: int) -> None:
        assert listed() != count
        assert listed() != count or "list_lag_seconds" in switches
        time.sleep(switches.get("list_lag_seconds", 0))
        assert listed() == count

    caller.add_secret("c0", VALUE, "first")
    eventually(1)
    [secret] = simulator.admin.state("c0")["clients"][0]["secrets"]
    caller.iam("DELETE", f"/v1/clients/c0/secrets/{secret['id']}")
    eventually(0)


@pytest.mark.parametrize(("profile", "status"), [("capped", 400), ("capped_409", 409)])
def test_capped(simulator: Simulator, caller: Caller, profile: str, status: int) -> None:
    simulator.admin.reset(profile)
    seed_clients(simulator, 1)
    answers = [caller.add_secret("c0", VALUE + str(number), "x").status_code for number in range(3)]
    assert answers == [201, 201, status]


def test_strict(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("strict")
    seed_clients(simulator, 1)
    policy = {"subject": "client-c0", "action": "banking.read", "scope": "/a"}
    past = "2020-01-01T00:00:00Z"
    statuses = [
        caller.iam("POST", "/v1/clients", json={**CLIENT, "name": "Service 0"}),
        caller.iam("POST", "/v1/clients", json={**CLIENT, "allowedScopes": ["nothing"]}),
        caller.iam("PUT", "/v1/clients/c0", json={"name": "Service 0"}),
        caller.iam("GET", "/v1/clients", params={"pageSize": 1000}),
        caller.iam("DELETE", "/v1/policies", json=policy),
        caller.iam("POST", "/v1/policies", json=policy),
        caller.iam("POST", "/v1/policies", json=policy),
        caller.add_secret("c0", VALUE, "first"),
        caller.add_secret("c0", VALUE, "again"),
        caller.add_secret("c0", "s3cr3tV@lue!", "odd characters"),
        caller.add_secret("c0", VALUE + "9", "past", expiration=past),
    ]
    assert [answer.status_code for answer in statuses] == [409, 400, 400, 400, 404, 200, 409, 201, 400, 400, 400]
    [secret] = simulator.admin.state("c0")["clients"][0]["secrets"]
    assert caller.iam("DELETE", f"/v1/clients/c0/secrets/{secret['id']}").status_code == 409


def test_lenient(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("lenient")
    seed_clients(simulator, 1)
    policy = {"subject": "client-none", "action": "no.such", "scope": "/a"}
    statuses = [
        caller.iam("POST", "/v1/policies", json=policy),
        caller.iam("POST", "/v1/policies", json=policy),
        caller.iam("DELETE", "/v1/policies", json=policy),
        caller.iam("DELETE", "/v1/policies", json=policy),
        caller.iam("DELETE", "/v1/clients/c0/secrets/none"),
        caller.iam("DELETE", "/v1/clients/none"),
    ]
    assert [answer.status_code for answer in statuses] == [200, 200, 204, 204, 204, 204]


@pytest.mark.parametrize(("profile", "basic", "status"), [("token_400", True, 400), ("token_401", False, 401)])
def test_status_of_invalid_client(simulator: Simulator, caller: Caller, profile: str, basic: bool, status: int) -> None:
    simulator.admin.reset(profile)
    answer = caller.exchange("admin", "wrong-secret", basic=basic)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_client")


@pytest.mark.parametrize(
    ("profile", "content_type"),
    [("problem_json", "application/problem+json"), ("json_errors", "application/json"), ("empty_errors", None)],
)
def test_error_bodies(simulator: Simulator, caller: Caller, profile: str, content_type: str | None) -> None:
    simulator.admin.reset(profile)
    answer = caller.iam("POST", "/v1/clients/none/secrets", json={"value": VALUE, "description": ""})
    assert (answer.status_code, answer.headers.get("Content-Type")) == (404, content_type)


def test_cascade_or_not(simulator: Simulator, caller: Caller) -> None:
    for profile, left in (("cascade", 0), ("no_cascade", 1)):
        simulator.admin.reset(profile)
        seed_clients(simulator, 1)
        simulator.admin.seed(policies=[{"client_id": "c0", "action": "banking.read", "scope": "/a"}])
        assert caller.iam("DELETE", "/v1/clients/c0").status_code == 204
        assert len(simulator.admin.state()["policies"]) == left


def test_links_of_pages(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("absolute_next_other_host")
    seed_clients(simulator, 12)
    links = caller.iam("GET", "/v1/clients", params={"searchText": "Serv"}).json()["links"]
    assert links["next"] == "https://iam.example.org/core/iam/v0/clients?searchText=Serv&page=2"
    simulator.admin.switch(page_links="relative")
    assert caller.iam("GET", "/v1/clients").json()["links"]["next"] == "/core/iam/v1/clients?page=2"


@pytest.mark.parametrize(("profile", "last"), [("cursor_string_empty", {"cursor": ""}), ("cursor_absent", {})])
def test_the_last_cursor(simulator: Simulator, caller: Caller, profile: str, last: dict[str, str]) -> None:
    simulator.admin.reset(profile)
    answer = caller.iam("GET", "/v1/policies").json()
    assert answer == {"data": [], **last}


def test_page_zero(simulator: Simulator, caller: Caller) -> None:
    def page_zero() -> Any:
        return caller.iam("GET", "/v1/clients", params={"page": 0})

    assert page_zero().json()["metadata"]["page"] == 1
    simulator.admin.switch(page_zero="refuse")
    assert page_zero().status_code == 400
    simulator.admin.switch(page_zero="zero_based")
    assert page_zero().json()["metadata"]["page"] == 0


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("z", "2031-02-03T04:05:06Z"),
        ("offset", "2031-02-03T04:05:06+00:00"),
        ("fraction", "2031-02-03T04:05:06.000Z"),
        ("fraction7", "2031-02-03T04:05:06.0000000+00:00"),
        ("other_zone", "2031-02-03T06:05:06+02:00"),
    ],
)
def test_spellings_of_times(simulator: Simulator, caller: Caller, form: str, text: str) -> None:
    simulator.admin.switch(time_format=form)
    seed_clients(simulator, 1)
    caller.add_secret("c0", VALUE, "first", expiration=text)
    [secret] = caller.iam("GET", "/v1/clients/c0/secrets").json()
    assert secret["expiration"] == text
