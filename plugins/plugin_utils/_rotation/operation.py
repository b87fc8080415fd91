# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``rotation``: runs one step of a round, and returns the data for the following tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import timedelta
from typing import Any

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import BlockedError, IamError, MissingError, OptionError, StoreConflictError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._core.time import format_duration, format_timestamp, now, parse_duration
from ...module_utils._http.connection import CONNECTION, one_line, resolve_token_url
from ...module_utils._iam.api import REFUSALS
from ...module_utils._rotation import rounds
from ...module_utils._rotation.evidence import Shown, read_deliveries, read_exchanges, unsettled
from ...module_utils._rotation.ids import description_for, lineage_of, rows_of, tag_in
from ...module_utils._rotation.plan import (
    BLOCKED,
    BURN,
    CLAIM,
    FAILED,
    RECOVER,
    ROLLED_BACK,
    ROTATE,
    STAGE,
    TRY,
    UNCHANGED,
    Plan,
    Seen,
    Wish,
    busy,
)
from ...module_utils._rotation.record import Current, Record
from ...module_utils._rotation.rounds import ROUNDS, Round, carry_out
from ...module_utils._secrets.age import read_limits
from .._deliveries import TARGET_TYPES, open_target
from .._lease import Owner
from .._stores import open_store, store_option
from .._stores._file import usual_path
from .._stores._protocol import FileAccess, Setting
from .clock import Clock
from .consumers import Consumers, read_consumers
from .desk import Api, Desk
from .failure import failure_text
from .report import DELIVERED, line_of, write_entry
from .variables import (
    machine,
    require_alone,
    require_core,
    require_handlers,
    require_hosts,
    require_known,
    require_made,
    same_file,
)
from .window import closed_until, read_windows

ABSENT = "absent"
"""The plan of a revocation."""

SETTINGS: dict[str, dict[str, Any]] = {
    "due": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "hold": {"type": "bool", "default": False},
    "recover": {"type": "bool", "default": False},
    "compromised": {"type": "bool", "default": False},
    "rotate_after": {"type": "str", "default": "60d"},
    "expiry_margin": {"type": "str", "default": "14d"},
    "secret_lifetime": {"type": "str"},
    "grace": {"type": "str", "default": "auto"},
    "pending_patience": {"type": "str", "default": "1h"},
    "window": {"type": "list", "elements": "str", "default": []},
    "retire_ids": {"type": "list", "elements": "str", "default": []},
    "proof_successes": {"type": "int", "default": 5},
    "proof_deadline": {"type": "float", "default": 60.0},
    "retire_deadline": {"type": "float", "default": 60.0},
    "probe_first": {"type": "bool", "default": True},
    "lease": {"type": "str", "default": "15m"},
    "wait": {"type": "str", "default": "0s"},
}

CLIENT: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", ABSENT], "default": "present"},
    "description": {"type": "str"},
    "allowed_grant_types": {"type": "list", "elements": "str"},
    "redirect_uris": {"type": "list", "elements": "str"},
    "policies": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"action": {"type": "str", "required": True}, "scope": {"type": "str", "required": True}},
    },
    "policies_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "groups_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
    "create_groups": {"type": "bool", "default": False},
}

PROVISIONING = "service_client__due"
"""The variable that the role sets to provision: nothing is due then, and deliveries are tried before."""

_POLL = 2.0
"""Seconds between two reads of a record that another run holds."""
_BACK = "The previous secret is the current one again."
_CONTINUE = "The next run continues from here. Until then no secret is deleted."
_CORRECT = "Repair what failed, and run again."
_REPAIR = f"{_BACK} {_CORRECT}"
_WAIT_LONGER = "Run again when it has ended, or let this run wait for it (rotation_wait: 10m)."

_REFUSED = (*REFUSALS, 409, 413, 415)
"""Statuses of an addition that was refused permanently."""

_LIMITS = ("proof_successes", "proof_deadline", "retire_deadline")
"""Settings that the tasks between the steps need."""

STATES = ("checked", "begun", "promoted", "delivered", "guarded", "closed", "abandoned", "reported")

OPTIONS = ArgumentSpec(
    {
        "state": {"type": "str", "choices": list(STATES), "required": True},
        "client_id": {"type": "str"},
        "client_name": {"type": "str", "required": True},
        "store": {**store_option(required=False), "default": {}, "apply_defaults": True},
        "scope": {"type": "str"},
        "allowed_scopes": {"type": "list", "elements": "str", "default": []},
        "client": {"type": "dict", "default": {}, "apply_defaults": True, "options": CLIENT},
        "auth_method": {"type": "str", "choices": ["post", "basic"], "default": "post"},
        "known_secret": {"type": "str", "no_log": True},
        "deliveries": {"type": "list", "elements": "dict", "default": []},
        "probe": {"type": "dict", "default": {}},
        "settings": {"type": "dict", "default": {}, "apply_defaults": True, "options": SETTINGS},
        "plan": {"type": "dict", "default": {}},
        "evidence": {"type": "list", "elements": "raw", "default": []},
        "failure": {"type": "dict", "default": {}},
        "report": {"type": "path"},
    }
)


@dataclass(frozen=True)
class Site:
    """What the operation needs from the action plugin: access to the API, files and screen, the data loader, the run.

    ``variables`` are those of the task, including ``hostvars``. ``folder`` is the temporary directory of the run.
    ``here`` is true if the host of the task is this machine. ``find_tasks`` and ``render`` raise ``IamError`` for an
    invalid file of tasks or template of a delivery. ``handlers`` are those of the play, None if they are not known.
    """

    api: Api
    files: FileAccess
    loader: Any
    me: Owner
    variables: Mapping[str, Any]
    show: Callable[[str], None] = print
    folder: str = ""
    here: bool = True
    find_tasks: Callable[[str], object] = str
    render: Callable[[Mapping[str, Any]], object] = dict
    handlers: frozenset[str] | None = None


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


class Step:
    """One task: its options in the form for the planner, and the ``Desk`` that answers the requests of its step."""

    def __init__(self, site: Site, params: Params, check_mode: bool) -> None:
        settings: Params = params["settings"]
        self.site, self.params, self.settings, self.check_mode = site, params, settings, check_mode
        self.consumers: Consumers = read_consumers(params["deliveries"], params["probe"], site.me.host)
        self.plan, self.words = _read_plan(params["plan"])
        self.warnings: list[str] = []
        self.trial: dict[str, Any] = {}
        waits = timedelta(seconds=settings["proof_deadline"] + settings["retire_deadline"])
        lease, self.lifetime = _duration(settings, "lease"), _duration(settings, "secret_lifetime")
        if not lease:
            raise OptionError("lease is zero.", hint="Write 15m, for example.", option="lease")
        self.wish = self._wish()
        self.desk = Desk(
            params,
            site.api,
            lambda client_id: open_store(params["store"], Setting(client_id, site.files, site.loader)),
            site.me,
            lease + waits,  # the lease must not expire while a task waits
            self.lifetime,
            check_mode,
            Clock.from_data(self.words.get("clock")),
        )

    def _wish(self) -> Wish:
        params, settings = self.params, self.settings
        limits = read_limits(settings["rotate_after"], settings["expiry_margin"])
        if self.lifetime and self.lifetime <= limits.expiry_margin:
            raise OptionError(
                f"secret_lifetime ({settings['secret_lifetime']}) is not longer than expiry_margin"
                f" ({settings['expiry_margin']}), so every run would rotate.",
                hint="Give a longer lifetime or a shorter margin.",
                option="secret_lifetime",
            )
        if settings["hold"] and settings["compromised"]:
            raise OptionError(
                "hold and compromised are both set, but hold keeps all secrets and compromised deletes leaked ones.",
                hint="Omit rotation_hold (or service_client_hold) or rotation_compromised.",
                option="hold",
            )
        for name, least in (("proof_successes", 1), ("proof_deadline", 0), ("retire_deadline", 0)):
            if settings[name] < least:
                raise OptionError(f"{name} is less than {least}.", hint="Correct it.", option=name)
        patience = _duration(settings, "pending_patience")
        return Wish(
            client_id=params["client_id"] or "",
            me=str(self.site.me),
            now=now(),
            client_name=params["client_name"],
            targets=self.consumers.targets,
            due=settings["due"] or settings["compromised"],
            force=settings["force"] and settings["due"],
            hold=settings["hold"],
            closed=closed_until(read_windows(settings["window"]), now()),
            recover=settings["recover"],
            compromised=settings["compromised"],
            limits=limits,
            patience=patience or timedelta(),
            grace=None if settings["grace"] == "auto" else parse_duration(settings["grace"], "grace"),
            retire_ids=tuple(settings["retire_ids"]),
            successes=settings["proof_successes"],
            landing=timedelta(seconds=60 + self.params["request_timeout"] + settings["proof_deadline"]),
        )

    def require_sense(self) -> None:
        """Raise ``OptionError`` for mistakes that would otherwise only show after something was created, or never."""
        site, deliveries = self.site, self.consumers.deliveries
        require_known(site.variables)
        known = site.variables.get("hostvars") or {}
        written = [host for each in deliveries if each.host for host in each.hosts]
        own = [site.me.host] if self.params["store"]["type"] == "file" else []
        require_hosts([host for host in [*written, *own] if known], known)
        for file in self.consumers.task_files:
            site.find_tasks(file)
        require_handlers([name for each in deliveries for name in each.notify], site.handlers)
        for each in deliveries:
            if each.options.get("format") == "template":
                site.render(each.options)
        require_alone(site.me.host, self._exclusive(known), site.folder)

    def tries(self, plan: Plan, seen: Seen) -> bool:
        """Whether new deliveries or probes of the service must be tried before this plan begins.

        They are tried once in a run, and never in its last round. Provisioning tries deliveries before it creates the
        client. The secret of a broken service is not rotated, unless the secret itself no longer works. After a leak
        nothing is tried first.
        """
        record = seen.record
        leak = plan.act == BURN or (record is not None and record.leak is not None)
        late = self.words["tried"] or self.words["round"] >= ROUNDS
        if late or leak or PROVISIONING in self.site.variables:
            return False
        rotates = plan.act == STAGE or (record is not None and record.pending is not None)
        works = rotates and seen.current == "accepted"
        self.trial = self.untried(record, probe=works and self.settings["probe_first"] and not self.check_mode)
        return bool(self.trial["files"]) or self.trial["more"]

    def untried(self, record: Record | None, *, probe: bool = False) -> dict[str, Any]:
        """The lists of ``Consumers.trial``, for the path of the record if the store is a file."""
        store = self.params["store"]
        kept = store.get("path") if store["type"] == "file" else None
        return self.consumers.trial(record, kept or "", here=self.site.here, probe=probe)

    def require_own_tasks(self) -> None:
        """Raise ``BlockedError`` if ``--skip-tags`` could skip tasks of the caller, because nothing would show it."""
        skipped = self.site.variables.get("ansible_skip_tags")
        if skipped and self.consumers.own_tasks:
            raise BlockedError(
                f"--skip-tags {','.join(skipped)} may skip your own tasks that deliver, reload or probe, and nothing"
                " would show it. No secret was changed.",
                hint="Run without it.",
            )

    def require_ready(self, record: Record) -> None:
        """Raise ``StoreError`` if a workload that reads a delivery could not restart, before a secret is created.

        It must also be complete if the service is probed first. After a leak there is no such check.
        """
        if record.leak:
            return
        whole = self.settings["probe_first"] and record.current is not None and not unsettled(record, self.wish.targets)
        for each in self.consumers.deliveries:
            if each.kind in TARGET_TYPES:
                for workload in open_target(each.options["target"], self.site.loader).workloads:
                    workload.require_ready(whole=whole)

    def _exclusive(self, known: Mapping[str, Any]) -> list[str]:
        """What no other host of the run may use: client, record, files, members. Raises ``OptionError``."""
        params, store, me = self.params, self.params["store"], self.site.me.host

        def at(host: str, path: str) -> str:
            return same_file("" if host == me and self.site.here else machine(host, known), path)

        path = store.get("path") or ""
        record = at(me, path) if store["type"] == "file" and path else f"{store.get('url') or ''} {path}"
        kept = [(each.host or me, each.options["path"]) for each in self.consumers.deliveries if each.kind == "file"]
        files = {host: [at(host, path) for other, path in kept if other == host] for host, _path in kept}
        report = same_file("", params["report"]) if params["report"] else ""
        delivered = [file for own in files.values() for file in own]
        shared = {file: "two deliveries" for own in files.values() for file in own if own.count(file) > 1}
        shared |= {record: "the store and a delivery"} if record in delivered else {}
        shared |= {report: "the report and a delivery"} if report in delivered else {}
        shared |= {report: "the report and the store"} if report == record else {}
        for file, users in shared.items():
            raise OptionError(
                f"{file.lstrip(':')} is the file of {users}: one would replace the other. Nothing was changed.",
                hint="Give each a path of its own (service_client_store, service_client_deliveries, rotation_report).",
                option="deliveries",
            )
        client = params["client_id"] or params["client_name"]
        return [
            f"client {client} at {params['api_url'] or resolve_token_url(params)}",
            *([f"record {store['type']} {record}"] if path else []),
            *(f"file {file}" for file in delivered),
            *(place for each in self.consumers.deliveries for place in each.places),
        ]

    def require_scope(self, *, listed: bool) -> None:
        """Raise ``OptionError`` without a scope to prove secrets. With ``listed``, it must be an allowed one."""
        scope, allowed = self.params["scope"], self.params["allowed_scopes"]
        if scope and (scope in allowed or not listed):
            return
        problem = f"{scope!r} is not one of the allowed scopes ({', '.join(allowed)})" if allowed else "none is given"
        raise OptionError(
            f"The secret of {self.params['client_name']} is proven by an exchange, which needs a scope that the"
            f" client may request: {problem}. Nothing was changed.",
            hint="Give service_client_verify_scope, or service_client_allowed_scopes. Its first scope is the default.",
            option="scope",
        )

    def find_client(self) -> None:
        """Use the client that an earlier step found, or find it."""
        self.desk.client_id = self.params["client_id"] or self.words.get("client_id") or self.desk.find_client()
        self.wish = replace(self.wish, client_id=self.desk.client_id)

    def answer(self, steps: Callable[[Shown], rounds.Steps[Round]]) -> Round:
        """Run a step with the evidence of the deliveries of the secret that the step before named."""
        self.find_client()
        return carry_out(steps(self.shown()), self.desk)

    def shown(self) -> Shown:
        """The evidence of the deliveries of that secret."""
        secret = self.words.get("generation", 0), self.words.get("current_rotation_id") or ""
        return read_deliveries(self.params["evidence"], *secret)


def _checked(step: Step) -> Outcome:
    """Check everything that later steps need, before anything is created. A revocation needs only the lists."""
    require_core()
    client_id = step.params["client_id"]
    client = {name: value for name, value in step.params["client"].items() if value is not None}
    client["allowed_scopes"] = step.params["allowed_scopes"]
    if step.plan.state == ABSENT:
        require_known(step.site.variables)
        lists = step.consumers.tasks(Record(client_id=""), write=False)
        return Outcome(False, {"rotation": {"client_id": client_id, **lists}}, sensitive=bool(lists["servers"]))
    if client["state"] == ABSENT:
        raise BlockedError(
            "service_client_state is absent, so nothing is provisioned.", hint="Run the role from its first task."
        )
    step.require_sense()
    step.require_scope(listed=True)
    step.desk.open_store(client_id or "").check()
    record = step.desk.stored()
    lists = step.untried(record)
    found = client_id or (record and record.client_id)
    result = {"client_id": found, "client": client, "lineage": None, "not_after": None, **lists}
    return Outcome(False, {"rotation": result}, sensitive=bool(lists["servers"]))


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
        return _continued(step, Round(plan, Record(client_id="", generation=1)))
    taken = _alone(step)
    plan, record = taken.plan, taken.record
    if plan.act == TRY:
        step.words |= {"tried": True, "probes": [each["proof"] for each in step.trial["probes"]]}
    if plan.state == BLOCKED:
        reason = _explained(plan.reason, step)
        raise BlockedError(reason, plan=asdict(plan), client_id=step.desk.client_id)
    _compare_clocks(step)
    current = record.current if record else None
    step.words["previous_rotation_id"] = current.rotation_id if current else None
    return _continued(step, replace(taken, plan=_predicted(step, taken)) if step.check_mode else taken)


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


def _explained(text: str, step: Step) -> str:
    """``text`` and what the exchanges answered."""
    return " ".join([f"{text.rstrip('.')}.", *step.desk.details]) if step.desk.details else text


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
    deadline = time.monotonic() + (_duration(step.settings, "wait") or timedelta()).total_seconds()
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
        _report(step, Plan(FAILED, interrupted), ask.record)
    return step.desk(ask)


def _promoted(step: Step) -> Outcome:
    step.find_client()
    evidence = step.params["evidence"]
    steps = rounds.promote(step.wish, step.plan, read_exchanges(evidence), _told_id(evidence, step.words.get("next")))
    return _continued(step, carry_out(steps, step.desk))


def _told_id(evidence: Sequence[Any], rotation_id: str | None) -> str | None:
    """The id in the answer to the POST of this rotation; None if it has none."""
    secrets = [each.get("secret") for each in evidence if isinstance(each, Mapping)]
    ours = [each for each in secrets if isinstance(each, Mapping) and tag_in(each.get("description")) == rotation_id]
    return ours[-1].get("secret_id") if ours and rotation_id else None


def _delivered(step: Step) -> Outcome:
    return _continued(step, step.answer(lambda shown: rounds.deliver(step.wish, step.plan, shown)))


def _guarded(step: Step) -> Outcome:
    taken = step.answer(lambda shown: rounds.guard(step.wish, step.plan, shown))
    if taken.plan.state == BLOCKED:
        raise BlockedError(_explained(taken.plan.reason, step))
    return _continued(step, taken)


def _closed(step: Step) -> Outcome:
    if step.check_mode and step.plan.act not in (None, TRY):
        state = f"would {ROTATE}" if step.plan.state == ROTATE else step.plan.state
        return _ended(step, Round(replace(step.plan, state=state, again=False)))
    exchanged = read_exchanges(step.params["evidence"])
    last = step.words.get("round", ROUNDS) >= ROUNDS or (step.check_mode and step.plan.act != TRY)
    plan = replace(step.plan, again=step.plan.again and not last)
    taken = step.answer(lambda shown: rounds.close(step.wish, plan, shown, exchanged))
    if taken.plan.act == TRY:
        _require_answers(step)
    if taken.plan.state == BLOCKED or (last and taken.plan.again and not step.check_mode):
        raise BlockedError(taken.plan.reason, hint="" if taken.plan.state == BLOCKED else "Run again to deliver.")
    return _ended(step, replace(taken, plan=replace(taken.plan, again=taken.plan.again and not last)))


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
    return _continued(step, taken) if taken.deliver or taken.retire else _ended(step, taken)


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


FAILED_STATES = (FAILED, BLOCKED, ROLLED_BACK)
"""Outcomes with which the task of the state ``reported`` fails."""

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


def _continued(step: Step, taken: Round) -> Outcome:
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


def _ended(step: Step, taken: Round) -> Outcome:
    """The outcome at the end of a round, without secrets. It also goes to the report and to the screen."""
    entry = _report(step, taken.plan, taken.record)
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
    text, calls = _explained(plan.text, step), dict(desk.calls)
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


def _report(step: Step, plan: Plan, record: Record | None) -> dict[str, Any]:
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


def _read_plan(data: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """Read the plan of the step before, and the other data that the step returned with it."""
    names = {each.name for each in fields(Plan)}
    given = {name: value for name, value in data.items() if name in names and value is not None}
    known = Plan(**{"state": UNCHANGED, "reason": "", **given, "left": tuple(given.get("left", ()))})
    return known, {name: value for name, value in data.items() if name not in names}


def _duration(settings: Params, name: str) -> timedelta | None:
    return parse_duration(settings[name], name) if settings[name] else None
