# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The consumers of a credential, in the form for the planner and for the tasks of the role."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ...module_utils._core.errors import OptionError
from ...module_utils._rotation.evidence import Target, unsettled
from ...module_utils._rotation.record import Record
from .._deliveries._spec import DeliveryTarget, command_fault, proves_itself, read_deliveries
from .._inputs import no_members, unknown, without_blanks

PROBES = ("command", "url", "tasks")
_PROBE: dict[str, dict[str, Any]] = {
    "command": {"type": "raw"},
    "url": {"type": "str"},
    "tasks": {"type": "str"},
    "status_code": {"type": "list", "elements": "int"},
    "contains": {"type": "str"},
    "retries": {"type": "int"},
    "delay": {"type": "int"},
    "timeout": {"type": "int"},
}


@dataclass(frozen=True)
class Consumers:
    """The deliveries and the probe of one client: ``targets`` for the planner, ``tasks`` for the role."""

    deliveries: tuple[DeliveryTarget, ...]
    probe: Mapping[str, Any]
    default_host: str

    @property
    def hosts(self) -> tuple[str, ...]:
        """The hosts on which the probe runs."""
        return _hosts(self.deliveries) or (self.default_host,)

    @property
    def own_tasks(self) -> bool:
        """Whether tasks of the caller deliver, reload or probe."""
        return "tasks" in self.probe or any(
            each.kind == "tasks" or "tasks" in (each.reload or {}) for each in self.deliveries
        )

    @property
    def task_files(self) -> tuple[str, ...]:
        """The files with tasks of the caller."""
        given = [each.options["file"] for each in self.deliveries if each.kind == "tasks"]
        given += [each.reload["tasks"] for each in self.deliveries if each.reload and "tasks" in each.reload]
        return tuple(dict.fromkeys(str(each) for each in [*given, self.probe.get("tasks")] if each))

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets for which the planner requires evidence."""
        return tuple(
            Target(
                each.name,
                proofs=frozenset(self._proofs(each)),
                steps=frozenset(_notice(each)),
                fenced=each.kind != "tasks",
            )
            for each in self.deliveries
        )

    def _proofs(self, delivery: DeliveryTarget) -> list[str]:
        reloads = [_reload(delivery, host) for host in _readers(delivery)] if delivery.reload else []
        probes = [_probe(host) for host in _readers(delivery)] if self.probe else []
        return [*_rolled_out(delivery).values(), *reloads, *probes]

    def tasks(self, record: Record, *, write: bool) -> dict[str, Any]:
        """The lists over which the tasks of the delivery loop.

        With ``write``, targets that are not settled are written, reloaded and probed. All others are only compared.
        """
        current = record.current
        mark = {"generation": record.generation, "rotation_id": current.rotation_id if current else ""}
        settled = {each.name: each.settled(record.targets.get(each.name), record.generation) for each in self.targets}
        open_ = [each for each in self.deliveries if write and not settled[each.name]]
        files = [each for each in self.deliveries if each.kind == "file"]
        servers = [each for each in self.deliveries if each.kind not in ("file", "tasks")]
        own = [
            {**mark, "target": each.name, "host": each.host, **each.options} for each in open_ if each.kind == "tasks"
        ]
        reloads = [
            {**mark, "proof": _reload(each, host), "host": host, **each.reload}
            for each in open_
            if each.reload
            for host in _readers(each)
        ]
        hosts = dict.fromkeys(host for each in open_ for host in _readers(each)) if self.probe else {}
        notices = [{**mark, "proof": proof, "notify": list(each.notify)} for each in open_ for proof in _notice(each)]
        return {
            "files": [
                {**mark, "target": each.name, "host": each.host, "look": each not in open_, "options": each.options}
                for each in files
            ],
            "servers": [
                {**mark, "target": each.name, "look": each not in open_, **_rolled_out(each)} for each in servers
            ],
            # Not in the items of the loop, which are shown: options can hold a token.
            "server_options": {each.name: each.options for each in servers},
            "own": own,
            "notify": notices,
            "services": [each for each in reloads if "service" in each],
            "commands": [each for each in reloads if "command" in each],
            "reloads": [{**each, "file": each["tasks"]} for each in reloads if "tasks" in each],
            "probes": self._probes(mark, hosts),
            "more": bool(servers or own or notices or reloads or hosts),
        }

    def trial(self, record: Record | None, kept: str, *, here: bool, probe: bool) -> dict[str, Any]:
        """What is checked, without a write, before a rotation begins: new targets, and with ``probe`` the service.

        A service can only work if its targets still hold the credential. So they are compared before a probe.
        """
        lists = self.untried(record, kept, here=here)
        probes = self.first_probes(record) if record and probe else []
        if record and probes:
            known = self.tasks(record, write=False)
            for name in ("files", "servers"):
                lists[name] += [each for each in known[name] if each["target"] in record.targets]
        return {**lists, "probes": probes, "more": bool(lists["servers"] or probes)}

    def untried(self, record: Record | None, kept: str, *, here: bool) -> dict[str, Any]:
        """The targets that the record does not name. They are tried, without a write, before a secret is created.

        ``kept`` is the path of the record if the store is a file. The store creates missing folders of this path, so a
        delivery to one of them cannot be tried before. ``here`` is true if that file is on this machine.
        """
        known = set(record.targets) if record else set()
        lists = self.tasks(Record(client_id=""), write=False)
        new = {name: [each for each in lists[name] if each["target"] not in known] for name in ("files", "servers")}
        new["files"] = [each for each in new["files"] if not self._is_made(each, kept, here)]
        return {**lists, **new, "more": bool(new["servers"])}

    def _is_made(self, file: Mapping[str, Any], kept: str, here: bool) -> bool:
        folder = Path(file["options"]["path"]).parent
        if file["host"] != self.default_host or not Path(kept).is_relative_to(folder):
            return False
        return not folder.is_dir() if here else folder == Path(kept).parent

    def first_probes(self, record: Record) -> list[dict[str, Any]]:
        """The probes before the credential is replaced; none if the service was not proven to work before.

        A target that the record does not name has not been delivered yet, so it and its hosts do not count.
        """
        known = [each for each in self.deliveries if each.name in record.targets]
        named = [each for each in self.targets if each.name in record.targets]
        if not self.probe or record.current is None or unsettled(record, named) or (self.deliveries and not known):
            return []
        mark = {"generation": record.generation, "rotation_id": record.current.rotation_id}
        return self._probes(mark, _hosts(known) or (self.default_host,))

    def _probes(self, mark: Mapping[str, Any], hosts: Iterable[str]) -> list[dict[str, Any]]:
        file = {"file": self.probe["tasks"]} if "tasks" in self.probe else {}
        return [{**mark, **file, "proof": _probe(host), "host": host} for host in hosts]


def read_consumers(
    deliveries: Sequence[Mapping[str, Any]], probe: Mapping[str, Any] | None, default_host: str
) -> Consumers:
    """Read the deliveries and the probe from the variables of the role. Raises ``OptionError``."""
    where = "service_client_probe"
    if not isinstance(probe or {}, Mapping):
        raise no_members(where, PROBES, "probe")
    given = without_blanks(dict(probe or {}))
    for name in given:
        if name not in _PROBE:
            raise unknown(where, "member", name, _PROBE)
    ways = [name for name in PROBES if name in given]
    if given and len(ways) != 1:
        raise OptionError(
            f"{where}: one of {', '.join(PROBES)} is needed; it has {', '.join(sorted(given))}.",
            hint="Give one of them.",
            option="probe",
        )
    validation = ArgumentSpecValidator(_PROBE).validate(given)
    wrong = [str(each).rstrip(".") for each in validation.error_messages]
    wrong += filter(None, [command_fault(given)])
    if "url" in given and not str(given["url"]).lower().startswith(("http://", "https://")):
        wrong.append("url is not an http:// or https:// URL")
    read = validation.validated_parameters
    wrong += [
        f"{name} is negative" for name in ("retries", "delay", "timeout") if not wrong and (read.get(name) or 0) < 0
    ]
    if wrong:
        raise OptionError(f"{where}: {'; '.join(wrong)}.", hint="Correct it.", option="probe")
    return Consumers(tuple(read_deliveries(deliveries, default_host)), given, default_host)


def _hosts(deliveries: Iterable[DeliveryTarget]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(host for each in deliveries for host in each.hosts))


def _readers(delivery: DeliveryTarget) -> tuple[str, ...]:
    """The hosts of the consumers of one target. A target on a host is read on this host."""
    return (delivery.host,) if delivery.host else delivery.hosts


def _rolled_out(delivery: DeliveryTarget) -> dict[str, str]:
    """The proof that the delivery itself is, if it rolls out pods and waits for them."""
    return {"proof": f"rollout for {delivery.name}"} if proves_itself(delivery) else {}


def _reload(delivery: DeliveryTarget, host: str) -> str:
    return f"reload for {delivery.name}" + ("" if delivery.host else f" on {host}")


def _probe(host: str) -> str:
    return f"probe on {host}"


def _notice(delivery: DeliveryTarget) -> list[str]:
    return [f"handlers for {delivery.name}"] if delivery.notify else []
