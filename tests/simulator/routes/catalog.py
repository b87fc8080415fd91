# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scopes, actions and the caller."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.grants import ACTION_TREE
from simulator.render import envelope

SCOPES = ("services.iam", "services.banking", "services.documents", "api")


def scope_names(call: Call) -> list[str]:
    """OAuth scopes that a client may be allowed."""
    return [*SCOPES, *call.store.names("scope")]


def action_names(call: Call) -> list[str]:
    """Actions that a policy may grant."""
    return [*ACTION_TREE, *call.store.names("action")]


def list_scopes(call: Call) -> Response:
    """GET /v1/scopes."""
    names = scope_names(call)
    items: list[Any] = [{"name": name, "displayName": name, "description": None} for name in names]
    shown = names if call.profile.scopes_shape == "string" else items
    return JSONResponse(envelope(call.profile.scopes_envelope, shown))


def list_actions(call: Call) -> Response:
    """GET /v1/actions, or /actions."""
    if call.operation is None or call.operation.path.removesuffix("/actions") != call.profile.actions_prefix:
        raise ApiError(404, "there is nothing here")
    names = action_names(call)
    shapes: dict[str, list[Any]] = {
        "string": names,
        "object": [{"name": name, "displayName": name} for name in names],
        "tree": [
            {"name": name, "children": [{"name": child} for child in ACTION_TREE.get(name, ())]} for name in names
        ],
    }
    return JSONResponse(envelope(call.profile.actions_envelope, shapes[call.profile.actions_shape]))


def _caller(call: Call) -> str:
    if call.profile.me_for_client != HTTPStatus.OK or call.identity is None:
        raise ApiError(call.profile.me_for_client, "the caller is not a user")
    return call.identity.client_id


def get_me(call: Call) -> Response:
    """GET /v1/me. A client has no email or phone number, so these are empty."""
    caller = _caller(call)
    return JSONResponse(
        {
            "id": caller,
            "userName": caller,
            "email": "",
            "phoneNumber": "",
            "twoFactorEnabled": False,
            "roles": [{"id": "TenantAdmin", "name": "TenantAdmin"}] if caller == call.admin_client_id else [],
        }
    )


def list_claims(call: Call) -> Response:
    """GET /v1/me/claims."""
    caller = _caller(call)
    claims = {"tid": call.tenant, "client_id": caller}
    return JSONResponse(
        [
            {"claimId": number, "userId": caller, "claimType": name, "claimValue": value}
            for number, (name, value) in enumerate(claims.items(), start=1)
        ]
    )
