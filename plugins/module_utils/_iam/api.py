# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM API: one method for each operation, with wire models as results."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeVar

from .._core.argspec import ArgumentSpec
from .._core.errors import (
    AmbiguousError,
    AmbiguousNameError,
    ApiError,
    ContractError,
    IamError,
    NotFoundError,
    NotOfferedError,
    OptionError,
)
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .._http.connection import CONNECTION, Connection
from .._http.session import UNCERTAIN, Answer, Query, Session
from .contract import (
    Client,
    Permission,
    Policy,
    Secret,
    Subject,
    WireT,
    created_id,
    folded,
    read_entries,
    read_model,
    read_object,
)
from .paging import FILTERED_SIZES, PAGE_SIZES, Page, read_paging, walk

T = TypeVar("T")

PAUSES = (0.2, 0.4, 0.8, 1.6, 3.0, 4.0)
"""Seconds between reads of a list that may lag behind: ten in all, fewer if the retry budget is smaller."""

SHORT_PAUSES = PAUSES[:4]
"""Three seconds in all, for cases that are seldom worth a longer wait."""

NOT_OFFERED = (405, 501)
"""Statuses of a server that does not support the method on this path."""

REFUSALS = (400, 422)
"""Statuses of a server that does not accept something in the request."""

_INCONCLUSIVE = (401, 429, 502, 503, 504, *NOT_OFFERED)
"""Statuses that say nothing about the object to delete. Any other answer to a repetition may mean that it is gone."""


class IamApi:
    """Sends requests through ``session``. ``settle`` waits at most ``patience`` seconds for lists that lag behind."""

    def __init__(self, session: Session, patience: float = sum(PAUSES)) -> None:
        self._session = session
        self._patience = patience

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far, by endpoint."""
        return self._session.calls

    @property
    def patient(self) -> bool:
        """Whether ``settle`` waits at all. If not, an object that a list does not show may exist."""
        return self._patience > 0

    # --- clients

    def list_clients(self, search: str | None = None) -> list[Client]:
        """The clients that match ``search``, in the members that the server compares; all clients without it."""
        query: Query = {"searchText": search} if search else {}
        return self._list("listClients", ("clients",), ("clients",), Client, query)

    def get_client(self, client_id: str) -> Client:
        """One client with all attributes that the server shows."""
        answer = self._session.request("getClient", "GET", ("clients", client_id))
        data = read_object("getClient", answer.json(), ("client",), ("clientid", "id", "name"))
        members = folded(data)
        named = members.get("clientid") or str(members.get("id")) == client_id
        return read_model(Client, "getClient", data if named else {**data, "clientId": client_id}).settled()

    def create_client(self, body: Mapping[str, Any]) -> str | None:
        """Add a client. Returns its id if the answer has one. Raises ``AmbiguousError`` if it may have been added."""
        answer = self._session.request("createClient", "POST", ("clients",), body=body)
        return _answered_id(answer, "clients", ("clientid", "id", "key"))

    def put_client(self, client_id: str, body: Mapping[str, Any]) -> None:
        """Replace a client by ``body``, which must be complete."""
        self._session.request("updateClient", "PUT", ("clients", client_id), body=body)

    def patch_client(self, client_id: str, changes: Mapping[str, Any]) -> None:
        """Change some members of a client: as plain JSON, else as a merge patch (RFC 7396) with the same content."""
        path = ("clients", client_id)
        try:
            self._session.request("updateClient", "PATCH", path, body=changes)
        except ApiError as error:
            if error.status != 415:
                raise
            merge_patch = "application/merge-patch+json"
            self._session.request("updateClient", "PATCH", path, body=changes, content_type=merge_patch)

    def delete_client(self, client_id: str) -> bool:
        """Delete a client. Returns whether this call deleted it."""
        hint = "Its policies and secrets can be removed instead (iam_policy, client_secret with keep_last: false)."
        with offered(f"the deletion of clients, so client {client_id} remains", hint, client_id=client_id):
            return self._delete("deleteClient", ("clients", client_id))

    # --- secrets

    def list_secrets(self, client_id: str) -> list[Secret]:
        """The secrets of a client. The server never shows a value."""
        return self._list("listClientSecrets", ("clients", client_id, "secrets"), ("secrets", "clientsecrets"), Secret)

    def create_secret(self, client_id: str, body: Mapping[str, Any]) -> str | None:
        """Add a secret. Returns its id if the answer has one. Raises ``AmbiguousError`` if it may have been added."""
        answer = self._session.request("createClientSecret", "POST", ("clients", client_id, "secrets"), body=body)
        names = ("secretid", "clientsecretid", "id", "keyid", "identifier")
        answered = _answered_id(answer, "secrets", names, lambda shown: Secret.is_in(shown, body["description"]))
        return None if answered == client_id else answered  # a server may answer with the client

    def delete_secret(self, client_id: str, secret_id: str) -> bool:
        """Delete one secret. Returns whether this call deleted it."""
        what = f"the deletion of secrets, so secret {secret_id} of client {client_id} remains"
        with offered(what, "Delete it where it is managed.", client_id=client_id, secret_id=secret_id):
            return self._delete("deleteClientSecret", ("clients", client_id, "secrets", secret_id))

    # --- subjects

    def list_client_subjects(self, search: str | None = None) -> list[Subject]:
        """The subjects of clients whose name contains ``search``."""
        return self._subjects("listClientSubjects", ("subjects", "clients"), search)

    def list_subjects(self, search: str | None = None) -> list[Subject]:
        """The subjects of every type whose name contains ``search``."""
        return self._subjects("listSubjects", ("subjects",), search)

    def list_groups(self, search: str | None = None) -> list[Subject]:
        """The groups whose name contains ``search``."""
        return self._subjects("listGroups", ("subjects", "groups"), search)

    def list_memberships(self, subject: str) -> list[Subject]:
        """The groups of a subject; on some servers also the groups of these groups."""
        return self._subjects("getSubjectMemberships", ("subjects", subject, "memberships"))

    def list_members(self, group: str) -> list[Subject]:
        """The subjects in a group. Here and below, ``group`` is the id that the server accepts in paths."""
        return self._subjects("listGroupMembers", ("subjects", "groups", group, "members"))

    def create_group(self, body: Mapping[str, Any]) -> object:
        """Add a group. Returns the body of the answer. Raises ``AmbiguousError`` if it may have been added."""
        return _body(self._session.request("createGroup", "POST", ("subjects", "groups"), body=body))

    def delete_group(self, group: str) -> bool:
        """Delete a group. Returns whether this call deleted it."""
        return self._delete("deleteGroup", ("subjects", "groups", group))

    def add_members(self, group: str, subject_ids: Sequence[str]) -> None:
        """Add subjects to a group. Raises ``AmbiguousError`` if they may have been added."""
        path = ("subjects", "groups", group, "members")
        self._session.request("addGroupMembers", "POST", path, body={"subjectIds": list(subject_ids)})

    def remove_members(self, group: str, subject_ids: Sequence[str]) -> bool:
        """Remove subjects from a group. An error may follow a lost answer to a request that was carried out."""
        path = ("subjects", "groups", group, "members")
        self._session.request("removeGroupMembers", "DELETE", path, body={"subjectIds": list(subject_ids)})
        return True

    def _subjects(self, operation: str, path: tuple[str, ...], search: str | None = None) -> list[Subject]:
        names = ("subjects", "groups", "members", "memberships")
        return self._list(operation, path, names, Subject, {"searchQuery": search} if search else {})

    def subject_permissions(self, subject: str) -> list[Permission]:
        """The permissions of a subject."""
        path, names = ("subjects", subject, "permissions"), ("permissions", "policies", "actions")
        return self._list("getSubjectPermissions", path, names, Permission)

    # --- policies

    def list_policies(
        self, filters: Mapping[str, str], *, derived: bool = False, inherited: bool = False
    ) -> list[Policy]:
        """The policies that match ``filters``. It is not documented how the server compares."""
        query: Query = {**filters, "includeDerived": derived, "includeInherited": inherited}
        return self._list("listPolicies", ("policies",), ("policies",), Policy, query)

    def create_policy(self, key: Mapping[str, str]) -> object:
        """Create a policy. Returns the body of the answer (the policy, or nothing)."""
        return _body(self._session.request("createPolicy", "POST", ("policies",), body=key))

    def delete_policy(self, key: Mapping[str, str]) -> bool:
        """Delete a policy. Returns whether this call deleted it."""
        return self._delete("deletePolicy", ("policies",), body=key)

    # --- common

    def settle(self, look: Callable[[], T], pauses: Sequence[float] = PAUSES) -> T:
        """Call ``look`` until its result is true, because lists may lag behind. Returns the last result."""
        left = self._patience
        found = look()
        for pause in pauses:
            if found or pause > left:
                break
            left -= pause
            time.sleep(pause)
            found = look()
        return found

    def _list(
        self,
        operation: str,
        path: Sequence[str],
        names: Sequence[str],
        model: type[WireT],
        query: Query | None = None,
    ) -> list[WireT]:
        """All entries. ``names`` are the folded names that the list may have. Without a ``query`` it has no pages."""

        def fetch(asked: Query) -> Page[WireT]:
            answer = self._session.request(operation, "GET", path, query=asked)
            # Some servers answer like this while a list has no entries.
            empty = answer.status == 204 or answer.body.strip() == b"null"
            data = [] if empty else answer.json()
            entries = read_entries(operation, data, names)
            return Page([read_model(model, operation, entry) for entry in entries], read_paging(data))

        if query is None:
            return walk(operation, fetch, lambda entry: entry.identity, {})

        def sized(size: int, *smaller: int) -> list[WireT]:
            try:
                return walk(operation, fetch, lambda entry: entry.identity, {**query, "pageSize": size})
            except ApiError as error:
                if error.status not in REFUSALS or not smaller:
                    raise
            return sized(*smaller)

        filtered = any(isinstance(value, str) for value in query.values())
        return sized(*(FILTERED_SIZES if filtered else PAGE_SIZES))

    def _delete(self, operation: str, path: tuple[str, ...], body: Mapping[str, Any] | None = None) -> bool:
        before = self._session.unclear
        try:
            self._session.request(operation, "DELETE", path, body=body)
        except ApiError as error:
            may_be_done = self._session.unclear - before > (error.status in UNCERTAIN)
            if isinstance(error, NotFoundError):
                # The object was already gone, unless an earlier attempt deleted it and its answer was lost.
                return may_be_done
            if may_be_done and error.status not in _INCONCLUSIVE:
                raise AmbiguousError(
                    f"{error.message} An earlier attempt, whose answer was lost, may have been carried out.",
                    hint=error.hint,
                    **error.details,
                ) from None
            raise
        return True


def _body(answer: Answer) -> object:
    """The body of a 2xx answer to a write. The write was carried out, so an unreadable body is no error."""
    try:
        return answer.json()
    except ContractError:
        return None


def _answered_id(
    answer: Answer, collection: str, names: Sequence[str], wanted: Callable[[Mapping[str, Any]], bool] = bool
) -> str | None:
    return created_id(_body(answer), answer.headers.get("Location"), collection, names, wanted)


@contextmanager
def offered(what: str, hint: str, statuses: Sequence[int] = NOT_OFFERED, **details: Any) -> Iterator[None]:
    """Raise ``NotOfferedError``, which names ``what``, if the server answers with one of ``statuses``."""
    try:
        yield
    except ApiError as error:
        if error.status not in statuses:
            raise
        known = {"status": error.status, "operation": error.details.get("operation"), **details}
        raise NotOfferedError(f"This server does not support {what}.", hint=hint, **known) from None


def refuse_empty(params: Params, *names: str) -> None:
    """Raise ``OptionError`` for an option, or an entry of one, that is an empty string (such as an unset variable)."""
    for name in names:
        texts = params.get(name)
        if isinstance(texts, list) and not all(each.strip() for each in texts):
            raise OptionError(f"{name}: one entry is empty. Nothing was changed.", hint="Remove it.", option=name)
        if isinstance(texts, str) and not texts.strip():
            raise OptionError(f"{name} is empty.", hint=f"Give {name} a value, or omit it.", option=name)


def only(found: Sequence[T], what: str, ids: Callable[[T], str], hint: str) -> T | None:
    """The only object in ``found``, if any. Raises ``AmbiguousNameError``, which names ``what``, for several."""
    if len(found) > 1:
        all_ids = [ids(each) for each in found]
        raise AmbiguousNameError(f"{len(all_ids)} {what}: {', '.join(all_ids)}.", hint=hint, ids=all_ids)
    return found[0] if found else None


Reconcile = Callable[[IamApi, Params, bool], Outcome]
"""Takes the API, the validated options and the check mode. Returns an ``Outcome`` or raises ``IamError``."""


def api_operation(name: str, spec: ArgumentSpec, reconcile: Reconcile) -> Operation:
    """Make an operation of ``reconcile``: with the connection options, and with the number of requests."""

    def run(params: Params, check_mode: bool) -> Outcome:
        connection = Connection.from_params(params)
        with Session(connection) as session:
            try:
                outcome = reconcile(IamApi(session, connection.retry_budget), params, check_mode)
            except IamError as error:
                error.details["calls"] = dict(session.calls)
                raise
            return replace(outcome, calls=dict(session.calls), served=session.served)

    return Operation(name, CONNECTION.merge(spec), run)
