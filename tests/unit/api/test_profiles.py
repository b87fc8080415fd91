# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each resource is created, found, changed and deleted over real HTTP, under every profile that may matter to it."""

from __future__ import annotations

from typing import Any

import pytest

from unit.api.driver import Driver
from unit.api.parts import profiles

WISH: dict[str, Any] = {"name": "billing", "description": "the service", "allowed_scopes": ["api", "services.banking"]}
ACTION = "banking.ais.read"
SCOPE = "/subscriptions/123"


@pytest.fixture
def profile(request: pytest.FixtureRequest, iam: Driver) -> str:
    """The simulator under one profile, with 35 other clients whose names contain ours."""
    name = str(request.param)
    iam.admin.reset(name)
    others = [f"billing{number}" if number % 2 else f"{number} billing" for number in range(33)]
    iam.admin.seed(
        scopes=["api", "services.banking"],
        actions=[ACTION],
        clients=[{"name": each} for each in (*others, "Billing", "billing ")],
    )
    return name


def switches(iam: Driver) -> dict[str, Any]:
    """The answers of the profile to the open questions."""
    return dict(iam.admin.state()["switches"])


@profiles("clients")
def test_the_life_of_a_client(iam: Driver, profile: str) -> None:
    assert iam.run("oidc_client", check=True, **WISH)["changed"]
    assert iam.writes() == []

    first = iam.ok("oidc_client", **WISH)
    [made] = iam.clients("billing")
    assert first["changed"]
    assert first["client"]["client_id"] == made["client_id"]
    assert {name: made[name] for name in WISH} == WISH
    assert iam.writes() == ["POST createClient"]

    iam.admin.clear_log()
    second = iam.ok("oidc_client", **WISH)
    assert not second["changed"]
    assert second["diff"]["before"] == second["diff"]["after"]
    assert iam.writes() == []
    assert len([call for call in iam.calls() if call != "GET listClients"]) <= 1

    _update(iam, made["client_id"])
    _remove(iam, made["client_id"])


def _update(iam: Driver, client_id: str) -> None:
    # What is not shown has to be given: an update never invents a member.
    hidden = {"allowed_grant_types": ["client_credentials"], "redirect_uris": []}
    wish = {**WISH, "description": "another", **(hidden if switches(iam)["client_details"] == "basic" else {})}
    if switches(iam)["update_method"] == "none":
        assert "does not support changes of description of client" in iam.refused("oidc_client", **wish)
        return
    predicted = iam.ok("oidc_client", check=True, **wish)
    assert iam.clients("billing")[0]["description"] == "the service"
    done = iam.ok("oidc_client", **wish)
    [now] = iam.clients("billing")
    assert done["changed"]
    assert done["diff"] == predicted["diff"]
    assert (now["description"], now["allowed_scopes"]) == ("another", WISH["allowed_scopes"])
    assert not iam.ok("oidc_client", client_id=client_id, description="another")["changed"]


def _remove(iam: Driver, client_id: str) -> None:
    if switches(iam)["delete_client_status"] == 405:
        assert "does not support the deletion of clients" in iam.refused("oidc_client", name="billing", state="absent")
        return
    assert iam.ok("oidc_client", check=True, client_id=client_id, state="absent")["changed"]
    assert len(iam.clients("billing")) == 1
    assert iam.ok("oidc_client", name="billing", state="absent")["changed"]
    assert iam.clients("billing") == []
    assert iam.ok("oidc_client", check=True, client_id=client_id, state="absent")["client"] is None
    assert len(iam.admin.state()["clients"]) == 36


@profiles("secrets")
def test_the_life_of_a_secret(iam: Driver, profile: str) -> None:
    [client] = iam.admin.seed(clients=[{"name": "billing"}])["clients"]
    of_it = {"client_id": client["client_id"]}

    predicted = iam.ok("client_secret", check=True, description="one", **of_it)
    assert predicted["changed"]
    assert "value" not in predicted["secret"]
    first = iam.ok("client_secret", description="one", expires_after="90d", **of_it)
    [held] = iam.secrets(client["client_id"])
    assert first["changed"]
    assert first["secret"]["secret_id"] == str(held["id"])
    assert held["expiration"] == first["secret"]["expiration"]
    assert iam.admin.check(client["client_id"], first["secret"]["value"])["matches"] == [held["id"]]

    shown = iam.ok("client_secret_info", **of_it)
    assert [each["secret_id"] for each in shown["secrets"]] == [str(held["id"])]
    assert first["secret"]["value"] not in repr(shown)
    if switches(iam)["secret_descriptions"]:
        again = iam.ok("client_secret", description="one", expires_after="90d", **of_it)
        assert not again["changed"]
        assert "value" not in again["secret"]
    else:
        assert "but no descriptions" in iam.refused("client_secret", description="one", **of_it)
    assert len(iam.secrets(client["client_id"])) == 1

    _second_secret(iam, of_it, shown["secrets"][0]["secret_id"])


def _second_secret(iam: Driver, of_it: dict[str, Any], old: str) -> None:
    """Add it and delete the first one, both without a look at the list."""
    assert "last usable secret of the client" in iam.refused("client_secret", secret_id=old, state="absent", **of_it)
    iam.admin.clear_log()
    given = iam.ok("client_secret", description="two", value="chosenByUs123", look_first=False, **of_it)
    assert "value" not in given["secret"]
    assert iam.calls() == ["POST createClientSecret"]
    ids = [str(each["id"]) for each in iam.secrets(of_it["client_id"])]
    assert len(ids) == 2
    assert given["secret"]["secret_id"] in (None, ids[1])

    iam.admin.clear_log()
    gone = {"secret_id": old, "state": "absent", "keep_last": False, "look_first": False, **of_it}
    assert iam.ok("client_secret", **gone)["changed"]
    assert iam.calls() == ["DELETE deleteClientSecret"]
    assert [each["description"] for each in iam.secrets(of_it["client_id"])] == ["two"]
    again = iam.ok("client_secret", **gone)
    assert again["changed"] == (switches(iam)["delete_missing_secret"] == 204)


@profiles("clients")
def test_the_subject_of_a_client_is_found(iam: Driver, profile: str) -> None:
    made = iam.ok("oidc_client", **WISH)["client"]
    iam.admin.clear_log()
    found = iam.ok("client_subject_info", client_id=made["client_id"], name="billing")["subject"]
    assert found["subject_id"] == iam.clients("billing")[0]["subject_id"]
    assert iam.calls() == ["GET listClientSubjects"] * len(iam.calls())
    by_name = iam.ok("client_subject_info", name="billing")["subject"]
    assert by_name == found
    if switches(iam)["client_subject"] != "opaque_without_properties":
        assert iam.ok("client_subject_info", client_id=made["client_id"])["subject"] == found
        assert "no subject of a client" in iam.refused("client_subject_info", client_id="nobody", retry_budget=0)


@profiles("policies")
def test_the_life_of_a_policy(iam: Driver, profile: str) -> None:
    [client] = iam.admin.seed(clients=[{"name": "billing"}])["clients"]
    key = {"subject": client["subject_id"], "action": ACTION, "scope": SCOPE}
    iam.admin.seed(policies=[{**key, "scope": f"{SCOPE}/{number}"} for number in range(12)])

    assert iam.ok("iam_policy", check=True, **key)["changed"]
    assert iam.writes() == []
    assert iam.ok("iam_policy", **key)["changed"]
    iam.admin.clear_log()
    assert not iam.ok("iam_policy", **key)["changed"]
    assert set(iam.calls()) == {"GET listPolicies"}

    shown = iam.ok("iam_policy_info", subject=key["subject"], scope=SCOPE)["policies"]
    assert [{name: policy[name] for name in key} for policy in shown] == [key]
    assert len(iam.ok("iam_policy_info", subject=key["subject"])["policies"]) == 13
    assert len(iam.ok("subject_permissions_info", subject=key["subject"])["permissions"]) == 13

    assert iam.ok("iam_policy", check=True, state="absent", **key)["changed"]
    assert iam.ok("iam_policy", state="absent", **key)["changed"]
    assert len(iam.admin.state()["policies"]) == 12


@profiles("clients")
def test_info_returns_exactly_the_named_client(iam: Driver, profile: str) -> None:
    made = iam.ok("oidc_client", **WISH)["client"]
    assert [each["client_id"] for each in iam.ok("oidc_client_info", name="billing")["clients"]] == [made["client_id"]]
    assert iam.ok("oidc_client_info", client_id=made["client_id"])["clients"][0]["name"] == "billing"
    assert iam.ok("oidc_client_info", name="bill")["clients"] == []
    assert len(iam.ok("oidc_client_info")["clients"]) == 37
