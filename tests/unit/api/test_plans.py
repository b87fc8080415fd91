# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans for clients, secrets and subjects: one that was carried out leaves nothing to do; none deletes too much."""

from __future__ import annotations

import contextlib
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._clients.attributes import ATTRIBUTES, StringSet
from ansible_collections.aritma.iam.plugins.module_utils._clients.plan import (
    exact,
    for_diff,
    new_client,
    plan_client,
    replacement,
    to_wire,
    wanted_members,
)
from ansible_collections.aritma.iam.plugins.module_utils._clients.subjects import choose
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    AmbiguousNameError,
    ContractError,
    IamError,
    OptionError,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, Secret, Subject
from ansible_collections.aritma.iam.plugins.module_utils._policies.policies import snake
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import (
    SecretKey,
    SecretPlan,
    check_value,
    descriptions_shown,
    expired,
    generate_value,
    new_secrets,
    plan_absent,
    plan_present,
    wanted_expiration,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)

texts = st.text(max_size=6)
words = st.lists(st.sampled_from(["a", "b", "c"]), max_size=4)
values: dict[str, st.SearchStrategy[Any]] = {
    name: words if isinstance(attribute, StringSet) else texts for name, attribute in ATTRIBUTES.items()
}
members = st.fixed_dictionaries({}, optional=values)
observed_clients = members.map(lambda shown: Client.model_validate({"client_id": "c", **shown}))


@given(desired=members, observed=observed_clients)
def test_a_client_plan_carried_out_leaves_nothing_to_do(desired: dict[str, Any], observed: Client) -> None:
    plan = plan_client(desired, observed)
    then = plan_client(desired, Client.model_validate({**observed.shown(), **plan.changes}))
    assert not then.changes
    assert then.hidden == plan.hidden


@given(desired=members, observed=observed_clients)
def test_what_is_not_given_or_not_shown_is_never_changed(desired: dict[str, Any], observed: Client) -> None:
    plan = plan_client(desired, observed)
    assert plan.changes.keys() <= desired.keys() & observed.shown().keys()
    assert set(plan.hidden) == desired.keys() - observed.shown().keys()


@given(desired=members, observed=observed_clients)
def test_an_update_carries_every_member_or_names_the_missing(desired: dict[str, Any], observed: Client) -> None:
    full, missing = replacement(observed, desired)
    sent = Client.model_validate(full)
    assert set(missing) == ATTRIBUTES.keys() - desired.keys() - observed.shown().keys()
    assert not plan_client(desired, sent).changes
    assert sent.client_id == "c"


@given(wish=words, shown=words)
def test_sets_are_compared_as_sets(wish: list[str], shown: list[str]) -> None:
    plan = plan_client({"allowed_scopes": wish}, Client(client_id="c", allowed_scopes=tuple(shown)))
    assert bool(plan.changes) == (set(wish) != set(shown))


def test_members_have_the_names_of_the_contract() -> None:
    given = {
        "name": "n",
        "description": "d",
        "allowed_grant_types": [],
        "redirect_uris": ["u"],
        "allowed_scopes": ["s"],
    }
    assert to_wire(given) == {
        "name": "n",
        "description": "d",
        "allowedGrantTypes": [],
        "redirectUris": ["u"],
        "allowedScopes": ["s"],
    }


def test_only_sets_are_put_in_order() -> None:
    assert for_diff({"description": "ba", "allowed_scopes": ["b", "a", "b"]}) == {
        "description": "ba",
        "allowed_scopes": ["a", "b"],
    }
    client = Client(client_id="c", description="ab", allowed_scopes=("a", "b"))
    plan = plan_client({"description": "ba", "allowed_scopes": ["b", "a"]}, client)
    assert plan.changes == {"description": "ba"}


def test_a_new_client_has_all_five_members() -> None:
    wish = wanted_members({"name": "n", "client_id": None, "allowed_grant_types": ["x", "x"], "description": None})
    assert new_client(wish) == {
        "name": "n",
        "description": "n",
        "allowed_grant_types": ["x"],
        "redirect_uris": [],
        "allowed_scopes": [],
    }
    assert new_client({"name": "n", "description": ""})["allowed_grant_types"] == ["client_credentials"]
    assert new_client({"name": "n", "description": ""})["description"] == ""


def test_only_the_exact_name_counts_and_two_of_it_are_an_error() -> None:
    def named(*names: str) -> list[Client]:
        return [Client(client_id=f"c{number}", name=name) for number, name in enumerate(names)]

    assert exact(named("a ", "A", "ab"), "a") is None
    assert exact(named("ab", "a"), "a") == Client(client_id="c1", name="a")
    with pytest.raises(AmbiguousNameError, match=r"2 clients have the name 'a': c0, c2\. Give client_id") as caught:
        exact(named("a", "b", "a"), "a")
    assert caught.value.details == {"ids": ["c0", "c2"]}


secret_lists = st.lists(
    st.builds(
        Secret,
        secret_id=st.sampled_from([str(number) for number in range(6)]),
        description=st.sampled_from([None, "", "mine", "other"]),
        expiration=st.sampled_from([None, "2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z", "whenever", "0001-01-01"]),
    ),
    max_size=5,
    unique_by=lambda secret: secret.secret_id,
)
keys = st.builds(
    SecretKey,
    description=st.sampled_from([None, "mine", "other"]),
    secret_id=st.sampled_from([None, "0", "1"]),
).filter(lambda key: key.description or key.secret_id)


@given(key=keys, listed=secret_lists, keep_last=st.booleans())
def test_only_the_secret_that_was_named_is_ever_deleted(key: SecretKey, listed: list[Secret], keep_last: bool) -> None:
    with contextlib.suppress(IamError):
        target = plan_absent(key, listed, NOW, keep_last=keep_last)
        if target is not None:
            assert target in listed
            assert key.secret_id in (None, target.secret_id)
            assert key.secret_id or key.description == target.description


@given(key=keys, listed=secret_lists)
def test_with_keep_last_one_that_works_stays(key: SecretKey, listed: list[Secret]) -> None:
    with contextlib.suppress(IamError):
        target = plan_absent(key, listed, NOW, keep_last=True)
        if target is not None:
            assert any(not expired(each, NOW) for each in listed if each != target)


@given(key=keys, listed=secret_lists)
def test_a_deletion_carried_out_leaves_nothing_to_delete(key: SecretKey, listed: list[Secret]) -> None:
    with contextlib.suppress(IamError):
        target = plan_absent(key, listed, NOW, keep_last=False)
        left = [each for each in listed if each != target]
        with contextlib.suppress(ContractError):  # without descriptions nothing can be said any more
            assert plan_absent(key, left, NOW, keep_last=False) is None


@given(listed=secret_lists)
def test_a_secret_that_was_added_is_found(listed: list[Secret]) -> None:
    key = SecretKey("new", None)
    with contextlib.suppress(ContractError):
        plan = plan_present(key, None, listed)
        assert plan is None or plan.existing is None
        added = Secret(secret_id="9", description="new")
        assert plan_present(key, None, [*listed, added]) == SecretPlan(added)
        assert new_secrets([*listed, added], "new", {each.secret_id for each in listed}) == [added]


def test_without_descriptions_only_a_new_id_tells_which_secret_was_added() -> None:
    listed = [Secret(secret_id="1"), Secret(secret_id="2", description="")]
    assert descriptions_shown(listed) is False
    assert descriptions_shown([]) is None
    assert plan_present(SecretKey("mine", None), None, listed) is None
    assert new_secrets([*listed, Secret(secret_id="3")], "mine", {"1", "2"}) == [Secret(secret_id="3")]
    assert new_secrets([*listed, Secret(secret_id="3")], "mine", None) == []


def test_several_secrets_of_one_description_are_named() -> None:
    listed = [Secret(secret_id="1", description="d"), Secret(secret_id="2", description="d")]
    plan = plan_present(SecretKey("d", None), None, listed)
    assert plan is not None
    assert plan.warnings == ("2 secrets have the description 'd': 1, 2.",)
    with pytest.raises(AmbiguousNameError, match=r"1, 2\. None was deleted\. Give secret_id"):
        plan_absent(SecretKey("d", None), listed, NOW, keep_last=False)


@pytest.mark.parametrize("length", [0, 1, 7, 33, 100])
def test_a_value_of_a_wrong_length_is_refused_and_not_shown(length: int) -> None:
    value = ("canary" * 20)[:length]
    with pytest.raises(OptionError, match=f"value has {length} characters; the API accepts 8 to 32") as caught:
        check_value(value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("character", ["\n", "\t", "\x00", "\x7f", "\x85", "\ud800"])
def test_a_value_with_a_control_character_is_refused(character: str) -> None:
    with pytest.raises(OptionError, match="control character"):
        check_value(f"canary{character}canary")


@pytest.mark.parametrize("value", ["s3cr3tV@lue!", "å" * 32, " " * 8, "{{ 7*7 }}"])
def test_a_value_with_other_characters_is_accepted(value: str) -> None:
    check_value(value)


def test_a_generated_value_is_32_letters_and_digits() -> None:
    made = {generate_value() for _each in range(50)}
    assert len(made) == 50
    assert all(len(value) == 32 and value.isascii() and value.isalnum() for value in made)


def test_an_expiration_is_sent_as_a_utc_time() -> None:
    assert wanted_expiration(None, None, NOW) is None
    assert wanted_expiration(None, "90d", NOW) == format_timestamp(NOW + timedelta(days=90))
    assert wanted_expiration("2027-01-31T02:00:00+02:00", None, NOW) == "2027-01-31T00:00:00Z"


def _subject(**members: Any) -> Subject:
    return Subject.model_validate({"type": "Client", "displayName": "n", **members})


@pytest.mark.parametrize(
    "match",
    [
        _subject(id="c1", subjectId="client-77"),
        _subject(id="77", subjectId="client-c1"),
        _subject(id="77", subjectId="client-77", properties={"clientId": "c1"}),
        Subject.model_validate({"$type": "ClientSubjectDto", "id": "c1"}),
        Subject.model_validate({"id": "c1"}),
    ],
)
def test_the_client_id_is_found_wherever_the_subject_carries_it(match: Subject) -> None:
    others = [_subject(id="c1", type="User"), _subject(id="c2", properties={"client_id": "c2"}), _subject(id="c11")]
    found = choose([*others, match], "c1", None)
    assert found is not None
    assert (found.subject, found.by_name) == (match, False)


def test_the_name_decides_only_where_no_subject_tells_its_client() -> None:
    silent = _subject(id="77", subjectId="client-77")
    telling = _subject(id="78", properties={"clientId": "other"})
    found = choose([telling, silent], "c1", "n")
    assert found is not None
    assert (found.subject, found.by_name) == (silent, True)
    assert choose([telling], "c1", "n") is None
    assert choose([silent], "c1", "N") is None
    with pytest.raises(AmbiguousNameError, match="client-77, client-79"):
        choose([silent, _subject(id="79")], "c1", "n")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("subjectId", "subject_id"),
        ("$type", "type"),
        ("URI", "uri"),
        ("scopeURIName", "scope_uri_name"),
        ("a-b", "a_b"),
    ],
)
def test_names_become_snake_case(name: str, expected: str) -> None:
    assert snake(name) == expected
