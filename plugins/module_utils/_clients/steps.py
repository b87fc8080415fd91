# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds, creates, updates and deletes an OAuth client. A lost answer does no harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.errors import AmbiguousError, ApiError, ConflictError, ContractError, NotFoundError
from .._iam.api import NOT_OFFERED, REFUSALS, SHORT_PAUSES, IamApi, offered
from .._iam.contract import Client
from .._iam.once import create_once, delete_once
from .attributes import Members
from .plan import ClientPlan, exact, new_client, plan_client, refuse_doubt, renamed, replacement, to_wire, unmet
from .unrequested import unrequested

Lookup = tuple["Client | None", frozenset[str]]
"""A client, and the ids of all clients if they were read for this."""


def find(api: IamApi, client_id: str | None, desired: Members) -> Lookup:
    """The client with this id if one is given, else the one with the desired name.

    If the list shows all desired attributes with their values, the client itself is not read.
    """
    if client_id:
        return find_by_id(api, client_id), frozenset()
    listed, known = find_by_name(api, desired)
    if listed is None:
        return None, known
    plan = plan_client({**desired, "name": listed.name}, listed)
    return (complete(api, listed) if plan.hidden or plan.changes else listed), known


def find_by_name(api: IamApi, desired: Members, known: frozenset[str] | None = None) -> Lookup:
    """The client with this name, as the list shows it.

    It is not documented which members a search compares, so only the list of all clients proves that the client does
    not exist. It also finds a client whose name the server has altered: see ``renamed``, also for ``known``.
    """
    found, everyone = _by_name(api, desired, known)
    return found, frozenset(each.client_id for each in everyone)


def _by_name(api: IamApi, desired: Members, known: frozenset[str] | None) -> tuple[Client | None, Sequence[Client]]:
    """See ``find_by_name``. Also returns all clients, if they were read."""
    name = desired["name"]
    try:
        found = exact(api.list_clients(name), name)
    except ApiError as error:
        if error.status not in (404, *REFUSALS):
            raise
        found = None
    if found is not None:
        return found, ()
    everyone = api.list_clients()
    return exact(everyone, name) or renamed(everyone, new_client(desired), known), everyone


def find_to_delete(api: IamApi, desired: Members) -> Client | None:
    """The client with this name, unless only an outdated list shows it.

    Raises ``AmbiguousNameError`` if there is none, but others may be meant.
    """
    found, everyone = _by_name(api, desired, None)
    if found is None:
        refuse_doubt(everyone, desired["name"], desired.get("description"))
        return None
    try:
        return complete(api, found)
    except ApiError:
        return found  # it can be deleted even if it cannot be read


def find_by_id(api: IamApi, client_id: str) -> Client | None:
    """The client with this id, from a GET, else from the list."""
    try:
        return api.get_client(client_id)
    except ApiError as error:
        # Servers have other answers than 404 for a missing client, and some do not support the GET.
        if error.status not in (403, 404, 410, *REFUSALS, *NOT_OFFERED):
            raise
        listed = _still_listed(api, client_id)
        if listed is not None and error.status not in (404, 410, *NOT_OFFERED):
            raise
        return listed


def _still_listed(api: IamApi, client_id: str) -> Client | None:
    """The client as the list shows it, after a GET did not find it.

    The list may lag behind, so it is read until it no longer shows the client. If it still does after some time, the
    client exists, and this server does not support the GET.
    """
    shown: list[Client] = []

    def forgotten() -> bool:
        shown[:] = [each for each in api.list_clients() if each.client_id == client_id]
        return not shown

    api.settle(forgotten, SHORT_PAUSES)
    return shown[0] if shown else None


def complete(api: IamApi, listed: Client) -> Client | None:
    """The client with all attributes that the server shows; None if it no longer exists."""
    try:
        return api.get_client(listed.client_id)
    except NotFoundError:
        return _still_listed(api, listed.client_id)
    except ApiError as error:
        if error.status not in NOT_OFFERED:
            raise
        return listed


def create(api: IamApi, desired: Members, known: frozenset[str]) -> tuple[Client, bool]:
    """Add the client. Returns it as the server shows it, and whether this task added it.

    ``known`` are the ids of the clients that existed before.
    """
    body = new_client(desired)

    def look() -> Client | None:
        return find_by_name(api, body, known)[0]

    try:
        made = create_once(api, lambda: api.create_client(to_wire(body)), look)
    except ApiError as error:
        existing = None
        if isinstance(error, ConflictError):
            # The server says that the name is taken, so a client with any form of the name is the one.
            existing = api.settle(lambda: find_by_name(api, body, frozenset())[0])
        elif error.status in REFUSALS:
            existing = look()
        if existing is None:
            raise
        return complete(api, existing) or existing, False
    if made.found is not None:
        return complete(api, made.found) or made.found, True
    return _created(api, made.answer, body, look), True


def _created(api: IamApi, answered: str | None, body: Members, look: Callable[[], Client | None]) -> Client:
    """The new client. Waits until it is listed, even if the answer has its id: the next task searches by name."""
    client = _read_answered(api, answered) if answered else None
    listed = api.settle(look)
    if client is not None:
        return client
    if listed is not None:
        return complete(api, listed) or listed
    if answered is not None:
        return Client.model_validate({"client_id": answered, **body})
    raise ContractError(
        f"createClient succeeded, but no client has the name {body['name']!r}.",
        hint="The list may lag behind, the server may store names in another form, or api_url may be wrong. Check with "
        "oidc_client_info before you run this again.",
        operation="createClient",
        expected="a client of that name in the list",
        received="none",
        option="api_url",
    )


def _read_answered(api: IamApi, answered: str) -> Client | None:
    """The client with the id in the answer; None if there is none, because the id has another meaning."""
    try:
        return api.get_client(answered)
    except ApiError as error:
        if error.status not in (404, *REFUSALS, *NOT_OFFERED):
            raise
        return None


def update(api: IamApi, desired: Members, observed: Client, plan: ClientPlan) -> Client:
    """Make the changes of ``plan``, then read the client until it shows them.

    Raises ``ContractError`` if the server ignored a change, or changed other members too.
    """
    sent = {name: value for name, value in desired.items() if name in plan.changes or name in plan.hidden}
    lost: AmbiguousError | None = None
    try:
        _send_update(api, observed, sent)
    except AmbiguousError as error:
        lost = error

    def look() -> Client | None:
        now = find_by_id(api, observed.client_id)
        return now if now is not None and not unmet(plan.changes, now) else None

    shown = api.settle(look)
    if shown is None:
        raise lost or _ignored(observed, plan)
    others = unrequested(observed, shown, sent)
    if others:
        raise ContractError(
            f"The update of client {observed.client_id} was carried out, but the server changed {', '.join(others)} "
            "as well.",
            hint="Check the client and correct it. This server stores a client in another way than it shows it.",
            operation="updateClient",
            client_id=observed.client_id,
            members=others,
        )
    return shown


def _ignored(observed: Client, plan: ClientPlan) -> ContractError:
    return ContractError(
        f"The update of client {observed.client_id} succeeded, "
        f"but the server still shows other values of {', '.join(plan.changes)}.",
        hint="Omit these options, or check the rules that the server has for them.",
        operation="updateClient",
        client_id=observed.client_id,
        members=list(plan.changes),
    )


def _send_update(api: IamApi, observed: Client, members: Members) -> None:
    body, missing = replacement(observed, members)
    if missing:
        # A PUT without these could clear them.
        hint = f"Give {' and '.join(missing)} too. The server does not show it, and an update must include it."
        return _patch(api, observed, members, hint)
    try:
        api.put_client(observed.client_id, body)
    except ApiError as error:
        if error.status not in (404, *NOT_OFFERED):
            raise
        _patch(api, observed, members, "Change it where it is managed, or delete the client and create a new one.")


def _patch(api: IamApi, observed: Client, members: Members, hint: str) -> None:
    what = f"changes of {', '.join(members)} of client {observed.client_id}"
    with offered(what, hint, (404, 415, *NOT_OFFERED), client_id=observed.client_id):
        api.patch_client(observed.client_id, to_wire(members, observed))


def delete(api: IamApi, client_id: str) -> bool:
    """Delete the client. Returns whether this task deleted it."""
    return delete_once(api, lambda: api.delete_client(client_id), lambda: find_by_id(api, client_id) is None)
