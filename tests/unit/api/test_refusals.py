# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules refuse: a clear message, and nothing is written."""

from __future__ import annotations

from typing import Any

import pytest

from unit.api.driver import Driver

REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("oidc_client", {}, "one of the following is required: name, client_id"),
    ("oidc_client", {"name": " "}, "name is empty. Give name a value, or omit it."),
    ("oidc_client", {"client_id": ""}, "client_id is empty"),
    ("oidc_client", {"client_id": "nobody"}, "There is no client with client_id 'nobody'. The server chooses the ids"),
    ("oidc_client", {"name": "twice"}, "2 clients have the name 'twice': t1, t2. Give client_id"),
    ("oidc_client", {"name": "twice", "state": "absent"}, "2 clients have the name 'twice': t1, t2. Give client_id"),
    ("oidc_client_info", {"name": "a", "search": "b"}, "mutually exclusive"),
    ("client_secret", {"client_id": "t1"}, "one of the following is required: description, secret_id"),
    (
        "client_secret",
        {"client_id": "t1", "state": "absent"},
        "one of the following is required: description, secret_id",
    ),
    ("client_secret", {"client_id": "t1", "description": "d", "value": "1234567"}, "value has 7 characters"),
    ("client_secret", {"client_id": "t1", "description": "d", "value": "x" * 33}, "value has 33 characters"),
    ("client_secret", {"client_id": "t1", "description": "d", "value": "1234\n5678"}, "control character"),
    ("client_secret", {"client_id": "t1", "description": "d", "expiration": "2020-01-01T00:00:00Z"}, "has passed"),
    ("client_secret", {"client_id": "t1", "description": "d", "expires_after": "later"}, "is not a duration"),
    ("client_secret", {"client_id": "t1", "secret_id": "7", "look_first": False}, "secret_id is looked up in the list"),
    ("client_secret", {"client_id": "t1", "description": "d", "verify_scope": " "}, "verify_scope is empty"),
    *(
        (
            "client_secret",
            {"client_id": "t2", "state": "absent", "look_first": False, **wish},
            "a deletion needs secret_id without description",
        )
        for wish in (
            {"secret_id": "7"},
            {"description": "only", "keep_last": False},
            {"secret_id": "7", "description": "only", "keep_last": False},
        )
    ),
    ("client_secret", {"client_id": "t1", "secret_id": "7"}, "There is no secret 7. The server chooses the ids"),
    ("client_secret", {"client_id": "t2", "description": "only", "state": "absent"}, "set keep_last: false"),
    ("client_secret", {"client_id": "nobody", "description": "d"}, "listClientSecrets"),
    ("client_secret_info", {"client_id": "nobody"}, "listClientSecrets"),
    ("client_subject_info", {}, "one of the following is required: client_id, name"),
    ("client_subject_info", {"name": "twice"}, "2 subjects of clients have the name 'twice': client-t1, client-t2."),
    ("iam_policy", {"subject": "", "action": "a", "scope": "s"}, "subject is empty"),
    (
        "iam_policy",
        {"subject": "client-x", "action": "banking.ais.read", "scope": "/s"},
        "subject 'client-x' with client_",
    ),
    ("iam_policy", {"subject": "client-t1", "action": "no.such", "scope": "/s"}, "action 'no.such' in GET /v1/actions"),
]


@pytest.mark.parametrize(("task", "options", "message"), REFUSED)
def test_a_refused_task_says_why_and_changes_nothing(
    iam: Driver, task: str, options: dict[str, Any], message: str
) -> None:
    secrets = [{"value": "the-only-one", "description": "only"}]
    clients = [{"name": "twice", "client_id": "t1"}, {"name": "twice", "client_id": "t2", "secrets": secrets}]
    iam.admin.seed(clients=clients, actions=["banking.ais.read"])
    before = iam.admin.state()
    assert message in iam.refused(task, retry_budget=1, **options)
    assert iam.admin.state() == before


def test_a_refused_value_is_not_shown(iam: Driver) -> None:
    result = iam.run("client_secret", client_id="t1", description="d", value="canary\ncanary")
    assert "canary" not in repr(result)


def test_at_the_limit_of_secrets_their_ids_are_named(iam: Driver) -> None:
    for status in (400, 409, 422):
        iam.admin.reset("capped", max_secrets_status=status)
        iam.admin.seed(clients=[{"name": "n", "client_id": "c"}])
        ids = [iam.ok("client_secret", client_id="c", description=each)["secret"]["secret_id"] for each in "ab"]
        result = iam.run("client_secret", client_id="c", description="x", value="canary-canary")
        assert f"The client has 2 secrets ({ids[0]}, {ids[1]})" in result["msg"]
        assert "canary" not in repr(result)


def test_an_update_that_needs_hidden_members_asks_for_them(iam: Driver) -> None:
    iam.admin.reset("no_details")
    wish = {"name": "billing", "description": "d", "allowed_scopes": ["api"]}
    shown = iam.ok("oidc_client", **wish)
    assert shown["not_compared"] == ["allowed_scopes"]
    assert "so this was not compared" in shown["warnings"][0]
    message = iam.refused("oidc_client", name="billing", description="other")
    assert "Give allowed_grant_types and redirect_uris and allowed_scopes too. The server does not show it" in message
    assert iam.clients("billing")[0]["allowed_scopes"] == ["api"]
    iam.admin.switch(update_method="both")
    assert iam.ok("oidc_client", name="billing", description="other")["changed"]
    assert iam.clients("billing")[0]["allowed_scopes"] == ["api"]


def test_a_shape_that_cannot_be_read_is_an_error_and_never_absence(iam: Driver) -> None:
    iam.admin.add_faults({"action": "wrong_shape", "match": {"operation": "listClients"}})
    message = iam.refused("oidc_client", name="billing")
    assert message == (
        "listClients answered in a way that aritma.iam cannot read: expected a list, bare or as clients or items or "
        "data or results of an object, received an object with unexpected (boolean). Check api_url: it must be the "
        "part before /v1 of the IAM API, not the address of a gateway or a portal."
    )
    assert iam.writes() == []


def test_an_absent_secret_of_an_unknown_client_is_no_change(iam: Driver) -> None:
    assert not iam.ok("client_secret", client_id="nobody", description="d", state="absent")["changed"]


def test_calls_are_counted_also_in_an_error(iam: Driver) -> None:
    assert iam.ok("oidc_client_info", client_id="admin")["calls"]["iam"] == 1
    failed = iam.run("client_secret", client_id="admin", description="admin", state="absent")
    assert failed["failure"]["calls"]["iam"] == 1
