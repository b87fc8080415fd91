# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers the requests of the steps of a rotation, from the credential store and the API."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from ...module_utils._clients.clients import OIDC_CLIENT_INFO
from ...module_utils._core.errors import AmbiguousNameError, IamError, MissingError, OptionError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import SERVED
from ...module_utils._core.spelling import is_altered
from ...module_utils._http.connection import CONNECTION
from ...module_utils._oauth.exchange import TOKEN_EXCHANGE
from ...module_utils._rotation.ids import Listed, blind, carries, lineage_of, new_rotation_id
from ...module_utils._rotation.record import Pending, Record, corrected, require_name, written
from ...module_utils._rotation.rounds import Ask, Exchange, Held, List, Mint, Read, Write
from ...module_utils._secrets.plan import generate_value
from ...module_utils._secrets.secrets import CLIENT_SECRET_INFO
from .._lease import LONGEST, Owner, new_lease, rival, silent
from .._stores._protocol import Store
from .clock import Clock

Api = Callable[[Operation, Mapping[str, Any]], Mapping[str, Any]]
"""Runs an operation that only reads, here or on the host of the task. Takes its options, returns its return values."""

_PAUSE = 1.0
_LAG = 10.0
"""Seconds to wait for a list that lags behind, for a node that does not know a secret yet, or for a new client."""


@dataclass
class Desk:
    """Answers requests for one client in one task.

    ``calls`` counts requests. ``details`` describe exchanges that were not accepted. In check mode nothing is written:
    the answer to a write is the record that would be stored. Each answer of the API with a date sets ``clock``.
    """

    params: Params
    api: Api
    open_store: Callable[[str], Store]
    me: Owner
    span: timedelta
    lifetime: timedelta | None
    check_mode: bool
    clock: Clock
    client_id: str = ""
    calls: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    wrote: bool = False
    _token: str = ""

    def __call__(self, ask: Ask) -> Any:
        """Answer one request of a step. Raises ``IamError``."""
        if isinstance(ask, List):
            return self._list(ask.awaited)
        if isinstance(ask, Read):
            return self._read()
        if isinstance(ask, Exchange):
            return self._exchange(ask)
        if isinstance(ask, Mint):
            return self._mint(ask.base)
        return self._write(ask)

    def find_client(self) -> str:
        """Find the client id: the given one, the one in the record, or that of the client with the name."""
        record = None if self.params["client_id"] else self.stored()
        self.client_id = self.params["client_id"] or (record and record.client_id) or self._named_client()
        return self.client_id

    def require_own(self, client_id: str) -> None:
        """Raise ``OptionError`` if this is the id of a client with another name, which must not be changed."""
        name = self.params["client_name"]
        for client in self._ask(OIDC_CLIENT_INFO, client_id=client_id)["clients"]:
            if client.get("name") not in (None, name) and not is_altered(name, client["name"]):
                raise OptionError(
                    f"{client_id} is the id of client {client['name']!r}, not of {name!r}. Nothing was changed.",
                    hint="Correct service_client_client_id or service_client_name.",
                    option="client_id",
                )

    def stored(self) -> Record | None:
        """The record; None if its place depends on a client id that is not known yet."""
        client_id = self.params["client_id"] or ""
        if not client_id and not self.params["store"].get("path"):
            return None
        record, _token = self.open_store(client_id).read()
        if record is not None:
            require_name(record, self.params["client_name"])
        return record

    def _named_client(self) -> str:
        name = self.params["client_name"]
        found = self._ask(OIDC_CLIENT_INFO, name=name)["clients"]
        if not found:
            raise MissingError(
                f"There is no client named {name!r}, so there is no secret to rotate.",
                hint="Provision it first (aritma.iam.provision), or correct service_client_name.",
                client_name=name,
            )
        if len(found) > 1:
            ids = [each["client_id"] for each in found]
            raise AmbiguousNameError(
                f"{len(ids)} clients are named {name!r}: {', '.join(ids)}.",
                hint="Say which one with service_client_client_id.",
                client_ids=ids,
            )
        return str(found[0]["client_id"])

    def _list(self, awaited: str | None) -> tuple[Listed, ...]:
        """The listed secrets. Waits for a list that lags behind, and in provisioning for a new client."""
        deadline = time.monotonic() + _LAG
        while True:
            late = time.monotonic() >= deadline
            listed = self._listed(patient=not (self.params["settings"]["due"] or late))
            if listed is not None and (late or _shows(listed, awaited)):
                return listed
            time.sleep(_PAUSE)

    def _listed(self, *, patient: bool) -> tuple[Listed, ...] | None:
        try:
            secrets: Sequence[Mapping[str, Any]] = self._ask(CLIENT_SECRET_INFO, client_id=self.client_id)["secrets"]
        except IamError as error:
            if not patient or error.details.get("status") != HTTPStatus.NOT_FOUND:
                raise
            return None
        return tuple(Listed(str(each["secret_id"]), each["description"], each.get("type")) for each in secrets)

    def _read(self) -> Held:
        record, self._token = self.open_store(self.client_id).read()
        if record is None:
            return Held(None, at=self.clock.now())
        require_name(record, self.params["client_name"])
        lease, at = record.lease, self.clock.now()
        other = rival(lease, self.me, at)
        ours = lease is not None and lease.owner == str(self.me)
        ends = min(lease.expires_at, at + LONGEST) if lease is not None and not ours else None
        fixed = corrected(record, at=at) if self.clock.told else record
        return Held(fixed, ours, str(other) if other else None, silent(lease, self.me, at), ends, at, fixed != record)

    def _write(self, ask: Write) -> Record:
        lease = None if ask.end else new_lease(self.me, self.clock.now(), self.span)
        record = written(ask.record, lease)
        self.wrote = True
        if not self.check_mode:
            self.open_store(self.client_id).write(record, self._token)
        return record

    def _mint(self, base: Record | None) -> Pending:
        at = self.clock.now()
        lineage = lineage_of(base.current.rotation_id) if base and base.current else None
        expires = at + self.lifetime if self.lifetime else None
        return Pending(
            value=generate_value(), rotation_id=new_rotation_id(at, lineage), created_at=at, expires_at=expires
        )

    def _exchange(self, ask: Exchange) -> str:
        """The verdict. With ``patient``, waits for a node of the server that still refuses a proven secret."""
        deadline = time.monotonic() + (_LAG if ask.patient else 0.0)
        before = len(self.details)
        while True:
            del self.details[before:]
            verdict = self._verdict(ask.value)
            if verdict != "rejected" or time.monotonic() >= deadline:
                return verdict
            time.sleep(_PAUSE)

    def _verdict(self, value: str) -> str:
        answer = self._ask(
            TOKEN_EXCHANGE,
            client_id=self.client_id,
            client_secret=value,
            scope=self.params["scope"],
            auth_method=self.params["auth_method"],
            expect="any",
        )
        if answer["verdict"] != "accepted" and answer.get("detail"):
            self.details.append(answer["detail"])
        return str(answer["verdict"])

    def _ask(self, operation: Operation, **options: Any) -> Mapping[str, Any]:
        connection = {name: self.params[name] for name in CONNECTION.argument_spec}
        defaults = {name: option.get("default") for name, option in operation.spec.argument_spec.items()}
        answer = self.api(operation, {**defaults, **connection, **options})
        self.calls.update(answer.get("calls") or {})
        if answer.get(SERVED) is not None:
            self.clock = Clock.set_by(answer[SERVED])
        return answer


def _shows(listed: Sequence[Listed], awaited: str | None) -> bool:
    """Whether the list shows ``awaited``, or may never show it because it shows no tags."""
    return awaited is None or blind(listed) or any(carries(each.description, awaited) for each in listed)
