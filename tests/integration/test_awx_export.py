# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data for AWX as variables of infra.aap_configuration."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ansible_run import Ansible

from awx.data import load

SECRET = "CredentialCanary+/=0123456789%&"

MEMBERS = {
    "controller_credential_types": {"name", "description", "kind", "inputs", "injectors"},
    "controller_credentials": {"name", "organization", "credential_type", "inputs", "update_secrets"},
    "controller_templates": {
        *("name", "description", "organization", "project", "inventory", "playbook", "job_type", "credentials"),
        *("execution_environment", "allow_simultaneous", "survey_enabled", "survey"),
    },
    "controller_workflows": {
        *("name", "description", "organization", "allow_simultaneous", "ask_variables_on_launch"),
        *("survey_enabled", "survey", "simplified_workflow_nodes"),
    },
    "controller_schedules": {
        "name",
        "description",
        "rrule",
        "extra_data",
        "unified_job_template",
        "organization",
        "enabled",
    },
}
"""Those of ours that the argument specs of infra.aap_configuration 3.0.0 name (roles/controller_*/meta)."""

NODE = {"identifier", "unified_job_template", "approval_node", "extra_data", "success_nodes"}


def test_the_variables_load_and_say_the_same(tmp_path: Path) -> None:
    """Templates of AWX stay texts, and the secret is a variable of the site."""
    ansible = Ansible(tmp_path)
    file, loaded = tmp_path / "controller.yml", tmp_path / "loaded.json"
    inputs = {"api_url": "https://api.example.com/iam", "client_id": "admin", "client_secret": SECRET, "scope": None}
    variables = {"awx_export_file": str(file), "awx_credential_inputs": inputs, "awx_project": "Vår {} projekt"}
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
    ansible.tasks(*tasks, variables={"aritma_iam_client_secret": "of the site"}).ok()
    shown = json.loads(loaded.read_text(encoding="utf-8"))
    assert all(set(each) <= MEMBERS[name] for name in MEMBERS for each in shown[name])
    assert shown["controller_credential_types"] == [load("credential_type")]
    (credential,) = shown["controller_credentials"]
    assert credential["inputs"] == {"api_url": inputs["api_url"], "client_id": "admin", "client_secret": "of the site"}
    assert {each["project"] for each in shown["controller_templates"]} == {"Vår {} projekt"}
    assert [each["survey"] for each in shown["controller_templates"]] == [
        each["survey"] for each in load("job_templates")
    ]
    nodes = shown["controller_workflows"][0]["simplified_workflow_nodes"]
    assert all(set(each) <= NODE for each in nodes)
    assert [each.get("approval_node") for each in nodes] == [
        each.get("approval_node") for each in load("workflow")["nodes"]
    ]
    assert shown["controller_schedules"][0]["extra_data"] == load("schedule")["extra_data"]
