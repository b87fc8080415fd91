# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every profile answers, within the contract or with a declared departure; and the switches do what they say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from simulator import Simulator
from simulator.caller import Caller

CLIENT = {
    "name": "Billing",
    "description": "sends bills",
    "allowedGrantTypes": ["client_credentials"],
    "redirectUris": [],
    "allowedScopes": ["api"],
}
VALUE = "valueOf8"
SECRETS = "/v1/clients/c0/secrets"
POLICY = {"subject": "client-c0", "action": "banking.read", "scope": "/a"}


def created_client(simulator: Simulator) -> str:
    return str(simulator.admin.state()["clients"][-1]["client_id"])


def seed_clients(simulator: Simulator, count: int = 1) -> None:
    simulator.admin.seed(clients=[{"name": f"Service {number}", "client_id": f"c{number}"} for number in range(count)])


def delete_first_secret(simulator: Simulator, caller: Caller) -> int:
    secret = simulator.admin.state("c0")["clients"][0]["secrets"][0]
    return caller.iam("DELETE", f"{SECRETS}/{secret['id']}").status_code


def statuses(caller: Caller, calls: Sequence[tuple[str, str, Any]]) -> list[int]:
    """The answers to calls: method, path, and a body or (of a GET) a query."""
    return [
        caller.iam(method, path, **{"params" if method == "GET" else "json": data}).status_code
        for method, path, data in calls
    ]


def test_what_a_create_answers(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("bodies")
    answer = caller.iam("POST", "/v1/clients", json=CLIENT)
    client_id = answer.json()["clientId"]
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{simulator.api_url}/v1/clients/{client_id}")
    made = caller.add_secret(client_id, VALUE, "first")
    assert (made.status_code, made.json()["description"], "value" in made.json()) == (201, "first", False)
    simulator.admin.switch(create_secret_body="echo", create_client_body="links")
    assert caller.add_secret(client_id, VALUE + "x", "second").json()["value"] == VALUE + "x"
    links = caller.iam("POST", "/v1/clients", json=CLIENT).json()
    href = f"{simulator.api_url}/v0/clients/{created_client(simulator)}"
    assert links[0] == {"rel": "self", "href": href, "method": "GET"}
    simulator.admin.reset("silent")
    answers = [caller.iam("POST", "/v1/clients", json=CLIENT), caller.iam("GET", "/v1/clients/none")]
    assert [(each.status_code, each.content) for each in answers] == [(204, b""), (404, b"")]


@pytest.mark.parametrize(
    ("switches", "members", "kind"),
    [
        ({"secrets_envelope": "items"}, {"id", "description", "expiration", "created"}, str),
        ({"secrets_envelope": "results", "secret_created_name": ""}, {"id", "description", "expiration"}, str),
        ({"secret_id_type": "integer", "secret_descriptions": False}, {"id", "expiration", "created"}, int),
        (
            {"secret_id_name": "secretId", "secret_created_name": "on", "secret_expiration_name": "ends"},
            {"secretId", "description", "ends", "on"},
            str,
        ),
    ],
)
def test_the_members_of_a_listed_secret(
    simulator: Simulator, caller: Caller, switches: dict[str, Any], members: set[str], kind: type[object]
) -> None:
    simulator.admin.switch(**switches)
    seed_clients(simulator)
    caller.add_secret("c0", VALUE, "first")
    answer = caller.iam("GET", SECRETS).json()
    [secret] = answer[switches["secrets_envelope"]] if "secrets_envelope" in switches else answer
    assert set(secret) == members
    identifier = next(value for name, value in secret.items() if name.lower().endswith("id"))
    assert isinstance(identifier, kind)
    assert caller.iam("DELETE", f"{SECRETS}/{identifier}").status_code == 204


def test_opaque_subject_ids_are_not_the_client_id(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("opaque_subjects")
    seed_clients(simulator)
    [subject] = caller.iam("GET", "/v1/subjects/clients", params={"searchQuery": "service 0"}).json()["data"]
    assert (subject["properties"]["clientId"], subject["subjectId"]) == ("c0", f"client-{subject['id']}")
    assert subject["id"] != "c0"
    calls = [("POST", "/v1/policies", {**POLICY, "subject": each}) for each in (subject["subjectId"], "client-c0")]
    assert statuses(caller, calls) == [200, 400]


def test_small_pages_and_page_zero(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("small_pages")
    seed_clients(simulator, 12)
    page = caller.iam("GET", "/v1/clients", params={"pageSize": 200, "page": 5}).json()
    assert page["metadata"] == {"page": 5, "pageSize": 3, "totalCount": 13}
    assert (len(page["items"]), page["links"]["next"]) == (1, None)
    subjects = caller.iam("GET", "/v1/subjects/clients", params={"pageSize": 200}).json()
    assert (subjects["pageSize"], subjects["count"], subjects["total"], subjects["totalPages"]) == (10, 10, 13, 2)
    for how, seen in (("first", 1), ("zero_based", 0)):
        simulator.admin.switch(page_zero=how)
        assert caller.iam("GET", "/v1/clients", params={"page": 0}).json()["metadata"]["page"] == seen


@pytest.mark.parametrize(
    ("how", "text", "found"),
    [
        ("contains", "lling", True),
        ("contains", "BILL", True),
        ("exact_case", "BILL", False),
        ("exact_case", "Bill", True),
        ("prefix", "lling", False),
        ("prefix", "bill", True),
        ("id_only", "Billing", False),
        ("id_only", "c-1", True),
        ("everywhere", "bills", True),
        ("ignored", "zzz", True),
    ],
)
def test_how_a_search_matches(simulator: Simulator, caller: Caller, how: str, text: str, found: bool) -> None:
    simulator.admin.switch(search_text=how)
    simulator.admin.seed(clients=[{"name": "Billing", "client_id": "c-1", "description": "sends bills"}])
    page = caller.iam("GET", "/v1/clients", params={"searchText": text}).json()
    assert ("Billing" in [item["name"] for item in page["items"]]) is found


def test_delays_at_the_token_endpoint(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.switch(accept_delay=60, refuse_delay=60)
    seed_clients(simulator)
    caller.add_secret("c0", VALUE, "first")
    assert not caller.accepts("c0", VALUE)
    simulator.admin.switch(clock_offset=61)
    assert caller.accepts("c0", VALUE)
    delete_first_secret(simulator, caller)
    assert caller.accepts("c0", VALUE)
    simulator.admin.switch(clock_offset=122)
    assert not caller.accepts("c0", VALUE)
    simulator.admin.switch(delay_flaps=True)
    caller.add_secret("c0", VALUE + "x", "second")
    assert {caller.accepts("c0", VALUE + "x") for _unused in range(2)} == {False, True}


@pytest.mark.parametrize("switches", [{"list_lag_requests": 2}, {"list_lag_seconds": 60}])
def test_lists_lag_by_requests_or_by_seconds(simulator: Simulator, caller: Caller, switches: dict[str, Any]) -> None:
    simulator.admin.switch(**switches)
    seed_clients(simulator)

    def listed() -> int:
        return len(caller.iam("GET", SECRETS).json())

    caller.add_secret("c0", VALUE, "first")
    assert [listed(), listed()] == [0, 0]
    simulator.admin.switch(clock_offset=61)
    assert listed() == 1
    delete_first_secret(simulator, caller)
    assert [listed(), listed()] == [1, 1]
    simulator.admin.switch(clock_offset=122)
    assert listed() == 0


def test_what_the_profile_strict_refuses(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("strict", max_secrets=2, max_secrets_status=422)
    seed_clients(simulator)
    secret = {"value": VALUE, "description": "first"}
    calls = [
        ("POST", "/v1/clients", {**CLIENT, "name": "Service 0"}),
        ("POST", "/v1/clients", {**CLIENT, "allowedScopes": ["nothing"]}),
        ("PUT", "/v1/clients/c0", {"name": "Service 0"}),
        ("GET", "/v1/clients", {"pageSize": 1000}),
        ("GET", "/v1/clients", {"page": 0}),
        ("DELETE", "/v1/policies", POLICY),
        ("POST", "/v1/policies", POLICY),
        ("POST", "/v1/policies", POLICY),
        ("POST", SECRETS, secret),
        ("POST", SECRETS, secret),
        ("POST", SECRETS, {**secret, "value": "s3cr3tV@lue!"}),
        ("POST", SECRETS, {**secret, "value": VALUE + "9", "expiration": "2020-01-01T00:00:00Z"}),
    ]
    assert statuses(caller, calls) == [409, 400, 400, 400, 400, 404, 200, 409, 201, 400, 400, 400]
    assert delete_first_secret(simulator, caller) == 409
    more = [("POST", SECRETS, {**secret, "value": VALUE + each}) for each in "ab"]
    assert statuses(caller, more) == [201, 422]


def test_what_the_profile_lenient_accepts(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("lenient")
    seed_clients(simulator)
    policy = {**POLICY, "subject": "client-none", "action": "no.such"}
    calls = [
        ("POST", "/v1/policies", policy),
        ("POST", "/v1/policies", policy),
        ("DELETE", "/v1/policies", policy),
        ("DELETE", "/v1/policies", policy),
        ("DELETE", f"{SECRETS}/none", None),
        ("DELETE", "/v1/clients/none", None),
    ]
    assert statuses(caller, calls) == [200, 200, 204, 204, 204, 204]


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("problem", "application/problem+json"), ("json", "application/json"), ("empty", None)],
)
def test_error_bodies(simulator: Simulator, caller: Caller, kind: str, content_type: str | None) -> None:
    simulator.admin.switch(error_body=kind, token_invalid_client="401")
    answer = caller.add_secret("none", VALUE, "")
    assert (answer.status_code, answer.headers.get("Content-Type")) == (404, content_type)
    assert caller.exchange("admin", "wrong-secret").status_code == 401


def test_policies_of_a_deleted_client_go_only_with_cascade(simulator: Simulator, caller: Caller) -> None:
    for cascade, left in ((True, 0), (False, 1)):
        simulator.admin.reset("documented", cascade=cascade)
        seed_clients(simulator)
        simulator.admin.seed(policies=[{"client_id": "c0", "action": "banking.read", "scope": "/a"}])
        assert caller.iam("DELETE", "/v1/clients/c0").status_code == 204
        assert len(simulator.admin.state()["policies"]) == left


def test_links_and_cursors_of_pages(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("absolute_next_other_host")
    seed_clients(simulator, 12)
    links = caller.iam("GET", "/v1/clients", params={"searchText": "Serv"}).json()["links"]
    assert links["next"] == "https://iam.example.org/core/iam/v0/clients?searchText=Serv&page=2"
    simulator.admin.switch(page_links="relative")
    assert caller.iam("GET", "/v1/clients").json()["links"]["next"] == "/core/iam/v1/clients?page=2"
    for end, last in (("empty", {"cursor": ""}), ("absent", {})):
        simulator.admin.switch(policy_cursor_end=end)
        assert caller.iam("GET", "/v1/policies").json() == {"data": [], **last}


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
    seed_clients(simulator)
    caller.add_secret("c0", VALUE, "first", expiration=text)
    [secret] = caller.iam("GET", SECRETS).json()
    assert secret["expiration"] == text
