# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups, their members, and the memberships of a subject."""

from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.render import no_content
from simulator.routes.subjects import find_subject, known_subject, page_of, permissions_of, person_form, subject_form
from simulator.store import Person

# The operations that exist only if the profile offers groups.
OPERATIONS = frozenset(
    {
        *("listGroups", "createGroup", "deleteGroup", "getGroupPermissions"),
        *("listGroupMembers", "addGroupMembers", "removeGroupMembers", "getSubjectMemberships"),
    }
)


def refuse_without_groups(call: Call) -> None:
    """Raise `ApiError` if the profile has no groups, or forbids them to this caller."""
    if call.profile.groups == "missing":
        raise ApiError(404, "there is nothing here")
    if call.profile.groups == "forbidden":
        raise ApiError(403, "the caller may not see groups")


def _find_group(call: Call) -> Person | None:
    asked, key = call.params["groupSubjectId"], call.profile.group_key
    if asked.startswith("group-"):
        if key == "id":
            raise ApiError(call.profile.group_key_status, f"{asked} is not the id of a group")
        return call.store.people.group(call.tenant, subject_id=asked)
    if key == "subject_id":
        raise ApiError(call.profile.group_key_status, f"{asked} is not the subject id of a group")
    return call.store.people.group(call.tenant, uuid_=asked)


def _known_group(call: Call) -> Person:
    group = _find_group(call)
    if group is None:
        raise ApiError(404, f"there is no group {call.params['groupSubjectId']}")
    return group


def list_groups(call: Call) -> Response:
    """GET /v1/subjects/groups."""
    groups = call.store.people.groups(call.tenant, call.query.get("searchQuery", ""), call.lag)
    return page_of(call, [person_form(group) for group in groups], call.profile.groups_envelope)


def create_group(call: Call) -> Response:
    """POST /v1/subjects/groups."""
    data, profile = call.json(), call.profile
    name, description = data.get("displayName"), data.get("description", "")
    if not isinstance(name, str) or not name or not isinstance(description, str):
        raise ApiError(400, "displayName must be a string", {"displayName": ["required"]})
    taken = any(group.name == name for group in call.store.people.groups(call.tenant, name))
    if taken and profile.duplicate_group_name != HTTPStatus.OK:
        raise ApiError(profile.duplicate_group_name, "a group with this name exists")
    group = call.store.people.add_group(call.tenant, name, description, opaque=profile.group_subject == "opaque")
    call.entry["created"] = group.subject_id
    form = {"id": group.uuid, "displayName": group.name, "subjectId": group.subject_id, "type": "Group"}
    return JSONResponse(form, status_code=profile.create_group_status)


def delete_group(call: Call) -> Response:
    """DELETE /v1/subjects/groups/{groupSubjectId}."""
    profile = call.profile
    if profile.delete_group_status == HTTPStatus.METHOD_NOT_ALLOWED:
        raise ApiError(405, "DELETE is not allowed here")
    group = _find_group(call)
    if group is None:
        if profile.delete_missing_group == HTTPStatus.NOT_FOUND:
            raise ApiError(404, "there is no such group")
        return no_content(profile.delete_missing_group)
    call.store.people.delete_group(group)
    if profile.group_cascade:
        call.store.policies.delete_of_subject(call.tenant, group.subject_id)
    return no_content(profile.delete_group_status)


def group_permissions(call: Call) -> Response:
    """GET /v1/subjects/groups/{groupSubjectId}/permissions."""
    return permissions_of(call, _known_group(call).subject_id)


def memberships(call: Call) -> Response:
    """GET /v1/subjects/{subject}/memberships."""
    people, subject_id = call.store.people, known_subject(call, call.params["subject"])
    nested = call.profile.memberships_nested
    groups = (
        people.all_groups(call.tenant, subject_id)
        if nested
        else people.direct_groups(call.tenant, subject_id, call.lag)
    )
    return page_of(call, [person_form(group) for group in groups], call.profile.groups_envelope)


def list_members(call: Call) -> Response:
    """GET /v1/subjects/groups/{groupSubjectId}/members."""
    if not call.profile.group_members_listed:
        raise ApiError(405, "GET is not allowed here")
    members = call.store.people.members(_known_group(call).uuid, call.lag)
    forms = [form for form in (subject_form(call, member) for member in members) if form]
    return page_of(call, forms, call.profile.groups_envelope)


def _subject_ids(call: Call) -> list[str]:
    wanted, most = call.json().get("subjectIds"), call.profile.members_per_request
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise ApiError(400, "subjectIds must be an array of strings", {"subjectIds": ["required"]})
    if most and len(wanted) > most:
        raise ApiError(400, f"subjectIds has more than {most} entries", {"subjectIds": ["too many"]})
    return wanted


def _refuse(status: int, subject_ids: Collection[str], problem: str) -> None:
    if subject_ids and status >= HTTPStatus.BAD_REQUEST:
        raise ApiError(status, f"{problem}: {', '.join(subject_ids)}")


def add_members(call: Call) -> Response:
    """POST /v1/subjects/groups/{groupSubjectId}/members: adds all subjects, or none if one is refused."""
    group, wanted, profile = _known_group(call), _subject_ids(call), call.profile
    unknown = {subject_id for subject_id in wanted if find_subject(call, subject_id) is None}
    _refuse(profile.unknown_member, unknown, "there is no such subject")
    _refuse(profile.existing_member, {*wanted} & {*call.store.people.members(group.uuid)}, "these are members")
    if not profile.groups_in_groups and any(subject_id.startswith("group-") for subject_id in wanted):
        raise ApiError(400, "a group cannot be a member of a group")
    for subject_id in wanted:
        if subject_id not in unknown:
            call.store.people.join(group.uuid, subject_id)
    return no_content(profile.member_change_status)


def remove_members(call: Call) -> Response:
    """DELETE /v1/subjects/groups/{groupSubjectId}/members, with a JSON body: removes all or none."""
    group, wanted = _known_group(call), _subject_ids(call)
    missing = {*wanted} - {*call.store.people.members(group.uuid)}
    _refuse(call.profile.missing_member, missing, "these are not members")
    for subject_id in wanted:
        call.store.people.leave(group.uuid, subject_id)
    return no_content(call.profile.member_change_status)
