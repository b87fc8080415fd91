# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""In the controller process or on the task's host: the same results, changes, diffs and predictions.

A part of it on each core: test_secrets_hidden.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from service import SCOPE, service
from wire_log import Wire

from simulator.process import Simulator

WAYS = ("controller", "target")
VALUE = "a-value-of-my-own"
POLICY: dict[str, Any] = {"action": "banking.ais.read", "scope": "/subscriptions/123"}

_UNLIKE = (
    (re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"127\.0\.0\.1:\d+"), "<server>"),
    (re.compile(r"\d{4}-\d\d-\d\dT[0-9:.]+Z"), "<time>"),
    # Before values: 32 letters between two hyphens of a token look like one.
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "<token>"),
    (re.compile(r"\b[A-Za-z0-9]{32}\b"), "<value>"),
    (re.compile(r"in \d+ s\b"), "in <seconds>"),
)
"""What differs between two servers and two moments."""
_TIMES = {"iat", "exp", "nbf", "auth_time", "jti"}


def _alike(value: Any) -> Any:
    """``value`` without what must differ, and without the count of token requests: a token may have been at hand."""
    if isinstance(value, Mapping):
        kept = {
            name: _alike(each) for name, each in value.items() if name != "token" and not name.startswith("_ansible")
        }
        return {name: "<time>" if name in _TIMES else each for name, each in kept.items()}
    if isinstance(value, list):
        return [_alike(each) for each in value]
    if isinstance(value, str):
        for pattern, word in _UNLIKE:
            value = pattern.sub(word, value)
    return value


class Script:
    """Tasks that register what they answer, each under a name of its own."""

    def __init__(self) -> None:
        self.tasks: list[dict[str, Any]] = []
        self.names: list[str] = []

    def call(self, title: str, module: str, /, *, check: bool = False, fails: bool = False, **options: Any) -> None:
        """One task."""
        task: dict[str, Any] = {f"aritma.iam.{module}": options, "register": title, "diff": True}
        if check:
            task["check_mode"] = True
        if fails:
            task["ignore_errors"] = True
        self.tasks.append(task)
        self.names.append(title)

    def foretold(self, title: str, module: str, /, **options: Any) -> None:
        """A change: foretold in check mode, made, and made again without need."""
        self.call(f"{title}_foretold", module, check=True, **options)
        self.call(f"{title}_made", module, **options)
        self.call(f"{title}_again", module, **options)

    def written(self, path: str) -> list[dict[str, Any]]:
        """All tasks, and one that writes what they registered."""
        results = "{{ dict(names | zip(query('ansible.builtin.vars', *names))) | to_json }}"
        copy = {"content": results, "dest": path, "mode": "0600"}
        last = {"ansible.builtin.copy": copy, "vars": {"names": self.names}, "no_log": True}
        return [*self.tasks, last]


def _script() -> Script:
    script = Script()
    client: dict[str, Any] = {"name": "billing", "allowed_scopes": [SCOPE]}
    key: dict[str, Any] = {"client_id": "{{ client_made.client.client_id }}"}
    subject: dict[str, Any] = {"subject": "{{ subject.subject.subject_id }}"}
    secret: dict[str, Any] = {**key, "description": "mine", "value": VALUE, "expiration": "2090-01-01T00:00:00+01:00"}
    script.foretold("client", "oidc_client", **client)
    script.foretold("update", "oidc_client", **client, description="Nightly", redirect_uris=["https://b", "https://a"])
    script.call("clients", "oidc_client_info", search="bill")
    script.call("subject", "client_subject_info", **key)
    script.foretold("policy", "iam_policy", **subject, **POLICY)
    script.call("policies", "iam_policy_info", **subject)
    script.call("permissions", "subject_permissions_info", **subject)
    script.foretold("secret", "client_secret", **secret)
    script.call("generated", "client_secret", **key, description="generated", expires_after="90d")
    script.call("secrets", "client_secret_info", **key)
    exchange: dict[str, Any] = {**key, "client_secret": "{{ generated.secret.value }}", "scope": SCOPE}
    script.call("accepted", "token_exchange", **exchange, return_token=True, successes=2)
    script.call("by_basic", "token_exchange", **exchange, auth_method="basic")
    script.call("rejected", "token_exchange", fails=True, **{**exchange, "client_secret": "not-the-secret"}, deadline=0)
    script.call("misconfigured", "token_exchange", fails=True, **{**exchange, "scope": "services.documents"})
    script.call("no_subject", "iam_policy", fails=True, subject="client-nobody", **POLICY)
    script.call("no_option", "client_secret", fails=True, **key)
    script.call("bad_value", "client_secret", fails=True, **key, description="short", value="7777777")
    script.foretold("secret_gone", "client_secret", **key, description="mine", state="absent")
    script.call("last", "client_secret", fails=True, **key, description="generated", state="absent")
    script.foretold("policy_gone", "iam_policy", **subject, **POLICY, state="absent")
    script.foretold("client_gone", "oidc_client", name="billing", state="absent")
    return script


@pytest.mark.torture
def test_every_module_both_ways(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """One run for both, each against a server of its own."""
    simulators = {way: simulate() for way in WAYS}
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "environment": "{{ way_environment }}",
        "tasks": _script().written(f"{tmp_path}/{{{{ inventory_hostname }}}}.json"),
    }
    hosts = {way: {"way_environment": _environment(way, simulators[way])} for way in WAYS}
    run = Ansible(tmp_path, simulators["controller"]).run([play], hosts=hosts).ok()

    results = {way: json.loads((tmp_path / f"{way}.json").read_text()) for way in WAYS}
    _check_predictions(results["controller"])
    _check_verdicts(results["controller"])
    for name in results["controller"]:
        assert _alike(results["target"][name]) == _alike(results["controller"][name]), name
    requests = {way: Wire(simulators[way].admin.log()).operations() for way in WAYS}
    assert requests["target"] == requests["controller"]
    assert VALUE not in run.output


def _environment(way: str, simulator: Simulator) -> dict[str, str]:
    return {
        "ARITMA_IAM_URL": simulator.api_url,
        "ARITMA_IDENTITY_URL": simulator.identity_url,
        "ARITMA_RUN_ON": way,
    }


def _check_predictions(results: Mapping[str, Any]) -> None:
    """What was foretold is what came, and there was something to do."""
    foretold = [name.removesuffix("_foretold") for name in results if name.endswith("_foretold")]
    assert len(foretold) == 7
    for name in foretold:
        before, made, again = (results[f"{name}_{when}"] for when in ("foretold", "made", "again"))
        assert (before["changed"], made["changed"], again["changed"]) == (True, True, False), name
        assert before["diff"] == made["diff"], name
        assert made["diff"]["before"] != made["diff"]["after"], name


def _check_verdicts(results: Mapping[str, Any]) -> None:
    """The rest says what it should."""
    verdicts = {name: results[name]["verdict"] for name in ("accepted", "by_basic", "rejected", "misconfigured")}
    assert verdicts == {
        "accepted": "accepted",
        "by_basic": "accepted",
        "rejected": "rejected",
        "misconfigured": "misconfigured",
    }
    assert [each["name"] for each in results["clients"]["clients"]] == ["billing"]
    assert [each["action"] for each in results["policies"]["policies"]] == [POLICY["action"]]
    assert [each["description"] for each in results["secrets"]["secrets"]] == ["mine", "generated"]
    assert results["permissions"]["permissions"]
    kinds = {name: results[name]["failure"]["kind"] for name in ("no_subject", "bad_value", "last")}
    assert kinds == {"no_subject": "api", "bad_value": "option", "last": "refused"}
    assert results["no_option"]["failed"]


@pytest.mark.torture
def test_provision_and_rotate_both_ways(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """The main job: the same tasks change the same things, with the same requests."""
    simulators = {way: simulate() for way in WAYS}
    ansible = Ansible(tmp_path, simulators["controller"])
    hosts = {way: _client(tmp_path / way, way, simulators[way]) for way in WAYS}
    for tasks_from, variables in (("main", {}), ("rotate", {"rotation_force": True}), ("main", {})):
        for simulator in simulators.values():
            simulator.admin.clear_log()
        role = {"name": "aritma.iam.service_client", "tasks_from": tasks_from}
        play = {
            "hosts": "service_clients",
            "gather_facts": False,
            "environment": "{{ way_environment }}",
            "tasks": [{"ansible.builtin.import_role": role}],
        }
        run = ansible.run([play], hosts=hosts, variables=variables).ok()
        told = {
            way: [(e["task"], e["event"], e["result"].get("changed")) for e in run.events if e["host"] == way]
            for way in WAYS
        }
        assert told["target"] == told["controller"]
        requests = {way: Wire(simulators[way].admin.log()).operations() for way in WAYS}
        assert requests["target"] == requests["controller"]
        assert bool(run.changed) == bool(variables or "createClient" in requests["target"])
    for way in WAYS:
        record = json.loads((tmp_path / way / "store" / "billing.json").read_text())
        assert f"CLIENT_SECRET={record['current']['value']}\n" in (tmp_path / way / "billing.env").read_text()
        assert simulators[way].admin.check(record["client_id"], record["current"]["value"])["live"]


def _client(home: Path, way: str, simulator: Simulator) -> dict[str, Any]:
    home.mkdir()
    return {**service(home), "way_environment": _environment(way, simulator)}
