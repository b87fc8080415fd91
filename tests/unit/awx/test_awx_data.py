# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data for AWX: AWX accepts them, and their variables exist."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.module_utils._http.connection import ENVIRONMENT
from awx.data import FOLDER, load
from awx.jobs import injected
from awx.rules import answer_complaints, complaints, ignored, playbooks

ROOT = FOLDER.parent.parent
JOB_TEMPLATES: list[dict[str, Any]] = load("job_templates")


def _sources() -> str:
    """Every playbook and the role, and which variables are options of it: where variables are used."""
    files = [*(ROOT / "playbooks").glob("*.yml"), *(ROOT / "roles").rglob("*.yml")]
    files.append(ROOT / "plugins" / "plugin_utils" / "_rotation" / "role.py")
    return "\n".join(path.read_text(encoding="utf-8") for path in files if not path.name.startswith("awx_"))


def _bodies() -> Iterator[tuple[str, Any]]:
    """What the setup sends, with the ids of what exists already."""
    yield "credential_types", load("credential_type")
    for template in [*JOB_TEMPLATES, load("workflow")]:
        yield "survey_spec", template["survey"]
    for template in JOB_TEMPLATES:
        own = {name: value for name, value in template.items() if name != "survey"}
        yield "job_templates", {**own, "project": 1, "inventory": 2}
    workflow = load("workflow")
    yield "workflow_job_templates", {name: workflow[name] for name in workflow if name not in ("survey", "nodes")}
    for node in workflow["nodes"]:
        if "approval_node" in node:
            yield "workflow_approval_templates", node["approval_node"]
        else:
            yield "workflow_job_template_nodes", {"identifier": node["identifier"], "extra_data": node["extra_data"]}
    yield "schedules", load("schedule")


def test_awx_accepts_all_data() -> None:
    """Neither its schemas nor its own rules refuse anything, and it ignores no member."""
    bodies = list(_bodies())
    assert len(bodies) > 14
    assert [(kind, found) for kind, body in bodies if (found := complaints(kind, body))] == []
    assert [(kind, unknown) for kind, body in bodies if (unknown := ignored(kind, body))] == []
    assert {each["playbook"] for each in JOB_TEMPLATES} <= set(playbooks(FOLDER / "project"))


def _set(*path: str | int, value: Any) -> Callable[[Any], None]:
    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("credential_types", _set("kind", value="ssh")),
        ("credential_types", _set("inputs", "fields", 0, "id", value="api-url")),
        ("credential_types", _set("inputs", "fields", 0, "id", value="tenant")),
        ("credential_types", _set("inputs", "fields", 0, "type", value="boolean")),
        ("credential_types", _set("inputs", "fields", 3, "ask_at_runtime", value=True)),
        ("credential_types", _set("injectors", "env", "ANSIBLE_HOST", value="x")),
        ("credential_types", _set("injectors", "env", "ARITMA_TENANT", value="{{ tenat }}")),
        ("credential_types", _set("injectors", "env", "ARITMA_TENANT", value="{% if %}")),
        ("credential_types", _set("injectors", "file", "ca", value="x")),
        ("job_templates", _set("playbook", value="")),
        ("job_templates", _set("verbosity", value=6)),
        ("survey_spec", _set("spec", value=[])),
        ("survey_spec", _set("spec", 0, "type", value="choice")),
        ("survey_spec", _set("spec", 0, "default", value=5)),
        ("survey_spec", _set("spec", 0, "type", value="multiplechoice")),
        ("survey_spec", _set("spec", 0, "required", value="yes")),
        ("schedules", _set("rrule", value="DTSTART:20260101T013000Z RRULE:FREQ=DAILY")),
        ("schedules", _set("rrule", value="DTSTART:20260101T013000 RRULE:FREQ=DAILY;INTERVAL=1")),
        ("schedules", _set("rrule", value="DTSTART:20260101T013000Z RRULE:FREQ=DALY;INTERVAL=1")),
        ("workflow_approval_templates", _set("timeout", value="1h")),
    ],
)
def test_data_that_awx_would_refuse_are_found(kind: str, change: Callable[[Any], None]) -> None:
    """One thing is wrong at a time."""
    body = copy.deepcopy(next(each for name, each in _bodies() if name == kind))
    change(body)
    assert complaints(kind, body) and not ignored(kind, body)
    assert ignored(kind, {**body, "colour": "blue"}) == {"colour"}


def test_survey_variables_are_variables_of_the_playbooks() -> None:
    """Each is used in a playbook or in the role. The playbook of each template is in the project and imports ours."""
    sources = _sources()
    for template in [*JOB_TEMPLATES, load("workflow")]:
        for question in template["survey"]["spec"]:
            name = question["variable"]
            used = re.search(rf"\b{name} \|", sources) or f"{{{{ {name}" in sources or f'"{name}"' in sources
            assert used, name
    for template in JOB_TEMPLATES:
        (play,) = yaml.safe_load((FOLDER / "project" / template["playbook"]).read_text(encoding="utf-8"))
        name = play["ansible.builtin.import_playbook"].removeprefix("aritma.iam.")
        assert (ROOT / "playbooks" / f"{name}.yml").exists()


def test_whom_to_revoke_is_never_guessed() -> None:
    """The survey asks for it without a default, and the answer may not be blank."""
    (question,) = next(each["survey"]["spec"] for each in JOB_TEMPLATES if each["playbook"] == "revoke.yml")
    assert question["variable"] == "revoke_hosts"
    assert answer_complaints(question, {}) and answer_complaints(question, {"revoke_hosts": ""})
    assert answer_complaints(question, {"revoke_hosts": "billing"}) == []


def test_nodes_answer_only_questions_of_their_survey() -> None:
    """AWX ignores what a template does not ask for. The workflow's own survey must not overrule what a node says."""
    workflow = load("workflow")
    (spec,) = [each["survey"]["spec"] for each in JOB_TEMPLATES if each["playbook"] == "rotate.yml"]
    for node in workflow["nodes"]:
        said = node.get("extra_data", {})
        assert set(said) <= {question["variable"] for question in spec}
        assert [text for each in spec if each["variable"] in said for text in answer_complaints(each, said)] == []
        assert not set(said) & {question["variable"] for question in workflow["survey"]["spec"]}


def test_the_credential_becomes_the_connection(tmp_path: Path) -> None:
    """Every variable is one that the connection reads, blank where the input is; a CA is a private file."""
    inputs = {"api_url": "https://api.example.com", "client_id": "admin", "client_secret": "s", "ca_certificate": "PEM"}
    environment = injected(inputs, tmp_path)
    assert set(environment) <= set(ENVIRONMENT.values())
    ca_path = Path(environment.pop("ARITMA_CA_PATH"))
    assert ca_path.read_text(encoding="utf-8") == "PEM" and ca_path.stat().st_mode & 0o077 == 0
    assert {name: value for name, value in environment.items() if value} == {
        "ARITMA_IAM_URL": "https://api.example.com",
        "ARITMA_CLIENT_ID": "admin",
        "ARITMA_CLIENT_SECRET": "s",
    }
    assert injected({**inputs, "ca_certificate": ""}, tmp_path)["ARITMA_CA_PATH"] == ""
    secret = [field["id"] for field in load("credential_type")["inputs"]["fields"] if field.get("secret")]
    assert secret == ["client_secret"]


def test_the_project_asks_for_this_collection() -> None:
    """Its requirement is met by the version in galaxy.yml."""
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    for path in ("awx/project/collections/requirements.yml", "ee/execution-environment.yml"):
        asked = yaml.safe_load((FOLDER.parent / path).read_text(encoding="utf-8"))
        (wanted,) = (asked.get("dependencies", {}).get("galaxy") or asked)["collections"]
        assert wanted["name"] == f"{galaxy['namespace']}.{galaxy['name']}"
        least = wanted["version"].removeprefix(">=")
        assert [int(part) for part in least.split(".")] <= [int(part) for part in galaxy["version"].split(".")]
