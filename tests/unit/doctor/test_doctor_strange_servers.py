# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On a server that it has never seen the doctor ends with a table, and nothing of the tenant is in its report."""

from __future__ import annotations

import json
from typing import Any

import pytest

from simulator.call import TENANTS
from simulator.caller import Caller
from unit.api.driver import Driver

API = {"path_regex": "/core/iam/.*"}
TOKEN = {"path_regex": ".*/connect/token"}
CANARY = {"title": "canarytitle", "detail": "canarydetail", "errors": {"canary-client": ["canaryerror"], "c4n4ry": []}}


def seeded(iam: Driver) -> None:
    """A tenant that is full of canaries."""
    secret = {"value": "canarySecretValue1", "description": "canarydescription"}
    [client, _other] = iam.admin.seed(
        clients=[
            {"name": "canary-client", "client_id": "canaryid", "description": "canarytext", "secrets": [secret]},
            {"name": "another canary", "allowed_scopes": ["canaryscope"]},
        ],
        users=[{"name": "Kari Canary", "email": "canary@example.org"}],
        scopes=["canaryscope"],
        actions=["canary.read"],
    )["clients"]
    subject = client["subject_id"]
    iam.admin.seed(policies=[{"subject": subject, "action": "canary.read", "scope": "/canary/1"}])
    iam.admin.seed(groups=[{"name": "canaries", "members": [subject]}])


def looked(iam: Driver, **options: Any) -> dict[str, Any]:
    """What the doctor found: a table, without a trace, and a report without a value of the tenant."""
    done = iam.run("doctor", write=True, **options)
    assert "failed" not in done, done
    assert done["table"][-1].split()[1] == "findings,"
    assert not [line for line in done["table"] if ".py:" in line]
    created = [str(entry["created"]) for entry in iam.admin.log() if entry.get("created")]
    ids = [client["client_id"] for client in iam.admin.state()["clients"] if client["client_id"] != "admin"]
    own = ["acme", iam.simulator.admin_client_secret, iam.simulator.url.rpartition(":")[2], "127.0.0.1", "eyJ"]
    text = json.dumps(done["report"]).lower()
    words = ["canar", "c4n4ry", "aritma-iam-doctor-", "IAM admin", *own, *created, *ids]
    # The ids of integer_ids are numbers as there are others.
    assert [word for word in words if len(word) > 3 and word.lower() in text] == []
    return done


@pytest.mark.parametrize("profile", ["documented", "duende", "bodies", "details_in_list", "root_actions"])
def test_nothing_of_the_tenant_is_in_the_report(iam: Driver, profile: str) -> None:
    iam.admin.reset(profile)
    seeded(iam)
    looked(iam)


STRANGE: dict[str, tuple[list[dict[str, Any]], str]] = {
    "html": ([{"match": API, "action": "fail_before", "status": 200, "body": "html"}], "otherwise: tell us"),
    "html of a dead portal": ([{"match": API, "action": "fail_before", "status": 404, "body": "html"}], "tell us"),
    "nothing is there": ([{"match": API, "action": "fail_before", "status": 404, "body": "empty"}], "tell us"),
    "no permission": ([{"match": API, "action": "fail_before", "status": 403, "body": "empty"}], "no permission"),
    "empty bodies": ([{"match": API, "action": "fail_before", "status": 200, "body": "empty"}], "tell us"),
    "a log-in page": ([{"match": API, "action": "redirect", "status": 302, "location": "/login"}], ": 302 empty"),
    "another shape": ([{"match": API, "action": "wrong_shape", "payload": CANARY}], "tell us"),
    "a list of texts": ([{"match": API, "action": "wrong_shape", "payload": ["canary"]}], "tell us"),
    "a text": ([{"match": API, "action": "wrong_shape", "payload": "canary"}], "tell us"),
    "half a body": ([{"match": API, "action": "truncated_json"}], "tell us"),
    "canaries in errors": ([{"match": API, "action": "fail_before", "status": 400, "payload": CANARY}], "tell us"),
    "no token endpoint": ([{"match": TOKEN, "action": "fail_before", "status": 404, "body": "html"}], "set tenant"),
    "tokens of another kind": ([{"match": TOKEN, "action": "wrong_shape", "payload": CANARY}], "set tenant"),
    "a gateway that drops the body of a DELETE": (
        [{"match": {"operation": ["deletePolicy"]}, "action": "fail_before", "status": 400}],
        "does something on the way drop the body?",
    ),
    "a gateway that drops it and says so to nobody": (
        [{"match": {"operation": ["deletePolicy"]}, "action": "fail_before", "status": 204, "body": "empty"}],
        "does something on the way drop the body?",
    ),
    "no token for the scratch client": (
        [{"match": TOKEN, "action": "fail_before", "status": 500, "body": "html", "after_skip": 12}],
        "wait: first secret",
    ),
    "requests that are too many": (
        [{"match": API, "action": "fail_before", "status": 429, "probability": 0.2, "seed": 1}],
        "findings",
    ),
    **{
        f"no {operation}": ([{"match": {"operation": [operation]}, "action": "fail_before", "status": 403}], text)
        for operation, text in {
            "listClients": "no permission",
            "createClient": "no permission",
            "createClientSecret": "no permission",
            "listClientSecrets": "no permission",
            "createPolicy": "no permission",
            "listPolicies": "no permission",
            "updateClient": "no permission",
            "listClientSubjects": "no permission",
        }.items()
    },
}


ALIKE = {"html of a dead portal", "a list of texts", "a text", "half a body"}
"""The doctor says the same about them as about the one before, so they are only in `make torture`."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.torture if name in ALIKE else ()) for name in STRANGE]
)
def test_a_strange_server_ends_with_a_table(iam: Driver, name: str) -> None:
    rules, said = STRANGE[name]
    seeded(iam)
    iam.admin.add_faults(*rules)
    # Under its id the tenant has another token URL, for which no token is kept from an earlier test.
    tenant = TENANTS["acme"] if TOKEN in [rule["match"] for rule in rules] else "acme"
    done = looked(iam, retry_budget=1, tenant=tenant)
    assert said in "\n".join(done["table"])
    iam.admin.clear_faults()
    assert iam.ok("doctor", write=True)["left"] == []
    assert [each["name"] for each in iam.admin.state()["clients"]] == ["IAM admin", "canary-client", "another canary"]


def test_a_server_that_does_not_answer_is_named(iam: Driver) -> None:
    nowhere = {"api_url": "http://127.0.0.1:9/core/iam", "identity_url": "http://127.0.0.1:9"}
    assert any(line.startswith("otherwise: set") for line in looked(iam, retry_budget=1, **nowhere)["table"])
    nowhere["access_token"] = "aTokenThatIsGiven"
    done = looked(iam, retry_budget=1, **nowhere)
    assert "not told: no answer" in done["table"][-2]


def test_a_tenant_that_does_not_know_the_admin_ends_it(iam: Driver) -> None:
    [line, _count] = looked(iam, tenant="globex")["table"]
    assert line.startswith("otherwise: set tenant, auth_client_id and auth_client_secret")
    assert "aTokenOfNobody" not in str(looked(iam, access_token="aTokenOfNobody"))


def test_its_time_is_limited(iam: Driver) -> None:
    """Requests that hang, answers that are slow, and a secret that is never accepted."""
    iam.admin.add_faults({"match": API, "action": "hang", "phase": "before", "seconds": 20})
    assert "several times in a row" in looked(iam, request_timeout=0.3, retry_budget=0)["table"][-2]
    assert len(iam.calls()) < 10
    iam.admin.clear_faults()
    iam.admin.add_faults({"match": API, "action": "slow", "phase": "after", "seconds": 0.3})
    assert "the time limit has passed" in "\n".join(looked(iam, limit=2)["table"])
    iam.admin.clear_faults()
    iam.admin.switch(accept_delay=600.0)
    assert "the time limit has passed" in "\n".join(looked(iam, limit=4)["table"])
    assert len(iam.admin.state()["clients"]) == 1


def test_without_a_token_endpoint_the_rest_is_reported(iam: Driver) -> None:
    caller = Caller(iam.simulator)
    done = looked(iam, access_token=caller.admin_token(), tenant=None, auth_client_id=None, auth_client_secret=None)
    caller.close()
    assert any(line.startswith("otherwise: set tenant") for line in done["table"])
    assert done["report"]["create_policy_status"] == 200
    assert done["report"]["delete_last_secret"] == 204
    assert "accept_delay" not in done["report"]


def test_groups_that_cannot_be_listed_are_not_passed_over(iam: Driver) -> None:
    """Groups of a doctor that was killed may be among them."""
    iam.admin.add_faults({"match": {"operation": "listGroups"}, "action": "fail_before", "status": 400})
    assert "perhaps groups of the doctor" in str(iam.run("doctor", write=True)["left"])
