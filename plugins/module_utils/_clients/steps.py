# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding one OAuth client, and creating, changing and deleting it so that a lost answer does no harm."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._core.errors import AmbiguousError, ApiError, ConflictError, ContractError, NotFoundError
from .._iam.api import NOT_OFFERED, REFUSALS, SHORT_PAUSES, IamApi, offered
from .._iam.contract import Client
from .._iam.once import create_once, delete_once
from .attributes import Members
from .plan import ClientPlan, exact, new_client, plan_client, refuse_doubt, renamed, replacement, to_wire, unmet
from .unasked import unasked

Lookup = tuple["Client | None", frozenset[str]]
"""A client, and the ids of all clients where they were read to look for it."""


def find(api: IamApi, client_id: str | None, desired: Members) -> Lookup:
    """The client that a task means, by its id where that is given, else by its name.

    What the list shows of it is enough where it is as ``desired``; before anything is changed, the client is read.
    """
    if client_id:
        return find_by_id(api, client_id), frozenset()
    listed, known = find_by_name(api, desired)
    if listed is None:
        return None, known
    plan = plan_client({**desired, "name": listed.name}, listed)
    return (complete(api, listed) if plan.hidden or plan.changes else listed), known


def find_by_name(api: IamApi, desired: Members, known: frozenset[str] | None = None) -> Lookup:
    """The client of this name, as the list shows it.

    Which members a search looks at is not documented, so only a walk through all clients proves absence. It also finds
    the client whose name the server has altered: see ``renamed`` for ``known``.
    """
    found, everyone = _by_name(api, desired, known)
    return found, frozenset(each.client_id for each in everyone)


def _by_name(api: IamApi, desired: Members, known: frozenset[str] | None) -> tuple[Client | None, Sequence[Client]]:
    """See ``find_by_name``; with all clients, where they were read to look for it."""
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
    """The client of this name, unless only a stale list shows it.

    Raises ``AmbiguousNameError`` where there is none, but others that may be meant.
    """
    found, everyone = _by_name(api, desired, None)
    if found is None:
        refuse_doubt(everyone, desired["name"], desired.get("description"))
        return None
    try:
        return complete(api, found)
    except ApiError:
        return found  # who may not read it may still delete it


def find_by_id(api: IamApi, client_id: str) -> Client | None:
    """The client with this id, from a GET or else from the list."""
    try:
        return api.get_client(client_id)
    except ApiError as error:
        # Not every server says 404 for a client that is not there, nor offers to get one.
        if error.status not in (403, 404, 410, *REFUSALS, *NOT_OFFERED):
            raise
        listed = _still_listed(api, client_id)
        if listed is not None and error.status not in (404, 410, *NOT_OFFERED):
            raise
        return listed


def _still_listed(api: IamApi, client_id: str) -> Client | None:
    """What the list shows of a client that a GET did not find.

    The list may lag behind, so it gets some time to forget the client. One that still shows it is believed: this server
    may just not offer to get one client.
    """
    shown: list[Client] = []

    def forgotten() -> bool:
        shown[:] = [each for each in api.list_clients() if each.client_id == client_id]
        return not shown

    api.settle(forgotten, SHORT_PAUSES)
    return shown[0] if shown else None


def complete(api: IamApi, listed: Client) -> Client | None:
    """The client with all that the server shows of it; None when it turns out to be gone."""
    try:
        return api.get_client(listed.client_id)
    except NotFoundError:
        return _still_listed(api, listed.client_id)
    except ApiError as error:
        if error.status not in NOT_OFFERED:
            raise
        return listed


def create(api: IamApi, desired: Members, known: frozenset[str]) -> tuple[Client, bool]:
    """Add the client; as the server now shows it, and whether it was this task that added it.

    ``known`` are the ids of the clients that were there before.
    """
    body = new_client(desired)

    def look() -> Client | None:
        return find_by_name(api, body, known)[0]

    try:
        made = create_once(api, lambda: api.create_client(to_wire(body)), look)
    except ApiError as error:
        met = None
        if isinstance(error, ConflictError):
            # The server says that the name is taken, so any form of it is this one.
            met = api.settle(lambda: find_by_name(api, body, frozenset())[0])
        elif error.status in REFUSALS:
            met = look()
        if met is None:
            raise
        return complete(api, met) or met, False
    if made.found is not None:
        return complete(api, made.found) or made.found, True
    return _created(api, made.told, body, look), True


def _created(api: IamApi, told: str | None, body: Members, look: Callable[[], Client | None]) -> Client:
    """The new client. The list is waited for even where the answer told the id: the next task looks there by name."""
    client = _read_told(api, told) if told else None
    landed = api.settle(look)
    if client is not None:
        return client
    if landed is not None:
        return complete(api, landed) or landed
    if told is not None:
        return Client.model_validate({"client_id": told, **body})
    raise ContractError(
        f"createClient was answered with success, but no client has the name {body['name']!r}.",
        hint="The list may lag behind, the server may store names in another form, or api_url may lead elsewhere: look "
        "with oidc_client_info before you run this again.",
        operation="createClient",
        expected="a client of that name in the list",
        received="none",
        option="api_url",
    )


def _read_told(api: IamApi, told: str) -> Client | None:
    """The client with the id that the answer told, where that id can be used."""
    try:
        return api.get_client(told)
    except ApiError as error:
        if error.status not in (404, *REFUSALS, *NOT_OFFERED):
            raise
        return None


def update(api: IamApi, desired: Members, observed: Client, plan: ClientPlan) -> Client:
    """Make the changes of ``plan``, then read again until they show.

    Raises ``ContractError`` when the server ignored one, or changed something that nobody asked for.
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
    others = unasked(observed, shown, sent)
    if others:
        raise ContractError(
            f"The update of client {observed.client_id} was carried out, but {', '.join(others)} changed as well, "
            "although nobody asked for that.",
            hint="Look at the client and set it right: this server makes something else of a client than it shows.",
            operation="updateClient",
            client_id=observed.client_id,
            members=others,
        )
    return shown


def _ignored(observed: Client, plan: ClientPlan) -> ContractError:
    return ContractError(
        f"The server answered the update of client {observed.client_id} with success, "
        f"but still shows other values of {', '.join(plan.changes)}.",
        hint="Leave these options out, or look at the rules that the server has for them.",
        operation="updateClient",
        client_id=observed.client_id,
        members=list(plan.changes),
    )


def _send_update(api: IamApi, observed: Client, members: Members) -> None:
    body, missing = replacement(observed, members)
    if missing:
        # A PUT would have to invent these, and could clear them.
        hint = f"Give {' and '.join(missing)} too: the server does not show it, and an update has to carry it."
        return _patch(api, observed, members, hint)
    try:
        api.put_client(observed.client_id, body)
    except ApiError as error:
        if error.status not in (404, *NOT_OFFERED):
            raise
        _patch(api, observed, members, "Change it where it is managed, or delete the client and create it anew.")


def _patch(api: IamApi, observed: Client, members: Members, hint: str) -> None:
    what = f"way to change {', '.join(members)} of client {observed.client_id}"
    with offered(what, hint, (404, 415, *NOT_OFFERED), client_id=observed.client_id):
        api.patch_client(observed.client_id, to_wire(members, observed))


def delete(api: IamApi, client_id: str) -> bool:
    """Delete the client; whether it was this task that did it."""
    return delete_once(api, lambda: api.delete_client(client_id), lambda: find_by_id(api, client_id) is None)
