# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``token_exchange``: exchanges a client credential for a token, to learn whether it is accepted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import OptionError, VerdictError
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .._http.connection import CONNECTION, Connection, one_line
from .._http.loss import Lost
from .._http.problem import excerpt
from .._http.retry import Budget, Pace
from .._http.transport import Request, Transport
from .grant import AUTH_METHOD, ClientCredential, token_request
from .verdict import Judgement, Verdict, decode_claims, judge

ANY = "any"

_POLLING = Pace(0.2, 2.0)

SPEC = ArgumentSpec(
    {
        "client_id": {"type": "str", "required": True},
        "client_secret": {"type": "str", "required": True, "no_log": True},
        "scope": {"type": "str", "required": True},
        "auth_method": AUTH_METHOD,
        "successes": {"type": "int", "default": 1},
        "deadline": {"type": "float", "default": 60.0},
        "expect": {"type": "str", "choices": ["accepted", "rejected", ANY], "default": "accepted"},
        "return_token": {"type": "bool", "default": False, "no_log": False},
        "rotation_id": {"type": "str"},
    }
)


@dataclass(frozen=True)
class Expectation:
    """When to stop the exchanges.

    With a ``verdict``: after ``successes`` exchanges in a row with this verdict. With None: after the first verdict
    other than unknown. In both cases after ``seconds``.
    """

    verdict: Verdict | None
    successes: int
    seconds: float


@dataclass(frozen=True)
class Exchange:
    """The result of one or more exchanges: the last judgement, their number, and how many in a row were as expected.

    ``met`` is true if the expectation was met. ``spent`` gives the attempts and the time, for messages.
    """

    judgement: Judgement
    attempts: int
    streak: int
    met: bool
    spent: str


def exchange(connection: Connection, credential: ClientCredential, expectation: Expectation) -> Exchange:
    """Exchange the credential, each time on a new connection, until ``expectation`` ends it. Never raises ``Lost``."""
    timeout = connection.request_timeout
    # Every attempt has its full time: one that is cut short is "unknown", which would hide the earlier verdicts.
    budget = Budget(expectation.seconds, timeout=timeout, least=timeout, pace=_POLLING)
    streak = 0
    transport = Transport(connection, fresh=True)
    while True:
        judgement = _judged(transport, token_request(connection.token_url, credential), budget.next_timeout())
        limited = judgement.status == 429
        if not limited:  # a rate limit says nothing about the secret, so it does not end the row
            streak = streak + 1 if judgement.verdict is expectation.verdict else 0
        met = _met(judgement, expectation, streak)
        if met or judgement.final or judgement.verdict is Verdict.MISCONFIGURED:
            return Exchange(judgement, budget.attempts, streak, met, budget.spent())
        # After a success the next attempt follows without a pause, whatever the time: their number is limited.
        if (streak == 0 or limited) and not budget.pause(judgement.retry_after):
            return Exchange(judgement, budget.attempts, streak, met, budget.spent())


def token_exchange(params: Params, _check_mode: bool) -> Outcome:
    """The module ``token_exchange``. Check mode makes no difference. Raises ``VerdictError``, ``OptionError``."""
    connection = Connection.for_token_endpoint(params)
    credential = ClientCredential(
        params["client_id"], one_line(params["client_secret"]), params["scope"], params["auth_method"]
    )
    done = exchange(connection, credential, _expectation(params, connection))
    members = {**_members(done, credential, connection), "rotation_id": params["rotation_id"]}
    if params["expect"] != ANY and not done.met:
        raise _unmet(params["expect"], done, credential, connection, members)
    token = done.judgement.access_token if params["return_token"] else ""
    return Outcome(
        changed=False,
        result={**members, "access_token": token} if token else members,
        sensitive=bool(token),
        calls=Counter(token=done.attempts),
    )


TOKEN_EXCHANGE = Operation("token_exchange", CONNECTION.merge(SPEC), token_exchange, libraries=("requests",))


def _judged(transport: Transport, request: Request, timeout: float) -> Judgement:
    try:
        reply = transport.send(request, timeout)
    except Lost as lost:
        return Judgement(Verdict.UNKNOWN, f"No answer: {lost.reason}. {lost.hint}".strip(), final=lost.final)
    return judge(reply.status, reply.headers, reply.body)


def _met(judgement: Judgement, expectation: Expectation, streak: int) -> bool:
    if expectation.verdict is None:
        return judgement.verdict is not Verdict.UNKNOWN
    return streak >= expectation.successes


def _expectation(params: Mapping[str, Any], connection: Connection) -> Expectation:
    successes, deadline = params["successes"], params["deadline"]
    if successes < 1:
        raise OptionError(f"successes: {successes} is not 1 or more.", hint="Correct successes.", option="successes")
    if not 0 <= deadline < float("inf"):
        raise OptionError(
            f"deadline: {deadline} is not 0 or more seconds.", hint="Correct deadline.", option="deadline"
        )
    if params["expect"] == ANY:
        return Expectation(None, 1, connection.retry_budget)
    return Expectation(Verdict(params["expect"]), successes, deadline)


def _members(done: Exchange, credential: ClientCredential, connection: Connection) -> dict[str, Any]:
    """The documented return values, without the token."""
    judgement = done.judgement
    redact = credential.redaction
    return {
        "verdict": judgement.verdict.value,
        "error": None if judgement.error is None else excerpt(judgement.error, redact),
        "detail": excerpt(judgement.detail, redact),
        "status": judgement.status,
        "attempts": done.attempts,
        "successes": done.streak,
        "token_url": connection.token_url,
        "expires_in": judgement.expires_in,
        "scope": judgement.scope,
        "claims": decode_claims(judgement.access_token),
    }


def _unmet(
    expected: str, done: Exchange, credential: ClientCredential, connection: Connection, members: Mapping[str, Any]
) -> VerdictError:
    verdict = done.judgement.verdict
    message = (
        f"The credential of client {credential.client_id} was expected to be {expected} at {connection.token_url}, "
        f"but the verdict is {verdict.value} after {done.spent}. {members['detail']}"
    )
    details = {name: members[name] for name in ("verdict", "error", "attempts", "status")}
    shown = {**members, "calls": {"token": done.attempts}}
    return VerdictError(message, members=shown, hint=_advice(expected, verdict), expected=expected, **details)


def _advice(expected: str, verdict: Verdict) -> str:
    if verdict is Verdict.MISCONFIGURED:
        return (
            "The secret may be valid, but the client may not request this scope or use this grant. Check scope, and "
            "allowed_scopes and allowed_grant_types of the client."
        )
    if verdict is Verdict.UNKNOWN:
        return "Nothing is known about the secret. Check the token endpoint and the network, then run again."
    if expected == "accepted":
        return (
            "The secret is wrong, deleted, expired or not known there yet. Check client_id, client_secret and tenant, "
            "or allow more time with deadline."
        )
    return (
        "The secret still works. A deletion may need time to take effect: set a longer deadline, or delete the secret."
    )
