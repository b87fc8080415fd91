# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of one subject: the operations ``subject_memberships`` and ``subject_memberships_info``."""

from __future__ import annotations

from .._clients.subjects import SUBJECT, is_nobody, resolve_subject, subject_id
from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, IamError, MissingError, NotFoundError, NotOfferedError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import NOT_OFFERED, IamApi, api_operation, refuse_empty
from .groups import Group, find_group, list_groups, require_group
from .members import change_members, members_of

MEMBERSHIPS = SUBJECT.merge(
    ArgumentSpec(
        {
            "groups": {"type": "list", "elements": "str", "required": True},
            "mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
        }
    )
)


def memberships_of(api: IamApi, subject: str) -> list[Group]:
    """The groups of a subject. Raises ``MissingError``, or ``NotOfferedError`` if the server has no groups."""
    try:
        return [Group(each) for each in api.list_memberships(subject)]
    except ApiError as error:
        if error.status not in (404, *NOT_OFFERED):
            raise
        list_groups(api, subject)  # raises if the server does not support groups
        if isinstance(error, NotFoundError):
            raise MissingError(
                f"There is no subject {subject!r}.", hint="Look it up with client_subject_info.", subject=subject
            ) from None
        raise


def memberships_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``subject_memberships_info``."""
    subject, warnings = resolve_subject(api, params)
    found = [group.shown() for group in memberships_of(api, subject)]
    return Outcome(False, {"subject": subject, "memberships": found}, warnings=warnings)


def reconcile_memberships(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``subject_memberships``."""
    refuse_empty(params, "groups")
    wanted, exact = list(dict.fromkeys(params["groups"])), params["mode"] == "exact"
    try:
        subject, warnings = resolve_subject(api, params)
        held = memberships_of(api, subject)
    except (MissingError, NotOfferedError) as error:
        named = params["subject"] or isinstance(error, NotOfferedError)
        if wanted or not (named or is_nobody(api, params)):
            raise
        return Outcome(False, {"subject": None, "groups": []})  # without subject or groups there are no memberships
    join, missing = _to_join(api, held, wanted, check_mode)
    surplus = [group for group in held if exact and not any(map(group.called, wanted))]
    leave = [group for group in surplus if _is_direct(api, group, subject)]
    if not check_mode:
        for group in join:
            change_members(api, group, [subject], join=True)
        _leave(api, leave, subject)
    before = sorted(group.name for group in held)
    after = sorted([*(group.name for group in [*held, *join] if group not in leave), *missing])
    warnings = [*warnings, *(f"There is no group {each!r} yet." for each in missing)]
    changed = bool(join or leave or missing)
    return Outcome(changed, {"subject": subject, "groups": after}, {"groups": before}, {"groups": after}, warnings)


def _to_join(api: IamApi, held: list[Group], wanted: list[str], check_mode: bool) -> tuple[list[Group], list[str]]:
    """The groups to join, all found before the first is joined; in check mode also the names of missing groups."""
    found: list[Group] = []
    missing: list[str] = []
    for text in wanted:
        if any(group.called(text) for group in held):
            continue
        group = find_group(api, text) if check_mode else require_group(api, text)
        if group is None:
            missing.append(text)
        else:
            found.append(group)
    return found, missing


def _is_direct(api: IamApi, group: Group, subject: str) -> bool:
    """Whether the subject itself is a member. It cannot leave a group in which it is through another group."""
    listed = members_of(api, group)
    return listed is None or any(subject_id(each) == subject for each in listed)


def _leave(api: IamApi, groups: list[Group], subject: str) -> None:
    """Leave each of the groups. Raises one ``IamError`` for all groups that it could not leave."""
    errors = [(group, error) for group in groups if (error := _failure(api, group, subject))]
    if errors:
        reasons = "; ".join(f"{group.name} ({group.subject_id}): {error.message}" for group, error in errors)
        raise IamError(
            f"{subject} could not leave {len(errors)} of {len(groups)} groups: {reasons}",
            hint=f"{errors[0][1].hint} Run it again to continue.".strip(),
            groups=[group.subject_id for group, _error in errors],
        )


def _failure(api: IamApi, group: Group, subject: str) -> IamError | None:
    try:
        change_members(api, group, [subject], join=False)
    except IamError as error:
        return error
    return None


SUBJECT_MEMBERSHIPS = api_operation("subject_memberships", MEMBERSHIPS, reconcile_memberships)
SUBJECT_MEMBERSHIPS_INFO = api_operation("subject_memberships_info", SUBJECT, memberships_info)
