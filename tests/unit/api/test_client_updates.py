# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Updates of a client lose nothing: the whole of it is sent, and what nobody asked for stays as it was."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._clients.attributes import ATTRIBUTES
from unit.api.driver import Driver

MEMBERS = {
    "enabled": False,
    "accessTokenLifetime": 900,
    "claims": [{"type": "team", "value": "billing"}],
    "logoUri": None,
    "properties": {"owner": "ops", "tier": "1"},
    "version": 7,
    "updatedAt": "2026-01-01T00:00:00Z",
}
CLIENT = {
    "name": "billing",
    "client_id": "c1",
    "description": "old",
    "allowed_grant_types": ["password"],
    "redirect_uris": ["https://billing.example.com"],
    "allowed_scopes": ["api"],
    "members": MEMBERS,
}
STRICT = {"put_client_id": "required", "put_missing_members": "refuse"}
DETAILS = ("description", "allowed_grant_types", "redirect_uris", "allowed_scopes")


def seed(iam: Driver, **switches: Any) -> None:
    iam.admin.switch(**switches)
    iam.admin.seed(clients=[CLIENT], scopes=["api", "services.banking"])
    iam.admin.clear_log()


def sent(iam: Driver) -> list[Any]:
    """The bodies of the updates."""
    return [each["body"] for each in iam.admin.log(kind="request") if each["operation"] == "updateClient"]


@pytest.mark.parametrize("listed", ["basic", "full"])
@pytest.mark.parametrize("answer", [{}, {"update_client_status": 200}, {"update_client_body": "client"}])
@pytest.mark.parametrize("strictness", [STRICT, {"put_missing_members": "clear"}, {"put_missing_members": "keep"}])
def test_an_update_keeps_what_nobody_named(
    iam: Driver, strictness: dict[str, str], answer: dict[str, Any], listed: str
) -> None:
    """Whether the API clears what a PUT omits, keeps it, or refuses a PUT without every member and the id."""
    seed(iam, client_list_details=listed, **strictness, **answer)
    result = iam.ok("oidc_client", name="billing", description="new")
    [held] = iam.clients("billing")
    assert result["changed"]
    assert result["diff"] == {
        "before": {"name": "billing", "description": "old"},
        "after": {"name": "billing", "description": "new"},
    }
    assert {name: held[name] for name in DETAILS} == {name: CLIENT[name] for name in DETAILS} | {"description": "new"}
    assert {**held["members"], "version": 7, "updatedAt": MEMBERS["updatedAt"]} == MEMBERS
    assert held["members"]["version"] == 8
    assert sent(iam)[0]["clientId"] == "c1"
    assert not iam.ok("oidc_client", name="billing", description="new")["changed"]


def test_options_without_a_value_have_no_effect_on_a_client_that_is_there(iam: Driver) -> None:
    seed(iam)
    assert not iam.ok("oidc_client", name="billing")["changed"]
    assert not iam.ok("oidc_client", client_id="c1")["changed"]
    assert iam.writes() == []
    made = iam.ok("oidc_client", name="another")["client"]
    assert made["allowed_grant_types"] == ["client_credentials"]
    assert (made["redirect_uris"], made["allowed_scopes"], made["description"]) == ([], [], "another")


def test_duplicates_in_a_set_are_sent_once(iam: Driver) -> None:
    doubled = {**CLIENT, "allowed_scopes": ["api", "api"], "members": {"corsOrigins": ["https://a", "https://a"]}}
    iam.admin.seed(clients=[doubled], scopes=["api", "services.banking"])
    assert not iam.ok("oidc_client", name="billing", allowed_scopes=["api"])["changed"]
    wish = ["password", "refresh", "password"]
    assert iam.ok("oidc_client", name="billing", allowed_grant_types=wish)["changed"]
    [held] = iam.clients("billing")
    assert (held["allowed_scopes"], held["allowed_grant_types"]) == (["api"], ["password", "refresh"])
    assert held["members"] == {"corsOrigins": ["https://a", "https://a"]}


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_patch_is_sent_where_no_put_is_offered(iam: Driver, status: int) -> None:
    seed(iam, update_method="both")
    iam.admin.add_faults({"action": "fail_before", "match": {"method": "PUT"}, "times": 1, "status": status})
    assert iam.ok("oidc_client", name="billing", description="new")["changed"]
    assert sent(iam)[1:] == [{"description": "new"}]
    assert iam.clients("billing")[0]["members"] == {**MEMBERS, **iam.clients("billing")[0]["members"]}


def test_a_server_that_wants_a_merge_patch_gets_one(iam: Driver) -> None:
    seed(iam, update_method="both")
    for method, status in (("PUT", 405), ("PATCH", 415)):
        iam.admin.add_faults({"action": "fail_before", "match": {"method": method}, "times": 1, "status": status})
    assert iam.ok("oidc_client", name="billing", description="new")["changed"]
    assert iam.clients("billing")[0]["description"] == "new"
    assert iam.writes() == ["PUT updateClient", "PATCH updateClient", "PATCH updateClient"]


@pytest.mark.parametrize("status", [400, 403, 409, 415, 422])
def test_no_patch_follows_a_put_that_was_refused(iam: Driver, status: int) -> None:
    seed(iam, update_method="both")
    iam.admin.add_faults({"action": "fail_before", "match": {"method": "PUT"}, "times": 1, "status": status})
    assert str(status) in iam.refused("oidc_client", name="billing", description="new")
    assert iam.writes() == ["PUT updateClient"]


def test_a_hidden_member_that_the_task_names_is_sent(iam: Driver) -> None:
    seed(iam, client_details="basic", client_list_details="basic")
    hidden = {name: CLIENT[name] for name in DETAILS[1:]}
    result = iam.ok("oidc_client", name="billing", **{**hidden, "allowed_scopes": ["services.banking"]})
    assert (result["changed"], result["not_compared"]) == (False, list(DETAILS[1:]))
    result = iam.ok(
        "oidc_client", name="billing", description="new", **{**hidden, "allowed_scopes": ["services.banking"]}
    )
    assert result["changed"]
    assert iam.clients("billing")[0]["allowed_scopes"] == ["services.banking"]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"enabled": True}, ["enabled"]),
        ({"properties": None, "accessTokenLifetime": 3600}, ["accessTokenLifetime", "properties"]),
        ({"allowedGrantTypes": []}, ["allowedGrantTypes"]),
        ({"version": 9, "updatedAt": "2031-01-01T00:00:00Z", "allowedScopes": ["api", "api"]}, []),
    ],
)
def test_an_update_that_changed_other_members_too_is_an_error(
    iam: Driver, change: dict[str, Any], named: list[str]
) -> None:
    seed(iam)
    shown = {attribute.wire: CLIENT[name] for name, attribute in ATTRIBUTES.items()}
    after = {"clientId": "c1", **shown, **MEMBERS, "description": "new", **change}
    reads = {"match": {"operation": "getClient"}, "after_skip": 1, "status": 200, "payload": after}
    iam.admin.add_faults({"action": "fail_before", **reads})
    result = iam.run("oidc_client", name="billing", description="new")
    assert result.get("failure", {}).get("members", []) == named
    if named:
        assert f"but the server changed {', '.join(named)} as well." in result["msg"]


def test_a_list_is_no_proof_that_a_member_is_gone(iam: Driver) -> None:
    """A node does not know the client yet. So the list has to show the change, and it shows fewer members."""
    seed(iam)
    iam.admin.add_faults(
        {"action": "fail_before", "match": {"operation": "getClient"}, "after_skip": 1, "status": 404, "times": 9}
    )
    assert iam.ok("oidc_client", name="billing", description="new", retry_budget=0)["changed"]


@pytest.mark.parametrize("identity", [{}, {"id": 17}, {"id": "c1"}, {"CLIENT_ID": "c1"}, {"Id": 17, "clientId": "c1"}])
def test_the_id_is_sent_as_it_was_shown(iam: Driver, identity: dict[str, Any]) -> None:
    seed(iam, client_list_details="full")
    shown = {attribute.wire: CLIENT[name] for name, attribute in ATTRIBUTES.items()}
    reads = {"match": {"operation": "getClient"}, "times": 1, "status": 200, "payload": {**identity, **shown}}
    iam.admin.add_faults({"action": "fail_before", **reads})
    iam.run("oidc_client", name="billing", description="new")
    ids = {name: value for name, value in sent(iam)[0].items() if name not in shown}
    assert ids == (identity if "c1" in identity.values() else {**identity, "clientId": "c1"})
