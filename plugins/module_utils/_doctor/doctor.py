# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``doctor``: finds out how a server answers where the contract leaves that open."""

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
from .life import end, live
from .reading import read_all
from .scratch import sweep
from .visit import AS_ASSUMED, HANDLED, NO_ANSWER, Silent, Visit

_PATIENCE = 5.0
"""Seconds for the repetitions of one request: here the first answer is what counts."""

SPEC = ArgumentSpec({"write": {"type": "bool", "default": False}, "limit": {"type": "float", "default": 1800.0}})


def run(params: Params, check_mode: bool) -> Outcome:
    """Ask, write where that is allowed, clean up, and tell. Whatever a server does is a finding and no error."""
    connection = Connection.from_params(params)
    with contextlib.suppress(OptionError):
        connection = replace(connection, token_url=connection.token_url or resolve_token_url(params))
    connection = replace(connection, retry_budget=min(_PATIENCE, connection.retry_budget))
    words = (params["tenant"], connection.auth_client_id, *(urlsplit(connection.api_url).hostname or "").split("."))
    visit = Visit(
        connection, time.monotonic() + params["limit"], frozenset(str(each).lower() for each in words if each)
    )
    left = _visited(visit, write=params["write"] and not check_mode)
    report = {
        "name": "what aritma.iam.doctor found",
        "schema": 1,
        **dict(sorted(visit.told.items())),
        "findings": [{"by": f"aritma.iam {VERSION}", "wrote": params["write"] and not check_mode}, *visit.findings],
    }
    result = {"report": report, "table": table(visit.findings), "left": left}
    return Outcome(
        changed=bool(left), result=result, warnings=[f"This is left on the server: {each}." for each in left]
    )


def _visited(visit: Visit, *, write: bool) -> list[str]:
    """Ask all that can be asked; what is left on the server, for people."""
    left: list[str] = []
    visit.part("token", visit.tokens.get)
    if visit.findings:
        return left  # without a token nothing can be asked
    try:
        left = sweep(visit) if write else []
        read_all(visit)
    except Silent:
        return left  # why is noted
    if left:
        visit.note("writing", "left out: what an earlier doctor made cannot be removed", NO_ANSWER)
    return left if left or not write else _written(visit)


def _written(visit: Visit) -> list[str]:
    """The life of a scratch client; what is left, once lists had the time to show it."""
    with contextlib.suppress(Silent):
        life = live(visit)
        if life.client_id:
            visit.part("groups", lambda: groups(life))
            end(life)
    for _look in range(int(visit.told.get("list_lag_requests", 0))):
        sweep(visit)
    time.sleep(float(visit.told.get("list_lag_seconds", 0)))
    return sweep(visit)


def table(findings: list[dict[str, Any]]) -> list[str]:
    """One line a finding: its verdict, the row of the contract, what was asked, and what came."""
    lines = []
    for each in findings:
        tells = ", ".join(f"{name}={value}" for name, value in each["tells"].items())
        came = each["came"]
        said = (
            f"{came['status'] or 'no answer'} {came['body']}" if isinstance(came, Mapping) and "body" in came else came
        )
        rows = ", ".join(each["rows"])
        lines.append(f"{each['verdict']:24} {rows:12} {each['asked']}: {said}" + (f" ({tells})" if tells else ""))
    count = sum(each["verdict"] not in (AS_ASSUMED, HANDLED) for each in findings)
    return [*lines, f"{len(findings)} findings, {count} to look at"]


DOCTOR = Operation("doctor", CONNECTION.merge(SPEC), run)
