# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a server whatever it may answer, and notes what came: statuses, names and types, never a value."""

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
    """A segment of a path that is never shown."""

    __slots__ = ()


class Skip(Exception):
    """There is nothing more to learn in this part; why is noted."""


class Silent(Exception):
    """The server answers no more, or the time is over: nothing else is asked."""


@dataclass(frozen=True)
class Came(Reply):
    """What came to one request. Status 0: no answer."""

    asked: str = ""
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def success(self) -> int | None:
        """The status of a success."""
        return self.status if self.ok else None

    def status_or(self, usual: int) -> int:
        """The status, and ``usual`` for every success."""
        return usual if self.ok else self.status

    @property
    def data(self) -> Any:
        """The JSON value of the body, ``None`` where there is none."""
        try:
            return parse_json(self.body)
        except ValueError:
            return None

    @property
    def form(self) -> str:
        """What the body is: empty, html, problem, json or text."""
        if not self.body.strip():
            return "empty"
        if is_html(self):
            return "html"
        if "problem" in self.headers.get("Content-Type", ""):
            return "problem"
        return "text" if self.data is None and self.body.strip() != b"null" else "json"


def shape(data: object, hidden: frozenset[str], depth: int = 5) -> Any:
    """Names and types of members. A name that could be a value is not shown."""
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
    """One run of the doctor: how it asks, until when, and what it has noted. ``hidden`` are words never shown."""

    connection: Connection
    end: float
    hidden: frozenset[str]
    findings: list[dict[str, Any]] = field(default_factory=list)
    told: dict[str, Value] = field(default_factory=dict)
    own: dict[str, str] = field(default_factory=dict)
    """What was learned of this tenant, for later questions; never shown."""

    def __post_init__(self) -> None:
        self.transport = Transport(self.connection)
        self.tokens = AdminTokens(self.connection, Counter())
        self._silence = 0

    # --- asking

    def ask(
        self,
        method: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        token: str = "",
        root: str = "/v1",
    ) -> Came:
        """The answer to one operation, whatever its status; with the admin token unless another is given."""
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
        """What ``send`` brings. Raises ``Silent`` after some losses in a row, and when the time is over."""
        begun = time.monotonic()
        if begun > self.end:
            self.note(asked, "the time is over", NO_ANSWER)
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
        """The entries of a list, objects or else ``texts``. Raises ``Skip`` where there is none, which is noted."""
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
        """The first answer of ``look`` that is true, else the last: it looks again where lists lag behind."""
        end = time.monotonic() + 1.5 * float(self.told.get("list_lag_seconds", 0.0))
        looks_left = int(self.told.get("list_lag_requests", 0))
        found = look()
        while not found and (looks_left or time.monotonic() < end):
            if not looks_left:
                time.sleep(0.25)
            looks_left = max(0, looks_left - 1)
            found = look()
        return found

    def missing(self, came: Came) -> int:
        """The status of an answer about something that is not there; 404 where this server says that otherwise."""
        return 404 if came.status == self.told.get("not_found_status") else came.status

    # --- noting

    def tell(self, came: Came, **tells: Value | None) -> None:
        """Note what came, and what that says of the open questions; ``None``: nothing."""
        told = {name: value for name, value in tells.items() if value is not None}
        known = {name: value for name, value in told.items() if is_known(name, value)}
        self.told |= known
        self.note(came.asked, came, _verdict(came, told, known), known, {ROW_OF[each] for each in told})

    def note(
        self, asked: str, came: object, verdict: str, tells: Mapping[str, Value] | None = None, rows: Iterable[str] = ()
    ) -> None:
        """Add a finding. Of an answer its status and shape are noted, no value."""
        if isinstance(came, Came):
            told = {"status": came.status, "body": came.form, "seconds": came.seconds}
            readable = came.form in ("json", "problem")
            came = {**told, "shape": shape(came.data, self.hidden)} if readable else told
        finding = {"asked": asked, "came": came, "rows": sorted(rows), "tells": dict(tells or {}), "verdict": verdict}
        self.findings.append(finding)

    def parts(self, works: Iterable[Callable[[T], object]], what: T) -> None:
        """Some parts, one after the other."""
        for work in works:
            self.part(work.__name__.replace("_", " "), functools.partial(work, what))

    def part(self, name: str, work: Callable[[], object]) -> None:
        """One part of the visit, which ends where nothing more can be learned, whatever the server does."""
        try:
            work()
        except Skip:
            pass
        except Silent:
            raise
        except IamError as error:
            self.note(name, error.kind, _advice(error))
        except Exception as error:  # an answer that nobody thought of
            where = str(unexpected("doctor", error).details["where"]).rpartition("/")[2]
            self.note(name, f"{type(error).__name__} at {where}", TELL_US)


def _verdict(came: Came, told: Mapping[str, Value], known: Mapping[str, Value]) -> str:
    if told:
        if known.keys() != told.keys():
            return TELL_US
        return AS_ASSUMED if all(is_assumed(*each) for each in known.items()) else HANDLED
    if came.status in (401, 403):
        return FORBIDDEN
    if not came.status:
        return NO_ANSWER
    return AS_ASSUMED if came.ok and came.form != "html" else TELL_US


def _advice(error: IamError) -> str:
    """Which option to set, as far as the error tells: those for the token endpoint where it is about that."""
    option = error.details.get("option")
    if error.details.get("operation") == "token":
        option = "tenant, auth_client_id and auth_client_secret"
    if "ca_path" in error.hint:
        option = "ca_path"
    return f"otherwise: set {option}" if option else TELL_US
