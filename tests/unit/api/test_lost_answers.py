# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers that are lost after the server did its work, or come late: nothing is made twice, and the result is true."""

from __future__ import annotations

from typing import Any

import pytest

from unit.api.driver import Driver

ACTION = "banking.ais.read"


@pytest.fixture
def client_id(iam: Driver) -> str:
    """A client with one secret made by somebody else."""
    iam.admin.seed(actions=[ACTION], scopes=["api"])
    secrets = [{"value": "somebody-elses", "description": "foreign"}]
    [client] = iam.admin.seed(clients=[{"name": "other", "secrets": secrets}])["clients"]
    return str(client["client_id"])


def lose(iam: Driver, operation: str, action: str = "commit_then_drop", times: int = 1, **rule: Any) -> None:
    """Lose the answers to some requests."""
    iam.admin.add_faults({"action": action, "match": {"operation": operation}, "times": times, **rule})


AFTER = [("commit_then_drop", {}), ("fail_after", {"status": 500}), ("fail_after", {"status": 503})]
BEFORE = [("drop_before", {}), ("fail_before", {"status": 502})]


@pytest.mark.parametrize(("action", "rule"), AFTER)
@pytest.mark.parametrize("lag", [0, 2])
def test_a_client_that_was_created_is_not_created_again(
    iam: Driver, action: str, rule: dict[str, Any], lag: int
) -> None:
    iam.admin.switch(list_lag_requests=lag)
    lose(iam, "createClient", action, **rule)
    result = iam.ok("oidc_client", name="billing")
    [made] = iam.clients("billing")
    assert result["changed"]
    assert result["client"]["client_id"] == made["client_id"]
    assert iam.writes() == ["POST createClient"]


@pytest.mark.parametrize(("action", "rule"), BEFORE)
def test_a_client_that_was_not_created_is_created_once(iam: Driver, action: str, rule: dict[str, Any]) -> None:
    lose(iam, "createClient", action, **rule)
    assert iam.ok("oidc_client", name="billing", retry_budget=2)["changed"]
    assert len(iam.clients("billing")) == 1
    assert iam.writes() == ["POST createClient"] * 2


def test_a_client_that_never_arrives_is_an_error_after_two_attempts(iam: Driver) -> None:
    lose(iam, "createClient", "drop_before", times=5)
    assert "createClient" in iam.refused("oidc_client", name="billing", retry_budget=1)
    assert iam.writes() == ["POST createClient"] * 2


def test_a_conflict_with_a_client_that_another_run_made_counts_as_found(iam: Driver) -> None:
    iam.admin.switch(duplicate_client_name=409)
    iam.admin.seed(clients=[{"name": "billing", "client_id": "theirs", "description": "theirs"}])
    empty = {"items": [], "metadata": {"page": 1, "pageSize": 50, "totalCount": 0}}
    lose(iam, "listClients", "fail_before", times=2, status=200, payload=empty)
    result = iam.ok("oidc_client", name="billing", description="ours")
    assert result["changed"]
    assert result["diff"]["before"]["description"] == "theirs"
    assert iam.clients("billing")[0]["description"] == "ours"
    assert iam.writes() == ["POST createClient", "PUT updateClient"]


def test_an_unreadable_answer_to_a_create_does_not_hide_that_it_landed(iam: Driver) -> None:
    iam.admin.switch(create_client_status=201, create_client_body="client")
    lose(iam, "createClient", "truncated_json")
    assert iam.ok("oidc_client", name="billing")["client"]["client_id"] == iam.clients("billing")[0]["client_id"]


def test_an_update_whose_answer_was_lost_is_done(iam: Driver) -> None:
    iam.ok("oidc_client", name="billing")
    lose(iam, "updateClient", times=50)
    result = iam.ok("oidc_client", name="billing", description="new", retry_budget=1)
    assert result["changed"]
    assert iam.clients("billing")[0]["description"] == "new"


def test_an_update_that_the_server_ignores_is_an_error(iam: Driver) -> None:
    iam.ok("oidc_client", name="billing")
    lose(iam, "updateClient", "fail_before", status=204, body="empty")
    message = iam.refused("oidc_client", name="billing", description="new", retry_budget=1)
    assert "still shows other values of description" in message


@pytest.mark.parametrize(("action", "rule"), AFTER)
def test_a_deletion_whose_answer_was_lost_is_done(iam: Driver, action: str, rule: dict[str, Any]) -> None:
    iam.ok("oidc_client", name="billing")
    lose(iam, "deleteClient", action, **rule)
    assert iam.ok("oidc_client", name="billing", state="absent")["changed"]
    assert iam.clients("billing") == []


@pytest.mark.parametrize(("action", "rule"), AFTER)
@pytest.mark.parametrize("lag", [0, 2])
def test_a_secret_that_was_added_is_not_added_again(
    iam: Driver, client_id: str, action: str, rule: dict[str, Any], lag: int
) -> None:
    iam.admin.switch(list_lag_requests=lag)
    lose(iam, "createClientSecret", action, **rule)
    secret = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]
    held = [each for each in iam.secrets(client_id) if each["description"] == "mine"]
    assert [each["id"] for each in held] == [secret["secret_id"]]
    assert iam.admin.check(client_id, secret["value"])["live"] == [secret["secret_id"]]


@pytest.mark.parametrize(("action", "rule"), BEFORE)
def test_a_secret_that_was_not_added_is_added_with_the_same_value(
    iam: Driver, client_id: str, action: str, rule: dict[str, Any]
) -> None:
    lose(iam, "createClientSecret", action, **rule)
    secret = iam.ok("client_secret", client_id=client_id, description="mine", retry_budget=2)["secret"]
    assert iam.admin.check(client_id, secret["value"])["live"] == [secret["secret_id"]]
    assert len(iam.secrets(client_id)) == 2


@pytest.mark.parametrize("body", ["secret", "none"])
def test_a_secret_that_was_added_twice_because_the_list_lagged_is_reported(
    iam: Driver, client_id: str, body: str
) -> None:
    iam.admin.switch(create_secret_body=body)
    lose(iam, "createClientSecret")
    lose(iam, "listClientSecrets", "fail_before", times=4, status=200, payload=[])
    result = iam.ok("client_secret", client_id=client_id, description="mine", retry_budget=1)
    held = [each["id"] for each in iam.secrets(client_id) if each["description"] == "mine"]
    assert len(held) == 2
    assert result["changed"]
    assert result["secret"]["secret_id"] in (held if body == "secret" else [None])
    assert "was added twice" in result["warnings"][0]
    assert all(each in result["warnings"][0] for each in held)


def test_without_descriptions_the_new_secret_is_found_by_its_id(iam: Driver) -> None:
    iam.admin.switch(secret_descriptions=False)
    iam.admin.seed(clients=[{"name": "empty", "client_id": "empty"}])
    lose(iam, "createClientSecret")
    result = iam.ok("client_secret", client_id="empty", description="mine")
    assert result["secret"]["secret_id"] == iam.secrets("empty")[0]["id"]
    assert "Exchange the value for a token" in result["warnings"][0]


@pytest.mark.parametrize(("action", "rule"), AFTER)
def test_a_secret_whose_deletion_was_not_answered_is_deleted(
    iam: Driver, client_id: str, action: str, rule: dict[str, Any]
) -> None:
    iam.ok("client_secret", client_id=client_id, description="mine")
    lose(iam, "deleteClientSecret", action, **rule)
    assert iam.ok("client_secret", client_id=client_id, description="mine", state="absent")["changed"]
    assert [each["description"] for each in iam.secrets(client_id)] == ["foreign"]


def test_a_secret_that_is_gone_already_is_no_change(iam: Driver, client_id: str) -> None:
    gone = {"client_id": client_id, "secret_id": "gone", "state": "absent", "look_first": False, "keep_last": False}
    for status in (404, 400, 204):
        iam.admin.switch(delete_missing_secret=status)
        assert iam.ok("client_secret", **gone)["changed"] == (status == 204)


@pytest.mark.parametrize(("action", "rule"), [*AFTER, *BEFORE])
@pytest.mark.parametrize("duplicate", [200, 409])
def test_a_policy_is_granted_once(
    iam: Driver, client_id: str, action: str, rule: dict[str, Any], duplicate: int
) -> None:
    iam.admin.switch(duplicate_policy=duplicate)
    lose(iam, "createPolicy", action, **rule)
    key = {"subject": f"client-{client_id}", "action": ACTION, "scope": "/subscriptions/1"}
    assert iam.ok("iam_policy", **key)["changed"]
    assert len(iam.admin.state()["policies"]) == 1
    iam.admin.clear_faults()
    lose(iam, "deletePolicy", "commit_then_drop")
    assert iam.ok("iam_policy", state="absent", **key)["changed"]
    assert iam.admin.state()["policies"] == []


def test_the_subject_of_a_new_client_is_waited_for(iam: Driver) -> None:
    made = iam.ok("oidc_client", name="billing")["client"]
    lose(iam, "listClientSubjects", "fail_before", times=3, status=200, payload={"data": [], "total": 0})
    lose(iam, "listSubjects", "fail_before", times=2, status=200, payload={"data": [], "total": 0})
    found = iam.ok("client_subject_info", client_id=made["client_id"], name="billing")
    assert found["subject"]["subject_id"] == f"client-{made['client_id']}"


def test_a_name_alone_does_not_decide_before_all_subjects_were_seen(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": "renamed since", "client_id": "c1"}])
    other = {"id": "77", "subjectId": "client-77", "type": "Client", "displayName": "billing", "properties": None}
    lose(iam, "listClientSubjects", "fail_before", status=200, payload={"data": [other], "total": 1})
    found = iam.ok("client_subject_info", client_id="c1", name="billing")
    assert found["subject"]["subject_id"] == "client-c1"
    assert "warnings" not in found


@pytest.mark.parametrize("rule", [{"status": 200, "payload": {"data": []}}, {"status": 400}])
def test_filters_that_do_not_find_a_policy_do_not_prove_its_absence(
    iam: Driver, client_id: str, rule: dict[str, Any]
) -> None:
    key = {"subject": f"client-{client_id}", "action": ACTION, "scope": "https://api.example/subscriptions/1"}
    iam.admin.seed(policies=[key])
    lose(iam, "listPolicies", "fail_before", times=1 if rule["status"] == 200 else 2, **rule)
    assert not iam.ok("iam_policy", **key)["changed"]
    assert iam.writes() == []


@pytest.mark.parametrize("body", ["none", "secret", "client", "request"])
@pytest.mark.parametrize(
    ("options", "calls"),
    [
        ({}, ["GET listClientSecrets", "POST createClientSecret", "GET listClientSecrets"]),
        ({"verify_scope": "api"}, ["GET listClientSecrets", "POST createClientSecret", "GET listClientSecrets"]),
        ({"look_first": False}, ["POST createClientSecret"]),
        ({"look_first": False, "verify_scope": "api"}, ["POST createClientSecret"]),
    ],
)
def test_adding_a_secret_makes_no_needless_request(
    iam: Driver, client_id: str, options: dict[str, Any], calls: list[str], body: str
) -> None:
    """The id comes from an answer that shows the secret. Only a task that has read the list reads it once more."""
    iam.admin.switch(create_secret_body=body)
    iam.admin.clear_log()
    result = iam.ok("client_secret", client_id=client_id, description="mine", value="my-own-value", **options)
    [added] = [each for each in iam.secrets(client_id) if each["description"] == "mine"]
    assert result["secret"]["secret_id"] == (
        added["id"] if options.get("look_first", True) or body == "secret" else None
    )
    assert iam.calls() == calls
    assert result["calls"].get("token", 0) <= 1  # the admin token


@pytest.mark.parametrize("status", [400, 403, 404, 410, 422, 500])
@pytest.mark.parametrize("kind", ["secret", "client"])
def test_a_repeated_deletion_succeeds_whatever_the_server_answers(
    iam: Driver, client_id: str, kind: str, status: int
) -> None:
    """The first attempt worked, but its answer was lost. Servers refuse the second in many ways: the list decides."""
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    operation = "deleteClientSecret" if kind == "secret" else "deleteClient"
    lose(iam, operation)
    lose(iam, operation, "fail_before", status=status, payload="<html><title>Gone</title></html>")
    if kind == "secret":
        assert iam.ok("client_secret", client_id=client_id, secret_id=added, state="absent")["changed"]
        assert [each["description"] for each in iam.secrets(client_id)] == ["foreign"]
    else:
        assert iam.ok("oidc_client", client_id=client_id, state="absent")["changed"]
        assert iam.clients("other") == []
    assert [call for call in iam.writes() if call.startswith("DELETE")] == [f"DELETE {operation}"] * 2


def test_a_list_that_is_not_there_is_no_proof_that_a_secret_is_gone(iam: Driver, client_id: str) -> None:
    """If the client exists, ``api_url`` is wrong, or the server has the list elsewhere."""
    secret = {"client_id": client_id, "description": "foreign", "state": "absent"}
    lose(iam, "listClientSecrets", "fail_before", status=404)
    assert "listClientSecrets" in iam.refused("client_secret", **secret)
    assert not iam.ok("client_secret", **{**secret, "client_id": "nobody"})["changed"]


def test_without_time_for_lists_nothing_is_created_again(iam: Driver, client_id: str) -> None:
    """With ``retry_budget: 0``: a list may not show yet what was created."""
    iam.admin.switch(list_lag_requests=3)
    lose(iam, "createClient")
    assert "createClient" in iam.refused("oidc_client", name="new", retry_budget=0)
    lose(iam, "createClientSecret")
    assert "Exchange the value" in iam.refused("client_secret", client_id=client_id, description="new", retry_budget=0)
    assert [call for call in iam.writes() if call.endswith(("createClient", "createClientSecret"))][-2:] == [
        "POST createClient",
        "POST createClientSecret",
    ]
    assert (len(iam.clients("new")), len(iam.secrets(client_id))) == (1, 2)


@pytest.mark.parametrize("turned_away", [401, 429])
def test_a_404_after_a_rejected_deletion_is_no_change(iam: Driver, client_id: str, turned_away: int) -> None:
    """A 401 or a 429 means that nothing was done. So a 404 is the work of somebody else, and a refusal is certain."""
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    secret = {"client_id": client_id, "secret_id": added, "state": "absent"}
    lose(iam, "deleteClientSecret", "fail_before", status=turned_away)
    lose(iam, "deleteClientSecret", "fail_before", status=404)
    assert not iam.ok("client_secret", **secret)["changed"]
    lose(iam, "deleteClientSecret", "fail_before", status=turned_away)
    lose(iam, "deleteClientSecret", "fail_before", status=409)
    assert "may have been carried out" not in iam.refused("client_secret", **secret)


def test_a_refusal_after_a_lost_attempt_mentions_that_attempt(iam: Driver, client_id: str) -> None:
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    lose(iam, "deleteClientSecret", "drop_before")
    lose(iam, "deleteClientSecret", "fail_before", status=403)
    message = iam.refused("client_secret", client_id=client_id, secret_id=added, state="absent", retry_budget=1)
    assert "answered 403" in message
    assert "An earlier attempt, whose answer was lost, may have been carried out." in message
    assert len(iam.secrets(client_id)) == 2


def test_a_refusal_without_a_lost_attempt_mentions_none(iam: Driver, client_id: str) -> None:
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    lose(iam, "deleteClientSecret", "fail_before", status=403)
    message = iam.refused("client_secret", client_id=client_id, secret_id=added, state="absent")
    assert "IAM admin permission" in message
    assert "may have been carried out" not in message


@pytest.mark.parametrize("body", ["client", "request"])
@pytest.mark.parametrize("shown", [True, False])
def test_the_id_of_something_else_is_not_taken_for_the_secret_id(iam: Driver, body: str, shown: bool) -> None:
    iam.admin.switch(create_secret_body=body, secret_descriptions=shown)
    client_id = iam.ok("oidc_client", name="billing")["client"]["client_id"]
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    assert [added] == [each["id"] for each in iam.secrets(client_id)]


def test_a_client_that_one_node_does_not_know_yet_is_waited_for_after_the_post(iam: Driver, client_id: str) -> None:
    lose(iam, "listClientSecrets", "fail_before", status=404, times=2, after_skip=1)
    added = iam.ok("client_secret", client_id=client_id, description="mine")["secret"]["secret_id"]
    assert added in [each["id"] for each in iam.secrets(client_id)]
