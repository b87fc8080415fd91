# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, their members, and what a client may do through them, with the switches of each open point."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from simulator import Simulator
from simulator.caller import Caller

GROUPS = "/v1/subjects/groups"
VALUE = "value-of-8"
POLICY = {"action": "banking.manage", "scope": "/a"}


@pytest.fixture
def client(simulator: Simulator) -> str:
    """The subject id of a client `c1`."""
    return seed_client(simulator)


def seed_client(simulator: Simulator, name: str = "c1") -> str:
    secret = {"value": VALUE, "description": ""}
    made = simulator.admin.seed(clients=[{"name": f"client {name}", "client_id": name, "secrets": [secret]}])
    return str(made["clients"][0]["subject_id"])


def create(caller: Caller, name: str = "robots") -> dict[str, Any]:
    answer = caller.iam("POST", GROUPS, json={"displayName": name, "description": "many"})
    assert answer.ok, answer.text
    return dict(answer.json())


def change(caller: Caller, method: str, key: str, *subjects: str) -> requests.Response:
    return caller.iam(method, f"{GROUPS}/{key}/members", json={"subjectIds": subjects})


def listed(caller: Caller, path: str, member: str = "subjectId") -> list[str]:
    answer = caller.iam("GET", path, params={"pageSize": 200})
    assert answer.ok, answer.text
    return [item[member] for item in answer.json()["data"]]


def test_the_life_of_a_group(simulator: Simulator, caller: Caller, client: str) -> None:
    group = create(caller)
    assert group == {**group, "subjectId": f"group-{group['id']}", "displayName": "robots", "type": "Group"}
    assert listed(caller, f"{GROUPS}?searchQuery=ROBO") == [group["subjectId"]]
    assert change(caller, "POST", group["id"], client).status_code == 204
    assert change(caller, "POST", group["id"], client).status_code == 204
    assert listed(caller, f"{GROUPS}/{group['id']}/members") == [client]
    assert listed(caller, f"/v1/subjects/{client}/memberships") == [group["subjectId"]]
    assert change(caller, "DELETE", group["subjectId"], client).status_code == 204
    assert listed(caller, f"{GROUPS}/{group['id']}/members") == []
    assert change(caller, "DELETE", group["id"], client).status_code == 204
    assert caller.iam("DELETE", f"{GROUPS}/{group['id']}").status_code == 204
    assert caller.iam("DELETE", f"{GROUPS}/{group['id']}").status_code == 404
    assert listed(caller, GROUPS) == []
    assert simulator.admin.violations() == {"requests": [], "responses": []}


def test_a_policy_of_a_group_counts_at_once_for_its_members(simulator: Simulator, caller: Caller, client: str) -> None:
    def may(action: str = "banking.ais.read", scope: str = "/a/b") -> bool:
        return bool(simulator.admin.allowed(token, action, scope)["allowed"])

    token = caller.exchange("c1", VALUE).json()["access_token"]
    inner, outer = create(caller, "inner"), create(caller, "outer")
    change(caller, "POST", inner["id"], client)
    change(caller, "POST", outer["id"], inner["subjectId"])
    assert not may()
    caller.iam("POST", "/v1/policies", json={"subject": outer["subjectId"], **POLICY})
    assert may() and may("banking.manage", "/a")
    assert not may("documents.read") and not may(scope="/ab")
    assert simulator.admin.allowed(token, **POLICY)["through"] == [outer["subjectId"]]
    assert not simulator.admin.allowed("no token", **POLICY)["allowed"]
    permissions = f"/v1/subjects/{client}/permissions"
    assert listed(caller, permissions, "subject") == [outer["subjectId"]]
    simulator.admin.switch(permissions_implied=True, permission_subject="asked")
    assert {*listed(caller, permissions, "action")} > {"banking.manage", "banking.ais.read"}
    assert {*listed(caller, permissions, "subject")} == {client}
    simulator.admin.switch(permissions_through_groups=False)
    assert listed(caller, permissions, "subject") == []
    assert {*listed(caller, f"{GROUPS}/{outer['id']}/permissions", "action")} > {"banking.manage"}
    change(caller, "DELETE", inner["id"], client)
    assert not may()


@pytest.mark.parametrize(
    ("key", "found", "other"), [("id", "id", "subjectId"), ("subject_id", "subjectId", "id"), ("both", "id", "")]
)
def test_only_one_form_of_the_id_may_find_a_group(
    simulator: Simulator, caller: Caller, key: str, found: str, other: str
) -> None:
    simulator.admin.reset("documented", group_key=key, group_key_status=400, group_subject="opaque")
    group = create(caller)
    assert group["subjectId"] != f"group-{group['id']}"
    assert listed(caller, f"{GROUPS}/{group[found]}/members") == []
    assert caller.iam("GET", f"{GROUPS}/group-{group['id']}/members").status_code in (400, 404)
    if other:
        assert caller.iam("GET", f"{GROUPS}/{group[other]}/members").status_code == 400


@pytest.mark.parametrize("cascade", [True, False])
def test_a_deleted_group_leaves_policies_only_where_nothing_cascades(
    simulator: Simulator, caller: Caller, client: str, cascade: bool
) -> None:
    simulator.admin.switch(group_cascade=cascade)
    group, outer = create(caller), create(caller, "outer")
    change(caller, "POST", outer["id"], group["subjectId"])
    change(caller, "POST", group["id"], client)
    caller.iam("POST", "/v1/policies", json={"subject": group["subjectId"], **POLICY})
    assert caller.iam("DELETE", f"{GROUPS}/{group['id']}").ok
    assert listed(caller, f"/v1/subjects/{client}/memberships") == []
    assert [each["members"] for each in simulator.admin.state()["groups"]] == [[]]
    assert len(simulator.admin.state()["policies"]) == (0 if cascade else 1)


def test_strict_groups_refuse_what_changes_nothing_or_is_too_much(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("strict_groups")
    client, group, other = seed_client(simulator), create(caller), create(caller, "other")
    many = [seed_client(simulator, f"many{number}") for number in range(51)]
    statuses = [
        caller.iam("POST", GROUPS, json={"displayName": "robots", "description": ""}),
        change(caller, "POST", group["id"], client),
        change(caller, "POST", group["id"], client, many[0]),
        change(caller, "POST", group["id"], many[0], "client-nobody"),
        change(caller, "POST", group["id"], other["subjectId"]),
        change(caller, "POST", group["id"], *many),
        change(caller, "DELETE", group["id"], client, many[0]),
        caller.iam("DELETE", f"{GROUPS}/{group['id']}"),
    ]
    assert [answer.status_code for answer in statuses] == [409, 204, 409, 404, 400, 400, 404, 405]
    assert listed(caller, f"{GROUPS}/{group['id']}/members") == [client]


def test_lenient_groups_accept_what_changes_nothing(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.reset("lenient_groups")
    client, group = seed_client(simulator), create(caller)
    statuses = [
        change(caller, "POST", group["id"], client, "client-nobody"),
        caller.iam("GET", f"{GROUPS}/{group['id']}/members"),
        caller.iam("DELETE", f"{GROUPS}/nothing"),
        caller.iam("DELETE", f"{GROUPS}/{group['id']}"),
    ]
    assert [answer.status_code for answer in statuses] == [200, 405, 204, 200]


@pytest.mark.parametrize(("profile", "status"), [("no_groups", 404), ("groups_forbidden", 403)])
def test_groups_may_be_missing(simulator: Simulator, caller: Caller, profile: str, status: int) -> None:
    simulator.admin.reset(profile)
    client = seed_client(simulator)
    statuses = [
        caller.iam("GET", GROUPS),
        caller.iam("POST", GROUPS, json={"displayName": "robots", "description": ""}),
        change(caller, "POST", "any", client),
        caller.iam("GET", f"/v1/subjects/{client}/memberships"),
    ]
    assert [answer.status_code for answer in statuses] == [status] * 4
    assert listed(caller, f"/v1/subjects/{client}/permissions") == []


def test_envelopes_and_pages_of_groups(simulator: Simulator, caller: Caller, client: str) -> None:
    made = [create(caller, f"group {number}")["subjectId"] for number in range(12)]
    for subject in made:
        change(caller, "POST", subject, client)
    memberships = f"/v1/subjects/{client}/memberships"
    last = caller.iam("GET", memberships, params={"page": 2, "pageSize": 10}).json()
    assert (last["count"], last["total"], [each["subjectId"] for each in last["data"]]) == (2, 12, made[10:])
    simulator.admin.switch(groups_envelope="items")
    last = caller.iam("GET", GROUPS, params={"page": 2, "pageSize": 10}).json()
    assert last["metadata"] == {"page": 2, "pageSize": 10, "totalCount": 12}
    assert [each["subjectId"] for each in last["items"]] == made[10:]
    simulator.admin.switch(groups_envelope="bare")
    assert len(caller.iam("GET", memberships).json()) == 12
    assert simulator.admin.violations()["responses"] == []


def test_memberships_may_name_groups_of_groups_and_lag(simulator: Simulator, caller: Caller, client: str) -> None:
    [outer] = simulator.admin.seed(groups=[{"name": "outer"}])["groups"]
    [inner] = simulator.admin.seed(groups=[{"name": "inner", "members": [client]}])["groups"]
    change(caller, "POST", outer["id"], inner["subject_id"])
    memberships = f"/v1/subjects/{client}/memberships"
    assert listed(caller, memberships) == [inner["subject_id"]]
    simulator.admin.switch(memberships_nested=True)
    assert listed(caller, memberships) == [inner["subject_id"], outer["subject_id"]]
    simulator.admin.switch(memberships_nested=False, list_lag_requests=1)
    change(caller, "DELETE", inner["id"], client)
    assert [listed(caller, memberships) for _unused in range(2)] == [[inner["subject_id"]], []]
