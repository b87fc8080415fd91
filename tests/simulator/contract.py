# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes requests to the operations of the OpenAPI file, and validates requests and answers against it.

Each schema is compiled once. Messages never quote an invalid value.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import jsonschema_rs
import yaml

FILE = Path(__file__).resolve().parent.parent / "contract" / "aritma-iam.openapi.yaml"
# facts.md has more than the OpenAPI file: PATCH (U2), lists of users, and /actions without a prefix (U14).
_ALIASES = {
    ("PATCH", "/v1/clients/{clientId}"): ("PUT", "/v1/clients/{clientId}"),
    ("GET", "/actions"): ("GET", "/v1/actions"),
}
_DISCOVERY = "/.well-known/openid-configuration"
_UNDESCRIBED = {
    ("GET", "/v1/users"): "listUsers",
    ("GET", "/v1/subjects/users"): "listUserSubjects",
    ("GET", _DISCOVERY): "discovery",
    ("GET", "/{tenant}" + _DISCOVERY): "discovery",
    ("GET", _DISCOVERY + "/jwks"): "jwks",
    ("GET", "/{tenant}" + _DISCOVERY + "/jwks"): "jwks",
}
_IDENTITY_PATHS = re.compile(r"(/[^/]+)?(/connect/token|/\.well-known/.*)")
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Operation:
    """An operation with its id, its path below the server, and its part of the OpenAPI file (empty if it has none)."""

    id: str
    method: str
    path: str
    description: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def secured(self) -> bool:
        """Whether the operation belongs to IAM and needs a bearer token. The others belong to the identity server."""
        return not _IDENTITY_PATHS.fullmatch(self.path)


@dataclass(frozen=True)
class Exchange:
    """The parts of a request that are validated."""

    query: str
    content_type: str
    authorization: str
    body: bytes


class Contract:
    """The operations of the OpenAPI file, with compiled routes and validators."""

    def __init__(self, file: Path = FILE) -> None:
        self._document: dict[str, Any] = _safe_loader()(file.read_text()).get_single_data()
        self._validators: dict[int, Any] = {}
        self._routes = sorted(
            ((_pattern(operation.path), operation) for operation in self._operations()),
            key=lambda route: route[1].path.count("{"),
        )

    def _operations(self) -> Iterator[Operation]:
        paths = self._document["paths"]
        for path, item in paths.items():
            for method in _METHODS & set(item):
                description = item[method]
                yield Operation(description["operationId"], method.upper(), path, description)
        for (method, path), (like_method, like_path) in _ALIASES.items():
            description = paths[like_path][like_method.lower()]
            yield Operation(description["operationId"], method, path, description)
        for (method, path), operation_id in _UNDESCRIBED.items():
            yield Operation(operation_id, method, path, {})

    def match(self, method: str, raw_path: str) -> tuple[Operation | None, dict[str, str]]:
        """The operation with this path below the server, and the decoded path parameters."""
        for pattern, operation in self._routes:
            found = pattern.fullmatch(raw_path) if operation.method == method else None
            if found:
                return operation, {name: unquote(value) for name, value in found.groupdict().items()}
        return None, {}

    def methods_of(self, raw_path: str) -> list[str]:
        """The methods that this path has."""
        return sorted({operation.method for pattern, operation in self._routes if pattern.fullmatch(raw_path)})

    def request_problems(self, operation: Operation | None, exchange: Exchange) -> Iterator[str]:
        """How the request breaks the contract."""
        if operation is None:
            yield "no operation has this method and path"
            return
        if operation.secured and not exchange.authorization.lower().startswith("bearer "):
            yield "no bearer token"
        if operation.description:
            yield from _query_problems(operation, exchange.query)
            yield from self._body_problems(operation, exchange)

    def _body_problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        described = operation.description.get("requestBody")
        if described is None:
            if exchange.body:
                yield "a body, where none is described"
            return
        media_type = exchange.content_type.split(";")[0].strip().lower()
        schema = self._resolve(described)["content"].get(media_type, {}).get("schema")
        if schema is None:
            yield f"content type {media_type or '(none)'}, where {', '.join(described['content'])} is described"
            return
        try:
            data = _parse(media_type, exchange.body)
        except ValueError:
            yield "a body that does not match its content type"
            return
        yield from self._schema_problems(schema, data)

    def response_problems(
        self, operation: Operation | None, status: int, content_type: str, body: bytes
    ) -> Iterator[str]:
        """How the answer breaks the contract."""
        if operation is None or not operation.description:
            return
        responses = operation.description["responses"]
        described = self._resolve(responses.get(str(status), responses.get("default", {})))
        if str(status) not in responses and status < 400:
            yield f"status {status} is not described"
            return
        content = described.get("content", {})
        if not body:
            if content and status < 400:
                yield "an empty body, where one is described"
            return
        if not content and status < 400:
            yield "a body, where none is described"
            return
        yield from self._content_problems(content, content_type.split(";", maxsplit=1)[0], body)

    def _content_problems(self, content: Mapping[str, Any], media_type: str, body: bytes) -> Iterator[str]:
        if not content:
            return
        if media_type not in content:
            yield f"content type {media_type or '(none)'}, where {', '.join(content)} is described"
            return
        try:
            data = json.loads(body)
        except ValueError:
            yield "a body that is not JSON"
            return
        yield from self._schema_problems(content[media_type]["schema"], data)

    def _schema_problems(self, schema: Mapping[str, Any], data: Any) -> Iterator[str]:
        validator = self._validators.get(id(schema))
        if validator is None:
            whole = {**schema, "components": self._document["components"]}
            validator = jsonschema_rs.validator_for(whole, validate_formats=True, mask="(value)")
            self._validators[id(schema)] = validator
        if validator.is_valid(data):
            return
        for error in validator.iter_errors(data):
            yield f"{'/'.join(str(step) for step in error.instance_path) or '(whole body)'}: {error.message}"

    def _resolve(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        while "$ref" in part:
            target: Any = self._document
            for step in part["$ref"].removeprefix("#/").split("/"):
                target = target[step]
            part = target
        return part


def _safe_loader() -> Any:
    """The loader in C if PyYAML has it: it is ten times as fast as the one in Python."""
    return getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(path)))


def _parse(media_type: str, body: bytes) -> Any:
    if media_type == _FORM:
        return dict(parse_qsl(body.decode(), keep_blank_values=True))
    return json.loads(body)


_FITS = {
    "integer": re.compile(r"-?\d+").fullmatch,
    "boolean": re.compile(r"true|false").fullmatch,
    "string": re.compile(r".*", re.DOTALL).fullmatch,
}


def _query_problems(operation: Operation, query: str) -> Iterator[str]:
    known = {
        parameter["name"]: parameter["schema"]["type"]
        for parameter in operation.description.get("parameters", ())
        if parameter["in"] == "query"
    }
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in known:
            yield f"query parameter {name} is not described"
        elif not _FITS[known[name]](value):
            yield f"query parameter {name} is not of type {known[name]}"
