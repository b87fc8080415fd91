# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of AWX's API over real HTTP: lists with small pages, checked writes, relations between objects."""

from __future__ import annotations

import base64
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from awx.data import FOLDER
from awx.rules import complaints, playbooks

API = "/api/v2"
TOKEN = "ControllerTokenCanary0123456789"
USER, PASSWORD = "admin", "ControllerPasswordCanary:+/=&%"
PAGE = 2
"""A page is smaller than anybody asks for, so that every list has to be read to its end."""

_UNIQUE = {
    "credential_types": ("name", "kind"),
    "credentials": ("name", "organization", "credential_type"),
    "job_templates": ("name", "organization"),
    "workflow_job_templates": ("name", "organization"),
    "workflow_job_template_nodes": ("identifier", "workflow_job_template"),
    "schedules": ("name", "unified_job_template"),
}
_CHILDREN = {
    "workflow_nodes": ("workflow_job_template_nodes", "workflow_job_template"),
    "schedules": ("schedules", "unified_job_template"),
}

Row = dict[str, Any]


class Refused(Exception):
    """An answer with a 4xx code."""

    def __init__(self, status: int, detail: object) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


class Controller:
    """The objects, and what came in. ``writes`` are (method, path, body); ``on_write`` is called after each."""

    def __init__(self) -> None:
        self.url = ""
        self.writes: list[tuple[str, str, Any]] = []
        self.reads: list[str] = []
        self.on_write: Callable[[int], None] = lambda _count: None
        self.rows: dict[str, list[Row]] = {}
        self._next = 0
        for kind, names in {
            "organizations": ["Other", "Default"],
            "execution_environments": ["Small", "Aritma"],
        }.items():
            for name in names:
                self.add(kind, name=name)
        organization = self.one("organizations", "Default")["id"]
        for owner in (organization, self.one("organizations", "Other")["id"]):
            self.add("projects", name="Aritma IAM", organization=owner, playbook_files=playbooks(FOLDER / "project"))
            self.add("inventories", name="Service clients", organization=owner)

    def add(self, kind: str, /, **fields: Any) -> Row:
        """A new object."""
        self._next += 1
        row = {"id": self._next, "url": f"{API}/{kind}/{self._next}/", "description": "", "related": {}, **fields}
        self.rows.setdefault(kind, []).append(row)
        return row

    def one(self, kind: str, name: str) -> Row:
        """The object with a name (or, of nodes, an identifier)."""
        (row,) = [each for each in self.rows[kind] if name in (each.get("name"), each.get("identifier"))]
        return row

    def get(self, kind: str, number: int) -> Row:
        """The object with an id. Raises ``Refused``."""
        for row in self.rows.get(kind, []):
            if row["id"] == number:
                return row
        raise Refused(404, {"detail": "Not found."})

    def page(self, rows: list[Row], request: Request) -> Row:
        """One page of those that fit the query."""
        query = dict(request.query_params)
        number = int(query.pop("page", "1"))
        if owner := query.pop("organization__name", None):
            query["organization"] = str(self.one("organizations", owner)["id"])
        known = {name for row in rows for name in row}
        if unknown := set(query) - known and rows:
            raise Refused(400, {"detail": f"no such field: {unknown}"})
        fitting = [row for row in rows if all(str(row.get(name)) == value for name, value in query.items())]
        shown = fitting[(number - 1) * PAGE : number * PAGE]
        if not shown and number > 1:
            raise Refused(404, {"detail": "Invalid page."})
        more = len(fitting) > number * PAGE
        return {"count": len(fitting), "next": "more" if more else None, "results": [self.shown(row) for row in shown]}

    def shown(self, row: Row) -> Row:
        """An object as AWX shows it: without secrets, with the summary of its credentials."""
        seen = {name: value for name, value in row.items() if not name.startswith("_")}
        if "credential_type" in row and "inputs" in row:
            secret = self._secret_fields(row["credential_type"])
            seen["inputs"] = {name: "$encrypted$" if name in secret else row["inputs"][name] for name in row["inputs"]}
        if "_credentials" in row:
            seen["summary_fields"] = {"credentials": [{"id": number} for number in row["_credentials"]]}
        return seen

    def _secret_fields(self, credential_type: int) -> set[str]:
        fields = self.get("credential_types", credential_type)["inputs"]["fields"]
        return {field["id"] for field in fields if field.get("secret")}

    def create(self, kind: str, body: Row) -> Row:
        """POST to a list."""
        _check(kind, body)
        fields = {**_defaults(kind), **body}
        self._check_relations(kind, fields)
        self._check_unique(kind, fields, None)
        return self.shown(self.add(kind, **fields))

    def child(self, kind: str, parent: Row, body: Row) -> Row:
        """POST to a list below a workflow."""
        target, link = _CHILDREN[kind]
        _check(kind, body)
        fields = {**_defaults(target), **body, link: parent["id"]}
        self._check_unique(target, fields, None)
        row = self.add(target, **fields)
        self._relate(row)
        return self.shown(row)

    def change(self, kind: str, row: Row, body: Row) -> Row:
        """PATCH."""
        schema = {
            "workflow_job_template_nodes": "workflow_nodes",
            "workflow_approval_templates": "create_approval_template",
        }
        _check(schema.get(kind, kind), body, partial=True)
        fields = {**row, **body}
        self._check_relations(kind, fields)
        self._check_unique(kind, fields, row)
        if kind == "credentials" and "inputs" in body:
            kept = {name: row["inputs"][name] for name, value in body["inputs"].items() if value == "$encrypted$"}
            fields["inputs"] = {**body["inputs"], **kept}
        if kind == "credential_types" and "inputs" in body and self._in_use(row) and body["inputs"] != row["inputs"]:
            raise Refused(403, {"detail": "Inputs of a credential type that is in use cannot be changed."})
        row.update(fields)
        self._relate(row)
        return self.shown(row)

    def _in_use(self, credential_type: Row) -> bool:
        return any(each["credential_type"] == credential_type["id"] for each in self.rows.get("credentials", []))

    def _relate(self, row: Row) -> None:
        for kind in ("job_templates", "workflow_approval_templates"):
            for other in self.rows.get(kind, []):
                if other["id"] == row.get("unified_job_template"):
                    row["related"]["unified_job_template"] = other["url"]

    def _check_relations(self, kind: str, fields: Row) -> None:
        if kind == "job_templates":
            project = self.get("projects", fields["project"])
            fields["organization"] = project["organization"]
            if fields["playbook"] not in project["playbook_files"]:
                raise Refused(400, {"playbook": ["Playbook not found for project."]})
            if not fields.get("inventory"):
                raise Refused(400, {"inventory": ["You must either set a default value or ask to prompt on launch."]})
        if kind == "credentials":
            known = {
                field["id"] for field in self.get("credential_types", fields["credential_type"])["inputs"]["fields"]
            }
            if unknown := set(fields.get("inputs", {})) - known:
                raise Refused(400, {"inputs": [f"Additional properties are not allowed ({sorted(unknown)})"]})
        if kind == "workflow_job_template_nodes" and fields.get("extra_data"):
            survey = self.get("job_templates", fields["unified_job_template"])["_survey"]
            if unasked := set(fields["extra_data"]) - {each["variable"] for each in survey.get("spec", [])}:
                raise Refused(400, {"extra_data": [f"Variables {sorted(unasked)} are not allowed on launch."]})

    def _check_unique(self, kind: str, fields: Row, itself: Row | None) -> None:
        key = [fields.get(name) for name in _UNIQUE.get(kind, ())]
        for row in self.rows.get(kind, []):
            if key and row is not itself and [row.get(name) for name in _UNIQUE[kind]] == key:
                raise Refused(400, {"__all__": [f"{kind} with this {_UNIQUE[kind]} already exists."]})

    def attach(self, row: Row, number: int) -> None:
        """Give a job template a credential; one of each type."""
        credential = self.get("credentials", number)
        for other in row["_credentials"]:
            if self.get("credentials", other)["credential_type"] == credential["credential_type"]:
                raise Refused(400, {"error": "Cannot assign multiple credentials of one type."})
        row["_credentials"].append(number)

    def link(self, node: Row, number: int) -> None:
        """Let a node follow another of the same workflow."""
        other = self.get("workflow_job_template_nodes", number)
        if other["workflow_job_template"] != node["workflow_job_template"] or self._leads_to(other, node["id"]):
            raise Refused(400, {"Error": "Cycle detected."})
        if number not in node["success_nodes"]:
            node["success_nodes"].append(number)

    def _leads_to(self, node: Row, number: int) -> bool:
        following = [self.get("workflow_job_template_nodes", each) for each in node["success_nodes"]]
        return node["id"] == number or any(self._leads_to(each, number) for each in following)

    def approve(self, node: Row, body: Row) -> Row:
        """Make a node an approval."""
        _check("create_approval_template", body)
        approval = self.add("workflow_approval_templates", **{"timeout": 0, **body})
        node["unified_job_template"] = approval["id"]
        self._relate(node)
        return approval


def _check(kind: str, body: Any, *, partial: bool = False) -> None:
    if found := complaints(kind, body, partial=partial):
        raise Refused(400, {"detail": found})


def _defaults(kind: str) -> Row:
    """What a new object has that nobody gave."""
    if kind == "job_templates":
        return {"_survey": {}, "_credentials": [], "verbosity": 0, "job_slice_count": 1}
    if kind == "workflow_job_template_nodes":
        return {"success_nodes": [], "unified_job_template": None, "extra_data": {}}
    others: dict[str, Row] = {
        "schedules": {"enabled": True},
        "workflow_job_templates": {"_survey": {}},
        "credentials": {"inputs": {}},
    }
    return others.get(kind, {})


class _Routes:
    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    async def listing(self, request: Request) -> Response:
        kind = request.path_params["kind"]
        if request.method == "GET":
            return JSONResponse(self._controller.page(self._controller.rows.get(kind, []), request))
        return JSONResponse(self._controller.create(kind, await request.json()), 201)

    async def detail(self, request: Request) -> Response:
        row = self._controller.get(request.path_params["kind"], request.path_params["number"])
        if request.method == "GET":
            return JSONResponse(self._controller.shown(row))
        return JSONResponse(self._controller.change(request.path_params["kind"], row, await request.json()))

    async def below(self, request: Request) -> Response:
        """What stands below an object: children, relations, its survey."""
        controller, part = self._controller, request.path_params["part"]
        row = controller.get(request.path_params["kind"], request.path_params["number"])
        body: Any = await request.json() if request.method == "POST" else None
        if part in _CHILDREN:
            target, link = _CHILDREN[part]
            rows = [each for each in controller.rows.get(target, []) if each[link] == row["id"]]
            answer = controller.page(rows, request) if body is None else controller.child(part, row, body)
            return JSONResponse(answer, 200 if body is None else 201)
        if part == "survey_spec" and body is None:
            return JSONResponse(row["_survey"])
        if part == "survey_spec":
            _check("survey_spec", body)
            row["_survey"] = body
            return Response(status_code=200)
        if part == "create_approval_template":
            return JSONResponse(controller.approve(row, body), 201)
        _check("attach", body)
        {"credentials": controller.attach, "success_nodes": controller.link}[part](row, body["id"])
        return Response(status_code=204)

    def guarded(self, route: Callable[[Request], Any]) -> Callable[[Request], Any]:
        """``route`` behind the authentication, with refusals as answers and writes noted."""

        async def guard(request: Request) -> Response:
            if not _is_known(request.headers):
                return JSONResponse({"detail": "Authentication credentials were not provided."}, 401)
            try:
                answer: Response = await route(request)
            except Refused as refused:
                return JSONResponse(refused.detail, refused.status)
            if request.method == "GET":
                self._controller.reads.append(request.url.path)
            else:
                self._controller.writes.append((request.method, request.url.path, await request.json()))
                self._controller.on_write(len(self._controller.writes))
            return answer

        return guard


def _is_known(headers: Mapping[str, str]) -> bool:
    basic = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    return headers.get("authorization") in (f"Bearer {TOKEN}", f"Basic {basic}")


@contextmanager
def running_controller() -> Iterator[Controller]:
    """A controller on a free port of 127.0.0.1, in a thread of this process."""
    controller = Controller()
    routes = _Routes(controller)
    number = "/{kind}/{number:int}/"
    application = Starlette(
        routes=[
            Route(API + "/{kind}/", routes.guarded(routes.listing), methods=["GET", "POST"]),
            Route(API + number, routes.guarded(routes.detail), methods=["GET", "PATCH"]),
            Route(API + number + "{part}/", routes.guarded(routes.below), methods=["GET", "POST"]),
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
