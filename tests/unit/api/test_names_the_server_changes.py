# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that the server changes: our client is found again with a warning, and nobody else's client is taken."""

from __future__ import annotations

from typing import Any

import pytest

from unit.api.driver import Driver

DECOMPOSED, COMPOSED = "cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
LONG = "billing of the north " * 12
ALTERED = [
    ("composed", DECOMPOSED, COMPOSED),
    ("trimmed", " billing\t", "billing"),
    ("lower_case", "Billing", "billing"),
    ("cut", LONG, LONG[:200]),
]
ANSWERS: list[dict[str, Any]] = [{}, {"create_client_body": "id"}, {"create_client_body": "client"}]


def warned(result: dict[str, Any], wanted: str, stored: str, what: str = "name") -> bool:
    """Whether there is one warning, and it has both names."""
    [warning] = result["warnings"]
    return f"stores the {what} {wanted!r} of client" in warning and f"as {stored!r}" in warning


@pytest.mark.parametrize(("how", "wanted", "stored"), ALTERED)
@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("description", [None, "the service", ""])
def test_a_client_is_found_again_under_the_name_that_was_given(
    iam: Driver, how: str, wanted: str, stored: str, answer: dict[str, Any], description: str | None
) -> None:
    iam.admin.switch(stored_client_name=how, **answer)
    first = iam.ok("oidc_client", name=wanted, description=description)
    [made] = iam.clients(stored)
    assert (first["changed"], first["client"]["client_id"]) == (True, made["client_id"])
    assert (first["client"]["name"], first["diff"]["after"]["name"]) == (stored, stored)
    assert warned(first, wanted, stored)
    assert iam.writes() == ["POST createClient"]

    by_id = iam.ok("oidc_client", client_id=made["client_id"], name=wanted)
    assert (by_id["changed"], warned(by_id, wanted, stored)) == (False, True)
    if description == "" and how in ("lower_case", "cut"):
        return  # nothing shows that this client is ours
    iam.admin.clear_log()
    again = iam.ok("oidc_client", name=wanted, description=description)
    assert (again["changed"], warned(again, wanted, stored)) == (False, True)
    assert iam.writes() == []
    changed = iam.ok("oidc_client", name=wanted, description=description, redirect_uris=["https://a"])
    assert changed["changed"]
    gone = iam.ok("oidc_client", name=wanted, description=description, state="absent")
    assert (gone["changed"], warned(gone, wanted, stored)) == (True, True)
    assert len(iam.admin.state()["clients"]) == 1


@pytest.mark.parametrize(("how", "wanted", "stored"), ALTERED)
def test_a_lost_answer_and_another_name_make_no_second_client(iam: Driver, how: str, wanted: str, stored: str) -> None:
    iam.admin.switch(stored_client_name=how)
    iam.admin.add_faults({"action": "commit_then_drop", "match": {"operation": "createClient"}, "times": 1})
    assert iam.ok("oidc_client", name=wanted, description="")["changed"]
    assert len(iam.clients(stored)) == 1


def test_a_conflict_with_a_name_in_another_form_finds_that_client(iam: Driver) -> None:
    iam.admin.switch(stored_client_name="lower_case", duplicate_client_name=409)
    iam.admin.seed(clients=[{"name": "billing", "client_id": "c1", "description": "old"}])
    result = iam.ok("oidc_client", name="Billing", description="new", retry_budget=1)
    assert (result["client"]["client_id"], result["client"]["description"]) == ("c1", "new")


@pytest.mark.parametrize("theirs", ["billing", "billing ", "BILLING", "Billing of the north"])
def test_somebody_else_s_client_is_not_taken(iam: Driver, theirs: str) -> None:
    iam.admin.seed(clients=[{"name": theirs, "client_id": "theirs", "description": "theirs"}])
    made = iam.ok("oidc_client", name="Billing", description="ours")
    assert made["client"]["client_id"] != "theirs"
    assert "warnings" not in made
    assert not iam.ok("oidc_client", name="bill", state="absent")["changed"]
    assert iam.ok("oidc_client", client_id="theirs", name="Billing 2")["client"]["name"] == "Billing 2"


def test_a_name_can_be_changed_to_another_case(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": "billing", "client_id": "c1"}])
    renamed = iam.ok("oidc_client", client_id="c1", name="Billing")
    assert (renamed["changed"], iam.clients("Billing")[0]["client_id"]) == (True, "c1")


def test_info_finds_a_composed_name_but_no_other_case(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": COMPOSED, "client_id": "c1"}, {"name": "billing", "client_id": "c2"}])
    assert [each["client_id"] for each in iam.ok("oidc_client_info", name=DECOMPOSED)["clients"]] == ["c1"]
    assert iam.ok("oidc_client_info", name="Billing")["clients"] == []


def test_a_secret_is_found_under_a_description_that_was_trimmed(iam: Driver) -> None:
    secret = {"value": "somebody-elses", "description": "billing"}
    iam.admin.seed(clients=[{"name": "n", "client_id": "c1", "secrets": [secret]}])
    assert not iam.ok("client_secret", client_id="c1", description="billing\n")["changed"]
    assert iam.ok("client_secret", client_id="c1", description="Billing")["changed"]


def test_a_secret_whose_description_the_server_trims_is_added_once(iam: Driver) -> None:
    iam.admin.seed(clients=[{"name": "n", "client_id": "c1"}])
    trimmed = [{"id": "7", "description": "mine"}]
    rule = {"action": "fail_before", "match": {"operation": "listClientSecrets"}, "status": 200, "payload": trimmed}
    iam.admin.add_faults({**rule, "after_skip": 1})
    iam.admin.add_faults({"action": "commit_then_drop", "match": {"operation": "createClientSecret"}, "times": 1})
    added = iam.ok("client_secret", client_id="c1", description=" mine ")
    assert (added["changed"], added["secret"]["secret_id"]) == (True, "7")
    assert not iam.ok("client_secret", client_id="c1", description=" mine ")["changed"]
    assert iam.writes() == ["POST createClientSecret"]


def test_a_client_that_may_be_another_one_is_named_and_not_deleted(iam: Driver) -> None:
    """The server may have changed the name to lower case. Only the description shows that the client is ours."""
    iam.admin.seed(clients=[{"name": "billing", "client_id": "c1", "description": "ours"}])
    told = iam.refused("oidc_client", name="Billing", state="absent")
    assert "c1 ('billing')" in told and "Give client_id" in told
    assert not iam.ok("oidc_client", name="Billing", description="theirs", state="absent")["changed"]
    assert iam.writes() == []
    gone = iam.ok("oidc_client", name="Billing", description="ours", state="absent")
    assert (gone["changed"], gone["client"]["client_id"]) == (True, "c1")
    assert not iam.ok("oidc_client", name="Billing", state="absent")["changed"]
