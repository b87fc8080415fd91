# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many things that go wrong, each on an inventory host of its own, in one run of Ansible."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_run import Ansible, Run
from wire_log import Wire

from simulator.process import Simulator

ROLE = "aritma.iam.service_client"
ADMIN_SECRET = "admin-of-one-case"
IMPATIENT: dict[str, Any] = {"ARITMA_REQUEST_TIMEOUT": "0.6", "ARITMA_RETRY_BUDGET": "1.2"}


@dataclass(frozen=True)
class Case:
    """``tasks`` fail with one message, in which every pattern of ``says`` is found."""

    tasks: Sequence[Mapping[str, Any]]
    says: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=dict)


def module(called: str, says: Sequence[str], environment: Mapping[str, str] | None = None, /, **options: Any) -> Case:
    """A case of one module."""
    return Case([{f"aritma.iam.{called}": options}], says, environment or {})


def role(says: Sequence[str], tasks_from: str = "main", environment: Mapping[str, str] | None = None, **v: Any) -> Case:
    """A case of one entry point of the role; ``v`` are variables of the host."""
    task = {"ansible.builtin.include_role": {"name": ROLE, "tasks_from": tasks_from}}
    return Case([task], says, environment or {}, v)


def run_cases(
    ansible: Ansible,
    cases: Mapping[str, Case],
    arguments: Sequence[str] = (),
    others: Mapping[str, Mapping[str, Any]] | None = None,
    **how: Any,
) -> Run:
    """Run them side by side. Each fails alone, with its message; a difference names the case.

    ``others`` are hosts of the inventory that nothing is run on.
    """
    for name, case in cases.items():
        # JSON is YAML; it never folds or retypes a string.
        (ansible.home / f"{name}.yml").write_text(json.dumps(case.tasks))
    play = {
        "hosts": list(cases),
        "gather_facts": False,
        "strategy": "free",
        "environment": "{{ case_environment }}",
        "tasks": [{"ansible.builtin.include_tasks": "{{ inventory_hostname }}.yml"}],
    }
    hosts = {name: {"case_environment": dict(case.environment), **case.variables} for name, case in cases.items()}
    run = ansible.run([play], "-f", "6", *arguments, hosts={**hosts, **(others or {})}, **how)
    check_messages(run, {name: case.says for name, case in cases.items()})
    return run


def check_messages(run: Run, cases: Mapping[str, Sequence[str]]) -> None:
    """Each of these hosts failed, and what it said last holds every pattern."""
    assert run.code not in (0, 1, 250), run.output
    said = {name: last_message(run, name) for name in cases}
    lacking = {
        name: {"said": said[name], "lacks": [each for each in says if not re.search(each, said[name])]}
        for name, says in cases.items()
    }
    lacking = {name: each for name, each in lacking.items() if each["lacks"]}
    assert not lacking, json.dumps(lacking, indent=2, ensure_ascii=False)


def last_message(run: Run, host: str) -> str:
    """What a person reads last of a host that failed; empty when it did not fail."""
    failures = [each["result"] for each in run.events if each["host"] == host and each["event"] == "failed"]
    if not failures:
        return ""
    texts = [str(each.get("msg", "")) for each in failures[-1].get("results", []) if each.get("failed")]
    return " ".join(texts or [str(failures[-1].get("msg", ""))])


def check_untouched(simulator: Simulator, before: Mapping[str, Any], *files: Path) -> None:
    """No request that writes reached the server, its state is as before, and none of the files exists."""
    assert Wire(simulator.admin.log()).writes() == []
    assert simulator.admin.state() == before
    assert [path for path in files if path.exists()] == []


def seed_admins(simulator: Simulator, names: Sequence[str]) -> None:
    """An admin client for each case, so that a rule of faults can mean one case alone."""
    secret = {"value": ADMIN_SECRET, "description": "for a test"}
    clients = [
        {"client_id": name, "name": f"admin of {name}", "allowed_scopes": ["services.iam"], "secrets": [secret]}
        for name in names
    ]
    simulator.admin.seed(clients=clients)


def as_admin(name: str) -> dict[str, str]:
    """The environment of such a case."""
    return {"ARITMA_CLIENT_ID": name, "ARITMA_CLIENT_SECRET": ADMIN_SECRET}
