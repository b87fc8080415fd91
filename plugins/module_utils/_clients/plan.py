# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the changes of an OAuth client, and the body of the request. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._core.errors import AmbiguousNameError
from .._core.spelling import is_altered, is_tidied
from .._iam.api import only
from .._iam.contract import Client
from .attributes import ATTRIBUTES, Members


@dataclass(frozen=True)
class ClientPlan:
    """``changes`` are the attributes to set; ``hidden`` are wanted attributes that the server does not show."""

    changes: Members
    hidden: tuple[str, ...]


def wanted_members(params: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes that the task gives. Others are neither compared nor changed."""
    return {
        name: attribute.clean(params[name]) for name, attribute in ATTRIBUTES.items() if params.get(name) is not None
    }


def plan_client(desired: Members, observed: Client) -> ClientPlan:
    """The changes that turn ``observed`` into ``desired``."""
    shown = {name: getattr(observed, name) for name in desired}
    changes = {
        name: value
        for name, value in desired.items()
        if shown[name] is not None and not ATTRIBUTES[name].same(value, shown[name])
    }
    return ClientPlan(changes, tuple(name for name in desired if shown[name] is None))


def new_client(desired: Members) -> dict[str, Any]:
    """All attributes of a client to create, with defaults for those that the task does not give."""
    return {name: desired.get(name, attribute.initial(desired)) for name, attribute in ATTRIBUTES.items()}


def replacement(observed: Client, members: Members) -> tuple[dict[str, Any], list[str]]:
    """The body of a PUT: the client as the server showed it, including its id, updated with ``members``.

    Also returns the attributes that are in neither of the two. A PUT could clear them.
    """
    spelled = observed.spelled
    body = {**observed.document, **to_wire(members, observed)}
    for attribute in ATTRIBUTES.values():
        name = spelled.get(attribute.name, attribute.wire)
        if isinstance(body.get(name), list) and all(isinstance(each, str) for each in body[name]):
            body[name] = attribute.clean(body[name])
    return body, [name for name in ATTRIBUTES if name not in {**observed.shown(), **members}]


def to_wire(members: Members, observed: Client | None = None) -> dict[str, Any]:
    """The members under the names that the server used for them, else those of the contract."""
    spelled = observed.spelled if observed else {}
    return {spelled.get(name, ATTRIBUTES[name].wire): value for name, value in members.items()}


def for_diff(members: Members) -> dict[str, Any]:
    """The members in the form for a diff."""
    return {name: ATTRIBUTES[name].for_diff(value) for name, value in members.items()}


def unmet(members: Members, shown: Client) -> list[str]:
    """The attributes that were sent, but of which the server shows another value, not just another form."""
    stored = {name: getattr(shown, name) for name in members}
    return [
        name
        for name, value in members.items()
        if stored[name] is not None and not ATTRIBUTES[name].taken(value, stored[name])
    ]


def as_stored(members: Members, shown: Client) -> dict[str, Any]:
    """The members that were sent, each in the form in which the server stores it."""
    stored = {name: getattr(shown, name) for name in members}
    other = unmet(members, shown)
    return {name: value if stored[name] is None or name in other else stored[name] for name, value in members.items()}


def exact(clients: Sequence[Client], name: str) -> Client | None:
    """The client with exactly this name. Raises ``AmbiguousNameError`` if there are several."""
    return _only([client for client in clients if client.name == name], name)


def renamed(clients: Sequence[Client], wanted: Members, known: Collection[str] | None) -> Client | None:
    """The client whose name is a stored form of the one in ``wanted``: see ``in_other_forms``.

    Raises ``AmbiguousNameError`` if there are several.
    """
    return _only(in_other_forms(clients, wanted, known), wanted["name"])


def in_other_forms(clients: Iterable[Client], wanted: Members, known: Collection[str] | None = None) -> list[Client]:
    """The clients whose name is a form in which a server stores the name in ``wanted``.

    If the two could be different names, the client must also have the wanted description, or be new: its id is not
    one of ``known``, the ids that were listed before the creation.
    """
    name, description = wanted["name"], wanted["description"]

    def ours(client: Client) -> bool:
        if is_tidied(name, client.name or ""):
            return True
        described = bool(description) and ATTRIBUTES["description"].same(description, client.description or "")
        made = known is not None and client.client_id not in known
        return (described or made) and is_altered(name, client.name or "")

    return [client for client in clients if ours(client)]


def refuse_doubt(clients: Iterable[Client], name: str, description: str | None) -> None:
    """Raise ``AmbiguousNameError`` for clients whose name may be a stored form of ``name``, or another name.

    A client with another description than the wanted one is certainly another client.
    """
    similar = [
        client for client in clients if is_altered(name, client.name or "") and not (description and client.description)
    ]
    if similar:
        shown = ", ".join(f"{client.client_id} ({client.name!r})" for client in similar)
        raise AmbiguousNameError(
            f"No client has the name {name!r}, but the server may have changed the name: {shown}. Nothing was changed.",
            hint="Give client_id (service_client_client_id for the role), or the description that the client has.",
            name=name,
            ids=[client.client_id for client in similar],
        )


def _only(matches: Sequence[Client], name: str) -> Client | None:
    hint = "Give client_id to say which one is meant."
    return only(matches, f"clients have the name {name!r}", lambda client: client.client_id, hint)
