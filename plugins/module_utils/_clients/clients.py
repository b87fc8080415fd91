# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""OAuth clients as a resource: the operations ``oidc_client`` and ``oidc_client_info``."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.aritma.iam.plugins.module_utils._clients.plan import (
    MEMBERS,
    Members,
    for_diff,
    new_client,
    plan_client,
    wanted_members,
)
from ansible_collections.aritma.iam.plugins.module_utils._clients.steps import (
    complete,
    create,
    delete,
    find,
    find_by_id,
    update,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._iam.api import IamApi, api_operation, refuse_empty
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client

_STRINGS = {"type": "list", "elements": "str"}

CLIENT = ArgumentSpec(
    {
        "name": {"type": "str"},
        "client_id": {"type": "str"},
        "description": {"type": "str"},
        "allowed_grant_types": {**_STRINGS, "default": ["client_credentials"]},
        "redirect_uris": {**_STRINGS, "default": []},
        "allowed_scopes": _STRINGS,
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
    if params["state"] == "absent":
        return _absent(api, find(api, params["name"], params["client_id"], {}), check_mode)
    desired = wanted_members(params)
    observed = find(api, params["name"], params["client_id"], desired)
    if observed is not None:
        return _present(api, desired, observed, check_mode)
    if params["client_id"]:
        raise IamError(
            f"There is no client with client_id {params['client_id']!r}.",
            hint="The server chooses the ids of new clients: give only name to create one.",
            client_id=params["client_id"],
        )
    return _added(api, desired, check_mode)


def _added(api: IamApi, desired: Members, check_mode: bool) -> Outcome:
    predicted = new_client(desired)
    if check_mode:
        result = {"client": {"client_id": None, **predicted}, "not_compared": []}
        return Outcome(True, result, {}, for_diff(predicted))
    client, mine = create(api, desired)
    outcome = _present(api, desired, client, check_mode)
    if not mine:
        return outcome
    return Outcome(True, outcome.result, {}, for_diff(predicted), outcome.warnings)


def _present(api: IamApi, desired: Members, observed: Client, check_mode: bool) -> Outcome:
    plan = plan_client(desired, observed)
    client = observed.shown()
    if plan.changes:
        now = client if check_mode else update(api, desired, observed, plan.changes).shown()
        client = {**now, **plan.changes}
    before = {name: getattr(observed, name) for name in desired if name not in plan.hidden}
    return Outcome(
        bool(plan.changes),
        {"client": client, "not_compared": list(plan.hidden)},
        for_diff(before),
        for_diff({**before, **plan.changes}),
        _warnings(observed, plan.hidden),
    )


def _warnings(observed: Client, hidden: Sequence[str]) -> list[str]:
    if not hidden:
        return []
    warning = (
        f"The server does not show {', '.join(hidden)} of client {observed.client_id}, so this was not compared: "
        "it may differ from what the task says."
    )
    return [warning]


def _absent(api: IamApi, observed: Client | None, check_mode: bool) -> Outcome:
    if observed is None:
        return Outcome(False, {"client": None})
    changed = check_mode or delete(api, observed.client_id)
    shown = observed.shown()
    before = for_diff({name: value for name, value in shown.items() if name in MEMBERS})
    return Outcome(changed, {"client": shown}, before if changed else {}, {})


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
    # Several may have the name: that is what this module is asked to show.
    name = params["name"]
    named = [client for client in api.list_clients(name) if client.name == name]
    named = named or [client for client in api.list_clients() if client.name == name]
    read = (complete(api, client) for client in named)
    return [client for client in read if client is not None]


OIDC_CLIENT = api_operation("oidc_client", CLIENT, reconcile_client)
OIDC_CLIENT_INFO = api_operation("oidc_client_info", CLIENT_INFO, client_info)
