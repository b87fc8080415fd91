# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One play for the examples of each plugin, with the variables that they name; and which of them did not work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_run import Run
from examples import VAULT_PASSWORD, Machine

HERE = Path(__file__).resolve().parent
SECRET = "SecretOfTheExamples0123456789"
THINGS: dict[str, Any] = {
    "clients": [
        {
            "client_id": "c1",
            "name": "billing",
            "allowed_scopes": ["services.banking"],
            "secrets": [
                {"value": SECRET, "description": "billing 2026-10"},
                {"value": "AnotherOfTheExamples0123456789", "description": "of the portal"},
            ],
        },
        {
            "client_id": "billing",
            "name": "nightly",
            "allowed_scopes": ["services.banking"],
            "secrets": [{"value": SECRET, "description": "of its own"}],
        },
    ],
    "groups": [{"name": "readers"}],
}
"""What there is when the examples of a plugin begin."""

_CREDENTIAL = {"client_id": "c1", "client_secret": SECRET, "rotation_id": "3f9a2c-20260924T100000Z-0a7c55"}
VARIABLES: dict[str, Any] = {
    "admin_client_id": "{{ lookup('env', 'ARITMA_CLIENT_ID') }}",
    "admin_client_secret": "{{ lookup('env', 'ARITMA_CLIENT_SECRET') }}",
    "billing": {"client": {"client_id": "c1"}},
    "billing_subject": {"subject": {"subject_id": "{{ seeded.clients[0].subject_id }}"}},
    "credential": _CREDENTIAL,
    "new_secret": SECRET,
    "old_secret": "NoSecretOfAnyClient0123456789",
    "secret": SECRET,
    "stored": {"record": {"current": {"value": SECRET, "rotation_id": _CREDENTIAL["rotation_id"]}}},
    "vaulted_secret": "VaultedSecret0123456789",
}
"""What examples name and do not define."""


def _record(path: str, content: str) -> dict[str, Any]:
    """A task that puts a record where a store looks for it."""
    current = {"value": SECRET, "rotation_id": _CREDENTIAL["rotation_id"]}
    record = {"schema": 1, "client_id": "c1", "version": 1, "current": current}
    copy = {"content": content, "dest": path, "mode": "0600", "decrypt": False}
    return {"ansible.builtin.copy": copy, "vars": {"record": record}}


BEFORE: dict[str, list[dict[str, Any]]] = {
    "service_credential": [_record("/var/lib/aritma-iam/c1.json", "{{ record | to_json }}")],
    "credential_store": [
        _record("/var/lib/aritma-iam/billing.json", f"{{{{ record | to_json | vault('{VAULT_PASSWORD}') }}}}")
    ],
}
"""What examples say that there is: tasks before them."""

_EXPRESSION = re.compile(r"{{.*?}}")


def named(text: str) -> set[str]:
    """The variables of the table that an example names."""
    expressions = " ".join(_EXPRESSION.findall(text))
    return {name for name in VARIABLES if re.search(rf"(?<![\w.]){name}\b", expressions)}


def plays(plugin: str, text: str, machine: Machine) -> list[dict[str, Any]]:
    """The examples of a plugin, one play unless they are plays. A task that fails does not end it."""
    things = machine.data(text)
    found = things if "hosts" in things[0] else [{"hosts": "localhost", "gather_facts": False, "tasks": things}]
    before = [{"seed": {"url": machine.simulator.url, "things": THINGS}, "register": "seeded"}]
    before += [{**each, "name": "before"} for each in machine.data(str(BEFORE.get(plugin, [])))]
    return [
        {
            **play,
            "name": plugin,
            "vars": {name: VARIABLES[name] for name in sorted(named(text))} | play.get("vars", {}),
            "tasks": before + [_marked(plugin, task) for task in play["tasks"]],
            "handlers": [{"name": "Reload billing", "ansible.builtin.debug": {"msg": "reloaded"}}],
        }
        for play in found
    ]


def _marked(plugin: str, task: Mapping[str, Any]) -> dict[str, Any]:
    """A task with the name of its plugin. What fails in a block is for its ``rescue``."""
    name = f"{plugin}: {task['name']}"
    parts = [part for part in ("block", "rescue") if part in task]
    inner: dict[str, Any] = {part: [_named(plugin, each) for each in task[part]] for part in parts}
    return {**task, "name": name, **(inner or {"ignore_errors": True})}


def _named(plugin: str, task: Mapping[str, Any]) -> dict[str, Any]:
    return {**task, "name": f"{plugin}: {task['name']}"}


def _tasks(play: Mapping[str, Any]) -> list[str]:
    """The names of the tasks of a play that have to run."""
    found = []
    for task in play["tasks"]:
        inner = [each for part in ("block", "rescue") for each in task.get(part, [])]
        found += [each["name"] for each in inner or [task] if "name" in each]
    return found


def wrong(run: Run, wanted: list[dict[str, Any]]) -> list[str]:
    """What did not work: each example that failed or did not run, with its message."""
    ended = {each["task"]: each for each in run.events if each["event"] == "ok"}
    failed = {each["task"]: each["result"] for each in run.events if each["event"] == "failed"}
    found = [f"{name}: {result.get('msg', result)}" for name, result in failed.items()]
    expected = [name for play in wanted for name in _tasks(play)]
    return found + [f"{name}: did not run" for name in expected if name not in ended and name not in failed]


def run_plays(texts: Mapping[str, str], machine: Machine) -> None:
    """Run the examples of plugins in one process; an assertion error that lists all that did not work."""
    wanted = [play for plugin, text in texts.items() for play in plays(plugin, text, machine)]
    paths: dict[str, Any] = {"ANSIBLE_ACTION_PLUGINS": str(HERE / "action_plugins"), "PYTHONPATH": str(HERE.parent)}
    run = machine.ansible.run(wanted, **paths)
    found = wrong(run, wanted)
    assert not found, "\n".join([*found, run.output])
    run.ok()
