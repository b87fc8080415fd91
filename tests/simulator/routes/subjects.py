# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subjects of every type, their memberships and permissions, and the list of users."""

from __future__ import annotations

import dataclasses
from typing import Any

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.grants import effective_policies
from simulator.profiles import Profile
from simulator.render import envelope
from simulator.store import Client, Person, Policy

_LEAST_PAGE = 10
_ALL = 1 << 31


def client_subject_id(profile: Profile, client: Client) -> str:
    """The subject id of a client under this profile."""
    return client.subject_ids[0 if profile.client_subject == "client_id" else 1]


def client_form(profile: Profile, client: Client) -> dict[str, Any]:
    """`ClientSubjectDto` (its properties are assumed)."""
    shown = profile.client_subject != "opaque_without_properties"
    return {
        "$type": "ClientSubjectDto",
        "id": client.client_id if profile.client_subject == "client_id" else client.uuid,
        "displayName": client.name,
        "tenant": client.tenant,
        "subjectId": client_subject_id(profile, client),
        "type": "Client",
        "properties": {"clientId": client.client_id, "description": client.description} if shown else None,
    }


def person_form(person: Person) -> dict[str, Any]:
    """`UserSubjectDto` or `SubjectGroupDto`."""
    of_user = {"username": person.name, "email": person.detail, "phone": None}
    of_group = {"description": person.detail}
    return {
        "$type": "UserSubjectDto" if person.kind == "User" else "SubjectGroupDto",
        "id": person.uuid,
        "displayName": person.name,
        "tenant": person.tenant,
        "subjectId": person.subject_id,
        "type": person.kind,
        "properties": of_user if person.kind == "User" else of_group,
    }


def find_subject(call: Call, subject_id: str) -> Client | Person | None:
    """The subject of the caller's tenant with this full subject id."""
    kind, _unused, identifier = subject_id.partition("-")
    if kind == "user":
        return call.store.people.user(call.tenant, identifier)
    if kind == "group":
        return call.store.people.group(call.tenant, subject_id=subject_id)
    if kind == "client" and call.profile.client_subject == "client_id":
        return call.store.clients.find(identifier, call.tenant)
    if kind == "client":
        return call.store.clients.by_uuid(call.tenant, identifier)
    return None


def subject_form(call: Call, subject_id: str) -> dict[str, Any] | None:
    """A subject by its id, as lists show it."""
    subject = find_subject(call, subject_id)
    if subject is None:
        return None
    return client_form(call.profile, subject) if isinstance(subject, Client) else person_form(subject)


def known_subject(call: Call, subject_id: str) -> str:
    """The subject id. Raises `ApiError` if there is no such subject."""
    if find_subject(call, subject_id) is None:
        raise ApiError(404, f"there is no subject {subject_id}")
    return subject_id


def _bounds(call: Call) -> tuple[int, int]:
    page = max(call.integer("page") or 1, 1)
    most = max(call.profile.subjects_page_max, _LEAST_PAGE)
    return page, min(max(call.integer("pageSize") or _LEAST_PAGE, _LEAST_PAGE), most)


def _page(items: list[Any], page: int, size: int, total: int) -> dict[str, Any]:
    return {
        "data": items,
        "page": page,
        "pageSize": size,
        "count": len(items),
        "total": total,
        "totalPages": -(-total // size),
    }


def page_of(call: Call, items: list[dict[str, Any]], style: str = "flat") -> Response:
    """One page of a list, in the envelope of subjects (flat) or of clients (items); with bare, the whole list."""
    if style == "bare":
        return JSONResponse(items)
    page, size = _bounds(call)
    shown = items[(page - 1) * size : page * size]
    if style == "flat":
        return JSONResponse(_page(shown, page, size, len(items)))
    return JSONResponse(_items(shown, page, size, len(items)))


def _items(items: list[Any], page: int, size: int, total: int) -> dict[str, Any]:
    return {
        "items": items,
        "metadata": {"page": page, "pageSize": size, "totalCount": total},
        "links": {"first": None, "previous": None, "next": None, "last": None},
    }


def list_subjects(call: Call) -> Response:
    """GET /v1/subjects."""
    text = call.query.get("searchQuery", "")
    found, _unused = call.store.clients.page(
        call.tenant, text, "name", lag=call.lag, newest=False, offset=0, limit=_ALL
    )
    people = [*call.store.people.users(call.tenant, text), *call.store.people.groups(call.tenant, text)]
    forms = [client_form(call.profile, client) for client in found]
    return page_of(call, [*map(person_form, people), *forms])


def list_client_subjects(call: Call) -> Response:
    """GET /v1/subjects/clients."""
    page, size = _bounds(call)
    found, total = call.store.clients.page(
        call.tenant,
        call.query.get("searchQuery", ""),
        "name",
        lag=call.lag,
        newest=False,
        offset=(page - 1) * size,
        limit=size,
    )
    return JSONResponse(_page([client_form(call.profile, client) for client in found], page, size, total))


def list_user_subjects(call: Call) -> Response:
    """GET /v1/subjects/users."""
    users = call.store.people.users(call.tenant, call.query.get("searchQuery", ""))
    return page_of(call, [person_form(user) for user in users])


def list_users(call: Call) -> Response:
    """GET /v1/users: all users on one page, in the envelope of clients."""
    users = call.store.people.users(call.tenant, call.query.get("searchText", ""))
    items = [{"id": user.uuid, "userName": user.name, "email": user.detail} for user in users]
    return JSONResponse(_items(items, 1, max(len(items), 1), len(items)))


def _permission_form(profile: Profile, policy: Policy) -> dict[str, Any]:
    if profile.permission_shape == "action":
        return {"action": policy.action, "scope": policy.scope}
    if profile.permission_shape == "nested":
        return {
            "action": {"name": policy.action},
            "scope": {"uri": policy.scope},
            "subject": {"subjectId": policy.subject},
        }
    return {"subject": policy.subject, "action": policy.action, "scope": policy.scope, "tenant": policy.tenant}


def permissions_of(call: Call, subject_id: str) -> Response:
    """The permissions of a subject. The profile says whether those of its groups and implied ones are included."""
    profile = call.profile
    through = call.store.people.all_groups(call.tenant, subject_id) if profile.permissions_through_groups else []
    found = [
        policy if profile.permission_subject == "holder" else dataclasses.replace(policy, subject=subject_id)
        for subject in (subject_id, *(group.subject_id for group in through))
        for policy in effective_policies(
            call, {"subject": subject}, derived=profile.permissions_implied, inherited=False
        )
    ]
    forms = [_permission_form(profile, policy) for policy in dict.fromkeys(found)]
    if call.profile.permissions_envelope == "paged":
        return page_of(call, forms)
    return JSONResponse(envelope(call.profile.permissions_envelope, forms))


def subject_permissions(call: Call) -> Response:
    """GET /v1/subjects/{subject}/permissions."""
    return permissions_of(call, known_subject(call, call.params["subject"]))


def client_permissions(call: Call) -> Response:
    """GET /v1/subjects/clients/{client}/permissions. {client} is the client id or the subject id."""
    asked = call.params["client"]
    subject_id = asked if find_subject(call, asked) else f"client-{asked}"
    return permissions_of(call, known_subject(call, subject_id))
