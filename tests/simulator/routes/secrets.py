# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Client secrets: list, add, delete."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.profiles import Profile
from simulator.render import created_links, envelope, location, maybe_body, no_content, parse_time, time_text
from simulator.routes.clients import known_client
from simulator.store import Client, Secret

_SHORTEST, _LONGEST = 8, 32
_LONGEST_DESCRIPTION = 2000


def shown_id(profile: Profile, secret: Secret) -> str | int:
    """The id of a secret, in the type that the profile sets."""
    return secret.number if profile.secret_id_type == "integer" else secret.uuid


def secret_form(profile: Profile, secret: Secret) -> dict[str, Any]:
    """One secret as a list shows it."""
    form: dict[str, Any] = {profile.secret_id_name: shown_id(profile, secret)}
    if profile.secret_descriptions:
        form["description"] = _shown_description(profile, secret.description)
    form[profile.secret_expiration_name] = time_text(profile, secret.expires)
    if profile.secret_created_name:
        form[profile.secret_created_name] = time_text(profile, secret.created)
    if profile.secret_value != "absent":
        form["value"] = None if profile.secret_value == "null" else "********"
    if profile.secret_types_listed or profile.extra_members:
        form["type"] = secret.type
    return form


def _shown_description(profile: Profile, text: str) -> str:
    forms = {"as_sent": text, "upper_case": text.upper(), "cut": text[:20]}
    return forms[profile.secret_description_form]


def _with_positions(profile: Profile, forms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**form, profile.secret_id_name: number} for number, form in enumerate(forms, 1)]


def list_secrets(call: Call) -> Response:
    """GET /v1/clients/{clientId}/secrets."""
    client = known_client(call)
    now = call.store.database.clock()
    found = call.store.secrets.visible(client.client_id, call.lag)
    if not call.profile.expired_secrets_listed:
        found = [secret for secret in found if secret.expires is None or secret.expires > now]
    if call.profile.list_order == "newest":
        found.reverse()
    forms = [secret_form(call.profile, secret) for secret in found]
    if call.profile.secret_id_positions:
        forms = _with_positions(call.profile, forms)
    if not forms and call.profile.empty_secrets == "no_content":
        return no_content(HTTPStatus.NO_CONTENT)
    if not forms and call.profile.empty_secrets == "null":
        return JSONResponse(None)
    return JSONResponse(envelope(call.profile.secrets_envelope, forms))


def _checked(call: Call, data: dict[str, Any]) -> tuple[str, str, float | None]:
    """The value, description and expiration in the request. Raises `ApiError` if one is missing or invalid."""
    wrong: dict[str, list[str]] = {}
    value, description, expiration = data.get("value"), data.get("description"), data.get("expiration")
    if not isinstance(value, str) or not _SHORTEST <= len(value) <= _LONGEST:
        wrong["value"] = [f"must be a string of {_SHORTEST} to {_LONGEST} characters"]
    elif call.profile.secret_alphabet == "alphanumeric" and not re.fullmatch("[A-Za-z0-9]+", value):
        wrong["value"] = ["may have only letters and digits"]
    if description is None and not call.profile.secret_description_required:
        description = ""
    if not isinstance(description, str):
        wrong["description"] = ["required"]
    elif call.profile.length_limits and len(description) > _LONGEST_DESCRIPTION:
        wrong["description"] = [f"has more than {_LONGEST_DESCRIPTION} characters"]
    expires, problem = _expiration(call, expiration)
    if problem:
        wrong["expiration"] = [problem]
    if wrong:
        raise ApiError(400, "some members of the secret are missing or wrong", wrong)
    return str(value), str(description), expires


def _expiration(call: Call, expiration: Any) -> tuple[float | None, str]:
    if expiration is None:
        return None, ""
    try:
        expires = parse_time(expiration)
    except (ValueError, TypeError, AttributeError):
        return None, "not an RFC 3339 time"
    past = expires <= call.store.database.clock()
    refused = past and call.profile.past_expiration != HTTPStatus.CREATED
    return expires, "in the past" if refused else ""


def _refuse(call: Call, client: Client, value: str) -> None:
    profile = call.profile
    present = call.store.secrets.present(client.client_id)
    if profile.max_secrets and len(present) >= profile.max_secrets:
        raise ApiError(profile.max_secrets_status, f"a client may have at most {profile.max_secrets} secrets")
    again = any(secret.deleted is None for secret in call.store.secrets.matching(client.client_id, value))
    if again and profile.duplicate_secret_value != HTTPStatus.CREATED:
        raise ApiError(profile.duplicate_secret_value, "the client has a secret with this value")


def create_secret(call: Call) -> Response:
    """POST /v1/clients/{clientId}/secrets."""
    client = known_client(call)
    value, description, expires = _checked(call, call.json())
    _refuse(call, client, value)
    secret = call.store.secrets.add(client.client_id, value, description, expires)
    profile = call.profile
    identifier = shown_id(profile, secret)
    path = f"/clients/{client.client_id}/secrets/{identifier}"
    bodies: dict[str, Any] = {
        "none": None,
        "secret": {**secret_form(profile, secret), "description": description},
        "echo": {"value": value, "description": description},
        "links": created_links(call, path),
        "client": {"id": client.client_id, "name": client.name},
        "request": {"id": f"request-{identifier}", "status": "done"},
    }
    call.entry["created"] = identifier
    return maybe_body(profile.create_secret_status, bodies[profile.create_secret_body], location(call, path))


def delete_secret(call: Call) -> Response:
    """DELETE /v1/clients/{clientId}/secrets/{secretId}."""
    client = known_client(call)
    profile = call.profile
    present = call.store.secrets.present(client.client_id)
    wanted = call.params["secretId"]
    ids = [
        str(number if profile.secret_id_positions else shown_id(profile, each))
        for number, each in enumerate(present, 1)
    ]
    found = next((secret for secret, shown in zip(present, ids, strict=True) if shown == wanted), None)
    if found is None:
        if profile.delete_missing_secret >= HTTPStatus.BAD_REQUEST:
            raise ApiError(profile.delete_missing_secret, "there is no such secret")
        return no_content(profile.delete_missing_secret)
    if len(present) == 1 and profile.delete_last_secret >= HTTPStatus.BAD_REQUEST:
        raise ApiError(profile.delete_last_secret, "the last secret of a client cannot be deleted")
    call.store.secrets.delete(found)
    return no_content(profile.delete_secret_status)
