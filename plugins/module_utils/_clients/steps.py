# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding one OAuth client, and creating, changing and deleting it so that a lost answer does no harm."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.aritma.iam.plugins.module_utils._clients.plan import (
    Members,
    exact,
    new_client,
    plan_client,
    replacement,
    to_wire,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    AmbiguousError,
    ApiError,
    ConflictError,
    ContractError,
    NotFoundError,
)
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import NOT_OFFERED, REFUSALS, SHORT_PAUSES, IamApi
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client

Look = Callable[[], "Client | None"]


def find(api: IamApi, name: str | None, client_id: str | None, desired: Members) -> Client | None:
    """The client that a task means, by its id where that is given, else by its exact name.

    What the list shows of it is enough where it is as ``desired``; before anything is changed, the client is read.
    """
    if client_id:
        return find_by_id(api, client_id)
    listed = find_by_name(api, name or "")
    if listed is None:
        return None
    plan = plan_client(desired, listed)
    return complete(api, listed) if plan.hidden or plan.changes else listed


def find_by_name(api: IamApi, name: str) -> Client | None:
    """The client of exactly this name, as the list shows it.

    Which members a search looks at is not documented, so only a walk through all clients proves absence.
    """
    try:
        found = exact(api.list_clients(name), name)
    except ApiError as error:
        if error.status not in (404, *REFUSALS):
            raise
        found = None
    return found or exact(api.list_clients(), name)


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

    def forgotten() -> bool | None:
        shown[:] = [each for each in api.list_clients() if each.client_id == client_id]
        return None if shown else True

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


def create(api: IamApi, desired: Members) -> tuple[Client, bool]:
    """Add the client; as the server now shows it, and whether it was this task that added it.

    A POST whose answer was lost is repeated once, and only after lists had time to show whether it landed; so not at
    all where ``retry_budget`` is 0.
    """

    def look() -> Client | None:
        return find_by_name(api, desired["name"])

    body = to_wire(new_client(desired))
    try:
        told = api.create_client(body)
    except AmbiguousError:
        landed = api.settle(look)
        if landed is None and not api.patient:
            raise
        return (_create_again(api, desired, look) if landed is None else _reread(api, landed)), True
    except ApiError as error:
        return _already_there(api, error, look), False
    return _created(api, told, desired, look), True


def _create_again(api: IamApi, desired: Members, look: Look) -> Client:
    try:
        told = api.create_client(to_wire(new_client(desired)))
    except AmbiguousError:
        landed = api.settle(look)
        if landed is None:
            raise
        return _reread(api, landed)
    except ApiError as error:
        return _already_there(api, error, look)  # by the first POST
    return _created(api, told, desired, look)


def _already_there(api: IamApi, error: ApiError, look: Look) -> Client:
    """The client that a refused POST met. Without one, the refusal is about something else and is raised again."""
    if error.status not in (409, *REFUSALS):
        raise error
    landed = api.settle(look) if isinstance(error, ConflictError) else look()
    if landed is None:
        raise error
    return _reread(api, landed)


def _created(api: IamApi, told: str | None, desired: Members, look: Look) -> Client:
    """The new client. The list is waited for even where the answer told the id: the next task looks there by name."""
    client = _read_told(api, told, desired["name"])
    landed = api.settle(look)
    if client is not None:
        return client
    if landed is not None:
        return _reread(api, landed)
    if told is not None:
        return Client.model_validate({"client_id": told, **new_client(desired)})
    raise ContractError(
        f"createClient was answered with success, but no client has the name {desired['name']!r}.",
        hint="The list may lag behind, the server may store names in another form, or api_url may lead elsewhere: look "
        "with oidc_client_info before you run this again.",
        operation="createClient",
        expected="a client of that name in the list",
        received="none",
        option="api_url",
    )


def _reread(api: IamApi, listed: Client) -> Client:
    return complete(api, listed) or listed


def _read_told(api: IamApi, told: str | None, name: str) -> Client | None:
    """The client with the id that the answer told, where that id can be used."""
    if told is None:
        return None
    try:
        client = api.get_client(told)
    except ApiError as error:
        if error.status not in (404, *REFUSALS, *NOT_OFFERED):
            raise
        return None
    return _of_that_name(client, name)


def _of_that_name(client: Client, name: str) -> Client:
    if client.name is None or client.name == name:
        return client
    raise ContractError(
        f"The server stored client {client.client_id} under the name {client.name!r}, not {name!r}.",
        hint="Use the name that it stored: under the other one, no later run would find this client.",
        operation="createClient",
        client_id=client.client_id,
        expected=name,
        received=client.name,
    )


def update(api: IamApi, desired: Members, observed: Client, changes: Members) -> Client:
    """Make ``changes``, then read again until they show. Raises ``ContractError`` when the server ignored one."""
    lost: AmbiguousError | None = None
    try:
        _send_update(api, desired, observed, changes)
    except AmbiguousError as error:
        lost = error

    def look() -> Client | None:
        now = find_by_id(api, observed.client_id)
        return now if now is not None and not plan_client(changes, now).changes else None

    shown = api.settle(look)
    if shown is not None:
        return shown
    raise lost or ContractError(
        f"The server answered the update of client {observed.client_id} with success, "
        f"but still shows other values of {', '.join(changes)}.",
        hint="Leave these options out, or look at the rules that the server has for them.",
        operation="updateClient",
        client_id=observed.client_id,
        members=list(changes),
    )


def _send_update(api: IamApi, desired: Members, observed: Client, changes: Members) -> None:
    full, missing = replacement(desired, observed)
    if missing:
        # A PUT would have to invent these, and could clear them.
        hint = f"Give {' and '.join(missing)} too: the server does not show it, and an update has to carry it."
        return _patch(api, observed, changes, hint)
    try:
        api.put_client(observed.client_id, to_wire(full))
    except ApiError as error:
        if error.status not in (404, 415, *NOT_OFFERED):
            raise
        _patch(api, observed, changes, "Change it where it is managed, or delete the client and create it anew.")


def _patch(api: IamApi, observed: Client, changes: Members, hint: str) -> None:
    try:
        api.patch_client(observed.client_id, to_wire(changes))
    except ApiError as error:
        if error.status not in (404, 415, *NOT_OFFERED):
            raise
        raise ApiError(
            f"This server offers no way to change {', '.join(changes)} of client {observed.client_id}.",
            status=error.status,
            hint=hint,
            operation="updateClient",
            client_id=observed.client_id,
        ) from None


def delete(api: IamApi, client_id: str) -> bool:
    """Delete the client; whether it was this task that did it."""
    try:
        return api.delete_client(client_id)
    except AmbiguousError:
        if api.settle(lambda: True if find_by_id(api, client_id) is None else None) is None:
            raise
        return True
    except ApiError as error:
        if error.status not in NOT_OFFERED:
            raise
        raise ApiError(
            f"This server offers no deletion of clients, so client {client_id} stays.",
            status=error.status,
            hint="Its policies and secrets can be removed instead (iam_policy, client_secret with keep_last: false).",
            operation="deleteClient",
            client_id=client_id,
        ) from None
