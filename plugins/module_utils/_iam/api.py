# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The IAM API: one method an operation, wire models in and out."""

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
"""Seconds between the looks for something that a list may not show yet: ten in all, fewer where the budget is less."""

SHORT_PAUSES = PAUSES[:4]
"""Three seconds in all, for what is seldom worth waiting for."""

NOT_OFFERED = (405, 501)
"""What a server answers that does not know the method on this path."""

REFUSALS = (400, 422)
"""What a server answers that does not accept something in the request."""

_SAY_NOTHING = (401, 429, 502, 503, 504, *NOT_OFFERED)
"""What tells nothing of the thing that was to be deleted. Any other answer to a repetition may mean that it is gone."""


class IamApi:
    """Talks through ``session``; ``patience`` bounds, in seconds, how long ``settle`` waits for lists to catch up."""

    def __init__(self, session: Session, patience: float = sum(PAUSES)) -> None:
        self._session = session
        self._patience = patience

    @property
    def calls(self) -> Counter[str]:
        """Requests sent so far, by endpoint."""
        return self._session.calls

    @property
    def patient(self) -> bool:
        """Whether ``settle`` gives lists any time to catch up: without, what they do not show proves nothing."""
        return self._patience > 0

    # --- clients

    def list_clients(self, search: str | None = None) -> list[Client]:
        """Every client whose entry matches ``search``, whatever the server looks at; all clients without it."""
        query: Query = {"searchText": search} if search else {}
        return self._list("listClients", ("clients",), ("clients",), Client, query)

    def get_client(self, client_id: str) -> Client:
        """One client with what the server shows of it."""
        answer = self._session.request("getClient", "GET", ("clients", client_id))
        data = read_object("getClient", answer.json(), ("client",), ("clientid", "id", "name"))
        members = folded(data)
        named = members.get("clientid") or str(members.get("id")) == client_id
        return read_model(Client, "getClient", data if named else {**data, "clientId": client_id}).settled()

    def create_client(self, body: Mapping[str, Any]) -> str | None:
        """Add a client; its id where the answer tells one. Raises ``AmbiguousError`` when it may have been added."""
        answer = self._session.request("createClient", "POST", ("clients",), body=body)
        return _told_id(answer, "clients", ("clientid", "id", "key"))

    def put_client(self, client_id: str, body: Mapping[str, Any]) -> None:
        """Replace a client by ``body``, the whole of it."""
        self._session.request("updateClient", "PUT", ("clients", client_id), body=body)

    def patch_client(self, client_id: str, changes: Mapping[str, Any]) -> None:
        """Change some of a client's members: as plain JSON, else as a merge patch (RFC 7396) of the same form."""
        path = ("clients", client_id)
        try:
            self._session.request("updateClient", "PATCH", path, body=changes)
        except ApiError as error:
            if error.status != 415:
                raise
            merge_patch = "application/merge-patch+json"
            self._session.request("updateClient", "PATCH", path, body=changes, content_type=merge_patch)

    def delete_client(self, client_id: str) -> bool:
        """Delete a client; whether it was this call that did it."""
        hint = "Its policies and secrets can be removed instead (iam_policy, client_secret with keep_last: false)."
        with offered(f"deletion of clients, so client {client_id} stays", hint, client_id=client_id):
            return self._delete("deleteClient", ("clients", client_id))

    # --- secrets

    def list_secrets(self, client_id: str) -> list[Secret]:
        """What the server shows of a client's secrets; never a value."""
        return self._list("listClientSecrets", ("clients", client_id, "secrets"), ("secrets", "clientsecrets"), Secret)

    def create_secret(self, client_id: str, body: Mapping[str, Any]) -> str | None:
        """Add a secret; its id where the answer tells one. Raises ``AmbiguousError`` when it may have been added."""
        answer = self._session.request("createClientSecret", "POST", ("clients", client_id, "secrets"), body=body)
        names = ("secretid", "clientsecretid", "id", "keyid", "identifier")
        told = _told_id(answer, "secrets", names, lambda shown: Secret.told_by(shown, body["description"]))
        return None if told == client_id else told  # a server may show the client

    def delete_secret(self, client_id: str, secret_id: str) -> bool:
        """Delete one secret; whether it was this call that did it."""
        what = f"deletion of secrets, so secret {secret_id} of client {client_id} stays"
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
        """The groups that a subject is in; on some servers also those that these are in."""
        return self._subjects("getSubjectMemberships", ("subjects", subject, "memberships"))

    def list_members(self, group: str) -> list[Subject]:
        """The subjects in a group. Here and below, ``group`` is the form of its id that the server takes in paths."""
        return self._subjects("listGroupMembers", ("subjects", "groups", group, "members"))

    def create_group(self, body: Mapping[str, Any]) -> object:
        """Add a group; what the server answers. Raises ``AmbiguousError`` when it may have been added."""
        return _told(self._session.request("createGroup", "POST", ("subjects", "groups"), body=body))

    def delete_group(self, group: str) -> bool:
        """Delete a group; whether it was this call that did it."""
        return self._delete("deleteGroup", ("subjects", "groups", group))

    def add_members(self, group: str, subject_ids: Sequence[str]) -> None:
        """Put subjects into a group. Raises ``AmbiguousError`` when it may have been done."""
        path = ("subjects", "groups", group, "members")
        self._session.request("addGroupMembers", "POST", path, body={"subjectIds": list(subject_ids)})

    def remove_members(self, group: str, subject_ids: Sequence[str]) -> bool:
        """Take subjects out of a group. An error may follow a lost answer to a request that was carried out."""
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
        """The policies that match ``filters`` in the server's understanding."""
        query: Query = {**filters, "includeDerived": derived, "includeInherited": inherited}
        return self._list("listPolicies", ("policies",), ("policies",), Policy, query)

    def create_policy(self, key: Mapping[str, str]) -> object:
        """Grant; what the server answers (the policy, or nothing)."""
        return _told(self._session.request("createPolicy", "POST", ("policies",), body=key))

    def delete_policy(self, key: Mapping[str, str]) -> bool:
        """Revoke; whether it was this call that did it."""
        return self._delete("deletePolicy", ("policies",), body=key)

    # --- how

    def settle(self, look: Callable[[], T], pauses: Sequence[float] = PAUSES) -> T:
        """The first answer of ``look`` that is true, else the last: it looks again, as lists may lag behind."""
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
        """All entries; ``names`` are the folded ones that the list may have. Without a ``query`` it has no pages."""

        def fetch(asked: Query) -> Page[WireT]:
            answer = self._session.request(operation, "GET", path, query=asked)
            # What a server may answer whose list is not there before its first entry.
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
                # Refused the first time: it was gone. After a lost answer, the request before it may have done it.
                return may_be_done
            if may_be_done and error.status not in _SAY_NOTHING:
                raise AmbiguousError(
                    f"{error.message} An earlier attempt, whose answer was lost, may have been carried out.",
                    hint=error.hint,
                    **error.details,
                ) from None
            raise
        return True


def _told(answer: Answer) -> object:
    """The body of a 2xx answer to a write. It was carried out, so a body that cannot be read tells just nothing."""
    try:
        return answer.json()
    except ContractError:
        return None


def _told_id(
    answer: Answer, collection: str, names: Sequence[str], wanted: Callable[[Mapping[str, Any]], bool] = bool
) -> str | None:
    return created_id(_told(answer), answer.headers.get("Location"), collection, names, wanted)


@contextmanager
def offered(what: str, hint: str, statuses: Sequence[int] = NOT_OFFERED, **details: Any) -> Iterator[None]:
    """Raise ``NotOfferedError`` where the server answers with one of ``statuses``: it does not offer ``what``."""
    try:
        yield
    except ApiError as error:
        if error.status not in statuses:
            raise
        told = {"status": error.status, "operation": error.details.get("operation"), **details}
        raise NotOfferedError(f"This server offers no {what}.", hint=hint, **told) from None


def refuse_empty(params: Params, *names: str) -> None:
    """Raise ``OptionError`` for an option, or an entry of one, that is an empty string: a variable that was not set."""
    for name in names:
        texts = params.get(name)
        if isinstance(texts, list) and not all(each.strip() for each in texts):
            raise OptionError(f"{name}: one is empty. Nothing was changed.", hint="Leave it out.", option=name)
        if isinstance(texts, str) and not texts.strip():
            raise OptionError(f"{name} is empty.", hint=f"Give {name} a value, or leave it out.", option=name)


def only(found: Sequence[T], what: str, ids: Callable[[T], str], hint: str) -> T | None:
    """The one thing that was found, if any. Raises ``AmbiguousNameError`` for several of ``what``."""
    if len(found) > 1:
        told = [ids(each) for each in found]
        raise AmbiguousNameError(f"{len(told)} {what}: {', '.join(told)}.", hint=hint, ids=told)
    return found[0] if found else None


Reconcile = Callable[[IamApi, Params, bool], Outcome]
"""Takes the API, the validated options and whether this is check mode; answers or raises ``IamError``."""


def api_operation(name: str, spec: ArgumentSpec, reconcile: Reconcile) -> Operation:
    """``reconcile`` as an operation with the connection options, that counts its calls."""

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
