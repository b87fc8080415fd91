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
PROJECTS = ("Aritma IAM", "Vår IAM æøå")
WRITES = 23
KEPT = {
    # By these an object is found; the fields of a type that is in use, and whose a credential is, AWX does not change.
    *("credential_types/name", "credential_types/kind", "credential_types/inputs", "workflow_job_templates/name"),
    *("credentials/organization", "credentials/credential_type", "workflow_job_templates/organization"),
    *(f"job_templates/{each['name']}/{name}" for each in load("job_templates") for name in ("name", "organization")),
    # These links were there, and the others should not be; other inputs are as good as the tenant.
    *("workflow_job_template_nodes/prove/failure_nodes", "workflow_job_template_nodes/prove/always_nodes"),
    *(f"workflow_job_template_nodes/retire/{link}" for link in LINKS),
    *("workflow_job_template_nodes/approve/always_nodes", "schedules/name"),
    *(f"credentials/inputs/{name}" for name in ("api_url", "client_id", "client_secret")),
}
"""What no drift of the tests changes."""
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
        told = {"awx_credential_inputs": INPUTS, "awx_execution_environment": "Aritma", **variables}
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
    """Change every field of the data to something else, and link past the approval in every way."""
    kind = controller.one("credential_types", load("credential_type")["name"])
    kind["description"], kind["injectors"] = "theirs", {"env": {"THEIRS": "{{ tenant }}"}}
    credential = controller.one("credentials", "Aritma IAM")
    theirs = controller.create("credentials", {**credential, "name": "Theirs"})["id"]
    credential["inputs"]["tenant"] = "theirs"
    for template in load("job_templates"):
        row = controller.one("job_templates", template["name"])
        row |= {name: _other(row[name]) for name in template if name not in ("name", "survey")}
        other = controller.get("projects", row["project"])
        elsewhere = controller.add("projects", **{**other, "id": None, "name": "Theirs"})["id"]
        places = {"project": elsewhere, "inventory": 1, "execution_environment": 1}
        row |= {**places, "playbook": "audit.yml", "_survey": {}, "_credentials": [theirs]}
    controller.one("job_templates", job_template("audit")["name"])["playbook"] = "rotate.yml"
    workflow = load("workflow")
    row = controller.one("workflow_job_templates", workflow["name"])
    row |= {name: _other(row[name]) for name in workflow if name not in ("name", "survey", "nodes")}
    row["_survey"] = {}
    prove, approve, retire = _nodes(controller)
    audit = controller.one("job_templates", job_template("audit")["name"])["id"]
    for node in (prove, retire):
        node["extra_data"], node["unified_job_template"] = {}, audit
    approval = controller.get("workflow_approval_templates", approve["unified_job_template"])
    approval |= {"name": "Theirs", "description": "theirs", "timeout": 60}
    for node in (prove, approve):
        node["success_nodes"] = []
    own = controller.child("workflow_nodes", row, {"identifier": "own", "unified_job_template": audit})["id"]
    own_node = controller.get("workflow_job_template_nodes", own)
    controller.link("always_nodes", own_node, retire)
    controller.link("failure_nodes", approve, retire)
    controller.link("success_nodes", prove, {"id": own})
    (schedule,) = controller.rows["schedules"]
    schedule |= {"description": "theirs", "rrule": "theirs", "extra_data": {}}


def _other_jobs(controller: Controller) -> None:
    """An approval that was made a job, and a job that was made an approval."""
    _prove, approve, retire = _nodes(controller)
    audit = controller.one("job_templates", job_template("audit")["name"])["id"]
    controller.change("workflow_job_template_nodes", approve, {"unified_job_template": audit})
    controller.approve(retire, {"name": "Theirs"})


def _other(value: Any) -> Any:
    return not value if isinstance(value, bool) else "theirs"


Field = tuple[str, Any, Any]
"""What it is of, what AWX has, and what it should have."""


def _fields(controller: Controller, organization: str, credential: str) -> Iterator[Field]:
    """Every field of the data, and everything that belongs to it."""
    owner = controller.one("organizations", organization)["id"]
    held = controller.one("credentials", credential)
    kind = controller.one("credential_types", "Aritma IAM")
    yield from _members("credential_types", kind, load("credential_type"))
    yield from _members("credentials", held, {"organization": owner, "credential_type": kind["id"]})
    yield from _members("credentials/inputs", held["inputs"], INPUTS)
    for template in load("job_templates"):
        row, survey = controller.one("job_templates", template["name"]), template.pop("survey")
        projects, inventories = (controller.rows[each] for each in ("projects", "inventories"))
        (project,) = [each["id"] for each in projects if each["organization"] == owner and each["name"] in PROJECTS]
        inventory, *_others = [each["id"] for each in inventories if each["organization"] == owner]
        places = {
            "organization": owner,
            "project": project,
            "inventory": inventory,
            "execution_environment": controller.one("execution_environments", "Aritma")["id"],
        }
        yield from _members(f"job_templates/{template['name']}", row, {**template, **places})
        yield f"job_templates/{template['name']}/survey", row["_survey"], survey
        yield f"job_templates/{template['name']}/credentials", row["_credentials"], [held["id"]]
    yield from _workflow_fields(controller, owner)
    yield from _members("schedules", controller.rows["schedules"][-1], load("schedule"))


def _workflow_fields(controller: Controller, owner: int) -> Iterator[Field]:
    workflow = load("workflow")
    nodes, survey = workflow.pop("nodes"), workflow.pop("survey")
    row = controller.one("workflow_job_templates", workflow["name"])
    yield from _members("workflow_job_templates", row, {**workflow, "organization": owner})
    yield "workflow_job_templates/survey", row["_survey"], survey
    rows = {node["identifier"]: found for node, found in zip(nodes, _nodes(controller), strict=True)}
    ids = {found["id"]: name for name, found in rows.items()}
    for node in nodes:
        name, found = node["identifier"], rows[node["identifier"]]
        for link in LINKS:
            linked = [ids[each] for each in found[link] if each in ids]
            yield f"workflow_job_template_nodes/{name}/{link}", linked, node.get(link, [])
        if "approval_node" in node:
            approvals = controller.rows["workflow_approval_templates"]
            runs = [each for each in approvals if each["id"] == found["unified_job_template"]]
            yield from _members("workflow_approval_templates", dict(*runs), node["approval_node"])
        else:
            runs_id = controller.one("job_templates", node["unified_job_template"])["id"]
            meant = {"extra_data": node["extra_data"], "unified_job_template": runs_id}
            yield from _members(f"workflow_job_template_nodes/{name}", found, meant)


def _members(kind: str, row: Row, wanted: Row) -> Iterator[Field]:
    return ((f"{kind}/{name}", row.get(name), value) for name, value in wanted.items())


def _check_whole(controller: Controller, organization: str = "Default", credential: str = "Aritma IAM") -> None:
    """Everything is there, and linked as the data say."""
    assert [each for each in _fields(controller, organization, credential) if each[1] != each[2]] == []


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
    assert {what for what, found, wanted in _fields(controller, "Default", "Aritma IAM") if found == wanted} == KEPT
    foretold = setup.run("--check").ok().changed
    before = len(controller.writes)
    assert len(setup.written()) == foretold
    bodies = [body for _method, _path, body in controller.writes[before:]]
    assert {"inputs": {**INPUTS, "client_secret": "$encrypted$"}} in bodies
    _check_whole(controller)
    assert controller.rows["schedules"][0]["enabled"] is True
    assert controller.one("job_templates", job_template("rotate")["name"])["job_slice_count"] == 4
    assert "retire" not in _path(controller, "failed") and "own" in _path(controller, "successful")

    _other_jobs(controller)
    assert len(setup.written()) == 2
    _check_whole(controller)
    assert setup.written() == []
    assert setup.written(awx_credential_renew=True) == ["PATCH credentials"]


@pytest.mark.torture
def test_a_second_organization_by_its_administrator(tmp_path: Path, controller: Controller) -> None:
    """Behind the prefix of a gateway, with names that AWX trims or that need escapes, and inputs that are null."""
    setup = Setup(tmp_path, controller)
    setup.run().ok()
    controller.add("organizations", name="Køge & Ålborg")
    controller.found(PROJECTS[1], "Tjänster, alla", "Køge & Ålborg")
    names = {
        "awx_organization": " Køge & Ålborg ",
        "awx_project": f"{PROJECTS[1]} ",
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
    variables = {"awx_credential_inputs": INPUTS, "awx_execution_environment": "Aritma"}
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


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_an_input_that_awx_refuses_is_told_by_its_name(tmp_path: Path, controller: Controller) -> None:
    """What only AWX can know. It quotes the value, and may say no more than a sentence: then no word of it is shown."""
    setup = Setup(tmp_path, controller)
    other = tmp_path / "other"
    shutil.copytree(FOLDER, other)
    text = (FOLDER / "credential_type.yml").read_text()
    (other / "credential_type.yml").write_text(
        text.replace("label: Tenant\n", "label: Tenant\n      choices: [a, b]\n")
    )
    table: list[tuple[str, dict[str, Any]]] = [
        (
            "AWX answered 400: see tenant.",
            {"awx_data": str(other), "awx_credential_inputs": {**INPUTS, "tenant": SECRET}},
        ),
        ("AWX answered 400: see api_url.", {"awx_credential_inputs": {**INPUTS, "api_url": f"https://?{SECRET}"}}),
        ("AWX answered 400: see client_secret.", {"awx_credential_inputs": {**INPUTS, "client_secret": "$encrypted$"}}),
    ]
    for expected, variables in table:
        run = setup.run(**variables)
        assert run.code and expected in run.messages, run.messages
        assert "POST /api/v2/credentials/ was not carried out" in run.messages
        assert controller.rows.get("credentials", []) == []
    setup.run().ok()
    # A change is refused in the same words, and the other type is in use now.
    wrong = {**INPUTS, "api_url": f"https://?{SECRET}"}
    run = setup.run(awx_credential_inputs=wrong)
    assert "PATCH /api/v2/credentials/" in run.messages and "AWX answered 400: see api_url." in run.messages
    _check_whole(controller)
