# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers of every known shape are read into the same models; any other is refused without showing its values."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import ContractError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import (
    Client,
    Permission,
    Policy,
    Secret,
    Subject,
    created_id,
    describe,
    read_entries,
    read_model,
    read_object,
)

ONE = {"id": "s1"}
ID_NAMES = ("clientid", "id", "key")


@pytest.mark.parametrize(
    "data",
    [
        [ONE],
        [None, ONE],
        {"items": [ONE]},
        {"Items": [ONE], "links": [{"rel": "self"}]},
        {"secrets": [ONE], "scopes": [{"name": "api"}]},
        {"client_secrets": [ONE]},
        {"data": {"items": [ONE]}},
        {"_embedded": {"secrets": [ONE]}},
        {"value": [ONE], "count": 1},
        {"credentials": [ONE], "tags": ["a"]},
        {"credentials": [ONE], "links": [{"href": "x"}], "others": []},
    ],
)
def test_a_list_is_found_in_every_envelope(data: Any) -> None:
    assert read_entries("listClientSecrets", data, ("secrets", "clientsecrets")) == [ONE]


@pytest.mark.parametrize("data", [[], {"items": []}, {"items": None, "total": 0}, {"foo": []}])
def test_an_empty_list_is_no_error(data: Any) -> None:
    assert read_entries("listClientSecrets", data) == []


@pytest.mark.parametrize(
    "data",
    [
        None,
        "text",
        7,
        {},
        {"unexpected": True},
        {"a": [ONE], "b": [ONE]},
        {"errors": [ONE]},
        {"id": "s1", "v": "canary"},
    ],
)
def test_an_answer_without_a_list_is_an_error_that_shows_no_value(data: Any) -> None:
    with pytest.raises(ContractError) as caught:
        read_entries("listClientSecrets", data, ("secrets",))
    text = str(caught.value)
    assert all(part in text for part in ("listClientSecrets", "expected a list", "api_url"))
    assert "canary" not in text
    assert caught.value.details["option"] == "api_url"


@pytest.mark.parametrize("name", ["id", "Id", "secretId", "secret_id", "clientSecretId", "key", "keyId"])
@pytest.mark.parametrize("value", ["12", 12])
def test_the_id_of_a_secret_has_many_names(name: str, value: object) -> None:
    assert read_model(Secret, "op", {name: value, "extra": {"x": 1}}).secret_id == "12"


@pytest.mark.parametrize("name", ["expiration", "expiresAt", "expires", "expires_on", "expirationDate", "validUntil"])
def test_the_expiration_has_many_names(name: str) -> None:
    assert read_model(Secret, "op", {"id": 1, name: "some day"}).expiration == "some day"


@pytest.mark.parametrize("name", ["created", "createdAt", "created_date", "creationTime"])
def test_the_creation_has_many_names(name: str) -> None:
    assert read_model(Secret, "op", {"id": 1, name: "2026-01-01T00:00:00Z"}).created == "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("name", ["type", "Type", "secretType", "secret_type", "kind"])
@pytest.mark.parametrize(
    ("value", "text", "shared"),
    [
        ("SharedSecret", "SharedSecret", True),
        ("shared_secret", "shared_secret", True),
        ("SHARED secret", "SHARED secret", True),
        ("Shared", "Shared", True),
        ({"id": 1, "name": "SharedSecret"}, "SharedSecret", True),
        (None, None, True),
        ("", "", True),
        (0, "0", True),
        (["SharedSecret"], None, True),
        (True, None, True),
        ("X509Thumbprint", "X509Thumbprint", False),
        ("JsonWebKey", "JsonWebKey", False),
        ({"name": "JWK"}, "JWK", False),
    ],
)
def test_the_type_tells_a_secret_from_a_key(name: str, value: object, text: str | None, shared: bool) -> None:
    secret = read_model(Secret, "op", {"id": 1, name: value})
    assert (secret.type, secret.is_shared) == (text, shared)
    assert read_model(Secret, "op", {"id": 1}).is_shared


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"id": 7}, True),
        (
            {"id": 7, "clientId": "c1", "expiration": None, "created": "now", "type": "SharedSecret", "value": None},
            True,
        ),
        ({"id": 7, "description": "mine", "anything": 1}, True),
        ({"id": 7, "description": "other"}, False),
        ({"id": 7, "name": "billing"}, False),
        ({"id": 7, "status": "done"}, False),
    ],
)
def test_an_answer_tells_the_id_of_a_secret_only_where_it_shows_the_secret(answer: dict[str, Any], told: bool) -> None:
    assert Secret.is_in(answer, "mine") == told


def test_the_spelling_of_each_member_is_kept() -> None:
    document = {"Client_ID": "c1", "clientId": None, "NAME": "n", "displayName": "d", "grantTypes": ["a"], "": 7}
    client = Client.model_validate(document)
    assert client.spelled == {"client_id": "Client_ID", "name": "NAME", "allowed_grant_types": "grantTypes"}
    assert client.document == document
    assert client.shown() == {"client_id": "c1", "name": "n", "allowed_grant_types": ["a"]}
    assert (client.in_full, client.settled().in_full) == (False, True)


def test_a_secret_does_not_keep_its_value() -> None:
    secret = read_model(Secret, "op", {"id": 1, "value": "canary", "description": None, "name": "d"})
    assert "canary" not in repr(secret)
    assert secret.description == "d"


def test_the_client_id_wins_over_another_id() -> None:
    assert read_model(Client, "op", {"id": 5, "clientId": "c1", "name": "n"}).client_id == "c1"


def test_of_two_spellings_the_one_that_is_not_null_counts() -> None:
    for data in ({"client_id": "c1", "clientId": None}, {"client_id": None, "clientId": "c1"}):
        assert read_model(Client, "op", data).client_id == "c1"


@pytest.mark.parametrize("scopes", [["a", "b"], "a b", [{"name": "a"}, {"scope": "b"}], ["a", None, "b"]])
def test_scopes_may_be_strings_or_objects(scopes: object) -> None:
    assert read_model(Client, "op", {"client_id": "c", "allowed-scopes": scopes}).allowed_scopes == ("a", "b")


def test_a_null_counts_as_empty_only_in_the_details_of_one_client() -> None:
    client = read_model(Client, "op", {"clientId": "c", "description": None, "redirectUris": None})
    assert client.redirect_uris is None
    assert client.settled().redirect_uris == ()
    assert client.settled().description == ""
    assert client.settled().allowed_scopes is None  # it was not shown at all


def test_an_entry_without_a_required_member_is_an_error_without_values() -> None:
    with pytest.raises(ContractError) as caught:
        read_model(Policy, "listPolicies", {"subject": "canary", "scope": ["canary"]})
    assert "action" in str(caught.value)
    assert "canary" not in str(caught.value)


def test_the_subject_may_carry_the_client_id_in_its_properties() -> None:
    beside_an_id = {"id": 17, "clientId": "c1", "displayName": "n", "properties": {"clientId": "of something else"}}
    assert read_model(Subject, "op", beside_an_id).client_id == "c1"
    subject = read_model(Subject, "op", {"$type": "ClientSubjectDto", "id": 3, "properties": {"client_id": "c1"}})
    assert (subject.client_id, subject.discriminator, subject.id) == ("c1", "ClientSubjectDto", "3")


@pytest.mark.parametrize(
    "data", [{"clientId": "c"}, {"data": {"clientId": "c"}}, {"client": {"client_id": "c"}}, [{"clientId": "c"}]]
)
def test_one_object_is_found_in_its_envelope(data: Any) -> None:
    found = read_object("getClient", data, ("client",), ("clientid",))
    assert next(iter(found.values())) == "c"


@pytest.mark.parametrize(
    ("data", "location", "expected"),
    [
        (None, None, None),
        ({}, None, None),
        ("OK", None, None),
        ({"clientId": "c1"}, "/v1/clients/other", "c1"),
        ({"id": 12}, None, "12"),
        ({"data": {"client_id": "c1"}}, None, "c1"),
        ({"client": {"id": "c1"}}, None, "c1"),
        ({"result": {"clientId": None}}, "https://x/core/iam/v1/clients/a%2Fb%20c", "a/b c"),
        (None, "/v1/clients/c1/", "c1"),
        (None, "/v1/clients", None),
        (None, "/v1/clients/c1?x=1#y", "c1"),
        ([{"rel": "self", "href": "https://x/v0/clients/c1", "method": "GET"}], None, "c1"),
        ([{"rel": "list", "href": "/v0/clients"}, {"rel": "secrets", "href": "/v0/clients/c1/secrets"}], None, "c1"),
        ({"links": [{"href": "/v0/clients/c1"}]}, None, "c1"),
        ({"_links": {"self": {"href": "/v0/clients/c1"}}}, None, "c1"),
        ("/v1/clients/c1", None, "c1"),
        ({"id": True, "clientId": ""}, None, None),
    ],
)
def test_the_id_of_a_created_resource_is_found(data: Any, location: str | None, expected: str | None) -> None:
    assert created_id(data, location, "clients", ID_NAMES) == expected


def test_the_id_of_a_secret_is_not_taken_from_the_client_in_its_path() -> None:
    assert created_id({"clientId": "c1"}, "/v1/clients/c1", "secrets", ("secretid", "id")) is None
    assert created_id({"clientId": "c1"}, "/v1/clients/c1/secrets/9", "secrets", ("secretid", "id")) == "9"


def test_a_description_of_data_names_members_and_kinds() -> None:
    assert describe({"a": "canary", "b": [1], "c": None}) == "an object with a (string), b (list), c (null)"


@pytest.mark.parametrize(
    ("data", "action", "scope"),
    [
        ("banking.manage", "banking.manage", None),
        ({"actionName": "banking.manage", "scopeUri": "/a"}, "banking.manage", "/a"),
        ({"action": {"name": "banking.manage", "id": 7}, "scope": {"uri": "/a"}}, "banking.manage", "/a"),
        ({"action": {"id": "banking.manage"}, "scope": {"id": "/a"}}, "banking.manage", "/a"),
        ({"action": {"shape": "unknown"}}, None, None),
        (7, "7", None),
        (None, None, None),
    ],
)
def test_a_permission_is_read_in_any_form(data: Any, action: str | None, scope: str | None) -> None:
    permission = Permission.model_validate(data)
    assert (permission.action, permission.scope) == (action, scope)
