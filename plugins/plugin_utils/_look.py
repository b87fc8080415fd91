# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects the evidence that the planner wants, in the one order that is safe: LIST, then the store, then exchanges.

A store that was read before LIST could miss what another run has staged and created in between; its secret would look
like a leftover. That is why the order stands here, and not in a playbook.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._clients.clients import OIDC_CLIENT_INFO
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousNameError, IamError, MissingError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION
from ansible_collections.aritma.iam.plugins.module_utils._oauth.exchange import TOKEN_EXCHANGE
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import previous_id
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Evidence, Listed
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Record, require_name
from ansible_collections.aritma.iam.plugins.module_utils._secrets.secrets import CLIENT_SECRET_INFO
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import Rival, rival, this_run
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import Store

Ask = Callable[[Operation, Mapping[str, Any]], Mapping[str, Any]]
"""Carries out one operation that only reads, here or on the task's host; its options in, its return values out."""

_LIST_PAUSE = 1.0
_ACCEPT_PAUSE = 1.0


@dataclass
class Look:
    """One look at one client. ``calls`` counts requests; ``details`` are the words of exchanges that did not accept."""

    params: Params
    ask: Ask
    open_store: Callable[[str], Store]
    calls: Counter[str] = field(default_factory=Counter)
    details: list[str] = field(default_factory=list)
    version: int = 0

    def client_id(self) -> str:
        """The client: as given, as the store knows it, or as the server knows its name."""
        if self.params["client_id"]:
            return str(self.params["client_id"])
        return self._stored() or self._named()

    def stored_client_id(self) -> str | None:
        """The client, if it can be told without the server. The store was shown to be one that can be written."""
        client_id: str | None = self.params["client_id"]
        self.open_store(client_id or "").check()
        if not client_id:
            return self._stored()
        self._read(client_id)
        return client_id

    def _stored(self) -> str | None:
        """The client as the store knows it, where the store itself says whose record it holds."""
        if not self.params["store"].get("path"):
            return None
        record, _token = self.open_store("").read()
        if record is None:
            return None
        require_name(record, self.params["client_name"])
        return record.client_id

    def _named(self) -> str:
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

    def evidence(self, client_id: str) -> Evidence:
        """LIST, read the store, exchange what it holds."""
        listed = self._list(client_id)
        record, other = self._read(client_id)
        listed = self._list_until_previous_is_seen(client_id, listed, record)
        known = None
        if record is None or (record.current is None and record.pending is None):
            known = self._verdict(client_id, self.params["known_secret"])
        return Evidence(
            now=now(),
            listed=listed,
            record=record,
            current=self._verdict_of_current(client_id, record),
            pending=self._verdict(client_id, record.pending.value if record and record.pending else None),
            known=known,
            in_progress=None if other is None else str(other),
        )

    def _list(self, client_id: str) -> tuple[Listed, ...]:
        """The listed secrets. A provisioning has just seen the client: that it is not found is given some time."""
        deadline = time.monotonic() + (0.0 if self.params["due"] else self.params["list_deadline"])
        listed = None
        while listed is None:
            listed = self._listed(client_id, patient=time.monotonic() < deadline)
        return listed

    def _listed(self, client_id: str, *, patient: bool) -> tuple[Listed, ...] | None:
        """None after a pause, where the client is not found and that may be waited for."""
        try:
            secrets: Sequence[Mapping[str, Any]] = self._ask(CLIENT_SECRET_INFO, client_id=client_id)["secrets"]
        except IamError as error:
            if not patient or error.details.get("status") != HTTPStatus.NOT_FOUND:
                raise
            time.sleep(_LIST_PAUSE)
            return None
        return tuple(Listed(str(each["secret_id"]), each["description"]) for each in secrets)

    def _list_until_previous_is_seen(
        self, client_id: str, listed: tuple[Listed, ...], record: Record | None
    ) -> tuple[Listed, ...]:
        """A list may lag behind. Where it alone can tell the id of the previous secret, give it some time.

        The store is not read again: what a later list shows in addition can only be what the record knows already,
        or is nobody's business here.
        """
        deadline = time.monotonic() + self.params["list_deadline"]
        while record is not None and _is_awaited(record, listed) and time.monotonic() < deadline:
            time.sleep(_LIST_PAUSE)
            listed = self._list(client_id)
        return listed

    def _read(self, client_id: str) -> tuple[Record | None, Rival | None]:
        record, _token = self.open_store(client_id).read()
        if record is None:
            return None, None
        self.version = record.version
        require_name(record, self.params["client_name"])
        return record, rival(record.lease, this_run(), now())

    def _verdict_of_current(self, client_id: str, record: Record | None) -> str | None:
        """After a proof, a server of several nodes may still refuse the secret at times: that is given some time."""
        value = record.current.value if record and record.current else None
        told = len(self.details)
        verdict = self._verdict(client_id, value)
        seconds = 0.0 if self.params["phase"] == "start" else self.params["accept_deadline"]
        deadline = time.monotonic() + seconds
        while verdict == "rejected" and time.monotonic() < deadline:
            time.sleep(_ACCEPT_PAUSE)
            del self.details[told:]
            verdict = self._verdict(client_id, value)
        return verdict

    def _verdict(self, client_id: str, value: str | None) -> str | None:
        """The verdict of an exchange of ``value``; None when there is none to exchange."""
        if not value:
            return None
        answer = self._ask(
            TOKEN_EXCHANGE,
            client_id=client_id,
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
        answer = self.ask(operation, {**defaults, **connection, **options})
        self.calls.update(answer.get("calls") or {})
        return answer


def _is_awaited(record: Record, listed: tuple[Listed, ...]) -> bool:
    seen = Evidence(now=now(), listed=listed, record=record)
    return record.previous is not None and seen.descriptions_shown and previous_id(seen, record) is None
