# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The setup of AWX against a double of its API: what is missing or different is written, once, and nothing else."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from torture.leaks import forms, hits

from awx.controller import LINKS, PASSWORD, TOKEN, TOKENS, USER, Controller, Row, running_controller
from awx.data import FOLDER, job_template, load

SECRET = "CredentialCanary+/=0123456789%&"
INPUTS = {"api_url": "https://api.example.com/iam", "tenant": "acme", "client_id": "admin", "client_secret": SECRET}
WRITES = 23
ORGANIZATION_TOKEN = next(token for token in TOKENS if TOKENS[token] == "organization admin")


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


def _everything_else(controller: Controller) -> None:
    """Change every field of the data to something else that AWX takes, and link past the approval in every way."""
    kind = controller.one("credential_types", load("credential_type")["name"])
    kind["description"], kind["injectors"] = "theirs", {"env": {"THEIRS": "{{ tenant }}"}}
    credential = controller.one("credentials", "Aritma IAM")
    theirs = controller.create("credentials", {**credential, "name": "Theirs"})["id"]
    credential["inputs"]["tenant"] = "theirs"
    for template in load("job_templates"):
        row = controller.one("job_templates", template["name"])
        row |= {name: _other(row[name]) for name in template if name not in ("name", "survey")}
        row |= {"playbook": "audit.yml", "inventory": 1, "_survey": {}, "_credentials": [theirs]}
    controller.one("job_templates", job_template("audit")["name"])["playbook"] = "rotate.yml"
    workflow = load("workflow")
    row = controller.one("workflow_job_templates", workflow["name"])
    row |= {name: _other(row[name]) for name in workflow if name not in ("name", "survey", "nodes")}
    row["_survey"] = {}
    prove, approve, retire = _nodes(controller)
    audit = controller.one("job_templates", job_template("audit")["name"])["id"]
    prove["extra_data"] = {}
    controller.change("workflow_job_template_nodes", approve, {"unified_job_template": audit})
    controller.approve(retire, {"name": "Theirs"})
    for node in (prove, approve):
        node["success_nodes"] = []
    own = controller.child("workflow_nodes", row, {"identifier": "own", "unified_job_template": audit})["id"]
    own_node = controller.get("workflow_job_template_nodes", own)
    controller.link("always_nodes", own_node, retire)
    controller.link("failure_nodes", approve, retire)
    controller.link("success_nodes", prove, {"id": own})
    (schedule,) = controller.rows["schedules"]
    schedule |= {"description": "theirs", "rrule": "theirs", "extra_data": {}}


def _other(value: Any) -> Any:
    return not value if isinstance(value, bool) else "theirs"


def _check_whole(controller: Controller, organization: str = "Default", credential: str = "Aritma IAM") -> None:
    """Everything is there, and linked as the data say."""
    owner = controller.one("organizations", organization)["id"]
    held = controller.one("credentials", credential)
    assert (held["organization"], held["inputs"]) == (owner, INPUTS)
    kind = controller.one("credential_types", "Aritma IAM")
    assert {name: kind[name] for name in load("credential_type")} == load("credential_type")
    for template in [*load("job_templates"), load("workflow")]:
        place = "workflow_job_templates" if "nodes" in template else "job_templates"
        row = controller.one(place, template["name"])
        assert row["_survey"] == template.pop("survey")
        assert row.get("_credentials", [held["id"]]) == [held["id"]] and row["organization"] == owner
        assert {name: row[name] for name in template if name != "nodes"} == {
            name: value for name, value in template.items() if name != "nodes"
        }
    prove, approve, retire = _nodes(controller)
    ours = {prove["id"], approve["id"], retire["id"]}
    links = [[set(each[link]) & ours for link in LINKS] for each in (prove, approve, retire)]
    assert links == [[{approve["id"]}, set(), set()], [{retire["id"]}, set(), set()], [set(), set(), set()]]
    rotate = controller.one("job_templates", job_template("rotate")["name"])["id"]
    assert [each["unified_job_template"] for each in (prove, retire)] == [rotate, rotate]
    approval = controller.get("workflow_approval_templates", approve["unified_job_template"])
    assert [each["extra_data"] for each in (prove, retire)] == [
        each["extra_data"] for each in load("workflow")["nodes"] if "unified_job_template" in each
    ]
    said = load("workflow")["nodes"][1]["approval_node"]
    assert {name: approval[name] for name in said} == said
    schedule = controller.rows["schedules"][-1]
    assert {name: schedule[name] for name in load("schedule")} == load("schedule")


def _nodes(controller: Controller) -> list[Row]:
    return [controller.one("workflow_job_template_nodes", name) for name in ("prove", "approve", "retire")]


def _path(controller: Controller, approval: str) -> list[str]:
    return controller.path(controller.one("workflow_job_templates", load("workflow")["name"]), approval)


@pytest.mark.torture
def test_from_nothing_and_after_drift(tmp_path: Path, controller: Controller) -> None:
    """Check mode foretells as many changes and writes nothing, a second run neither; every field is mended."""
    setup = Setup(tmp_path, controller)
    assert setup.run("--check").ok().changed == WRITES
    assert controller.writes == []
    assert len(setup.written()) == WRITES
    _check_whole(controller)
    assert controller.rows["schedules"][0]["enabled"] is False
    controller.rows["schedules"][0]["enabled"] = True
    controller.one("job_templates", job_template("rotate")["name"])["job_slice_count"] = 4
    assert setup.written() == []
    assert _path(controller, "successful") == ["prove", "approve", "retire"]
    assert _path(controller, "failed") == ["prove", "approve"]

    _everything_else(controller)
    assert "retire" in _path(controller, "failed")
    foretold = setup.run("--check").ok().changed
    before = len(controller.writes)
    assert len(setup.written()) == foretold
    bodies = [body for _method, _path, body in controller.writes[before:]]
    assert {"inputs": {**INPUTS, "client_secret": "$encrypted$"}} in bodies
    _check_whole(controller)
    assert controller.rows["schedules"][0]["enabled"] is True
    assert controller.one("job_templates", job_template("rotate")["name"])["job_slice_count"] == 4
    assert "retire" not in _path(controller, "failed") and "own" in _path(controller, "successful")
    assert setup.written() == []
    assert setup.written(awx_credential_renew=True) == ["PATCH credentials"]


@pytest.mark.torture
def test_a_second_organization_by_its_administrator(tmp_path: Path, controller: Controller) -> None:
    """Behind the prefix of a gateway, with names that AWX trims or that need escapes, and inputs that are null."""
    setup = Setup(tmp_path, controller)
    setup.run().ok()
    controller.add("organizations", name="Køge & Ålborg")
    controller.found("Vår IAM æøå", "Tjänster, alla", "Køge & Ålborg")
    names = {
        "awx_organization": " Køge & Ålborg ",
        "awx_project": "Vår IAM æøå ",
        "awx_inventory": " Tjänster, alla",
        "awx_credential_name": " Nøgle ",
        "awx_api_prefix": "api/controller/v2//",
        "awx_credential_inputs": {**INPUTS, "scope": None, "token_url": None},
    }
    setup.ansible.environment["CONTROLLER_OAUTH_TOKEN"] = ORGANIZATION_TOKEN
    assert len(setup.written(**names)) == WRITES - 1
    _check_whole(controller, "Køge & Ålborg", "Nøgle")
    assert setup.written(**names) == []
    basic = {"CONTROLLER_OAUTH_TOKEN": "", "CONTROLLER_USERNAME": USER, "CONTROLLER_PASSWORD": PASSWORD}
    assert setup.run(environment=basic).ok().changed == 0


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
@pytest.mark.timeout(900)
def test_what_awx_refuses_is_told(tmp_path: Path, controller: Controller) -> None:
    """Each with the thing to correct, and nothing is written."""
    setup = Setup(tmp_path, controller)
    reader, stranger = (next(token for token in TOKENS if TOKENS[token] == name) for name in ("reader", "stranger"))
    wrong = {"api_url": "api.example.com", "tenat": SECRET, "client_id": 5}
    incomplete = tmp_path / "incomplete"
    shutil.copytree(FOLDER, incomplete)
    (incomplete / "schedule.yml").write_text(
        "name: S\nrrule: R\nextra_data: {rotation_hosts: a, rotation_hold: 'true'}\n"
    )
    table: list[tuple[Sequence[str], dict[str, Any], dict[str, str]]] = [
        (
            ["0 objects of the kind project named Elsewhere", "to admin", "let this user read it"],
            {"awx_project": "Elsewhere"},
            {},
        ),
        (["0 objects of the kind project named Aritma IAM", "to stranger"], {}, {"CONTROLLER_OAUTH_TOKEN": stranger}),
        (["awx_credential_inputs: api_url, client_id, tenat."], {"awx_credential_inputs": wrong}, {}),
        (["Correct rotation_force, rotation_hold in"], {"awx_data": str(incomplete)}, {}),
        (["401", "CONTROLLER_OAUTH_TOKEN"], {}, {"CONTROLLER_OAUTH_TOKEN": "expired"}),
        (["404", "awx_api_prefix (/api/v3)"], {"awx_api_prefix": "/api/v3/"}, {}),
        (["CONTROLLER_HOST"], {}, {"CONTROLLER_HOST": "http://awx.example.com"}),
        (["No answer"], {}, {"CONTROLLER_HOST": "http://127.0.0.1:1"}),
        (["403", "a system administrator write the credential type"], {}, {"CONTROLLER_OAUTH_TOKEN": reader}),
        (["403", "a system administrator"], {}, {"CONTROLLER_OAUTH_TOKEN": ORGANIZATION_TOKEN}),
    ]
    for expected, variables, environment in table:
        run = setup.run(environment=environment, **variables)
        assert run.code and all(text in run.messages for text in expected), run.messages
    assert controller.writes == []


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_what_stands_in_the_way_is_told(tmp_path: Path, controller: Controller) -> None:
    """A refused input by its name alone; variables that overrule a node, and a type in use, in check mode too."""
    setup = Setup(tmp_path, controller)
    controller.rows["projects"][-1]["playbook_files"] = []
    assert "Playbook not found for project." in setup.run().messages
    controller.rows["projects"][-1]["playbook_files"] = controller.rows["projects"][0]["playbook_files"]
    setup.run().ok()
    before = len(controller.writes)
    workflow = controller.one("workflow_job_templates", load("workflow")["name"])
    for text in ("rotation_hold: 'false'\nsite: x", '{"service_client_hold": false, "rotation_hold": false}'):
        workflow["extra_vars"] = text
        assert "Take rotation_hold" in setup.run("--check").messages
    workflow["extra_vars"] = "site: x"
    other = tmp_path / "other"
    shutil.copytree(FOLDER, other)
    changed = (FOLDER / "credential_type.yml").read_text().replace("label: Tenant", "label: Name of the tenant")
    (other / "credential_type.yml").write_text(changed)
    told = setup.run("--check", awx_data=str(other)).messages
    assert "Delete the credentials Aritma IAM" in told
    assert len(controller.writes) == before
