# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients: list, create, get, update, delete."""

from __future__ import annotations

import dataclasses
import unicodedata
import uuid
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.render import created_links, location, maybe_body, no_content, page_link, time_text
from simulator.routes.catalog import scope_names
from simulator.store import Client

_TEXTS = ("name", "description")
_LISTS = ("allowedGrantTypes", "redirectUris", "allowedScopes")
_LONGEST_NAME = 200
_LONGEST = {"name": 200, "description": 1000, "allowedGrantTypes": 250, "redirectUris": 400, "allowedScopes": 200}


def known_client(call: Call) -> Client:
    """The client of the path."""
    client = call.store.clients.find(call.params["clientId"], call.tenant)
    if client is None:
        raise ApiError(call.profile.not_found_status, f"there is no client {call.params['clientId']}")
    return client


def basic_form(client: Client) -> dict[str, Any]:
    """`ClientDto`."""
    return {"clientId": client.client_id, "name": client.name, "description": client.description}


def full_form(call: Call, client: Client) -> dict[str, Any]:
    """`ClientDetailsDto`, assumed to have the fields of the create request."""
    return {
        **basic_form(client),
        "allowedGrantTypes": list(client.grant_types),
        "redirectUris": list(client.redirect_uris),
        "allowedScopes": list(client.scopes),
        **extra_members(call, client),
    }


def extra_members(call: Call, client: Client) -> dict[str, Any]:
    """The undocumented members."""
    if client.extra is not None:
        return client.extra
    return {"enabled": True, "clientUri": None, "tenantId": client.tenant} if call.profile.extra_members else {}


def _stored_name(call: Call, name: str) -> str:
    """The name as the profile stores it."""
    forms = {
        "as_sent": name,
        "composed": unicodedata.normalize("NFC", name),
        "trimmed": name.strip(),
        "lower_case": name.lower(),
        "cut": name[:_LONGEST_NAME],
    }
    return forms[call.profile.stored_client_name]


def _form(call: Call, client: Client, how: str) -> dict[str, Any]:
    return full_form(call, client) if how == "full" else basic_form(client)


def page_number(call: Call) -> tuple[int, int]:
    """The requested page, and the number of pages before it."""
    asked = call.integer("page")
    zero_based = call.profile.page_zero == "zero_based"
    page = asked if asked is not None else (0 if zero_based else 1)
    if page < 0 or (page == 0 and call.profile.page_zero == "refuse"):
        raise ApiError(400, "page counts from 1", {"page": ["out of range"]})
    if zero_based:
        return page, page
    return max(page, 1), max(page, 1) - 1


def page_size(call: Call, default: int, most: int) -> int:
    """The page size that the server uses."""
    asked = call.integer("pageSize")
    if not asked or asked < 0:
        return min(default, most)
    if asked > most and call.profile.page_size_over_max == "refuse":
        raise ApiError(400, f"pageSize is at most {most}", {"pageSize": ["out of range"]})
    return min(asked, most)


def list_clients(call: Call) -> Response:
    """GET /v1/clients."""
    page, before = page_number(call)
    size = page_size(call, call.profile.clients_page_default, call.profile.clients_page_max)
    found, total = call.store.clients.page(
        call.tenant,
        call.query.get("searchText", ""),
        call.profile.search_text,
        lag=call.lag,
        newest=call.profile.list_order == "newest",
        offset=before * size,
        limit=size,
    )
    items = [_form(call, client, call.profile.client_list_details) for client in found]
    return JSONResponse(clients_envelope(call, items, page, size, total))


def clients_envelope(call: Call, items: list[dict[str, Any]], page: int, size: int, total: int) -> dict[str, Any]:
    """The envelope with items, metadata and links."""
    first = 0 if call.profile.page_zero == "zero_based" else 1
    last = first + max((total - 1) // size, 0)
    return {
        "items": items,
        "metadata": {"page": page, "pageSize": size, "totalCount": total},
        "links": {
            "first": page_link(call, first),
            "previous": page_link(call, page - 1 if page > first else None),
            "next": page_link(call, page + 1 if page < last else None),
            "last": page_link(call, last),
        },
    }


def _checked(call: Call, data: dict[str, Any], required: tuple[str, ...]) -> dict[str, Any]:
    """The members of a create or update request. Raises `ApiError` if one is missing or invalid."""
    wrong: dict[str, list[str]] = {name: ["required"] for name in required if data.get(name) is None}
    for name in _TEXTS:
        if not isinstance(data.get(name, ""), str):
            wrong[name] = ["not a string"]
    for name in _LISTS:
        value = data.get(name, [])
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            wrong[name] = ["not an array of strings"]
    if data.get("name") == "":
        wrong["name"] = ["empty"]
    wrong = wrong or _limit_problems(call, data)
    if wrong:
        raise ApiError(400, "some members of the client are missing or wrong", wrong)
    unknown = set(data.get("allowedScopes", [])) - set(scope_names(call))
    if unknown and call.profile.unknown_scope != HTTPStatus.OK:
        raise ApiError(call.profile.unknown_scope, f"unknown scopes: {', '.join(sorted(unknown))}")
    return data


def _limit_problems(call: Call, data: dict[str, Any]) -> dict[str, list[str]]:
    """The members that are too long or repeat an item, if the profile refuses these."""
    wrong: dict[str, list[str]] = {}
    for name, most in _LONGEST.items():
        value = data.get(name, "")
        items = value if isinstance(value, list) else [value]
        if call.profile.length_limits and any(len(item) > most for item in items):
            wrong[name] = [f"has more than {most} characters"]
        if call.profile.duplicate_items != HTTPStatus.OK and len(set(items)) < len(items):
            wrong[name] = ["repeats an item"]
    return wrong


def _refuse_taken_name(call: Call, name: str, except_id: str = "") -> None:
    status = call.profile.duplicate_client_name
    others = [client for client in call.store.clients.named(call.tenant, name) if client.client_id != except_id]
    if status != HTTPStatus.OK and others:
        raise ApiError(status, "a client with this name exists")


def create_client(call: Call) -> Response:
    """POST /v1/clients."""
    data = _checked(call, call.json(), (*_TEXTS, *_LISTS))
    data["name"] = _stored_name(call, data["name"])
    _refuse_taken_name(call, data["name"])
    client = call.store.clients.add(
        Client(
            tenant=call.tenant,
            client_id=str(uuid.uuid4()),
            name=data["name"],
            description=data["description"],
            grant_types=tuple(data["allowedGrantTypes"]),
            redirect_uris=tuple(data["redirectUris"]),
            scopes=tuple(data["allowedScopes"]),
        )
    )
    path = f"/clients/{client.client_id}"
    bodies: dict[str, Any] = {
        "none": None,
        "client": full_form(call, client),
        "id": {"clientId": client.client_id},
        "links": created_links(call, path),
    }
    call.entry["created"] = client.client_id
    body = bodies[call.profile.create_client_body]
    return maybe_body(call.profile.create_client_status, body, location(call, path))


def get_client(call: Call) -> Response:
    """GET /v1/clients/{clientId}."""
    return JSONResponse(_form(call, known_client(call), call.profile.client_details))


def update_client(call: Call) -> Response:
    """PUT or PATCH /v1/clients/{clientId}."""
    if call.profile.update_method not in (call.method.lower(), "both"):
        raise ApiError(405, f"{call.method} is not allowed here")
    client = known_client(call)
    keep = call.method == "PATCH" or call.profile.put_missing_members == "keep"
    refuse = call.method == "PUT" and call.profile.put_missing_members == "refuse"
    shown = full_form(call, client)
    data = _checked(call, call.json(), (*_TEXTS, *_LISTS) if refuse else () if keep else ("name",))
    missing = [name for name in shown if name not in data and name != "clientId"] if refuse else []
    strict = call.method == "PUT" and call.profile.put_client_id == "required"
    if missing or (strict and data.get("clientId") != client.client_id):
        raise ApiError(400, "a PUT needs every member", {name: ["required"] for name in missing or ["clientId"]})
    if "name" in data:
        data["name"] = _stored_name(call, data["name"])
    _refuse_taken_name(call, data.get("name", client.name), except_id=client.client_id)
    changed = dataclasses.replace(
        client,
        name=data.get("name", client.name),
        description=data.get("description", client.description if keep else ""),
        grant_types=tuple(data.get("allowedGrantTypes", client.grant_types if keep else ())),
        redirect_uris=tuple(data.get("redirectUris", client.redirect_uris if keep else ())),
        scopes=tuple(data.get("allowedScopes", client.scopes if keep else ())),
        extra=_extra(call, client, data, keep=keep),
    )
    call.store.clients.update(changed)
    body = full_form(call, changed) if call.profile.update_client_body == "client" else None
    return maybe_body(call.profile.update_client_status, body)


def _extra(call: Call, client: Client, data: dict[str, Any], *, keep: bool) -> dict[str, Any]:
    """The undocumented members after an update. The server itself sets `version` and `updatedAt`."""
    before = extra_members(call, client)
    sent = {name: value for name, value in data.items() if name not in ("clientId", *_TEXTS, *_LISTS)}
    own = {"version": before.get("version", 0) + 1, "updatedAt": time_text(call.profile, call.store.database.clock())}
    return {**(before if keep else {}), **sent, **{name: value for name, value in own.items() if name in before}}


def delete_client(call: Call) -> Response:
    """DELETE /v1/clients/{clientId}."""
    profile = call.profile
    if profile.delete_client_status == HTTPStatus.METHOD_NOT_ALLOWED:
        raise ApiError(405, "DELETE is not allowed here")
    client = call.store.clients.find(call.params["clientId"], call.tenant)
    if client is None:
        if profile.delete_missing_client == HTTPStatus.NOT_FOUND:
            raise ApiError(profile.not_found_status, "there is no such client")
        return no_content(profile.delete_missing_client)
    for secret in call.store.secrets.present(client.client_id):
        call.store.secrets.delete(secret)
    if profile.cascade:
        for subject in client.subject_ids:
            call.store.policies.delete_of_subject(client.tenant, subject)
            call.store.people.leave_all(subject)
    call.store.clients.delete(client.client_id)
    return no_content(profile.delete_client_status)
