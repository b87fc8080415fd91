# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task of the module ``rotation``: its options in the form for the planner, and the mistakes in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from typing import Any

from ...module_utils._core.errors import BlockedError, OptionError
from ...module_utils._core.operation import Params
from ...module_utils._core.time import now, parse_duration
from ...module_utils._http.connection import resolve_token_url
from ...module_utils._rotation import rounds
from ...module_utils._rotation.evidence import Shown, read_deliveries, unsettled
from ...module_utils._rotation.plan import BURN, STAGE, UNCHANGED, Plan, Seen, Wish
from ...module_utils._rotation.record import Record
from ...module_utils._rotation.rounds import ROUNDS, Round, carry_out
from ...module_utils._secrets.age import read_limits
from .._deliveries import TARGET_TYPES, open_target
from .._lease import Owner
from .._stores import open_store
from .._stores._protocol import FileAccess, Setting
from .clock import Clock
from .consumers import Consumers, read_consumers
from .desk import Api, Desk
from .options import PROVISIONING, duration
from .variables import machine, require_alone, require_handlers, require_hosts, require_known, same_file
from .window import closed_until, read_windows


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
        lease, self.lifetime = duration(settings, "lease"), duration(settings, "secret_lifetime")
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
        patience = duration(settings, "pending_patience")
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

    def explained(self, text: str) -> str:
        """``text`` and what the exchanges answered."""
        return " ".join([f"{text.rstrip('.')}.", *self.desk.details]) if self.desk.details else text

    def shown(self) -> Shown:
        """The evidence of the deliveries of that secret."""
        secret = self.words.get("generation", 0), self.words.get("current_rotation_id") or ""
        return read_deliveries(self.params["evidence"], *secret)


def _read_plan(data: Mapping[str, Any]) -> tuple[Plan, dict[str, Any]]:
    """Read the plan of the step before, and the other data that the step returned with it."""
    names = {each.name for each in fields(Plan)}
    given = {name: value for name, value in data.items() if name in names and value is not None}
    known = Plan(**{"state": UNCHANGED, "reason": "", **given, "left": tuple(given.get("left", ()))})
    return known, {name: value for name, value in data.items() if name not in names}
