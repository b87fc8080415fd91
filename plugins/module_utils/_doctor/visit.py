# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends the requests of the doctor and records the answers: statuses, names and types, never a value."""

from __future__ import annotations

import functools
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar
from urllib.parse import quote

from .._core.errors import ContractError, IamError
from .._core.operation import unexpected
from .._http.admin_token import AdminTokens
from .._http.connection import Connection
from .._http.document import parse_json
from .._http.loss import Lost
from .._http.problem import is_html
from .._http.retry import Budget, Repeats, send_patiently
from .._http.transport import Reply, Request, Transport
from .._iam.contract import read_entries
from .known import ROW_OF, Value, is_assumed, is_known

AS_ASSUMED, HANDLED, TELL_US = "as assumed", "otherwise: handled", "otherwise: tell us"
FORBIDDEN, NO_ANSWER = "not told: no permission", "not told: no answer"
_SILENCE = 3
_NAME = re.compile(r"[$A-Za-z_]{1,40}")
_KINDS = {bool: "boolean", str: "string", int: "number", float: "number", type(None): "null"}

T = TypeVar("T")


class Id(str):
    """A path segment that is never shown."""

    __slots__ = ()


class Skip(Exception):
    """Ends a part. The reason is in the findings."""


class Silent(Exception):
    """Ends the visit: the server does not answer, or the time limit has passed."""


@dataclass(frozen=True)
class Came(Reply):
    """The answer to one request. Status 0 means no answer."""

    asked: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def success(self) -> int | None:
        """The status if it is a success, else None."""
        return self.status if self.ok else None

    def status_or(self, usual: int) -> int:
        """The status, but ``usual`` for every success."""
        return usual if self.ok else self.status

    @property
    def data(self) -> Any:
        """The JSON value of the body, None if it has none."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> str:
        """The type of the body: empty, html, problem, json or text."""
        if not self.body.strip():
            return "empty"
        if is_html(self):
            return "html"
        if "problem" in self.headers.get("Content-Type", ""):
            return "problem"
        return "text" if self.data is None and self.body.strip() != b"null" else "json"


def shape(data: object, hidden: frozenset[str], depth: int = 5) -> Any:
    """The names and types of members. A name that could be a value is not shown."""
    if isinstance(data, list):
        return [shape(data[0], hidden, depth - 1)] if data and depth else []
    if not isinstance(data, Mapping):
        return _KINDS.get(type(data), "null")
    members: dict[str, Any] = {}
    for name, value in list(data.items())[:40] if depth else []:
        shown = _NAME.fullmatch(name) and name.lower() not in hidden
        members[name if shown else "(name)"] = shape(value, hidden, depth - 1)
    return members


@dataclass
class Visit:
    """One run of the doctor: its connection, the end of its time, its findings. Words in ``hidden`` are never shown."""

    connection: Connection
    end: float
    hidden: frozenset[str]
    findings: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[str, Value] = field(default_factory=dict)
    """The answers to open questions so far."""
    own: dict[str, str] = field(default_factory=dict)
    """Facts about this tenant for later questions. They are never shown."""

    def __post_init__(self) -> None:
        self.transport = Transport(self.connection)
        self.tokens = AdminTokens(self.connection, Counter())
        self._silence = 0

    # --- requests

    def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        token: str = "",
        root: str = "/v1",
    ) -> Came:
        """Send one operation, with the admin token unless another is given. Returns the answer of any status."""
        shown = "/".join("{id}" if isinstance(each, Id) else each for each in path)
        asked = f"{method} {root}/{shown}" + (f"?{'&'.join(query)}" if query else "")
        request = Request(
            method,
            "/".join([self.connection.api_url + root, *(quote(each, safe="") for each in path)]),
            params={name: str(value) for name, value in (query or {}).items()},
            headers={} if body is None else {"Content-Type": "application/json"},
            body=None if body is None else json.dumps(body).encode(),
        )
        if token:
            return self._sent(request, token, asked)
        admin = self.tokens.get()
        came = self._sent(request, admin, asked)
        renewed = self.tokens.renew(admin) if came.status == 401 else None
        return self._sent(request, renewed, asked) if renewed else came

    def _sent(self, request: Request, token: str, asked: str) -> Came:
        authorized = replace(request, authorization=f"Bearer {token}")
        repeats = Repeats.READ if request.method == "GET" else Repeats.CREATE
        budget = Budget(self.connection.retry_budget, timeout=self.connection.request_timeout)
        send = functools.partial(self.transport.send, authorized)
        return self.timed(asked, lambda: send_patiently(send, repeats, budget))

    def timed(self, asked: str, send: Callable[[], Reply]) -> Came:
        """The answer to ``send``. Raises ``Silent`` after three lost answers in a row, and after the time limit."""
        begun = time.monotonic()
        if begun > self.end:
            self.note(asked, "the time limit has passed", NO_ANSWER)
            raise Silent
        try:
            reply = send()
        except Lost:
            self._silence += 1
            reply = Reply(0, {})
        else:
            self._silence = 0
        came = Came(reply.status, reply.headers, reply.body, asked, round(time.monotonic() - begun, 3))
        if self._silence >= _SILENCE:
            self.note(asked, "no answer, several times in a row: nothing else was asked", NO_ANSWER)
            raise Silent
        return came

    def listed(self, came: Came, *names: str, texts: bool = False) -> list[Any]:
        """The entries of a list: objects, with ``texts`` also texts. Records other answers and raises ``Skip``."""
        empty = came.status == 204 or came.body.strip() == b"null"
        try:
            if came.ok and came.form != "html":
                entries = read_entries("list", [] if empty else came.data, names)
                if texts or all(isinstance(each, Mapping) for each in entries):
                    return entries
        except ContractError:
            pass
        self.note(came.asked, came, TELL_US if came.ok else _verdict(came, {}, {}))
        raise Skip

    def until(self, look: Callable[[], T]) -> T:
        """Call ``look`` until its result is true, if lists of this server lag behind. Returns the last result."""
        end = time.monotonic() + 1.5 * float(self.answers.get("list_lag_seconds", 0.0))
        looks_left = int(self.answers.get("list_lag_requests", 0))
        found = look()
        while not found and (looks_left or time.monotonic() < end):
            if not looks_left:
                time.sleep(0.25)
            looks_left = max(0, looks_left - 1)
            found = look()
        return found

    def missing(self, came: Came) -> int:
        """The status of an answer about a missing object; 404 if this server uses another status for that."""
        return 404 if came.status == self.answers.get("not_found_status") else came.status

    # --- findings

    def record(self, came: Came, **tells: Value | None) -> None:
        """Record an answer, and what it says about open questions. None means that it says nothing."""
        answered = {name: value for name, value in tells.items() if value is not None}
        known = {name: value for name, value in answered.items() if is_known(name, value)}
        self.answers |= known
        self.note(came.asked, came, _verdict(came, answered, known), known, {ROW_OF[each] for each in answered})

    def note(
        self, asked: str, came: object, verdict: str, tells: Mapping[str, Value] | None = None, rows: Iterable[str] = ()
    ) -> None:
        """Add a finding. It has the status and the shape of an answer, but no value."""
        if isinstance(came, Came):
            summary = {"status": came.status, "body": came.form, "seconds": came.seconds}
            readable = came.form in ("json", "problem")
            came = {**summary, "shape": shape(came.data, self.hidden)} if readable else summary
        finding = {"asked": asked, "came": came, "rows": sorted(rows), "tells": dict(tells or {}), "verdict": verdict}
        self.findings.append(finding)

    def parts(self, works: Iterable[Callable[[T], object]], what: T) -> None:
        """Run some parts, one after the other."""
        for work in works:
            self.part(work.__name__.replace("_", " "), functools.partial(work, what))

    def part(self, name: str, work: Callable[[], object]) -> None:
        """Run one part of the visit. Any error becomes a finding."""
        try:
            work()
        except Skip:
            pass
        except Silent:
            raise
        except IamError as error:
            self.note(name, error.kind, _advice(error))
        except Exception as error:  # an unexpected answer
            where = str(unexpected("doctor", error).details["where"]).rpartition("/")[2]
            self.note(name, f"{type(error).__name__} at {where}", TELL_US)


def _verdict(came: Came, answered: Mapping[str, Value], known: Mapping[str, Value]) -> str:
    if answered:
        if known.keys() != answered.keys():
            return TELL_US
        return AS_ASSUMED if all(is_assumed(*each) for each in known.items()) else HANDLED
    if came.status in (401, 403):
        return FORBIDDEN
    if not came.status:
        return NO_ANSWER
    return AS_ASSUMED if came.ok and came.form != "html" else TELL_US


def _advice(error: IamError) -> str:
    """The verdict for an error: which option to set, if the error says so."""
    option = error.details.get("option")
    if error.details.get("operation") == "token":
        option = "tenant, auth_client_id and auth_client_secret"
    if "ca_path" in error.hint:
        option = "ca_path"
    return f"otherwise: set {option}" if option else TELL_US
