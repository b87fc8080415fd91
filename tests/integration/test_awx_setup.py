# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The setup of AWX against a double of its API: what is missing or different is written, once, and nothing else."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from torture.leaks import forms, hits

from awx.controller import PASSWORD, TOKEN, USER, Controller, Row, running_controller
from awx.data import job_template, load

SECRET = "CredentialCanary+/=0123456789%&"
INPUTS = {"api_url": "https://api.example.com/iam", "tenant": "acme", "client_id": "admin", "client_secret": SECRET}
WRITES = 23


@pytest.fixture
def controller() -> Iterator[Controller]:
    """A controller with organizations, projects and inventories, and nothing else."""
    with running_controller() as running:
        yield running


class Setup:
    """Runs the playbook for a controller."""

    def __init__(self, home: Path, controller: Controller) -> None:
        self.controller = controller
        self.ansible = Ansible(home)
        self.ansible.environment |= {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": TOKEN}

    def run(self, *arguments: str, environment: dict[str, str] | None = None, **variables: Any) -> Run:
        """One run; it shows no secret, whatever comes of it."""
        told = {"awx_credential_inputs": INPUTS, **variables}
        given: dict[str, Any] = {**(environment or {})}
        run = self.ansible.run("aritma.iam.awx_setup", "-vvvv", *arguments, variables=told, **given)
        wanted = {"token": forms(TOKEN), "password": forms(PASSWORD, [USER]), "secret": forms(SECRET)}
        assert hits("output", run.output.encode(), wanted, tokens=False) == []
        return run

    def written(self, *arguments: str, **variables: Any) -> list[str]:
        """What a run that ends well has written: method and the last words of the path. It says as many changes."""
        before = len(self.controller.writes)
        run = self.run(*arguments, **variables).ok()
        written = [f"{method} {_last_words(path)}" for method, path, _body in self.controller.writes[before:]]
        assert run.changed == len(written)
        return written


def _last_words(path: str) -> str:
    return next(word for word in reversed(path.split("/")) if word and not word.isdigit())


def _half_made(controller: Controller) -> None:
    """As a run left it that was killed in the midst, and as somebody has changed it since."""
    organization = controller.one("organizations", "Default")["id"]
    place = {
        name: next(each["id"] for each in controller.rows[kind] if each["organization"] == organization)
        for name, kind in (("project", "projects"), ("inventory", "inventories"))
    }
    kind = controller.create("credential_types", load("credential_type"))
    credential = {"name": "Aritma IAM", "organization": organization, "credential_type": kind["id"]}
    controller.create("credentials", {**credential, "inputs": {**INPUTS, "tenant": "other"}})
    for template in load("job_templates"):
        survey = template.pop("survey")
        row = controller.get("job_templates", controller.create("job_templates", {**template, **place})["id"])
        row["_survey"] = survey
        row["_credentials"] = [controller.one("credentials", "Aritma IAM")["id"]]
    controller.one("job_templates", job_template("audit")["name"])["playbook"] = "rotate.yml"
    controller.one("job_templates", job_template("rotate")["name"])["_credentials"] = []
    controller.one("job_templates", job_template("revoke")["name"])["_survey"] = {}
    workflow = load("workflow")
    survey, nodes = workflow.pop("survey"), workflow.pop("nodes")
    made = controller.create("workflow_job_templates", {**workflow, "organization": organization})
    row = controller.get("workflow_job_templates", made["id"])
    row["_survey"] = survey
    rotate = controller.one("job_templates", nodes[0]["job_template"])["id"]
    retire = {"identifier": "retire", "unified_job_template": rotate, "extra_data": {"rotation_hold": "true"}}
    controller.child("workflow_nodes", row, retire)
    controller.child("workflow_nodes", row, {"identifier": "approve"})


MENDED = [
    "PATCH credentials",
    "POST credentials",
    "PATCH job_templates",
    "POST survey_spec",
    "PATCH workflow_job_template_nodes",
    "POST create_approval_template",
    "POST success_nodes",
    "POST workflow_nodes",
    "POST success_nodes",
    "POST schedules",
]


@pytest.mark.torture
@pytest.mark.timeout(300)
def test_what_is_missing_or_different_is_written_once(tmp_path: Path, controller: Controller) -> None:
    """Only what differs, in the fewest fields; the next run writes nothing."""
    _half_made(controller)
    setup = Setup(tmp_path, controller)
    assert setup.written() == MENDED
    bodies = [body for _method, _path, body in controller.writes]
    assert bodies[0] == {"inputs": {**INPUTS, "client_secret": "$encrypted$"}}
    assert bodies[2] == {"playbook": "audit.yml"}
    assert bodies[4] == {"extra_data": {"rotation_hold": "false", "rotation_begin": "false"}}
    _check_whole(controller)
    assert setup.written() == []


def _check_whole(controller: Controller) -> None:
    """Everything is there, and linked as the data say."""
    for template in load("job_templates"):
        row = controller.one("job_templates", template["name"])
        assert row["_survey"] == template["survey"]
        assert row["_credentials"] == [controller.one("credentials", "Aritma IAM")["id"]]
        assert {name: row[name] for name in template if name != "survey"} == {
            name: value for name, value in template.items() if name != "survey"
        }
    assert controller.one("credentials", "Aritma IAM")["inputs"] == INPUTS
    prove, approve, retire = (_node(controller, name) for name in ("prove", "approve", "retire"))
    following = [each["success_nodes"] for each in (prove, approve, retire)]
    assert following == [[approve["id"]], [retire["id"]], []]
    approval = controller.get("workflow_approval_templates", approve["unified_job_template"])
    assert approval["name"] == "Delete the previous secrets"
    assert len(controller.rows["schedules"]) == 1 and controller.rows["schedules"][0]["enabled"] is False


def _node(controller: Controller, identifier: str) -> Row:
    return controller.one("workflow_job_template_nodes", identifier)


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_from_nothing(tmp_path: Path, controller: Controller) -> None:
    """Check mode foretells as many changes and writes nothing; what somebody sets later beside our data stays."""
    setup = Setup(tmp_path, controller)
    assert setup.run("--check").ok().changed == WRITES
    assert controller.writes == []
    assert len(setup.written()) == WRITES
    _check_whole(controller)
    controller.rows["schedules"][0]["enabled"] = True
    controller.one("job_templates", job_template("rotate")["name"])["job_slice_count"] = 4
    assert setup.run("--check").ok().changed == 0
    assert setup.written() == []
    assert setup.written(awx_credential_renew=True) == ["PATCH credentials"]
    approval = controller.rows["workflow_approval_templates"][0]
    approval["timeout"] = 3600
    basic = {"CONTROLLER_OAUTH_TOKEN": "", "CONTROLLER_USERNAME": USER, "CONTROLLER_PASSWORD": PASSWORD}
    assert setup.run(environment=basic).ok().changed == 1
    assert approval["timeout"] == 0


def _killer(pid: int) -> Callable[[int], None]:
    return lambda _count: os.killpg(pid, signal.SIGKILL)


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_killed_after_every_write(tmp_path: Path, controller: Controller) -> None:
    """One object further with each kill; at the end everything is there once."""
    setup = Setup(tmp_path, controller)
    variables = {"awx_credential_inputs": INPUTS}
    for count in range(1, WRITES + 1):
        process = setup.ansible.start("aritma.iam.awx_setup", variables=variables)
        controller.on_write = _killer(process.pid)
        setup.ansible.finish(process)
        assert process.returncode == -signal.SIGKILL
        assert len(controller.writes) == count
    controller.on_write = lambda _count: None
    assert setup.written() == []
    _check_whole(controller)


@pytest.mark.torture
@pytest.mark.timeout(600)
def test_what_awx_refuses_is_told(tmp_path: Path, controller: Controller) -> None:
    """Each with the thing to correct, and nothing is written after it."""
    setup = Setup(tmp_path, controller)
    unknown = setup.run(awx_project="Elsewhere")
    assert "0 projects named Elsewhere" in unknown.messages
    misspelt = setup.run(awx_credential_inputs={**INPUTS, "client_secrets": SECRET})
    assert "AWX answered 400" in misspelt.messages
    controller.rows["projects"][0]["playbook_files"] = []
    unsynced = setup.run()
    assert "Playbook not found for project." in unsynced.messages
    assert [_last_words(path) for _method, path, _body in controller.writes] == ["credential_types", "credentials"]
    stranger = setup.run(environment={"CONTROLLER_OAUTH_TOKEN": "somebody-else"})
    assert "401" in stranger.messages
    assert "CONTROLLER_HOST" in setup.run(environment={"CONTROLLER_HOST": "http://awx.example.com"}).messages
    assert all(run.code for run in (unknown, misspelt, unsynced, stranger))
