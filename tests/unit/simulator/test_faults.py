# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every action of the fault rules, over real connections."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from simulator import ControlError, Simulator
from simulator.caller import Caller

SECRETS = "/v1/clients/c1/secrets"


@pytest.fixture(autouse=True)
def _client(simulator: Simulator) -> None:
    secret = {"value": "value-of-8", "description": "first"}
    simulator.admin.seed(clients=[{"name": "billing", "client_id": "c1", "secrets": [secret]}])


def descriptions(simulator: Simulator) -> list[str]:
    [client] = simulator.admin.state("c1")["clients"]
    return [secret["description"] for secret in client["secrets"]]


def last_entry(simulator: Simulator) -> dict[str, Any]:
    return simulator.admin.log(kind="request")[-1]


def test_fail_before_commits_nothing(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.add_faults(
        {
            "action": "fail_before",
            "match": {"operation": "createClientSecret"},
            "times": 2,
            "status": 503,
            "retry_after": 2,
        },
        {
            "action": "fail_before",
            "match": {"method": "POST", "path_regex": "/secrets$"},
            "times": 1,
            "status": 429,
            "retry_after_date": 3600,
            "body": "html",
            "headers": {"X-Extra": "1"},
        },
    )
    first, second, third, fourth = (caller.add_secret("c1", "another-8", "second") for _unused in range(4))
    assert [answer.status_code for answer in (first, second, third, fourth)] == [503, 503, 429, 201]
    assert first.headers["Retry-After"] == "2"
    assert parsedate_to_datetime(third.headers["Retry-After"]).timestamp() > time.time() + 3000
    assert (third.headers["X-Extra"], third.text[:6]) == ("1", "<html>")
    assert descriptions(simulator) == ["first", "second"]
    committed = [entry["committed"] for entry in simulator.admin.log(operation="createClientSecret")]
    assert committed == [False, False, False, True]
    assert [(rule["matched"], rule["applied"]) for rule in simulator.admin.faults()] == [(2, 2), (1, 1)]


def test_fail_after_and_commit_then_drop_commit(simulator: Simulator, caller: Caller) -> None:
    simulator.admin.add_faults(
        {"action": "fail_after", "status": 504, "match": {"operation": "createClientSecret"}, "times": 1},
        {"action": "commit_then_drop", "match": {"operation": "createClientSecret"}, "times": 1},
        {"action": "drop_before", "match": {"operation": "createClientSecret"}, "times": 1},
    )
    assert caller.add_secret("c1", "another-1", "failed after").status_code == 504
    for description in ("dropped after", "dropped before"):
        with pytest.raises(requests.ConnectionError, match="reset by peer"):
            caller.add_secret("c1", "another-2", description)
    assert descriptions(simulator) == ["first", "failed after", "dropped after"]
    entries = simulator.admin.log(operation="createClientSecret")
    seen = [(entry["fault"], entry["status"], entry["handler_status"], entry["committed"]) for entry in entries]
    assert seen == [
        ("fail_after", 504, 201, True),
        ("commit_then_drop", None, 201, True),
        ("drop_before", None, None, False),
    ]


@pytest.mark.parametrize(("phase", "committed"), [("before", False), ("after", True)])
def test_a_request_that_hangs_is_committed_only_after_its_handler(
    simulator: Simulator, caller: Caller, phase: str, committed: bool
) -> None:
    caller.admin_token()
    simulator.admin.add_faults({"action": "hang", "phase": phase, "match": {"method": "POST"}, "times": 1})
    with pytest.raises(requests.Timeout):
        caller.iam("POST", SECRETS, json={"value": "another-8", "description": "second"}, timeout=0.3)
    assert ("second" in descriptions(simulator)) is committed


def test_a_rule_can_skip_requests_count_them_and_name_a_client(simulator: Simulator, caller: Caller) -> None:
    caller.admin_token()
    match = {"client_id": ["c1"], "operation": ["tokenForTenant", "listClientSecrets"]}
    simulator.admin.add_faults({"action": "fail_before", "status": 500, "match": match, "after_skip": 1, "times": 2})
    statuses = [caller.exchange("c1", "value-of-8").status_code for _unused in range(2)]
    statuses += [caller.iam("GET", SECRETS).status_code for _unused in range(2)]
    assert statuses == [200, 500, 500, 200]
    assert caller.exchange("admin", simulator.admin_client_secret, "services.iam").status_code == 200


@pytest.mark.parametrize(("phase", "visible"), [("before", False), ("after", True)])
def test_pause_holds_until_resume(simulator: Simulator, caller: Caller, phase: str, visible: bool) -> None:
    caller.admin_token()
    rule = {"action": "pause", "name": "p", "phase": phase, "match": {"operation": "createClientSecret"}}
    simulator.admin.add_faults(rule)
    answers = in_background(lambda: caller.add_secret("c1", "another-8", "second"))
    [held] = simulator.admin.paused(wait=5)
    assert (held["name"], held["phase"], held["operation"]) == ("p", phase, "createClientSecret")
    assert ("second" in descriptions(simulator)) is visible
    assert last_entry(simulator)["ended"] is None
    assert simulator.admin.resume("other") == 0
    assert simulator.admin.resume("p") == 1
    assert answers().status_code == 201
    assert simulator.admin.paused() == []


def test_a_held_request_may_be_dropped(simulator: Simulator, caller: Caller) -> None:
    caller.admin_token()
    simulator.admin.add_faults({"action": "pause", "phase": "after", "match": {"method": "POST"}})
    answers = in_background(lambda: caller.add_secret("c1", "another-8", "second"))
    simulator.admin.paused(wait=5)
    simulator.admin.resume(drop=True)
    with pytest.raises(requests.ConnectionError):
        answers()
    assert descriptions(simulator) == ["first", "second"]


def test_a_held_request_commits_though_its_client_is_gone(simulator: Simulator, caller: Caller) -> None:
    caller.admin_token()
    simulator.admin.add_faults({"action": "pause", "match": {"method": "POST"}})
    with pytest.raises(requests.Timeout):
        caller.iam("POST", SECRETS, json={"value": "another-8", "description": "second"}, timeout=0.3)
    assert descriptions(simulator) == ["first"]
    simulator.admin.clear_faults()
    deadline = time.monotonic() + 60
    while "second" not in descriptions(simulator) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert descriptions(simulator) == ["first", "second"]


@pytest.mark.parametrize(
    "rule",
    [
        {"action": "explode"},
        {"action": "slow", "second": 1},
        {"action": "slow", "phase": "between"},
        {"action": "slow", "match": {"verb": "GET"}},
        {"action": "slow", "match": {"path_regex": "("}},
    ],
)
def test_bad_rules_are_refused(simulator: Simulator, rule: dict[str, Any]) -> None:
    with pytest.raises(ControlError, match="400"):
        simulator.admin.add_faults(rule)
    assert simulator.admin.faults() == []


def in_background(work: Callable[[], requests.Response]) -> Callable[[], requests.Response]:
    """Start some work in a thread; the result waits for it and raises what it raised."""
    results: list[requests.Response | BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except requests.RequestException as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> requests.Response:
        thread.join(10)
        if isinstance(results[0], BaseException):
            raise results[0]
        return results[0]

    return result
