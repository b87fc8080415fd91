# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``aritma.iam.audit`` and its modules against a server: true, read-only, and fast on a large tenant."""

from __future__ import annotations

import json
import re
import stat
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from prometheus_client.parser import text_string_to_metric_families
from wire_log import Wire

from simulator.process import Simulator

EVIL = "<script>alert(1)</script> {{ 7*7 }} \"'\\ æøå"
VALUE = "NobodyMayReadThis0123456789abcde"
NOW = datetime.now(timezone.utc)


def _moment(days: float) -> str:
    return f"{NOW + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}"


def _secret(age: float, description: str = "by hand", ends: float | None = None) -> dict[str, Any]:
    return {
        "value": VALUE,
        "description": description,
        "created": _moment(-age),
        "expiration": None if ends is None else _moment(ends),
    }


def _ours(age: float, lineage: str = "3f9a2c") -> str:
    return f"aritma.iam rotation {lineage}-{NOW - timedelta(days=age):%Y%m%dT%H%M%SZ}-0a7c55"


def _few() -> list[dict[str, Any]]:
    return [
        {"name": "billing", "client_id": "c1", "secrets": [_secret(5, _ours(5)), _secret(70, _ours(70))]},
        {"name": EVIL, "client_id": "c2", "secrets": [_secret(61, _ours(61, "abcdef")), _secret(9, ends=3)]},
        {"name": "legacy", "client_id": "c3", "secrets": [_secret(400, ends=-1)]},
        {"name": "unused", "client_id": "c4"},
    ]


def _many(number: int) -> list[dict[str, Any]]:
    return [
        {"name": f"service-{each:03d}", "secrets": [_secret(each % 90, _ours(each % 90, f"{each:06x}")), _secret(3)]}
        for each in range(number)
    ]


def _files(home: Path) -> dict[str, str]:
    forms = {"audit_json": "audit.json", "audit_prometheus": "audit.prom", "audit_html": "audit.html"}
    return {variable: str(home / name) for variable, name in forms.items()}


def _audit(ansible: Ansible, *arguments: str, **variables: Any) -> Run:
    return ansible.run("aritma.iam.audit", *arguments, variables={**_files(ansible.home), **variables})


def _told(home: Path) -> dict[str, Any]:
    told: dict[str, Any] = json.loads((home / "audit.json").read_text(encoding="utf-8"))
    return told


def _states(told: Mapping[str, Any]) -> dict[str, list[str]]:
    return {client["client_id"]: [secret["state"] for secret in client["secrets"]] for client in told["clients"]}


@pytest.mark.matrix
def test_three_reports_that_agree_with_the_server(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    simulator.admin.seed(clients=_few())
    run = _audit(ansible, "-vvvv").ok()
    told = _told(tmp_path)
    assert _states(told) | {"admin": []} == {
        "admin": [],
        "c1": ["fresh", "superseded"],
        "c2": ["expires_soon", "too_old"],
        "c3": ["expired"],
        "c4": [],
    }
    by_id = {client["client_id"]: client for client in told["clients"]}
    assert by_id["c2"]["name"] == EVIL
    assert [secret["managed_by"] for secret in by_id["c2"]["secrets"]] == ["others", "aritma.iam"]
    assert (told["tenant"], told["summary"]["secrets_due"]) == ("acme", 3)
    samples = [
        sample
        for family in text_string_to_metric_families((tmp_path / "audit.prom").read_text(encoding="utf-8"))
        for sample in family.samples
    ]
    due = {sample.labels["client"] for sample in samples if sample.name == "aritma_iam_secret_due" and sample.value}
    assert due == {EVIL, "legacy"}
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1
    assert all(text not in run.output + page for text in (VALUE, simulator.admin_client_secret))
    modes = {
        name: stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("audit.json", "audit.html", "audit.prom")
    }
    assert modes == {"audit.json": 0o600, "audit.html": 0o600, "audit.prom": 0o644}
    wire = Wire(simulator.admin.log())
    assert wire.writes() == []
    assert set(wire.operations()) == {"listClients", "listClientSecrets"}
    assert run.changed == 0


def test_options(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    simulator.admin.seed(clients=_few())
    (inner,) = simulator.admin.seed(groups=[{"name": EVIL, "members": ["client-c1"]}])["groups"]
    simulator.admin.seed(groups=[{"name": "outer", "members": [inner["subject_id"], "client-c4"]}])
    limits = {"audit_rotate_after": "never", "audit_expiry_margin": "0s"}
    _audit(ansible, audit_names=["bill*", "leg*"], audit_mode="0640", audit_groups=True, **limits).ok()
    groups = {each["client_id"]: each["groups"] for each in _told(tmp_path)["clients"]}
    assert groups == {"c1": [EVIL, "outer"], "c3": []}
    page = (tmp_path / "audit.html").read_text(encoding="utf-8")
    assert page.count("<script>") == 1 and ", outer</span>" in page
    assert _states(_told(tmp_path)) == {"c1": ["fresh", "superseded"], "c3": ["expired"]}
    assert stat.S_IMODE((tmp_path / "audit.json").stat().st_mode) == 0o640
    assert Counter(Wire(simulator.admin.log()).operations())["listClientSecrets"] == 2


def test_check_mode_reads_and_writes_nothing(ansible: Ansible, simulator: Simulator, tmp_path: Path) -> None:
    simulator.admin.seed(clients=_few())
    run = _audit(ansible, "--check", "--diff").ok()
    (told,) = run.results("Show what is due")
    assert re.fullmatch(r"3 of \d secrets are due, at 2 of \d clients\.", told["msg"])
    assert [path.name for path in tmp_path.glob("audit.*")] == []
    assert Wire(simulator.admin.log()).writes() == []


def test_the_modules_on_the_host_of_the_task(ansible: Ansible, simulator: Simulator) -> None:
    simulator.admin.seed(clients=_few())
    tasks = [
        {"aritma.iam.secret_audit_info": {"names": ["billing"], "run_on": way}, "register": way}
        for way in ("controller", "target")
    ]
    run = ansible.tasks(*tasks).ok()
    here, there = (event["result"]["audit"] for event in run.events if "audit" in event["result"])
    for audit in (here, there):
        audit.pop("audited_at")
        for secret in audit["clients"][0]["secrets"]:
            secret["age"] //= 3600
            secret["reason"] = secret["reason"].split(" old")[0]
    assert here == there


def test_bad_input_is_told(ansible: Ansible, simulator: Simulator) -> None:
    simulator.admin.seed(clients=_few())
    good = {"aritma.iam.secret_audit_info": {"names": ["billing"]}, "register": "found"}
    audit = "{{ found.audit }}"
    bad: list[tuple[str, dict[str, Any], str]] = [
        ("secret_audit_info", {"rotate_after": "soon"}, "rotate_after: 'soon' is not a duration"),
        ("secret_audit_info", {"connections": 0}, "connections: 0 is not between 1 and 32"),
        ("audit_report", {"audit": audit, "prometheus": "/tmp/metrics.txt"}, "does not end in .prom"),
        ("audit_report", {"audit": audit, "html": "/none/a.html"}, "The report /none/a.html cannot be written"),
        ("audit_report", {"audit": {"schema": 9}, "html": "/none/a.html"}, "is not what secret_audit_info returns"),
        ("audit_report", {"audit": audit}, "one of the following is required: json, prometheus, html"),
    ]
    tasks = [{f"aritma.iam.{module}": options, "ignore_errors": True} for module, options, _words in bad]
    run = ansible.tasks(good, *tasks).ok()
    messages = [event["result"]["msg"] for event in run.events if event["event"] == "failed"]
    assert len(messages) == len(bad)
    for (_module, _options, words), message in zip(bad, messages, strict=True):
        assert words in message


@pytest.mark.torture
def test_servers_that_show_less(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    simulator = simulate("no_descriptions")
    simulator.admin.switch(secret_created_name="")
    simulator.admin.seed(clients=_few()[:1])
    _audit(Ansible(tmp_path, simulator), audit_names=["billing"]).ok()
    (client,) = _told(tmp_path)["clients"]
    assert [(each["managed_by"], each["state"], each["age"]) for each in client["secrets"]] == [
        ("unknown", "unknown", None)
    ] * 2


def _measured(ansible: Ansible, simulator: Simulator, number: int) -> float:
    for first in range(0, number, 100):
        simulator.admin.seed(clients=_many(number)[first : first + 100])
    simulator.admin.clear_log()
    started = time.monotonic()
    _audit(ansible).ok()
    seconds = time.monotonic() - started
    operations = Counter(Wire(simulator.admin.log()).operations())
    told = _told(ansible.home)
    assert told["summary"]["clients"] >= number
    assert told["summary"]["by_state"]["too_old"] == sum(each % 90 >= 60 for each in range(number))
    assert operations["listClientSecrets"] == told["summary"]["clients"]
    assert operations["listClients"] <= 1 + number // 200
    assert set(operations) == {"listClients", "listClientSecrets"}
    return seconds


@pytest.mark.torture
def test_a_tenant_of_500(ansible: Ansible, simulator: Simulator) -> None:
    assert _measured(ansible, simulator, 500) < 30
