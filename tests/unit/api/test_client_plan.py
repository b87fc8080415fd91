# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is sent for a client, which client a name means, and what counts as changed: case by case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._clients.plan import (
    as_stored,
    in_other_forms,
    new_client,
    plan_client,
    renamed,
    replacement,
    to_wire,
    unmet,
)
from ansible_collections.aritma.iam.plugins.module_utils._clients.unrequested import unrequested
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousNameError
from ansible_collections.aritma.iam.plugins.module_utils._core.spelling import is_altered, is_tidied
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client

DECOMPOSED, COMPOSED = "cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"


def client(**document: Any) -> Client:
    """A client as a server shows it."""
    return Client.model_validate({"clientId": "c1", **document})


def test_an_update_sends_every_member_under_the_name_that_the_server_shows() -> None:
    document = {"Client_Id": "c1", "ClientName": "n", "scopes": "a b", "grantTypes": ["x", "x"], "Enabled": True}
    shown = Client.model_validate(document)
    body, missing = replacement(shown, {"name": "m", "redirect_uris": ["u"]})
    assert body == {**document, "ClientName": "m", "grantTypes": ["x"], "redirectUris": ["u"]}
    assert missing == ["description"]
    assert to_wire({"name": "m", "redirect_uris": ["u"]}, shown) == {"ClientName": "m", "redirectUris": ["u"]}
    assert to_wire({"allowed_scopes": ["u"]}) == {"allowedScopes": ["u"]}


def test_only_sets_of_texts_lose_their_duplicates() -> None:
    odd = {
        "scopes": [{"name": "a"}, {"name": "a"}],
        "description": ["x", "x"],
        "redirectUris": None,
        "tags": ["t", "t"],
    }
    shown = Client.model_construct(document=odd)
    assert replacement(shown, {})[0] == odd


def test_only_a_value_that_the_server_did_not_take_is_unmet() -> None:
    sent = {"name": "Billing", "description": "d", "allowed_scopes": ["a"], "redirect_uris": ["u"]}
    shown = client(name="billing", description="e", allowedScopes=["a", "a"])
    assert unmet(sent, shown) == ["description"]
    assert as_stored(sent, shown) == {**sent, "name": "billing", "allowed_scopes": ("a", "a")}
    assert plan_client(as_stored(sent, shown), shown).changes == {"description": "d"}


@pytest.mark.parametrize(
    ("name", "description", "shown", "known", "found"),
    [
        (" a ", "", {"name": "a"}, None, True),
        ("a", "", {"name": " a "}, None, False),
        ("A", "", {"name": "a"}, None, False),
        ("A", "", {"name": "a", "description": ""}, None, False),
        ("A", "d", {"name": "a", "description": "e"}, None, False),
        ("A", "d", {"name": "a"}, None, False),
        ("A", "d", {"name": "a", "description": "d"}, None, True),
        ("A", "d ", {"name": "a", "description": "d"}, None, True),
        ("A", "d", {"name": "b", "description": "d"}, None, False),
        ("A", "d", {"name": "A", "description": "d"}, None, False),
        ("A", "d", {"description": "d"}, None, False),
        ("A", "", {"name": "a"}, {"c1"}, False),
        ("A", "", {"name": "a"}, {"c2"}, True),
        ("A", "", {"name": "b"}, {"c2"}, False),
        ("A", "d", {"name": "a", "description": "d"}, {"c1"}, True),
    ],
)
def test_a_client_whose_name_the_server_changed_is_found(
    name: str, description: str, shown: dict[str, Any], known: set[str] | None, found: bool
) -> None:
    wanted = {"name": name, "description": description}
    others = [client(name="other", clientId="o")]
    assert in_other_forms([*others, client(**shown)], wanted, known and {*known, "o"}) == [client(**shown)] * found
    assert renamed([client(**shown)], wanted, known) == (client(**shown) if found else None)


def test_several_clients_whose_names_the_server_changed_are_named() -> None:
    two = [client(name="a", clientId="c1"), client(name="a", clientId="c2")]
    with pytest.raises(AmbiguousNameError, match=r"2 clients have the name ' a': c1, c2\."):
        renamed(two, new_client({"name": " a"}), None)


@pytest.mark.parametrize(
    ("text", "stored", "tidied", "altered"),
    [
        ("a", "a", False, False),
        (" a ", "a", True, True),
        ("a", " a ", False, False),
        (f" {DECOMPOSED} ", COMPOSED, True, True),
        (COMPOSED, DECOMPOSED, False, False),
        ("A", "a", False, True),
        ("a", "A", False, False),
        (" A  b ", "a b", False, True),
        ("\N{LATIN SMALL LIGATURE FI}n", "fin", False, True),
        ("x" * 60, "x" * 50, False, True),
        ("x" * 60, "x" * 49, False, False),
        ("x" * 50, "x" * 60, False, False),
        ("X" * 60 + " ", "x" * 50, False, True),
        ("", "", False, False),
        ("a", "", False, False),
    ],
)
def test_what_counts_as_a_tidied_and_as_an_altered_text(text: str, stored: str, tidied: bool, altered: bool) -> None:
    assert (is_tidied(text, stored), is_altered(text, stored)) == (tidied, altered)


BEFORE = {
    "name": "n",
    "allowedScopes": ["a", "b"],
    "enabled": False,
    "lifetime": 900,
    "claims": [{"type": "team", "value": 1}],
    "logo": None,
    "properties": {"owner": "ops"},
}


@pytest.mark.parametrize(
    ("change", "asked", "named"),
    [
        ({}, (), []),
        ({"name": "m"}, ("name",), []),
        ({"name": "m"}, (), ["name"]),
        ({"name": "m"}, ("description",), ["name"]),
        ({"clientId": "c2"}, (), ["clientId"]),
        ({"description": "d"}, (), ["description"]),
        ({"description": ""}, (), []),
        ({"allowedScopes": ["b", "a", "a"]}, (), []),
        ({"allowedScopes": []}, (), ["allowedScopes"]),
        ({"enabled": True}, (), ["enabled"]),
        ({"enabled": None}, (), ["enabled"]),
        ({"lifetime": 0}, (), ["lifetime"]),
        ({"claims": []}, (), ["claims"]),
        ({"claims": [{"value": 1, "type": "team"}, {"type": "team", "value": 1}]}, (), []),
        ({"properties": {"owner": "dev"}}, (), ["properties.owner"]),
        ({"properties": {}}, (), ["properties.owner"]),
        ({"properties": None}, (), ["properties"]),
        ({"properties": {"owner": "ops", "updatedBy": "me"}}, (), []),
        ({"logo": "", "more": [], "others": {}}, (), []),
        ({"more": 1}, (), ["more"]),
        ({"expires": "2030-01-01T00:00:00Z"}, (), ["expires"]),
        ({"seen": now().isoformat()}, (), []),
        ({"seen": (now() - timedelta(hours=23)).isoformat()}, (), []),
        ({"seen": (now() - timedelta(hours=25)).isoformat()}, (), ["seen"]),
        ({"seen": (now() + timedelta(hours=25)).isoformat()}, (), ["seen"]),
        *(
            ({name: 1}, (), [])
            for name in (
                *("Version", "row_version", "eTag", "concurrencyStamp", "lastModifiedOn", "dateUpdated"),
                *("lastChange", "changedAt", "changedOn", "changedBy", "revision"),
            )
        ),
    ],
)
def test_changes_that_nobody_asked_for_are_named(
    change: dict[str, Any], asked: tuple[str, ...], named: list[str]
) -> None:
    assert unrequested(client(**BEFORE), client(**{**BEFORE, **change}), asked) == named


def test_members_that_are_gone_are_named_unless_they_are_only_not_shown() -> None:
    full, less = client(**BEFORE).settled(), client(name="n")
    assert unrequested(full, less, ()) == []
    assert unrequested(less, full, ()) == []
    assert unrequested(client(description=""), client(name=""), ()) == []
    assert unrequested(full, less.settled(), ()) == ["allowedScopes", "enabled", "lifetime", "claims", "properties"]
