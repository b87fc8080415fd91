# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log and its markers, the violations of the contract, and that no secret is kept anywhere."""

from __future__ import annotations

import base64
import time
from pathlib import Path

import pytest
import requests

from simulator import Simulator
from simulator.caller import Caller

VALUE = "canary-Value-0123456789"


@pytest.fixture(autouse=True)
def _client(simulator: Simulator) -> None:
    simulator.admin.seed(clients=[{"name": "billing", "client_id": "c1"}])


def test_requests_and_markers_are_in_one_order(simulator: Simulator, caller: Caller) -> None:
    before = time.time()
    caller.add_secret("c1", VALUE, "first")
    simulator.admin.mark(event="promoted", client_id="c1")
    caller.exchange("c1", VALUE)
    caller.exchange("c1", "another-value")
    entries = simulator.admin.log()
    assert [entry.get("operation") or entry.get("event") for entry in entries] == [
        "tokenForTenant",
        "createClientSecret",
        "promoted",
        "tokenForTenant",
        "tokenForTenant",
    ]
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
    assert all(before <= entry["started"] <= entry["ended"] <= time.time() for entry in entries)
    created, accepted, refused = entries[1], entries[3], entries[4]
    assert (created["caller"], created["tenant"], created["client_id"]) == ("admin", "acme", "c1")
    assert created["body"] == {"value": "(removed)", "description": "first"}
    assert (created["status"], created["committed"]) == (201, True)
    assert (accepted["secret_id"], accepted["status"]) == (created["created"], 200)
    assert (refused["client_id"], refused["error"], "secret_id" in refused) == ("c1", "invalid_client", False)
    assert simulator.admin.log(since=created["seq"], kind="marker") == [entries[2]]


def test_a_cleared_log_goes_on_counting(simulator: Simulator) -> None:
    first = simulator.admin.mark(event="a")["seq"]
    simulator.admin.clear_log()
    assert simulator.admin.log() == []
    assert simulator.admin.mark(event="b")["seq"] == first + 1


def test_no_secret_is_kept(simulator: Simulator, caller: Caller) -> None:
    caller.add_secret("c1", VALUE, "first")
    caller.exchange("c1", VALUE)
    caller.exchange("c1", VALUE, basic=True)
    caller.iam("POST", "/v1/clients/c1/secrets", json={"value": VALUE + "x" * 20, "description": "too long"})
    caller.iam("POST", "/v1/clients/c1/secrets", data=f'{{"value": "{VALUE}"')
    simulator.admin.mark(note="kept", client_secret=VALUE)
    answers = repr([simulator.admin.log(), simulator.admin.violations(), simulator.admin.state()])
    files = b"".join(path.read_bytes() for path in Path(simulator.directory).iterdir())
    basic = base64.b64encode(f"c1:{VALUE}".encode())
    for hidden in (VALUE.encode(), base64.b64encode(VALUE.encode()), basic, caller.admin_token().encode()):
        assert hidden not in files
        assert hidden.decode() not in answers


def test_bad_requests_are_violations_of_the_client(simulator: Simulator, caller: Caller) -> None:
    caller.admin_token()
    caller.iam("GET", "/v1/clients", params={"search": "x", "page": "first"})
    caller.iam("GET", "/v1/clients", data="{}")
    caller.iam("POST", "/v1/clients", json={"name": 1})
    caller.iam("POST", "/v1/clients/c1/secrets", data={"value": VALUE})
    caller.iam("POST", "/v1/clients/c1/secrets", json={"value": "short", "description": "", "expiration": "today"})
    caller.iam("GET", "/v1/nothing")
    requests.get(simulator.api_url + "/v1/clients", timeout=5)
    found = simulator.admin.violations()
    problems = [f"{item['operation']}: {item['problem']}" for item in found["requests"]]
    assert problems == [
        "listClients: query parameter search is not described",
        "listClients: query parameter page is not of type integer",
        "listClients: a body, where none is described",
        'createClient: (whole body): "description" is a required property',
        'createClient: (whole body): "allowedGrantTypes" is a required property',
        'createClient: (whole body): "redirectUris" is a required property',
        'createClient: (whole body): "allowedScopes" is a required property',
        'createClient: name: (value) is not of type "string"',
        "createClientSecret: content type application/x-www-form-urlencoded, where application/json is described",
        "createClientSecret: value: (value) is shorter than 8 characters",
        'createClientSecret: expiration: (value) is not a "date-time"',
        "None: no operation has this method and path",
        "listClients: no bearer token",
    ]
    assert found["responses"] == []
    simulator.admin.clear_violations()
    assert simulator.admin.violations() == {"requests": [], "responses": []}


def test_answers_against_the_contract_are_violations_of_the_simulator(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.switch(secret_expiration_name="created", secret_created_name="expiration", time_format="z")
    caller.add_secret("c1", VALUE, "first")
    simulator.admin.switch(secret_id_name="description", secret_id_type="integer", secret_descriptions=False)
    caller.iam("GET", "/v1/clients/c1/secrets")
    found = simulator.admin.violations()["responses"]
    assert [item["operation"] for item in found] == ["listClientSecrets"]


def test_declared_departures_are_not_counted(simulator: Simulator, caller: Caller) -> None:
    shown = simulator.admin.switch(policies_envelope="results", create_secret_body="secret", error_body="html")
    assert shown["departures"] == ["createClientSecret", "errors", "listPolicies"]
    assert "results" in caller.iam("GET", "/v1/policies").json()
    assert caller.add_secret("c1", VALUE, "first").json()["description"] == "first"
    assert caller.iam("GET", "/v1/clients/none").text.startswith("<html>")
    assert simulator.admin.violations()["responses"] == []
