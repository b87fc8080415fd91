# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The members of a group: the operations ``subject_group_members`` and ``subject_group_info``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .._clients.subjects import choose, subject_id
from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, IamError, MissingError, NotFoundError, NotOfferedError, OptionError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import NOT_OFFERED, PAUSES, REFUSALS, SHORT_PAUSES, IamApi, api_operation, refuse_empty
from .._iam.contract import Client, Subject
from .._iam.once import create_once, delete_once
from .groups import GROUP_INFO, Group, find_group, find_groups, list_groups, require_group

BATCHES = (200, 50, 10)
"""Members in one request. No limit is documented: if a server refuses so many, fewer are sent."""

_SUBJECTS = {"type": "list", "elements": "str", "default": []}

MEMBERS = ArgumentSpec(
    {
        "group": {"type": "str", "required": True},
        "members": _SUBJECTS,
        "clients": _SUBJECTS,
        "mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    },
)


def members_of(api: IamApi, group: Group) -> list[Subject] | None:
    """The subjects in the group; None if the server does not list them, or not for this admin."""
    try:
        return group.ask(api.list_members)
    except ApiError as error:
        if error.status not in (403, 404, *NOT_OFFERED):
            raise
        return None


def member_ids(api: IamApi, group: Group, asked: Sequence[str]) -> set[str]:
    """The subject ids in the group. If the server does not list members, only those in ``asked`` are checked."""
    listed = members_of(api, group)
    if listed is not None:
        return {subject_id(each) for each in listed}
    return {each for each in asked if _is_in(api, group, each)}


def _is_in(api: IamApi, group: Group, subject: str) -> bool:
    try:
        return group.subject_id in map(subject_id, api.list_memberships(subject))
    except NotFoundError:  # a missing subject is in no group
        return False


def change_members(api: IamApi, group: Group, subject_ids: Sequence[str], *, join: bool) -> None:
    """Add subjects to the group or remove them, many in one request, and check the result.

    Raises ``IamError`` with the subjects that were not added or removed. Without subjects no request is sent.
    """
    if not subject_ids:
        return
    left, size = list(subject_ids), BATCHES[0]
    while left:
        batch = left[:size]
        try:
            _send(api, group, batch, join=join)
        except IamError as error:
            smaller = [each for each in BATCHES if each < len(batch)]
            if isinstance(error, ApiError) and error.status in REFUSALS and smaller:
                size = smaller[0]
                continue
            # Somebody else may have added or removed some of them, or an answer was lost.
            conflict = isinstance(error, ApiError) and error.status in (404, 409)
            remaining = _not_done(api, group, batch, SHORT_PAUSES if conflict else (), join=join)
            if len(remaining) == len(batch):
                done = len(subject_ids) - len(left)
                error.hint = (
                    f"{error.hint} Before that, {done} of {len(subject_ids)} were done." if done else error.hint
                )
                raise
            left = remaining + left[len(batch) :]
        else:
            left = left[len(batch) :]
    failed = _not_done(api, group, subject_ids, join=join)
    if failed:
        raise IamError(
            f"The server says that it {'added' if join else 'removed'} members of group {group.name} "
            f"({group.subject_id}), but still shows the old state of {', '.join(failed)}.",
            hint="Check that these subjects exist. If they do, the list may lag behind: run it again.",
            subject_ids=failed,
        )


def _not_done(
    api: IamApi, group: Group, subject_ids: Sequence[str], pauses: Sequence[float] = PAUSES, *, join: bool
) -> list[str]:
    """The subjects that are not yet added or removed, after a wait for a list that lags behind."""
    left: list[str] = []

    def done() -> bool:
        members = member_ids(api, group, subject_ids)
        left[:] = [each for each in subject_ids if (each in members) != join]
        return not left

    api.settle(done, pauses)
    return left


def _send(api: IamApi, group: Group, batch: Sequence[str], *, join: bool) -> None:
    def done() -> bool:
        return not _not_done(api, group, batch, (), join=join)

    if join:
        create_once(api, lambda: group.ask(lambda key: api.add_members(key, batch)), done)
    else:
        delete_once(api, lambda: group.ask(lambda key: api.remove_members(key, batch)), done)


def reconcile_members(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``subject_group_members``."""
    refuse_empty(params, "group", "members", "clients")
    present, exact = params["state"] == "present", params["mode"] == "exact"
    if exact and not present:
        raise OptionError(
            "mode=exact needs state=present.",
            hint="To empty a group, give an empty list of members with mode=exact.",
            option="mode",
        )
    if not (exact or params["members"] or params["clients"]):
        raise OptionError("members or clients is required.", hint="Give one of them.", option="members")
    # In check mode, an earlier task may have said that it would create the group.
    group = require_group(api, params["group"]) if present and not check_mode else find_group(api, params["group"])
    wanted = _wanted(api, params, required=present)
    if group is None:
        add = wanted if present else []
        warnings = [f"There is no group {params['group']!r} yet."] if present else []
        result: dict[str, Any] = {"group": None, "members": add, "added": add, "removed": []}
        return Outcome(bool(add), result, {"members": []}, {"members": sorted(add)}, warnings)
    listed = members_of(api, group)
    if listed is None and exact:
        raise NotOfferedError(
            f"This server does not list the members of group {group.name}, so it is not known who else is in it.",
            hint="Use mode=merge, and state=absent for members to remove.",
            status=405,
            subject_id=group.subject_id,
        )
    held = member_ids(api, group, wanted) if listed is None else {subject_id(each) for each in listed}
    add = [each for each in wanted if present and each not in held]
    remove = [each for each in sorted(held) if (each not in wanted if exact else each in wanted and not present)]
    if not check_mode:
        change_members(api, group, add, join=True)
        change_members(api, group, remove, join=False)
    after = (held | {*add}) - {*remove}
    result = {"group": group.shown(), "members": sorted(after), "added": add, "removed": remove}
    return Outcome(bool(add or remove), result, {"members": sorted(held)}, {"members": sorted(after)})


def _wanted(api: IamApi, params: Params, *, required: bool) -> list[str]:
    """The subject ids of ``members`` and ``clients``. Raises ``MissingError`` for clients without a subject."""
    found: dict[str, str] = {}

    def all_found() -> bool:
        listed = api.list_client_subjects()
        chosen = {name: choose(listed, None, name) for name in params["clients"]}
        found.update({name: subject_id(each.subject) for name, each in chosen.items() if each})
        return len(found) == len(chosen)

    if params["clients"]:
        # The subject of a new client may appear a little later than the client.
        api.settle(all_found, PAUSES if required else ())
    missing = [each for each in params["clients"] if each not in found]
    if missing and required:
        raise MissingError(
            f"There is no client {', '.join(missing)}. Nothing was changed.",
            hint="Check the names with oidc_client_info.",
            clients=missing,
        )
    return list(dict.fromkeys([*params["members"], *found.values()]))


def group_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``subject_group_info``."""
    refuse_empty(params, "group", "search")
    found = find_groups(api, params["group"]) if params["group"] else list_groups(api, params["search"])
    return Outcome(
        False, {"groups": [_with_members(api, each) if params["members"] else each.shown() for each in found]}
    )


def _with_members(api: IamApi, group: Group) -> dict[str, Any]:
    listed = members_of(api, group)
    if listed is None:
        return {**group.shown(), "members": None}
    members = [{"subject_id": subject_id(each), "name": each.display_name, "type": each.type} for each in listed]
    return {**group.shown(), "members": members}


def groups_of_clients(api: IamApi, clients: Sequence[Client]) -> dict[str, tuple[str, ...]] | None:
    """The names of the groups of each client by client id, including groups of groups.

    Sends one request for each page of each group, whatever the number of clients. None if the server does not list
    members.
    """
    groups = {group.subject_id: group for group in list_groups(api)}
    above: dict[str, set[str]] = {}
    subjects: dict[str, Subject] = {}
    for group in groups.values():
        listed = members_of(api, group)
        if listed is None:
            return None
        for each in listed:
            subjects[subject_id(each)] = each
            above.setdefault(subject_id(each), set()).add(group.subject_id)

    def names(subject: str) -> tuple[str, ...]:
        found = [subject]
        for each in found:  # grows during the loop
            found += above.get(each, set()) - set(found)
        return tuple(sorted(groups[each].name for each in found if each in groups and each != subject))

    chosen = {each.client_id: choose(subjects.values(), each.client_id, each.name) for each in clients}
    return {client_id: names(subject_id(found.subject)) if found else () for client_id, found in chosen.items()}


SUBJECT_GROUP_INFO = api_operation("subject_group_info", GROUP_INFO, group_info)
SUBJECT_GROUP_MEMBERS = api_operation("subject_group_members", MEMBERS, reconcile_members)
