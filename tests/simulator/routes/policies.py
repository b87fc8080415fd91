# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: list by cursor, create, delete with a JSON body."""

from __future__ import annotations

import base64
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from simulator.call import ApiError, Call
from simulator.grants import effective_policies
from simulator.profiles import Profile
from simulator.render import maybe_body, no_content
from simulator.routes.catalog import action_names
from simulator.routes.clients import page_size
from simulator.routes.subjects import find_subject
from simulator.store import Policy

_FIRST_CURSOR = 1 << 40
_KEY = ("subject", "action", "scope")


def policy_form(call: Call, policy: Policy) -> dict[str, Any]:
    """One policy. A derived or inherited policy names its origin."""
    form: dict[str, Any] = {"subject": policy.subject, "scope": policy.scope, "action": policy.action}
    if call.profile.policy_tenant:
        form["tenant"] = policy.tenant
    if policy.origin:
        form["origin"] = policy.origin
    return form


def _encode_cursor(profile: Profile, position: int) -> str | int:
    if profile.policy_cursor_type == "integer":
        return _FIRST_CURSOR + position
    return base64.urlsafe_b64encode(f"after={position}".encode()).decode()


def _decode_cursor(cursor: str) -> int:
    if not cursor:
        return 0
    if cursor.isdecimal() and int(cursor) > _FIRST_CURSOR:
        return int(cursor) - _FIRST_CURSOR
    try:
        return int(base64.urlsafe_b64decode(cursor).decode().removeprefix("after="))
    except ValueError:
        raise ApiError(400, "the cursor is unknown", {"cursor": ["unknown"]}) from None


def list_policies(call: Call) -> Response:
    """GET /v1/policies."""
    profile = call.profile
    wanted = {name: call.query[name] for name in _KEY if name in call.query}
    found = effective_policies(
        call,
        wanted,
        derived=call.flag("includeDerived", profile.policy_include_default),
        inherited=call.flag("includeInherited", profile.policy_include_default),
    )
    if profile.policies_envelope == "bare":
        return JSONResponse([policy_form(call, policy) for policy in found])
    start = _decode_cursor(call.query.get("cursor", ""))
    end = start + page_size(call, profile.policies_page_default, profile.policies_page_max)
    name = "data" if profile.policies_envelope == "paged" else profile.policies_envelope
    answer: dict[str, Any] = {name: [policy_form(call, policy) for policy in found[start:end]]}
    if end < len(found):
        answer["cursor"] = _encode_cursor(profile, end)
    elif profile.policy_cursor_end != "absent":
        answer["cursor"] = None if profile.policy_cursor_end == "null" else ""
    return JSONResponse(answer)


def _key(call: Call) -> Policy:
    data = call.json()
    wrong = {name: ["required"] for name in _KEY if not isinstance(data.get(name), str) or not data[name]}
    if wrong:
        raise ApiError(400, "subject, action and scope are required", wrong)
    return Policy(call.tenant, data["subject"], data["action"], data["scope"])


def _check(call: Call, policy: Policy) -> None:
    profile = call.profile
    if find_subject(call, policy.subject) is None and profile.unknown_subject != HTTPStatus.OK:
        raise ApiError(profile.unknown_subject, f"there is no subject {policy.subject}", {"subject": ["unknown"]})
    if policy.action not in action_names(call) and profile.unknown_action != HTTPStatus.OK:
        raise ApiError(profile.unknown_action, f"there is no action {policy.action}", {"action": ["unknown"]})
    form = "absolute" if "://" in policy.scope else "relative"
    if profile.policy_scope_form not in ("any", form):
        raise ApiError(400, f"the scope must be {profile.policy_scope_form}", {"scope": ["wrong form"]})


def create_policy(call: Call) -> Response:
    """POST /v1/policies."""
    profile, policy = call.profile, _key(call)
    _check(call, policy)
    if not call.store.policies.has(policy):
        call.store.policies.add(policy)
    elif profile.duplicate_policy != HTTPStatus.OK:
        raise ApiError(profile.duplicate_policy, "the policy exists")
    body = policy_form(call, policy) if profile.create_policy_body == "policy" else None
    return maybe_body(profile.create_policy_status, body)


def delete_policy(call: Call) -> Response:
    """DELETE /v1/policies, with a JSON body."""
    if call.store.policies.delete(_key(call)):
        return no_content(call.profile.delete_policy_status)
    if call.profile.delete_missing_policy >= HTTPStatus.BAD_REQUEST:
        raise ApiError(call.profile.delete_missing_policy, "there is no such policy")
    return no_content(call.profile.delete_missing_policy)
