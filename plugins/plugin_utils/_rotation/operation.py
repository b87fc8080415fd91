# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``rotation``: runs one step of a round, and returns the data for the following tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import Any

from ...module_utils._core.errors import BlockedError, IamError, MissingError, StoreConflictError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._core.time import format_duration, now
from ...module_utils._http.connection import CONNECTION, one_line
from ...module_utils._iam.api import REFUSALS
from ...module_utils._rotation import rounds
from ...module_utils._rotation.evidence import read_exchanges
from ...module_utils._rotation.ids import rows_of, tag_in
from ...module_utils._rotation.plan import BLOCKED, CLAIM, FAILED, ROLLED_BACK, ROTATE, STAGE, TRY, Plan, busy
from ...module_utils._rotation.record import Record
from ...module_utils._rotation.rounds import ROUNDS, Round, carry_out
from .failure import failure_text
from .options import ABSENT, OPTIONS, duration
from .result import FAILED_STATES, continued, ended, report
from .step import Site, Step
from .variables import require_core, require_known, require_made

_POLL = 2.0
"""Seconds between two reads of a record that another run holds."""
_BACK = "The previous secret is the current one again."
_CONTINUE = "The next run continues from here. Until then no secret is deleted."
_CORRECT = "Repair what failed, and run again."
_REPAIR = f"{_BACK} {_CORRECT}"
_WAIT_LONGER = "Run again when it has ended, or let this run wait for it (rotation_wait: 10m)."

_REFUSED = (*REFUSALS, 409, 413, 415)
"""Statuses of an addition that was refused permanently."""


def rotation(site: Site) -> Operation:
    """The operation for one task."""

    def run(params: Params, check_mode: bool) -> Outcome:
        scope = params["scope"] or next(iter(params["allowed_scopes"]), None)
        step = Step(site, {**params, "scope": scope}, check_mode)
        try:
            if params["state"] not in _AFTER_FAILURE:
                require_made(site.variables)
            if params["state"] in _NEED_PLAN and not params["plan"]:
                raise BlockedError("Nothing was begun in this run.", hint="Run the role from its first task.")
            return _STEPS[params["state"]](step)
        except IamError as error:
            error.details.setdefault("calls", dict(step.desk.calls))
            raise

    return Operation("rotation", CONNECTION.merge(OPTIONS), run)


def _checked(step: Step) -> Outcome:
    """Check everything that later steps need, before anything is created. A revocation needs only the lists."""
    require_core()
    client_id = step.params["client_id"]
    client = {name: value for name, value in step.params["client"].items() if value is not None}
    client["allowed_scopes"] = step.params["allowed_scopes"]
    if step.plan.state == ABSENT:
        require_known(step.site.variables)
        if client_id:
            step.desk.require_own(client_id)
        lists = step.consumers.tasks(Record(client_id=""), write=False)
        return Outcome(False, {"rotation": {"client_id": client_id, **lists}}, sensitive=bool(lists["server_options"]))
    if client["state"] == ABSENT:
        raise BlockedError(
            "service_client_state is absent, so nothing is provisioned.", hint="Run the role from its first task."
        )
    step.require_sense()
    step.require_scope(listed=True)
    step.desk.open_store(client_id or "").check()
    record = step.desk.stored()
    if client_id and record is None:
        step.desk.require_own(client_id)
    lists = step.untried(record)
    found = client_id or (record and record.client_id)
    result = {"client_id": found, "client": client, "lineage": None, "not_after": None, **lists}
    return Outcome(False, {"rotation": result}, sensitive=bool(lists["server_options"]))


def _begun(step: Step) -> Outcome:
    require_core()
    step.require_sense()
    step.require_scope(listed=False)
    before = step.words if step.plan.again else {}
    step.words = {
        "started": before.get("started") or time.monotonic(),
        "round": before.get("round", 0) + 1,
        "tried": bool(before.get("tried")),
    }
    try:
        step.wish = replace(step.wish, client_id=step.desk.find_client())
    except MissingError:
        if step.settings["due"] or not step.check_mode:
            raise
        # In check mode a new client does not exist yet. Its first secret would be created and delivered.
        for policy in step.params["client"]["policies"]:
            step.site.show(f"{policy['action']} on {policy['scope']} would be granted.")
        plan = Plan(ROTATE, "first: no secret is stored", STAGE)
        return continued(step, Round(plan, Record(client_id="", generation=1)))
    taken = _alone(step)
    plan, record = taken.plan, taken.record
    if plan.act == TRY:
        step.words |= {"tried": True, "probes": [each["proof"] for each in step.trial["probes"]]}
    if plan.state == BLOCKED:
        reason = step.explained(plan.reason)
        raise BlockedError(reason, plan=asdict(plan), client_id=step.desk.client_id)
    _compare_clocks(step)
    current = record.current if record else None
    step.words["previous_rotation_id"] = current.rotation_id if current else None
    return continued(step, replace(taken, plan=_predicted(step, taken)) if step.check_mode else taken)


def _predicted(step: Step, taken: Round) -> Plan:
    """The plan in check mode, with what the rest of the run would do. ``taken`` has the record that would be stored."""
    plan, record = taken.plan, taken.record
    if record and plan.act and plan.state == ROTATE and not step.settings["hold"]:
        replaced = record.leak.burnt if record.leak else [record.current if record.pending else record.previous]
        known = [each for each in replaced if each]
        deleted = ", ".join(row for each in known for row in rows_of(taken.listed, each)) or "no listed secret"
        plan = replace(plan, reason=f"{plan.reason}; in the end {deleted} would be deleted") if known else plan
    if plan.act == CLAIM and plan.again:
        plan = replace(plan, state=ROTATE, reason=f"{plan.reason}; then the current secret would be replaced")
    return plan


def _compare_clocks(step: Step) -> None:
    """Warn if the clock of this machine is wrong, because other programs on it use this clock."""
    ahead = step.desk.clock.ahead
    if ahead:
        which = "behind" if ahead > timedelta() else "ahead of"
        step.warnings.append(
            f"The clock of this machine is {format_duration(ahead)} {which} that of the IAM API, which is used here."
            " Correct it."
        )


def _alone(step: Step) -> Round:
    """Run the first step once no other run is at work on this client. Wait for that as long as the settings allow."""
    deadline = time.monotonic() + (duration(step.settings, "wait") or timedelta()).total_seconds()
    known = one_line(step.params["known_secret"] or "")
    while True:
        try:
            taken = carry_out(rounds.begin(step.wish, known, step.tries), lambda ask: _written_ahead(step, ask))
        except StoreConflictError as error:
            if error.details.get("rotation_id"):
                raise
            # Another run wrote the record between our read and our first write. Nothing was begun here.
            taken = Round(busy(error.message.rstrip(".")))
        left = deadline - time.monotonic()
        if not taken.plan.busy or step.check_mode or left <= 0:
            break
        time.sleep(min(left, _POLL))
        step.wish = replace(step.wish, now=now())
    if taken.plan.busy:
        step.warnings.append(f"{step.params['client_name']}: {taken.plan.reason}. Nothing was done here.")
        if step.settings["compromised"] or (step.settings["wait"] != "0s" and not step.check_mode):
            raise BlockedError(f"{taken.plan.reason}. Nothing was done here.", hint=_WAIT_LONGER)
    return taken


def _written_ahead(step: Step, ask: rounds.Ask) -> Any:
    """Answer a request. Before a write, note the run as interrupted in the report, in case it is killed."""
    if isinstance(ask, rounds.Write):
        step.require_own_tasks()
        if ask.record.pending:
            step.require_ready(ask.record)
        interrupted = "interrupted: this run has not ended; run it again to continue"
        report(step, Plan(FAILED, interrupted), ask.record)
    return step.desk(ask)


def _promoted(step: Step) -> Outcome:
    step.find_client()
    evidence = step.params["evidence"]
    steps = rounds.promote(step.wish, step.plan, read_exchanges(evidence), _told_id(evidence, step.words.get("next")))
    return continued(step, carry_out(steps, step.desk))


def _told_id(evidence: Sequence[Any], rotation_id: str | None) -> str | None:
    """The id in the answer to the POST of this rotation; None if it has none."""
    secrets = [each.get("secret") for each in evidence if isinstance(each, Mapping)]
    ours = [each for each in secrets if isinstance(each, Mapping) and tag_in(each.get("description")) == rotation_id]
    return ours[-1].get("secret_id") if ours and rotation_id else None


def _delivered(step: Step) -> Outcome:
    return continued(step, step.answer(lambda shown: rounds.deliver(step.wish, step.plan, shown)))


def _guarded(step: Step) -> Outcome:
    taken = step.answer(lambda shown: rounds.guard(step.wish, step.plan, shown))
    if taken.plan.state == BLOCKED:
        raise BlockedError(step.explained(taken.plan.reason))
    return continued(step, taken)


def _closed(step: Step) -> Outcome:
    if step.check_mode and step.plan.act not in (None, TRY):
        state = f"would {ROTATE}" if step.plan.state == ROTATE else step.plan.state
        return ended(step, Round(replace(step.plan, state=state, again=False)))
    exchanged = read_exchanges(step.params["evidence"])
    last = step.words.get("round", ROUNDS) >= ROUNDS or (step.check_mode and step.plan.act != TRY)
    plan = replace(step.plan, again=step.plan.again and not last)
    taken = step.answer(lambda shown: rounds.close(step.wish, plan, shown, exchanged))
    if taken.plan.act == TRY:
        _require_answers(step)
    if taken.plan.state == BLOCKED or (last and taken.plan.again and not step.check_mode):
        raise BlockedError(taken.plan.reason, hint="" if taken.plan.state == BLOCKED else "Run again to deliver.")
    return ended(step, replace(taken, plan=replace(taken.plan, again=taken.plan.again and not last)))


def _require_answers(step: Step) -> None:
    """Raise ``BlockedError`` if a probe of the trial gave no result, as on an unreachable host."""
    shown = step.shown()
    silent = [each for each in step.words.get("probes") or () if each not in shown.proofs]
    if silent and not shown.differing:
        raise BlockedError(
            f"{', '.join(silent)}: there is no result, so nothing shows that the service works.",
            hint="Make the host reachable, or set service_client_probe_first to false.",
        )


def _failure(step: Step) -> Mapping[str, Any]:
    """The result of the failed task. It is read here, because a template would warn about deprecated members in it."""
    return step.params["failure"] or step.site.variables.get("ansible_failed_result") or {}


def _failure_message(step: Step) -> str:
    """The message of the failed task."""
    return failure_text(_failure(step), step.site.variables.get("ansible_failed_task") or {})


def _abandoned(step: Step) -> Outcome:
    failure = _failure(step).get("failure")
    details = failure if isinstance(failure, Mapping) else {}
    message, state = _failure_message(step), BLOCKED if details.get("kind") == "blocked" else FAILED
    outcome = Plan(state, message, TRY if step.plan.act == TRY else None)
    refused = details.get("operation") == "createClientSecret" and details.get("status") in _REFUSED
    refused = refused and not details.get("repeated")  # after a repetition, the first attempt may still arrive
    if step.plan.state in FAILED_STATES:
        then = "Then that failed again." if message in step.plan.reason else f"Then: {message}"
        back = f"{_BACK} " if step.plan.state == ROLLED_BACK else ""
        outcome = replace(outcome, reason=f"{step.plan.reason.rstrip('.')}. {back}{then}")
    try:
        taken = step.answer(lambda shown: rounds.abandon(step.wish, step.plan, shown, outcome, refused=refused))
    except IamError as error:
        again = "" if error.message in outcome.reason else f" The record was not changed: {error.message}"
        reason = f"{outcome.reason}{again}"
        taken = Round(replace(outcome, reason=reason, since=step.plan.since))
    return continued(step, taken) if taken.deliver or taken.retire else ended(step, taken)


def _reported(step: Step) -> Outcome:
    """Fail with the outcome of a failed run, so that no following task treats this client as finished."""
    plan = step.plan if step.params["plan"] else Plan(FAILED, _failure_message(step))
    message = f"{step.params['client_name']}: {plan.text.rstrip('.')}."
    raise BlockedError(message, hint=_failure_hint(plan, step.words.get("round")), plan={"state": plan.state})


def _failure_hint(plan: Plan, number: int | None) -> str:
    """What to do after a failure, and what the next run does."""
    if plan.state == ROLLED_BACK:
        return _REPAIR
    if plan.act == TRY:
        return f"{'Nothing was changed' if number == 1 else 'No secret was created'}. {_CORRECT}"
    # What blocks a rotation, or failed at the first step, says by itself what to do.
    told = plan.state == BLOCKED or number is None or "un again" in plan.reason or "othing was changed" in plan.reason
    return "" if told else _CONTINUE


_NEED_PLAN = frozenset({"promoted", "delivered", "guarded", "closed"})
"""States that need the plan of the step before."""

_AFTER_FAILURE = frozenset({"abandoned", "reported"})
"""States that end a failed run."""

_STEPS: Mapping[str, Callable[[Step], Outcome]] = {
    "checked": _checked,
    "begun": _begun,
    "promoted": _promoted,
    "delivered": _delivered,
    "guarded": _guarded,
    "closed": _closed,
    "abandoned": _abandoned,
    "reported": _reported,
}
