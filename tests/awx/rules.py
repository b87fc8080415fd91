# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of AWX: the schemas, and the rules that a schema cannot express.

Each rule names its file in ansible/awx.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlparse

import jsonschema_rs
import yaml
from dateutil.rrule import rrulestr
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

HERE = Path(__file__).resolve().parent
_SCHEMAS = yaml.safe_load((HERE / "schemas.yml").read_text(encoding="utf-8"))
KINDS = tuple(_SCHEMAS["bodies"])


_PLAYBOOK = re.compile(r"^\s*-?\s*(hosts|(ansible\.builtin\.)?(include|import_playbook)):", re.MULTILINE)
_NO_PLAYBOOKS = {"roles", "tasks", "group_vars", "host_vars"}


def playbooks(project: Path) -> list[str]:
    """The files of a project, also in folders, that a job template may name: awx/main/utils/ansible.py."""
    found = [path for path in project.rglob("*") if path.suffix in (".yml", ".yaml")]
    names = [path.relative_to(project) for path in found if _PLAYBOOK.search(path.read_text(encoding="utf-8"))]
    hidden = [name for name in names if _NO_PLAYBOOKS & set(name.parts) or any(part[0] == "." for part in name.parts)]
    return sorted(str(name) for name in names if name not in hidden)


def _validator(kind: str, *, partial: bool) -> jsonschema_rs.Draft202012Validator:
    schema = dict(_SCHEMAS["bodies"][kind])
    if partial:
        schema["required"] = []
    return jsonschema_rs.Draft202012Validator({**schema, "$defs": _SCHEMAS["$defs"]})


def complaints(kind: str, body: Any, *, partial: bool = False) -> list[str]:
    """Why AWX refuses ``body``; with ``partial`` as the body of a PATCH. Values are not quoted."""
    found = [
        f"{'/'.join(map(str, error.instance_path)) or kind}: {'/'.join(map(str, error.schema_path))}"
        for error in _validator(kind, partial=partial).iter_errors(body)
    ]
    return found or [*_RULES.get(kind, _nothing)(body)]


def ignored(kind: str, body: Mapping[str, Any]) -> set[str]:
    """Members that AWX silently ignores."""
    return set(body) - set(_SCHEMAS["bodies"][kind]["properties"])


def input_complaints(credential_type: Mapping[str, Any], inputs: Mapping[str, Any]) -> dict[str, list[str]] | list[str]:
    """Why AWX refuses the inputs of a credential, with values: awx/main/fields.py, CredentialInputField."""
    fields = {field["id"]: field for field in credential_type["inputs"]["fields"]}
    for name in inputs:
        if name not in fields:
            return [f"Additional properties are not allowed ('{name}' was unexpected)"]
    wrong = {}
    for name, value in inputs.items():
        address = fields[name].get("format") == "url"
        if value == "$encrypted$" or (value is None and not address):
            continue
        if address and not urlparse(str(value)).scheme:
            wrong[name] = ["Invalid URL: Missing url scheme (http, https, etc.)"]
        elif address and not urlparse(str(value)).netloc:
            wrong[name] = [f"Invalid URL: {value}"]
        elif not isinstance(value, bool if fields[name].get("type") == "boolean" else str):
            wrong[name] = [f"{value!r} is not of type '{fields[name].get('type', 'string')}'"]
        elif value not in fields[name].get("choices", [value]):
            wrong[name] = [f"{value!r} is not one of {fields[name]['choices']!r}"]
    return wrong


def _nothing(_body: Mapping[str, Any]) -> Iterator[str]:
    yield from ()


def _credential_type(body: Mapping[str, Any]) -> Iterator[str]:
    """awx/main/fields.py: CredentialTypeInputField and CredentialTypeInjectorField."""
    ids = [field["id"] for field in body.get("inputs", {}).get("fields", [])]
    if len(ids) != len(set(ids)):
        yield "inputs: field ids must be unique"
    if not ids:
        return
    injectors = body.get("injectors", {})
    names = [name for name in injectors.get("file", {}) if name.startswith("template")]
    if "template" in names and len(names) > 1:
        yield "injectors: several files need names"
    files = SimpleNamespace(**{name.partition(".")[2]: "name" for name in names if "." in name})
    namespace = {**dict.fromkeys(ids, "EXAMPLE"), "tower": SimpleNamespace(filename=files)}
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for part in ("file", "env"):
        for name, template in injectors.get(part, {}).items():
            try:
                environment.from_string(template).render(namespace)
            except TemplateError as error:
                yield f"injectors: {name}: {error.message}"


def _survey(body: Mapping[str, Any]) -> Iterator[str]:
    """awx/api/views/__init__.py: JobTemplateSurveySpec. Choices may be a list, or a text with one on each line."""
    variables = [question["variable"] for question in body["spec"]]
    if len(variables) != len(set(variables)):
        yield "spec: a variable is used twice"
    for question in body["spec"]:
        choices = question.get("choices", [])
        choices = choices.splitlines() if isinstance(choices, str) else choices
        defaults = str(question.get("default", "")).splitlines() if "choices" in question else []
        if question["type"] == "multiplechoice" and len(defaults) > 1:
            yield f"{question['variable']}: one default only"
        if not set(defaults) <= set(choices):
            yield f"{question['variable']}: the default is not among the choices"


def answer_complaints(question: Mapping[str, Any], answers: Mapping[str, Any]) -> list[str]:
    """Why AWX refuses the answer to a question of a survey: awx/main/models/mixins.py.

    A required question must be answered even if it has a default. Spaces count as characters.
    """
    name = question["variable"]
    if name not in answers:
        return [f"'{name}' value missing"] if question["required"] else []
    answer = answers[name]
    if question["type"] == "multiplechoice":
        return [] if answer in question["choices"] else [f"Value {answer} for '{name}' is not among the choices"]
    if isinstance(answer, bool) or not isinstance(answer, int if question["type"] == "integer" else str):
        return [f"Value {answer} for '{name}' has another type"]
    size = answer if isinstance(answer, int) else len(answer)
    fits = question.get("min", size) <= size <= question.get("max", size)
    return [] if fits else [f"'{name}' value {answer} is too small or too large"]


def _schedule(body: Mapping[str, Any]) -> Iterator[str]:
    """awx/api/serializers.py: ScheduleSerializer."""
    try:
        rrulestr(body.get("rrule", "DTSTART:20260101T000000Z RRULE:FREQ=DAILY").replace(" ", "\n"))
    except ValueError as error:
        yield f"rrule: {error}"


_RULES = {"credential_types": _credential_type, "survey_spec": _survey, "schedules": _schedule}
