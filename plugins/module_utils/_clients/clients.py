# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth clients as a resource: the operations ``oidc_client`` and ``oidc_client_info``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from .._core.argspec import ArgumentSpec
from .._core.errors import IamError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import IamApi, api_operation, refuse_empty
from .._iam.contract import Client
from .attributes import ATTRIBUTES, Members, Text
from .plan import as_stored, for_diff, in_other_forms, new_client, plan_client, wanted_members
from .steps import complete, create, delete, find, find_by_id, find_to_delete, update

CLIENT = ArgumentSpec(
    {
        "client_id": {"type": "str"},
        **{name: attribute.option for name, attribute in ATTRIBUTES.items()},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
    required_one_of=[("name", "client_id")],
)

CLIENT_INFO = ArgumentSpec(
    {"name": {"type": "str"}, "client_id": {"type": "str"}, "search": {"type": "str"}},
    mutually_exclusive=[("name", "client_id", "search")],
)


def reconcile_client(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``oidc_client``."""
    refuse_empty(params, "name", "client_id")
    desired = wanted_members(params)
    if params["state"] == "absent":
        return _absent(api, params["client_id"], desired, check_mode)
    observed, known = find(api, params["client_id"], desired)
    if observed is not None:
        # A client that was found by its name keeps the stored form of that name.
        kept = desired if params["client_id"] or observed.name is None else {**desired, "name": observed.name}
        return _present(api, desired, kept, observed, check_mode)
    if params["client_id"]:
        raise IamError(
            f"There is no client with client_id {params['client_id']!r}.",
            hint="The server chooses the ids of new clients. To create one, give only name.",
            client_id=params["client_id"],
        )
    return _added(api, desired, known, check_mode)


def _added(api: IamApi, desired: Members, known: frozenset[str], check_mode: bool) -> Outcome:
    predicted = new_client(desired)
    if check_mode:
        result = {"client": {"client_id": None, **predicted}, "not_compared": []}
        return Outcome(True, result, {}, for_diff(predicted))
    client, mine = create(api, desired, known)
    outcome = _present(api, desired, as_stored(desired, client), client, check_mode)
    if not mine:
        return outcome
    return Outcome(True, outcome.result, {}, for_diff(as_stored(predicted, client)), outcome.warnings)


def _present(api: IamApi, given: Members, desired: Members, observed: Client, check_mode: bool) -> Outcome:
    """Update the client if needed. ``desired`` is ``given``, with texts in the form in which the server stores them."""
    plan = plan_client(desired, observed)
    now = observed if check_mode or not plan.changes else update(api, desired, observed, plan)
    client = {**observed.shown(), **plan.changes, **({} if check_mode else now.shown())}
    shown = [name for name in desired if name not in plan.hidden]
    before = for_diff({name: getattr(observed, name) for name in shown})
    after = for_diff({name: client[name] for name in shown})
    return Outcome(
        before != after,
        {"client": client, "not_compared": list(plan.hidden)},
        before,
        after,
        [*_hidden(observed, plan.hidden), *_stored_otherwise(given, client, observed.client_id)],
    )


def _hidden(observed: Client, hidden: Sequence[str]) -> Iterator[str]:
    if hidden:
        yield (
            f"The server does not show {', '.join(hidden)} of client {observed.client_id}, so this was not compared. "
            "It may differ from the task."
        )


def _stored_otherwise(given: Members, client: Members, client_id: str) -> list[str]:
    """A warning for each text that the server stores in another form."""
    return [
        f"The server stores the {name} {given[name]!r} of client {client_id} as {client[name]!r}. Write it like that."
        for name, attribute in ATTRIBUTES.items()
        if isinstance(attribute, Text) and name in given and given[name] != client.get(name, given[name])
    ]


def _absent(api: IamApi, client_id: str | None, desired: Members, check_mode: bool) -> Outcome:
    observed = find_by_id(api, client_id) if client_id else find_to_delete(api, desired)
    if observed is None:
        return Outcome(False, {"client": None})
    changed = check_mode or delete(api, observed.client_id)
    shown = observed.shown()
    before = for_diff({name: value for name, value in shown.items() if name in ATTRIBUTES})
    named = {} if client_id else {"name": desired["name"]}
    warnings = _stored_otherwise(named, shown, observed.client_id)
    return Outcome(changed, {"client": shown}, before if changed else {}, {}, warnings)


def client_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``oidc_client_info``."""
    refuse_empty(params, "name", "client_id", "search")
    return Outcome(False, {"clients": [client.shown() for client in _clients(api, params)]})


def _clients(api: IamApi, params: Params) -> list[Client]:
    if params["client_id"]:
        found = find_by_id(api, params["client_id"])
        return [] if found is None else [found]
    if not params["name"]:
        return api.list_clients(params["search"])
    # Show all clients with this name: there may be several.
    name = params["name"]
    named = [client for client in api.list_clients(name) if client.name == name]
    if not named:
        everyone = api.list_clients()
        named = [client for client in everyone if client.name == name]
        named = named or in_other_forms(everyone, {"name": name, "description": ""})
    read = (complete(api, client) for client in named)
    return [client for client in read if client is not None]


OIDC_CLIENT = api_operation("oidc_client", CLIENT, reconcile_client)
OIDC_CLIENT_INFO = api_operation("oidc_client_info", CLIENT_INFO, client_info)
