# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""With ``verify_scope``, an exchange of the value shows whether a secret was added when the answer is lost."""

from __future__ import annotations

from typing import Any

import pytest

from unit.api.driver import Driver

VALUE = "my-own-value-of-32"
MINE: dict[str, Any] = {"client_id": "c1", "description": "mine", "value": VALUE, "verify_scope": "api"}
LOST = {"action": "commit_then_drop"}
NEVER_CAME = {"action": "drop_before"}


@pytest.fixture(autouse=True)
def client(iam: Driver) -> None:
    """A client with one secret made by somebody else."""
    secrets = [{"value": "somebody-elses", "description": "foreign"}]
    iam.admin.seed(scopes=["api"], clients=[{"name": "n", "client_id": "c1", "secrets": secrets}])


def on_post(iam: Driver, rule: dict[str, Any], times: int = 1) -> None:
    iam.admin.add_faults({"match": {"operation": "createClientSecret"}, "times": times, **rule})


def on_exchange(iam: Driver, **rule: Any) -> None:
    match = {"path_regex": "connect/token", "client_id": "c1"}
    iam.admin.add_faults({"action": "fail_before", "match": match, **rule})


def refuse(iam: Driver, times: int) -> None:
    """Let the token endpoint refuse a new secret at first."""
    on_exchange(iam, status=401, payload={"error": "invalid_client"}, times=times)


def held(iam: Driver) -> list[str]:
    """The ids of the secrets with our description."""
    return [each["id"] for each in iam.secrets("c1") if each["description"] == "mine"]


@pytest.mark.parametrize("look_first", [True, False])
@pytest.mark.parametrize("method", ["post", "basic"])
def test_an_accepted_value_proves_that_the_secret_was_added(iam: Driver, look_first: bool, method: str) -> None:
    iam.admin.clear_log()
    on_post(iam, LOST)
    result = iam.ok("client_secret", look_first=look_first, auth_method=method, **MINE)
    assert (result["changed"], [result["secret"]["secret_id"]]) == (True, held(iam))
    assert "warnings" not in result
    looks = ["GET listClientSecrets"] * look_first
    assert iam.calls() == [*looks, "POST createClientSecret", "GET listClientSecrets"]
    [asked] = [each for each in iam.admin.log(kind="request") if each["client_id"] == "c1" and not each["caller"]]
    assert ("client_secret" in asked["body"]) == (method == "post")
    assert result["calls"]["token"] in (1, 2)  # one fewer where the admin token is kept from before


def test_without_descriptions_an_accepted_value_is_proof_enough(iam: Driver) -> None:
    iam.admin.switch(secret_descriptions=False)
    on_post(iam, LOST)
    result = iam.ok("client_secret", look_first=False, **MINE)
    assert (result["changed"], result["secret"]["secret_id"], len(held(iam))) == (True, None, 1)
    assert "warnings" not in result


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("look_first", [True, False])
def test_a_secret_that_is_refused_and_not_listed_is_sent_once_more(iam: Driver, shown: bool, look_first: bool) -> None:
    iam.admin.switch(secret_descriptions=shown)
    on_post(iam, NEVER_CAME)
    assert iam.ok("client_secret", look_first=look_first, retry_budget=1, **MINE)["changed"]
    assert len(held(iam)) == 1
    assert len(iam.admin.check("c1", VALUE)["live"]) == 1
    assert iam.writes() == ["POST createClientSecret"] * 2


def test_a_secret_is_never_sent_a_third_time(iam: Driver) -> None:
    on_post(iam, NEVER_CAME, times=9)
    message = iam.refused("client_secret", retry_budget=1, **MINE)
    assert "Exchange the value, or check the list" in message
    assert iam.writes() == ["POST createClientSecret"] * 2


def test_a_secret_that_is_refused_at_first_is_found_in_the_list(iam: Driver) -> None:
    iam.admin.switch(list_lag_requests=2)
    refuse(iam, 1)
    on_post(iam, LOST)
    result = iam.ok("client_secret", **MINE)
    assert [result["secret"]["secret_id"]] == held(iam)
    assert iam.writes() == ["POST createClientSecret"]


def test_without_descriptions_a_secret_that_is_refused_at_first_is_exchanged_again(iam: Driver) -> None:
    """The second exchange comes after the time that lists get to show the secret."""
    iam.admin.switch(secret_descriptions=False)
    refuse(iam, 1)
    on_post(iam, LOST)
    assert iam.ok("client_secret", look_first=False, retry_budget=1, **MINE)["changed"]
    assert iam.writes() == ["POST createClientSecret"]


@pytest.mark.parametrize("shown", [True, False])
def test_a_secret_that_was_added_twice_is_reported(iam: Driver, shown: bool) -> None:
    iam.admin.switch(secret_descriptions=shown)
    refuse(iam, 2)
    on_post(iam, LOST)
    rule = {"action": "fail_before", "match": {"operation": "listClientSecrets"}, "times": 3 if shown else 0}
    iam.admin.add_faults({**rule, "status": 200, "payload": []})
    result = iam.ok("client_secret", look_first=False, retry_budget=0.7, **MINE)
    ids = held(iam)
    assert len(ids) == 2
    [warning] = result["warnings"]
    assert ("may have been added twice" in warning) != shown
    assert all(each in warning for each in ids) == shown


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 503},
        {"status": 400, "payload": {"error": "invalid_scope"}},
        {"status": 400, "payload": {"error": "unauthorized_client"}},
        {"status": 200, "payload": "<html></html>"},
    ],
)
def test_an_exchange_that_proves_nothing_is_no_reason_to_send_again(iam: Driver, answer: dict[str, Any]) -> None:
    on_exchange(iam, **answer)
    on_post(iam, NEVER_CAME, times=2)
    result = iam.run("client_secret", retry_budget=0.5, **MINE)
    assert result["failure"]["kind"] == "ambiguous"
    assert f"answered {answer['status']}" in result["msg"] or "without an access token" in result["msg"]
    assert VALUE not in repr(result)
    assert iam.writes() == ["POST createClientSecret"]
    exchanges = [each for each in iam.admin.log(kind="request") if each["client_id"] == "c1" and not each["caller"]]
    assert len(exchanges) == 1 or answer["status"] in (503, 200)
    iam.admin.clear_log()
    iam.admin.clear_faults()
    on_exchange(iam, **answer)
    on_post(iam, LOST)
    assert [iam.ok("client_secret", retry_budget=0.5, **MINE)["secret"]["secret_id"]] == held(iam)
    assert iam.writes() == ["POST createClientSecret"]


def test_without_a_readable_list_the_result_is_ambiguous(iam: Driver) -> None:
    on_post(iam, LOST)
    iam.admin.add_faults(
        {"action": "fail_before", "match": {"operation": "listClientSecrets"}, "after_skip": 1, "status": 403}
    )
    result = iam.run("client_secret", client_id="c1", description="mine")
    assert result["failure"]["kind"] == "ambiguous"
    assert "Looking for it failed as well: listClientSecrets" in result["msg"]
    assert iam.writes() == ["POST createClientSecret"]


def test_a_conflict_on_the_second_attempt_means_that_the_first_one_worked(iam: Driver) -> None:
    iam.admin.switch(duplicate_secret_value=409, secret_descriptions=False)
    refuse(iam, 2)
    on_post(iam, LOST)
    result = iam.ok("client_secret", look_first=False, retry_budget=0.3, **MINE)
    assert (result["changed"], len(held(iam))) == (True, 1)
    assert iam.writes() == ["POST createClientSecret"] * 2


def test_a_refusal_of_the_second_attempt_mentions_the_first(iam: Driver) -> None:
    on_post(iam, NEVER_CAME)
    on_post(iam, {"action": "fail_before", "status": 400})
    message = iam.refused("client_secret", retry_budget=0.3, **MINE)
    assert "An earlier attempt, whose answer was lost, may have been carried out." in message


def test_without_descriptions_an_exchange_shows_whether_the_secret_exists(iam: Driver) -> None:
    iam.admin.switch(secret_descriptions=False)
    assert iam.ok("client_secret", check=True, **MINE)["changed"]
    assert iam.ok("client_secret", **MINE)["changed"]
    again = iam.ok("client_secret", **MINE)
    assert (again["changed"], again["secret"]["secret_id"], again["secret"]["description"]) == (False, None, "mine")
    assert len(held(iam)) == 1
    generated = {name: value for name, value in MINE.items() if name != "value"}
    assert "but no descriptions" in iam.refused("client_secret", **generated)
    on_exchange(iam, status=503)
    message = iam.refused("client_secret", retry_budget=0, **MINE)
    assert "but no descriptions" in message
    assert "An exchange of the value was inconclusive too." in message
    assert len(held(iam)) == 1


def test_the_token_endpoint_must_be_known_before_anything_is_sent(iam: Driver) -> None:
    message = iam.refused("client_secret", access_token="x", tenant=None, **MINE)
    assert "Neither tenant nor token_url is set" in message
    assert iam.calls() == []
