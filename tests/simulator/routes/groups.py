# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups and their members."""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.render import no_content
from simulator.routes.subjects import find_subject, page_of, permissions_of, person_form, subject_form
from simulator.store import Person


def _known_group(call: Call) -> Person:
    asked = call.params["groupSubjectId"]
    is_subject_id = asked.startswith("group-")
    refused = "id" if is_subject_id else "subject_id"
    group = call.store.people.group(call.tenant, asked.removeprefix("group-"))
    if group is None or call.profile.group_key == refused:
        raise ApiError(404, f"there is no group {asked}")
    return group


def list_groups(call: Call) -> Response:
    """GET /v1/subjects/groups."""
    groups = call.store.people.groups(call.tenant, call.query.get("searchQuery", ""))
    return page_of(call, [person_form(group) for group in groups])


def create_group(call: Call) -> Response:
    """POST /v1/subjects/groups."""
    data = call.json()
    name, description = data.get("displayName"), data.get("description", "")
    if not isinstance(name, str) or not name or not isinstance(description, str):
        raise ApiError(400, "displayName must be a string", {"displayName": ["required"]})
    group = call.store.people.add_group(call.tenant, name, description)
    call.entry["created"] = group.subject_id
    form = {"id": group.uuid, "displayName": group.name, "subjectId": group.subject_id, "type": "Group"}
    return JSONResponse(form, status_code=call.profile.create_group_status)


def delete_group(call: Call) -> Response:
    """DELETE /v1/subjects/groups/{groupSubjectId}."""
    group = _known_group(call)
    call.store.people.delete_group(group)
    if call.profile.cascade:
        call.store.policies.delete_of_subject(call.tenant, group.subject_id)
    return no_content(204)


def group_permissions(call: Call) -> Response:
    """GET /v1/subjects/groups/{groupSubjectId}/permissions."""
    return permissions_of(call, _known_group(call).subject_id)


def list_members(call: Call) -> Response:
    """GET /v1/subjects/groups/{groupSubjectId}/members."""
    members = call.store.people.members(_known_group(call).uuid)
    return page_of(call, [form for form in (subject_form(call, member) for member in members) if form])


def _subject_ids(call: Call) -> list[str]:
    wanted = call.json().get("subjectIds")
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise ApiError(400, "subjectIds must be an array of strings", {"subjectIds": ["required"]})
    return wanted


def add_members(call: Call) -> Response:
    """POST /v1/subjects/groups/{groupSubjectId}/members."""
    group, wanted = _known_group(call), _subject_ids(call)
    for subject_id in wanted:
        if find_subject(call, subject_id) is None:
            raise ApiError(400, f"there is no subject {subject_id}")
        if subject_id.startswith("group-") and not call.profile.groups_in_groups:
            raise ApiError(400, "a group cannot be a member of a group")
    for subject_id in wanted:
        call.store.people.join(group.uuid, subject_id)
    return no_content(call.profile.member_change_status)


def remove_members(call: Call) -> Response:
    """DELETE /v1/subjects/groups/{groupSubjectId}/members, with a JSON body."""
    group = _known_group(call)
    for subject_id in _subject_ids(call):
        call.store.people.leave(group.uuid, subject_id)
    return no_content(call.profile.member_change_status)
