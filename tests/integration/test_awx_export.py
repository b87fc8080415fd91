# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data for AWX as variables of infra.aap_configuration."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from ansible_run import Ansible

from awx.data import FOLDER, load

SECRET = "CredentialCanary+/=0123456789%&"

MEMBERS: dict[str, dict[str, type]] = {
    "controller_credential_types": {"name": str, "description": str, "kind": str, "inputs": dict, "injectors": dict},
    "controller_credentials": {
        **dict.fromkeys(("name", "organization", "credential_type"), str),
        "inputs": dict,
        "update_secrets": bool,
    },
    "controller_templates": {
        **dict.fromkeys(("name", "description", "organization", "project", "inventory", "playbook", "job_type"), str),
        **dict.fromkeys(("execution_environment",), str),
        **dict.fromkeys(("allow_simultaneous", "survey_enabled"), bool),
        "credentials": list,
        "survey": dict,
    },
    "controller_workflows": {
        **dict.fromkeys(("name", "description", "organization"), str),
        **dict.fromkeys(("allow_simultaneous", "ask_variables_on_launch", "survey_enabled"), bool),
        "survey": dict,
        "simplified_workflow_nodes": list,
    },
    "controller_schedules": {
        **dict.fromkeys(("name", "description", "rrule", "unified_job_template", "organization"), str),
        "extra_data": dict,
        "enabled": bool,
    },
}
"""Those of ours, with their types: infra.aap_configuration 3.0.0, meta/argument_specs.yml of the roles controller_*.

The variables of job templates and workflows have other names there than those that tasks/main.yml of the roles reads:
the latter stand here.
"""

NODE: dict[str, type] = {
    **dict.fromkeys(("identifier", "unified_job_template", "lookup_organization"), str),
    **dict.fromkeys(("extra_data", "approval_node"), dict),
    "success_nodes": list,
}
"""The same of a node. An approval is called a text there; it is a dictionary in README.md and in the module of AWX."""

APPROVAL: dict[str, type] = {"name": str, "description": str, "timeout": int}
"""README.md of the role controller_workflow_job_templates."""

KINDS = {"ssh", "vault", "net", "scm", "cloud", "insights"}
"""Choices of the kind of a credential type."""


def _misfits(data: dict[str, Any], members: dict[str, type]) -> list[str]:
    """Members that are not known there, or have another type. A bool is no number."""
    return [name for name, value in data.items() if value.__class__ != members.get(name)]


def test_the_variables_load_and_say_the_same(tmp_path: Path) -> None:
    """Templates of AWX stay texts, and the secret is a variable of the site. Paths are below the current directory."""
    ansible = Ansible(tmp_path)
    file, loaded = ansible.home / "controller.yml", tmp_path / "loaded.json"
    shutil.copytree(FOLDER, ansible.home / "data")
    inputs = {"api_url": "https://api.example.com/iam", "client_id": "admin", "client_secret": SECRET, "scope": None}
    variables = {"awx_export_file": file.name, "awx_data": "data", "awx_credential_inputs": inputs}
    variables["awx_project"] = "Vår {} projekt"
    run = ansible.run("aritma.iam.awx_export", "-vvvv", "--diff", variables=variables).ok()
    assert SECRET not in run.output + file.read_text(encoding="utf-8")
    show = {name: f"{{{{ {name} }}}}" for name in MEMBERS}
    tasks: list[dict[str, Any]] = [
        {"ansible.builtin.include_vars": str(file)},
        {
            "ansible.builtin.copy": {"content": "{{ shown | to_json }}", "dest": str(loaded), "mode": "0600"},
            "vars": {"shown": show},
        },
    ]
    ansible.tasks(*tasks, variables={"aritma_iam_auth_client_secret": "of the site"}).ok()
    shown = json.loads(loaded.read_text(encoding="utf-8"))
    assert [misfit for name in MEMBERS for each in shown[name] for misfit in _misfits(each, MEMBERS[name])] == []
    assert all("name" in each for name in MEMBERS for each in shown[name])
    assert {each["kind"] for each in shown["controller_credential_types"]} <= KINDS
    assert shown["controller_credential_types"] == [load("credential_type")]
    (credential,) = shown["controller_credentials"]
    assert credential["inputs"] == {"api_url": inputs["api_url"], "client_id": "admin", "client_secret": "of the site"}
    assert {each["project"] for each in shown["controller_templates"]} == {"Vår {} projekt"}
    assert [each["survey"] for each in shown["controller_templates"]] == [
        each["survey"] for each in load("job_templates")
    ]
    nodes = shown["controller_workflows"][0]["simplified_workflow_nodes"]
    assert [misfit for each in nodes for misfit in _misfits(each, NODE)] == []
    assert [misfit for each in nodes for misfit in _misfits(each.get("approval_node", {}), APPROVAL)] == []
    # Who runs a job names no approval, and the other way round; names are looked for in the one organization.
    assert all(("unified_job_template" in each) is not ("approval_node" in each) for each in nodes)
    assert {each["lookup_organization"] for each in nodes} == {"Default"}
    assert {each["organization"] for name in list(MEMBERS)[1:] for each in shown[name]} == {"Default"}
    assert [each.get("approval_node") for each in nodes] == [
        each.get("approval_node") for each in load("workflow")["nodes"]
    ]
    assert shown["controller_schedules"][0]["extra_data"] == load("schedule")["extra_data"]
