# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``iam_policies``: the set that is wanted, whatever was there and whatever becomes of an answer."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._policies.policy_set import POLICIES, Changes, plan_policies
from unit.api.driver import Driver

READ = {"action": "banking.ais.read", "scope": "/subscriptions/1"}
PAY = {"action": "banking.pis.read", "scope": "/subscriptions/1"}
ELSEWHERE = {"action": "banking.ais.read", "scope": "/subscriptions/2"}

pairs = st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xy")), max_size=5)


@given(wanted=pairs, held=pairs, mode=st.sampled_from(["merge", "exact"]))
def test_changes_carried_out_leave_nothing_to_do(
    wanted: list[tuple[str, str]], held: list[tuple[str, str]], mode: str
) -> None:
    after = plan_policies(wanted, held, mode).applied(held)
    assert plan_policies(wanted, after, mode) == Changes()
    assert set(wanted) <= set(after)
    assert set(after) == set(wanted) if mode == "exact" else set(held) <= set(after)


@pytest.fixture
def client_id(iam: Driver) -> str:
    """A client without policies."""
    return str(iam.ok("oidc_client", name="billing")["client"]["client_id"])


def held(iam: Driver) -> list[dict[str, str]]:
    """What the server holds, in a stable order."""
    policies = [{name: each[name] for name in ("action", "scope")} for each in iam.admin.state()["policies"]]
    return sorted(policies, key=lambda each: (each["scope"], each["action"]))


def manage(iam: Driver, client_id: str, *policies: dict[str, str], **options: Any) -> dict[str, Any]:
    """One task."""
    return iam.ok("iam_policies", client_id=client_id, name="billing", policies=list(policies), **options)


def test_the_set_is_predicted_and_created_once(iam: Driver, client_id: str) -> None:
    assert manage(iam, client_id, READ, PAY, check=True)["changed"]
    assert held(iam) == []
    first = manage(iam, client_id, READ, PAY)
    assert (first["changed"], held(iam)) == (True, [READ, PAY])
    assert first["subject"] == f"client-{client_id}"
    asked = [each["query"] for each in iam.admin.log(kind="request") if each["operation"] == "listPolicies"]
    assert asked
    assert all(f"subject=client-{client_id}" in query for query in asked)
    before = iam.writes()
    again = manage(iam, client_id, PAY, READ)
    assert (again["changed"], again["calls"]["iam"], iam.writes()) == (False, 2, before)


def test_other_policies_stay_or_go_as_the_mode_says(iam: Driver, client_id: str) -> None:
    manage(iam, client_id, READ, PAY)
    assert manage(iam, client_id, ELSEWHERE)["changed"]
    assert held(iam) == [READ, PAY, ELSEWHERE]
    assert manage(iam, client_id, ELSEWHERE, mode="exact", check=True)["diff"]["after"] == {"policies": [ELSEWHERE]}
    assert manage(iam, client_id, ELSEWHERE, mode="exact")["policies"] == [ELSEWHERE]
    assert held(iam) == [ELSEWHERE]
    assert manage(iam, client_id, mode="exact")["changed"]
    assert held(iam) == []


def test_a_policy_that_is_listed_but_cannot_be_deleted_is_a_warning(iam: Driver, client_id: str) -> None:
    """A server may list what a group grants, although it was asked not to. A policy that is gone causes no warning."""
    manage(iam, client_id, READ, PAY, ELSEWHERE)
    missing = {"match": {"operation": "deletePolicy"}, "status": 404, "times": 1}
    iam.admin.add_faults({**missing, "action": "fail_before"}, {**missing, "action": "fail_after"})
    result = manage(iam, client_id, mode="exact")
    assert result["changed"]
    (warning,) = result["warnings"]
    assert str(READ["action"]) in warning
    assert "remains: it is listed" in warning
    assert held(iam) == [READ]
    assert "warnings" not in manage(iam, client_id, mode="exact")


@pytest.mark.parametrize(
    ("answer", "changed"),
    [({"status": 409}, False), ({"status": 200, "payload": {**READ, "scope": "https://x/subscriptions/1"}}, True)],
    ids=["a conflict", "another spelling"],
)
def test_nothing_is_withdrawn_while_a_new_policy_is_not_listed(
    iam: Driver, client_id: str, answer: dict[str, Any], changed: bool
) -> None:
    """If the server spells the scope in another way, each run would withdraw what the run before it had granted."""
    manage(iam, client_id, PAY)
    iam.admin.add_faults({"action": "fail_before", "match": {"operation": "createPolicy"}, **answer})
    result = manage(iam, client_id, READ, mode="exact", retry_budget=0.5)
    assert (result["changed"], held(iam)) == (changed, [PAY])
    assert result["policies"] == [PAY, READ]
    assert "Nothing was withdrawn" in result["warnings"][-1]
    assert len(result["warnings"]) == 2
    (alone,) = manage(iam, client_id, READ, retry_budget=0.5)["warnings"]
    assert "Nothing was withdrawn" not in alone


def test_policies_that_cannot_be_listed_are_not_taken_for_none(iam: Driver, client_id: str) -> None:
    """Because there is no list, or because no subject shows that it belongs to the client."""
    manage(iam, client_id, READ)
    listed = {"action": "fail_before", "match": {"operation": "listPolicies"}, "status": 404}
    iam.admin.add_faults(listed)
    subject = f"client-{client_id}"
    assert "listPolicies" in iam.refused("iam_policies", subject=subject, policies=[], mode="exact")
    assert "listPolicies" in iam.refused("iam_policy", subject=subject, **READ, state="absent")
    iam.admin.clear_faults()
    iam.admin.add_faults({**listed, "times": 1})  # some servers answer so for a subject that they do not know
    assert not iam.ok("iam_policies", subject="nobody", policies=[], mode="exact")["changed"]
    iam.admin.clear_faults()
    unlike = [{"subjectId": "s-17", "id": "17", "displayName": "billing", "type": "Client"}]
    hidden = {"action": "fail_before", "match": {"path_regex": "/subjects"}, "status": 200, "payload": unlike}
    iam.admin.add_faults(hidden)
    alone = {"client_id": client_id, "policies": [], "mode": "exact", "retry_budget": 0}
    assert "give name too" in iam.refused("iam_policies", **alone)
    assert not iam.ok("iam_policies", **alone, name="another name")["changed"]
    assert not iam.ok("iam_policies", **{**alone, "client_id": "nobody"})["changed"]


def test_a_client_that_is_not_there_holds_nothing(iam: Driver) -> None:
    none = manage(iam, "nobody", mode="exact", retry_budget=1)
    assert (none["changed"], none["subject"], none["policies"]) == (False, None, [])
    message = iam.refused("iam_policies", client_id="nobody", policies=[READ], retry_budget=1)
    assert "There is no subject of a client with the client id 'nobody'" in message


def test_the_subject_can_be_named(iam: Driver, client_id: str) -> None:
    result = iam.ok("iam_policies", subject=f"client-{client_id}", policies=[READ])
    assert (result["changed"], result["calls"]["iam"], held(iam)) == (True, 3, [READ])


@pytest.mark.parametrize("action", ["commit_then_drop", "fail_before"])
def test_a_lost_answer_grants_and_withdraws_once(iam: Driver, client_id: str, action: str) -> None:
    for operation in ("createPolicy", "deletePolicy"):
        rule = {"action": action, "match": {"operation": operation}, "times": 1}
        iam.admin.add_faults({**rule, "status": 502} if action == "fail_before" else rule)
    assert manage(iam, client_id, READ, PAY)["changed"]
    assert held(iam) == [READ, PAY]
    assert manage(iam, client_id, PAY, mode="exact")["changed"]
    assert held(iam) == [PAY]


def test_a_refusal_says_how_many_changes_were_made_before(iam: Driver, client_id: str) -> None:
    wrong = {"action": "no.such", "scope": "/subscriptions/1"}
    message = iam.refused("iam_policies", client_id=client_id, policies=[READ, wrong])
    assert "action 'no.such' in GET /v1/actions" in message
    assert "Changes made before that: 1." in message
    assert held(iam) == [READ]


def test_a_refusal_of_the_first_change_mentions_no_others(iam: Driver, client_id: str) -> None:
    wrong = {"action": "no.such", "scope": "/subscriptions/1"}
    assert "made before that" not in iam.refused("iam_policies", client_id=client_id, policies=[wrong, READ])
    assert held(iam) == []


def test_policies_of_others_do_not_count_where_the_server_ignores_filters(iam: Driver, client_id: str) -> None:
    iam.admin.reset("loose_filters")
    mine, other = (str(iam.ok("oidc_client", name=name)["client"]["client_id"]) for name in ("billing", "other"))
    iam.ok("iam_policies", client_id=other, policies=[READ])
    assert manage(iam, mine, mode="exact")["policies"] == []
    assert held(iam) == [READ]
    assert manage(iam, mine, READ)["changed"]
    assert held(iam) == [READ, READ]


def test_a_blank_action_is_refused_before_any_change(iam: Driver, client_id: str) -> None:
    entry = {"action": " ", "scope": "/s"}
    result = iam.run("iam_policies", client_id=client_id, policies=[READ, entry])
    assert result["msg"].startswith("policies[1]: action or scope is empty")
    assert result["msg"].endswith("Give both a value, or remove the entry.")
    assert result["failure"]["option"] == "policies"
    assert held(iam) == []


@pytest.mark.parametrize("option", ["subject", "client_id", "name"])
def test_an_empty_name_is_no_wildcard(iam: Driver, option: str) -> None:
    assert iam.refused("iam_policies", policies=[], mode="exact", **{option: ""}).startswith(f"{option} is empty")
    assert iam.calls() == []


def test_options_have_their_types_and_defaults() -> None:
    given = {"subject": 7, "policies": [{"action": "a", "scope": 5}]}
    checked = ArgumentSpecValidator(**POLICIES.to_kwargs()).validate(given)
    assert checked.error_messages == []
    wanted = {"subject": "7", "policies": [{"action": "a", "scope": "5"}], "mode": "merge"}
    assert {name: each for name, each in checked.validated_parameters.items() if each is not None} == wanted


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"subject": "s"}, "missing required arguments: policies"),
        ({"policies": [READ]}, "one of the following is required: subject, client_id, name"),
        ({"policies": [READ], "subject": "s", "client_id": "c"}, "mutually exclusive: subject|client_id"),
        ({"policies": [READ], "subject": "s", "name": "n"}, "mutually exclusive: subject|name"),
        ({"policies": [READ], "subject": "s", "mode": "all"}, "value of mode must be one of: merge, exact"),
        ({"policies": [{"scope": "/s"}], "subject": "s"}, "missing required arguments: action"),
        ({"policies": [{"action": "a"}], "subject": "s"}, "missing required arguments: scope"),
        ({"policies": [{**READ, "role": "x"}], "subject": "s"}, "role"),
        ({"policies": 7, "subject": "s"}, "policies"),
        ({"policies": [7], "subject": "s"}, "policies"),
    ],
)
def test_options_that_cannot_be_used(options: dict[str, Any], words: str) -> None:
    checked = ArgumentSpecValidator(**POLICIES.to_kwargs()).validate(options)
    assert words in "; ".join(checked.error_messages)
