# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task of the module ``rotation`` returns, shows and reports."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from ...module_utils._core.outcome import Outcome
from ...module_utils._core.time import format_timestamp
from ...module_utils._http.connection import resolve_token_url
from ...module_utils._rotation.ids import description_for, lineage_of
from ...module_utils._rotation.plan import BLOCKED, BURN, FAILED, RECOVER, ROLLED_BACK, STAGE, TRY, Plan
from ...module_utils._rotation.record import Current, Record
from ...module_utils._rotation.rounds import Round
from .._stores._file import usual_path
from .report import DELIVERED, line_of, write_entry
from .step import Step

_LIMITS = ("proof_successes", "proof_deadline", "retire_deadline")
"""Settings that the tasks between the steps need."""

FAILED_STATES = (FAILED, BLOCKED, ROLLED_BACK)
"""Outcomes with which the task of the state ``reported`` fails."""


def continued(step: Step, taken: Round) -> Outcome:
    """The outcome with the data for the following tasks. It holds secrets."""
    record = taken.record or Record(client_id="")
    creates = bool(taken.pending) and not step.check_mode
    write = taken.deliver and not step.check_mode and not creates
    lists = step.trial if taken.plan.act == TRY else step.consumers.tasks(record, write=write)
    if taken.plan.busy:  # the other run is writing the targets
        lists = {**lists, "files": [], "servers": [], "more": False}
    members = {
        "next": _next(taken) if creates else None,
        "credential": _credential(step, record.current),
        "generation": record.generation,
        "lineage": lineage_of(record.current.rotation_id) if record.current else None,
        # In the time of this machine, with whose clock it is compared.
        "not_after": format_timestamp(record.lease.expires_at - step.desk.clock.ahead) if record.lease else None,
        "deliver": taken.deliver and not step.check_mode,
        "retire": taken.retire and not step.check_mode,
        "delete": list(taken.delete),
        "dead": dict(taken.dead),
        "limits": {name: step.settings[name] for name in _LIMITS} | {"auth_method": step.params["auth_method"]},
        **lists,
    }
    step.words["next"] = taken.pending.rotation_id if taken.pending else None
    step.words["client_id"] = step.desk.client_id
    step.words["clock"] = step.desk.clock.data
    step.words["generation"] = record.generation
    step.words["current_rotation_id"] = record.current.rotation_id if record.current else None
    return _outcome(step, taken, members, sensitive=True)


def ended(step: Step, taken: Round) -> Outcome:
    """The outcome at the end of a round, without secrets. It also goes to the report and to the screen."""
    entry = report(step, taken.plan, taken.record)
    if not taken.plan.again and taken.plan.state not in FAILED_STATES:
        step.site.show(line_of(taken.plan, entry, _kept(step, taken.record)))
    stats = {"data": {"rotation": {step.params["client_name"]: entry}}, "aggregate": True, "per_host": False}
    outcome = _outcome(step, taken, {"entry": entry}, sensitive=False)
    return replace(outcome, result={**outcome.result, "ansible_stats": stats})


def _outcome(step: Step, taken: Round, members: Mapping[str, Any], *, sensitive: bool) -> Outcome:
    plan, desk = taken.plan, step.desk
    words = {**step.words, **asdict(plan)}
    result = {
        "client_id": desk.client_id or step.params["client_id"],
        "scope": step.params["scope"],
        "token_url": resolve_token_url(step.params),
        "plan": words,
        "again": plan.again,
        "failed": plan.state in FAILED_STATES,
        **members,
    }
    text, calls = step.explained(plan.text), dict(desk.calls)
    return Outcome(
        desk.wrote, {"rotation": result}, warnings=step.warnings, sensitive=sensitive, message=text, calls=calls
    )


def _next(taken: Round) -> dict[str, Any] | None:
    """The secret to create. ``new`` is true if it was written ahead just now, so that it cannot exist yet."""
    pending = taken.pending
    if pending is None:
        return None
    return {
        "value": pending.value,
        "rotation_id": pending.rotation_id,
        "description": description_for(pending.rotation_id),
        "expires_at": format_timestamp(pending.expires_at) if pending.expires_at else None,
        "new": taken.plan.act in (STAGE, RECOVER, BURN),
    }


def _credential(step: Step, current: Current | None) -> dict[str, Any]:
    """The credential to deliver. It always has all members, because a probe may use one before that."""
    return {
        "client_id": step.desk.client_id,
        "client_secret": current.value if current else "",
        "token_url": resolve_token_url(step.params),
        "scope": step.params["scope"],
        "rotation_id": current.rotation_id if current else "",
    }


def report(step: Step, plan: Plan, record: Record | None) -> dict[str, Any]:
    """The entry of this client in the report. It is written if a report is configured."""
    current = record.current if record else None
    previous = record.previous.rotation_id if record and record.previous else step.words.get("previous_rotation_id")
    rotation_id = current.rotation_id if current else step.words.get("current_rotation_id")
    state, started = plan.state.replace(" ", "_"), step.words.get("started")
    targets = record.targets if record and state in DELIVERED else {}
    entry = {
        "state": state,
        "at": format_timestamp(step.desk.clock.now()),
        "client_id": step.desk.client_id or step.params["client_id"] or step.words.get("client_id"),
        "client_name": step.params["client_name"],
        "reason": plan.reason,
        "rotation_id": rotation_id,
        "previous_rotation_id": previous if previous != rotation_id else None,
        "deliveries": {
            name: list(each.proofs) for name, each in targets.items() if record and each.generation == record.generation
        },
        "seconds": round(time.monotonic() - started) if started else None,
        "left": list(plan.left),
    }
    if step.params["report"] and not (step.check_mode and plan.state == FAILED):
        write_entry(step.params["report"], entry)
    return entry


def _kept(step: Step, record: Record | None) -> str:
    """The place of the record in words, if it is the default path; else empty."""
    store = step.params["store"]
    usual = record and store["type"] == "file" and not store.get("path")
    return f"record in {usual_path(record.client_id)} of {step.site.me.host}" if record and usual else ""
