# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``doctor``: finds out how a server behaves where the contract leaves that open."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from .._core.argspec import ArgumentSpec
from .._core.errors import OptionError
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .._core.version import VERSION
from .._http.connection import CONNECTION, Connection, resolve_token_url
from .groups import groups
from .life import begin_life, end_life
from .reading import read_all
from .scratch import remove_scratch
from .visit import AS_ASSUMED, HANDLED, NO_ANSWER, Silent, Visit

_RETRY_BUDGET = 5.0
"""Seconds for the repetitions of one request. They are few, because the first answer counts here."""

SPEC = ArgumentSpec({"write": {"type": "bool", "default": False}, "limit": {"type": "float", "default": 1800.0}})


def run(params: Params, check_mode: bool) -> Outcome:
    """Examine the server, clean up, and report. Unexpected behaviour of the server is a finding, not an error."""
    connection = Connection.from_params(params)
    with contextlib.suppress(OptionError):
        connection = replace(connection, token_url=connection.token_url or resolve_token_url(params))
    connection = replace(connection, retry_budget=min(_RETRY_BUDGET, connection.retry_budget))
    words = (params["tenant"], connection.auth_client_id, *(urlsplit(connection.api_url).hostname or "").split("."))
    visit = Visit(
        connection, time.monotonic() + params["limit"], frozenset(str(each).lower() for each in words if each)
    )
    left = _visited(visit, write=params["write"] and not check_mode)
    report = {
        "name": "what aritma.iam.doctor found",
        "schema": 1,
        **dict(sorted(visit.answers.items())),
        "findings": [{"by": f"aritma.iam {VERSION}", "wrote": params["write"] and not check_mode}, *visit.findings],
    }
    result = {"report": report, "table": table(visit.findings), "left": left}
    return Outcome(
        changed=bool(left), result=result, warnings=[f"This remains on the server: {each}." for each in left]
    )


def _visited(visit: Visit, *, write: bool) -> list[str]:
    """Examine the server. Returns descriptions of scratch objects that remain on it."""
    left: list[str] = []
    visit.part("token", visit.tokens.get)
    if visit.findings:
        return left  # without a token nothing can be asked
    try:
        left = remove_scratch(visit) if write else []
        read_all(visit)
    except Silent:
        return left  # the reason is in the findings
    if left:
        visit.note("writing", "left out: objects of an earlier doctor cannot be removed", NO_ANSWER)
    return left if left or not write else _written(visit)


def _written(visit: Visit) -> list[str]:
    """Examine writes with a scratch client. Returns what remains, after a wait for lists that lag behind."""
    with contextlib.suppress(Silent):
        life = begin_life(visit)
        if life.client_id:
            visit.part("groups", lambda: groups(life))
            end_life(life)
    for _look in range(int(visit.answers.get("list_lag_requests", 0))):
        remove_scratch(visit)
    time.sleep(float(visit.answers.get("list_lag_seconds", 0)))
    return remove_scratch(visit)


def table(findings: list[dict[str, Any]]) -> list[str]:
    """One line for each finding: its verdict, the row of the contract, the request, and the answer."""
    lines = []
    for each in findings:
        tells = ", ".join(f"{name}={value}" for name, value in each["tells"].items())
        came = each["came"]
        answer = (
            f"{came['status'] or 'no answer'} {came['body']}" if isinstance(came, Mapping) and "body" in came else came
        )
        rows = ", ".join(each["rows"])
        lines.append(f"{each['verdict']:24} {rows:12} {each['asked']}: {answer}" + (f" ({tells})" if tells else ""))
    count = sum(each["verdict"] not in (AS_ASSUMED, HANDLED) for each in findings)
    return [*lines, f"{len(findings)} findings, {count} to look at"]


DOCTOR = Operation("doctor", CONNECTION.merge(SPEC), run)
