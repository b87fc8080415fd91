# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of the AWX API over real HTTP: pages, checked writes, relations between objects, users with rights.

Each rule names the file in ansible/awx that refuses the request.
"""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from awx.data import FOLDER
from awx.rules import answer_complaints, complaints, input_complaints, playbooks

PREFIXES = ("/api/v2", "/api/controller/v2")
"""Answers below the second prefix have it in their addresses too: awx/api/versioning.py."""
TOKEN = "ControllerTokenCanary0123456789"
USER, PASSWORD = "admin", "ControllerPasswordCanary:+/=&%"
TOKENS = {
    TOKEN: "admin",
    "OrganizationTokenCanary012345": "organization admin",
    "ReadTokenCanary01234567890123": "reader",
    "StrangerTokenCanary0123456789": "stranger",
}
"""Tokens and their users. The reader also represents a token of the scope "read": both get 403 for a write."""
PAGE = 25
LINKS = ("success_nodes", "failure_nodes", "always_nodes")

_UNIQUE = {
    "credential_types": ("name", "kind"),
    "credentials": ("organization", "name", "credential_type"),
    "job_templates": ("name", "organization"),
    "workflow_job_templates": ("name", "organization"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template"),
    "schedules": ("unified_job_template", "name"),
}
_CHILDREN = {
    "workflow_nodes": ("workflow_job_template_nodes", "workflow_job_template"),
    "schedules": ("schedules", "unified_job_template"),
}
_LISTS = (*_UNIQUE, "organizations", "projects", "inventories", "execution_environments")
"""Approval templates have no list: awx/api/urls/workflow_approval_template.py."""
_RELATED = {
    "organization": ("organizations",),
    "project": ("projects",),
    "inventory": ("inventories",),
    "execution_environment": ("execution_environments",),
    "credential_type": ("credential_types",),
    "unified_job_template": ("job_templates", "workflow_job_templates", "workflow_approval_templates"),
}
_JOB_TYPES = {"job_templates": "job", "workflow_job_templates": "workflow_job"}
_EVERYBODY_READS = ("organizations", "credential_types", "execution_environments")

Row = dict[str, Any]


class Refused(Exception):
    """An answer with a 4xx code."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


_FORBIDDEN = Refused(403, {"detail": "You do not have permission to perform this action."})


class Controller:
    """The objects and the writes. ``writes`` has (method, path, body); ``on_write`` is called after each write."""

    def __init__(self) -> None:
        self.url = ""
        self.writes: list[tuple[str, str, Any]] = []
        self.on_write: Callable[[int], None] = lambda _count: None
        self.rows: dict[str, list[Row]] = {}
        self._next = 0
        for name in ("Other", "Default"):
            self.add("organizations", name=name)
        for name in ("Small", "Aritma"):
            self.add("execution_environments", name=name)
        for owner in ("Other", "Default"):
            self.found("Aritma IAM", "Service clients", owner)

    def found(self, project: str, inventory: str, organization: str) -> None:
        """Add a project with the shipped playbooks, and an inventory."""
        owner = self.one("organizations", organization)["id"]
        self.add("projects", name=project, organization=owner, playbook_files=playbooks(FOLDER / "project"))
        self.add("inventories", name=inventory, organization=owner)

    def add(self, kind: str, /, **fields: Any) -> Row:
        """Add an object."""
        self._next += 1
        row = {"id": self._next, "url": f"{PREFIXES[0]}/{kind}/{self._next}/", "description": "", **fields}
        self.rows.setdefault(kind, []).append(row)
        return row

    def one(self, kind: str, name: str) -> Row:
        """The object with this name, or the node with this identifier. If several organizations have one, the last."""
        return [each for each in self.rows[kind] if name in (each.get("name"), each.get("identifier"))][-1]

    def get(self, kind: str, number: object) -> Row:
        """The object with this id. Raises ``Refused``."""
        for row in self.rows.get(kind, []):
            if row["id"] == number:
                return row
        raise Refused(404, {"detail": f"No {kind} matches the given query."})

    def drop(self, kind: str, row: Row) -> None:
        """Delete an object and the references to it."""
        self.rows[kind].remove(row)
        for template in self.rows.get("job_templates", []):
            template["_credentials"] = [each for each in template["_credentials"] if each != row["id"]]
        for node in self.rows.get("workflow_job_template_nodes", []):
            for link in LINKS:
                node[link] = [each for each in node[link] if each != row["id"]]

    def page(self, kind: str, rows: Iterable[Row], query: Mapping[str, str]) -> Row:
        """One page of the matching objects: awx/api/pagination.py and the filters of django-ansible-base."""
        wanted = dict(query)
        number, size = int(wanted.pop("page", "1")), min(int(wanted.pop("page_size", PAGE)), 200)
        if owner := wanted.pop("organization__name", None):
            ids = [each["id"] for each in self.rows["organizations"] if each["name"] == owner]
            wanted["organization"] = str(ids[0]) if ids else "none"
        if name := wanted.pop("credential_type__name", None):
            types = [each for each in self.rows.get("credential_types", []) if each["name"] == name]
            wanted["credential_type"] = str(types[0]["id"]) if types else "none"
            wanted.pop("credential_type__kind", None)
        known = {"id", "name", "description", *_UNIQUE.get(kind, ("organization",))}
        for unknown in set(wanted) - known:
            raise Refused(400, {"detail": f"{kind} has no field named '{unknown}'"})
        fitting = [row for row in rows if all(str(row.get(name)) == value for name, value in wanted.items())]
        shown = fitting[(number - 1) * size : number * size]
        if not shown and number > 1:
            raise Refused(404, {"detail": "Invalid page."})
        more = f"?page={number + 1}" if len(fitting) > number * size else None
        return {"count": len(fitting), "next": more, "results": [self.shown(row) for row in shown]}

    def shown(self, row: Row) -> Row:
        """An object as AWX shows it: without secrets, and with the template that it runs (awx/api/serializers.py)."""
        seen = {name: value for name, value in row.items() if not name.startswith("_")}
        if "credential_type" in row and "inputs" in row:
            secret = self._secret_fields(row["credential_type"])
            inputs = row["inputs"].items()
            seen["inputs"] = {name: "$encrypted$" if name in secret else value for name, value in inputs}
        if runs := self._template_of(row):
            kind, other = runs
            seen["related"] = {"unified_job_template": other["url"]}
            names = ("id", "name", "description", "timeout")
            summary: Row = {name: other[name] for name in names if name in other}
            summary["unified_job_type"] = _JOB_TYPES.get(kind, "workflow_approval")
            seen["summary_fields"] = {"unified_job_template": summary}
        return seen

    def _template_of(self, row: Row) -> tuple[str, Row] | None:
        for kind in _RELATED["unified_job_template"]:
            for other in self.rows.get(kind, []):
                if other["id"] == row.get("unified_job_template"):
                    return kind, other
        return None

    def _secret_fields(self, credential_type: int) -> set[str]:
        fields = self.get("credential_types", credential_type)["inputs"]["fields"]
        return {field["id"] for field in fields if field.get("secret")}

    def create(self, kind: str, body: Row) -> Row:
        """POST to a list."""
        return self._write(kind, None, body)

    def child(self, part: str, parent: Row, body: Row) -> Row:
        """POST to a list below a workflow."""
        kind, link = _CHILDREN[part]
        return self._write(kind, None, {**body, link: parent["id"]})

    def change(self, kind: str, row: Row, body: Row) -> Row:
        """PATCH."""
        return self._write(kind, row, body)

    def _write(self, kind: str, row: Row | None, body: Row) -> Row:
        _check(kind, body, partial=row is not None)
        known = {*(row or _defaults(kind)), *_UNIQUE.get(kind, ()), "name", "description"}
        # awx/api/serializers.py: unknown members are ignored, and texts are trimmed.
        given = {name: _trimmed(value) for name, value in body.items() if name in known}
        for name in set(given) & set(_RELATED):
            if given[name] is not None and not self._exists(name, given[name]):
                raise Refused(400, {name: [f'Invalid pk "{given[name]}" - object does not exist.']})
        fields = {**(row or _defaults(kind)), **given}
        if rule := _RULES.get(kind):
            rule(self, fields, row)
        key = [fields.get(name) for name in _UNIQUE.get(kind, ())]
        for other in self.rows.get(kind, []):
            if key and other is not row and [other.get(name) for name in _UNIQUE[kind]] == key:
                raise Refused(400, {"__all__": [f"{kind} with this {_UNIQUE[kind]} already exists."]})
        if row is None:
            return self.shown(self.add(kind, **fields))
        before = self._template_of(row)
        row.update(fields)
        self._drop_approval(before, row)
        return self.shown(row)

    def _exists(self, name: str, number: object) -> bool:
        return any(each["id"] == number for kind in _RELATED[name] for each in self.rows.get(kind, []))

    def _drop_approval(self, before: tuple[str, Row] | None, node: Row) -> None:
        """Delete the approval that a node no longer runs: awx/main/models/workflow.py."""
        if before and before[0] == "workflow_approval_templates" and before[1]["id"] != node["unified_job_template"]:
            self.drop(*before)

    def check_job_template(self, fields: Row, _row: Row | None) -> None:
        """awx/api/serializers.py: JobTemplateSerializer and JobOptionsSerializer."""
        project = self.get("projects", fields["project"])
        fields["organization"] = project["organization"]
        if fields["playbook"] not in project["playbook_files"]:
            raise Refused(400, {"playbook": ["Playbook not found for project."]})
        if not fields.get("inventory"):
            raise Refused(400, {"inventory": ["You must either set a default value or ask to prompt on launch."]})

    def check_credential_type(self, fields: Row, row: Row | None) -> None:
        """awx/api/serializers.py: CredentialTypeSerializer. The injectors of a type in use may change."""
        used = row and any(each["credential_type"] == row["id"] for each in self.rows.get("credentials", []))
        if row and used and fields["inputs"] != row["inputs"]:
            text = "Modifications to inputs are not allowed for credential types that are in use"
            raise Refused(403, {"detail": text})

    def check_credential(self, fields: Row, row: Row | None) -> None:
        """awx/main/fields.py: CredentialInputField."""
        inputs = dict(fields["inputs"])
        secret = self._secret_fields(fields["credential_type"])
        kept = {name for name in secret if inputs.get(name) == "$encrypted$"}
        if kept and row is None:
            (name,) = kept
            raise Refused(400, {"inputs": [f"$encrypted$ is a reserved keyword, and cannot be used for {name}."]})
        if wrong := input_complaints(self.get("credential_types", fields["credential_type"]), inputs):
            raise Refused(400, {"inputs": wrong})
        stored = {name: (row or {"inputs": {}})["inputs"].get(name, "") for name in kept}
        fields["inputs"] = {name: "" if value is None else value for name, value in inputs.items()} | stored

    def check_answers(self, fields: Row, _row: Row | None) -> None:
        """awx/main/models/mixins.py: SurveyJobTemplateMixin. Only a schedule must answer all required questions."""
        runs = self._template_of(fields)
        if runs is None or "_survey" not in runs[1]:
            return
        spec = runs[1]["_survey"].get("spec", []) if runs[1]["survey_enabled"] else []
        answers = fields["extra_data"]
        asked = [each for each in spec if "rrule" in fields or each["variable"] in answers]
        if wrong := [text for each in asked for text in answer_complaints(each, answers)]:
            raise Refused(400, {"variables_needed_to_start": wrong})
        if unasked := set(answers) - {each["variable"] for each in spec}:
            raise Refused(400, {"extra_data": [f"Variables {', '.join(unasked)} are not allowed on launch."]})

    def attach(self, template: Row, body: Row) -> None:
        """Add or remove a credential of a job template, one of each type: awx/api/views: JobTemplateCredentialsList."""
        credential = self._referenced("credentials", body)
        number, held = credential["id"], template["_credentials"]
        if "disassociate" in body:
            template["_credentials"] = [each for each in held if each != number]
        elif credential["credential_type"] in [self.get("credentials", each)["credential_type"] for each in held]:
            raise Refused(400, {"error": "Cannot assign multiple Aritma IAM credentials."})
        else:
            held.append(number)

    def link(self, kind: str, node: Row, body: Row) -> None:
        """Add or remove a link between two nodes: awx/api/views: WorkflowJobTemplateNodeChildrenBaseList."""
        other = self._referenced("workflow_job_template_nodes", body)
        if other["workflow_job_template"] != node["workflow_job_template"]:
            raise _FORBIDDEN
        if "disassociate" in body:
            node[kind] = [each for each in node[kind] if each != other["id"]]
        elif any(other["id"] in node[each] for each in LINKS if each != kind):
            raise Refused(400, {"Error": "Relationship not allowed."})
        elif self._leads_to(other, node["id"]):
            raise Refused(400, {"Error": "Cycle detected."})
        elif other["id"] not in node[kind]:
            node[kind].append(other["id"])

    def _referenced(self, kind: str, body: Row) -> Row:
        """The object with the id in ``body``: awx/api/generics.py: SubListCreateAttachDetachAPIView.

        Without an id, AWX creates an object; the setup always sends an id.
        """
        number = body.get("id")
        if not isinstance(number, int):
            raise Refused(400, {"msg": '"id" field must be an integer.'})
        for row in self.rows.get(kind, []):
            if row["id"] == number:
                return row
        raise Refused(400, {"detail": f"{kind} matching query does not exist."})

    def _leads_to(self, node: Row, number: int) -> bool:
        following = [self.get("workflow_job_template_nodes", each) for link in LINKS for each in node[link]]
        return node["id"] == number or any(self._leads_to(each, number) for each in following)

    def approve(self, node: Row, body: Row) -> Row:
        """Turn a node into an approval: awx/main/models/workflow.py."""
        _check("workflow_approval_templates", body)
        members = {name: _trimmed(body[name]) for name in ("name", "description", "timeout") if name in body}
        approval = self.add("workflow_approval_templates", **{"timeout": 0, **members})
        before, node["unified_job_template"] = self._template_of(node), approval["id"]
        self._drop_approval(before, node)
        return approval

    def path(self, workflow: Row, approval: str) -> list[str]:
        """The nodes that run if every job succeeds and every approval ends as ``approval``, "successful" or "failed".

        An approval that is denied or times out has failed (awx/main/scheduler/dag_workflow.py and task_manager.py,
        awx/main/models/workflow.py).
        """
        nodes = [
            each for each in self.rows["workflow_job_template_nodes"] if each["workflow_job_template"] == workflow["id"]
        ]
        followers = {number for each in nodes for link in LINKS for number in each[link]}
        ready, ran = [each for each in nodes if each["id"] not in followers], []
        while ready:
            node = ready.pop(0)
            ran.append(str(node["identifier"]))
            kind, _template = self._template_of(node) or ("", {})
            failed = kind == "workflow_approval_templates" and approval == "failed"
            numbers = node["failure_nodes" if failed else "success_nodes"] + node["always_nodes"]
            ready += [self.get("workflow_job_template_nodes", number) for number in numbers]
        return ran


_RULES: dict[str, Callable[[Controller, Row, Row | None], None]] = {
    "job_templates": Controller.check_job_template,
    "credential_types": Controller.check_credential_type,
    "credentials": Controller.check_credential,
    "workflow_job_template_nodes": Controller.check_answers,
    "schedules": Controller.check_answers,
}


def _trimmed(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def _check(kind: str, body: Any, *, partial: bool = False) -> None:
    if found := complaints(kind, body, partial=partial):
        fields = {text.partition(":")[0].partition("/")[0]: [text] for text in found}
        raise Refused(400, {"error": found[0]} if kind == "survey_spec" else fields)


def _defaults(kind: str) -> Row:
    """The default members of a new object."""
    asks = {"allow_simultaneous": False, "ask_variables_on_launch": False, "survey_enabled": False, "extra_vars": ""}
    job = {"job_type": "run", "inventory": None, "project": None, "playbook": "", "execution_environment": None}
    others: dict[str, Row] = {
        "credential_types": {"kind": "", "inputs": {}, "injectors": {}},
        "credentials": {"inputs": {}},
        "job_templates": {**asks, **job, "_survey": {}, "_credentials": [], "verbosity": 0, "job_slice_count": 1},
        "workflow_job_templates": {**asks, "_survey": {}},
        "workflow_job_template_nodes": {
            **{link: [] for link in LINKS},
            "unified_job_template": None,
            "extra_data": {},
            "all_parents_must_converge": False,
        },
        "schedules": {"enabled": True, "extra_data": {}, "rrule": ""},
        "workflow_approval_templates": {"timeout": 0},
    }
    return others.get(kind, {})


class _Routes:
    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def me(self, request: Request) -> Response:
        return JSONResponse({"count": 1, "results": [{"id": 1, "username": request.state.user}]})

    async def listing(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if kind not in _LISTS:
            return Response("<h1>Not Found</h1>", 404)
        if request.method == "POST":
            return JSONResponse(self._controller.create(kind, await request.json()), 201)
        readable = request.state.user != "stranger" or kind in _EVERYBODY_READS
        rows = self._controller.rows.get(kind, []) if readable else []
        return JSONResponse(self._controller.page(kind, rows, request.query_params))

    async def detail(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        row = self._controller.get(kind, request.path_params["number"])
        if request.method == "DELETE":
            self._controller.drop(kind, row)
            return Response(status_code=204)
        if request.method == "GET":
            return JSONResponse(self._controller.shown(row))
        return JSONResponse(self._controller.change(kind, row, await request.json()))

    async def below(self, request: Request) -> Response:
        """The lists below an object: children, relations, and the survey."""
        controller, part = self._controller, request.path_params["part"]
        row = controller.get(request.path_params["kind"], request.path_params["number"])
        body: Any = await request.json() if request.method == "POST" else None
        if part in _CHILDREN:
            target, link = _CHILDREN[part]
            rows = [each for each in controller.rows.get(target, []) if each[link] == row["id"]]
            shown = controller.page(target, rows, request.query_params) if body is None else None
            return JSONResponse(shown or controller.child(part, row, body), 200 if shown else 201)
        if part == "credentials" and body is None:
            held = [controller.get("credentials", number) for number in row["_credentials"]]
            return JSONResponse(controller.page(part, held, request.query_params))
        if part == "survey_spec" and body is None:
            return JSONResponse(row["_survey"])
        if part == "survey_spec":
            _check("survey_spec", body)
            row["_survey"] = body
            return Response(status_code=200)
        if part == "create_approval_template":
            return JSONResponse(controller.approve(row, body), 201)
        if part == "credentials":
            controller.attach(row, body)
        else:
            controller.link(part, row, body)
        return Response(status_code=204)

    def guarded(self, route: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """``route`` with authentication, checks of rights, refusals as answers, and a record of writes."""

        async def guard(request: Request) -> Response:
            user = _who(request.headers)
            if user is None:
                return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
            request.state.user = user
            try:
                _check_right(user, request)
                answer: Response = await route(request)
            except Refused as refused:
                return JSONResponse(refused.detail, refused.status)
            if request.method != "GET":
                body = {} if request.method == "DELETE" else await request.json()
                self._controller.writes.append((request.method, request.url.path, body))
                self._controller.on_write(len(self._controller.writes))
            return _with_prefix(answer, request.url.path)

        return guard


def _check_right(user: str, request: Request) -> None:
    """awx/main/access.py: only the system administrator may write credential types; an organization admin the rest."""
    allowed = user == "admin" or (
        user == "organization admin" and request.path_params.get("kind") != "credential_types"
    )
    if request.method != "GET" and not allowed:
        raise _FORBIDDEN


def _with_prefix(answer: Response, path: str) -> Response:
    if not path.startswith(PREFIXES[1]):
        return answer
    body = bytes(answer.body).replace(f'"{PREFIXES[0]}/'.encode(), f'"{PREFIXES[1]}/'.encode())
    return Response(body, answer.status_code, media_type=answer.media_type)


def _who(headers: Mapping[str, str]) -> str | None:
    """The user of the login. None for an expired token or a wrong password."""
    scheme, _space, given = headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        return USER if given == base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode() else None
    return TOKENS.get(given)


@contextmanager
def running_controller() -> Iterator[Controller]:
    """Run a controller on a free port of 127.0.0.1, in a thread of this process."""
    controller = Controller()
    routes = _Routes(controller)
    number = "/{kind}/{number:int}/"
    application = Starlette(
        routes=[
            route
            for prefix in PREFIXES
            for route in (
                Route(prefix + "/me/", routes.guarded(routes.me), methods=["GET"]),
                Route(prefix + "/{kind}/", routes.guarded(routes.listing), methods=["GET", "POST"]),
                Route(prefix + number, routes.guarded(routes.detail), methods=["GET", "PATCH", "DELETE"]),
                Route(prefix + number + "{part}/", routes.guarded(routes.below), methods=["GET", "POST"]),
            )
        ]
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        controller.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield controller
        finally:
            server.should_exit = True
            thread.join(10)
