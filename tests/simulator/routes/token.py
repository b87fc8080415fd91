# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token endpoint with the client-credentials grant of RFC 6749, the discovery document, and the keys."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qs, unquote_plus

from starlette.responses import JSONResponse, Response

from simulator.call import DEFAULT_TENANT, TENANTS, ApiError, Call, TokenError
from simulator.nodes import View, view_of
from simulator.profiles import Profile
from simulator.render import error_body
from simulator.routes.catalog import scope_names
from simulator.routes.secrets import shown_id
from simulator.store import SHARED, Client, Secret

_OPENID_SCOPES = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})
_NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


def tenant_of(profile: Profile, asked: str | None) -> str | None:
    """The name of the tenant in a path; the default tenant if the path has none."""
    if asked is None:
        return DEFAULT_TENANT
    if asked in TENANTS and profile.tenant_key in ("both", "name"):
        return asked
    by_id = next((name for name, identifier in TENANTS.items() if identifier == asked), None)
    return by_id if profile.tenant_key in ("both", "id") else None


def form_of(body: bytes) -> dict[str, str]:
    """Parse the form. A repeated member makes the request invalid."""
    try:
        members = parse_qs(body.decode(), keep_blank_values=True)
    except ValueError:
        raise TokenError("invalid_request", "the form cannot be read") from None
    if any(len(values) > 1 for values in members.values()):
        raise TokenError("invalid_request", "a member of the form is repeated")
    return {name: values[0] for name, values in members.items()}


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """The client id and secret in a Basic header, not yet form-decoded."""
    scheme, _unused, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return (client_id, secret) if colon else None


def claimed_client_id(authorization: str, body: bytes) -> str | None:
    """The client id in a token request, for the log and for fault rules."""
    basic = basic_credentials(authorization)
    if basic is not None:
        return unquote_plus(basic[0])
    try:
        return form_of(body).get("client_id")
    except TokenError:
        return None


def exchange(call: Call) -> Response:
    """POST /{tenant}/connect/token and /connect/token."""
    tenant = tenant_of(call.profile, call.params.get("tenant"))
    call.entry["tenant"] = tenant
    if tenant is None and call.profile.unknown_tenant == "404":
        return error_body(call.profile.error_body, 404, "there is no such tenant")
    try:
        return _granted(call, tenant or "")
    except TokenError as error:
        call.entry["error"] = error.error
        return _refused(call, error)


def _refused(call: Call, error: TokenError) -> Response:
    with_basic = call.headers.get("authorization", "").lower().startswith("basic ")
    status = 400
    if error.error == "invalid_client":
        by_profile = call.profile.token_invalid_client
        status = (401 if with_basic else 400) if by_profile == "rfc" else int(by_profile)
    body = {"error": error.error}
    if call.profile.token_error_description:
        body["error_description"] = error.description
    challenge = {"WWW-Authenticate": 'Basic realm="token"'} if status == 401 else {}
    return JSONResponse(body, status_code=status, headers={**_NO_STORE, **challenge})


def _granted(call: Call, tenant: str) -> Response:
    media_type = call.headers.get("content-type", "").split(";")[0].strip().lower()
    if media_type != "application/x-www-form-urlencoded":
        raise TokenError("invalid_request", "the body must be a form")
    form = form_of(call.body)
    credentials = _credentials(call, form)
    if call.profile.token_checks == "scope_first":
        claimed = call.store.clients.find(credentials[0][0], tenant)
        _granted_scope(call, claimed, form)
    client, secret = _authenticated(call, tenant, credentials)
    call.entry["secret_id"] = shown_id(call.profile, secret)
    scope = _granted_scope(call, client, form)
    lifetime = call.profile.token_lifetime
    token, jti = call.tokens.issue(f"{call.base_url}/{tenant}", tenant, client.client_id, scope, lifetime)
    call.store.remember_token(jti, client.client_id, secret.number)
    answer: dict[str, Any] = {"access_token": token, "token_type": call.profile.token_type, "expires_in": lifetime}
    if call.profile.token_scope_echo:
        answer["scope"] = scope
    return JSONResponse(answer, headers=_NO_STORE)


def _credentials(call: Call, form: dict[str, str]) -> list[tuple[str, str]]:
    """The client id and secret in the request, decoded in each way that the profile allows."""
    authorization = call.headers.get("authorization", "")
    if not authorization:
        if not form.get("client_id"):
            raise TokenError("invalid_client", "client_id is missing")
        return [(form["client_id"], form.get("client_secret", ""))]
    if "client_secret" in form:
        raise TokenError("invalid_request", "the client authenticates in two ways at once")
    raw = basic_credentials(authorization)
    if raw is None:
        raise TokenError(call.profile.unreadable_credentials, "the Authorization header cannot be read")
    decoded = (unquote_plus(raw[0]), unquote_plus(raw[1]))
    return {"form": [decoded], "raw": [raw], "either": [decoded, raw]}[call.profile.basic_decoding]


def _authenticated(call: Call, tenant: str, credentials: list[tuple[str, str]]) -> tuple[Client, Secret]:
    longest = call.profile.credential_length_max
    for client_id, value in credentials:
        if longest and max(len(client_id), len(value)) > longest:
            raise TokenError("invalid_request", "the client id or the secret is too long")
        view = view_of(call, client_id, tenant)
        secret = None if view is None else _accepted_secret(call, view, value)
        if view is not None and secret is not None:
            return view.client, secret
    raise TokenError("invalid_client", "unknown client or wrong secret")


def _accepted_secret(call: Call, view: View, value: str) -> Secret | None:
    matching = call.store.secrets.matching(view.client.client_id, value)
    if matching:
        call.entry["matched"] = [shown_id(call.profile, secret) for secret in matching]
    return next((secret for secret in reversed(matching) if _accepts(call, secret, view.moment)), None)


def _accepts(call: Call, secret: Secret, moment: float) -> bool:
    """Whether a node that knows changes up to `moment` accepts the secret, with the delays of the profile."""
    profile = call.profile
    if secret.type != SHARED or (secret.expires is not None and secret.expires <= call.store.database.clock()):
        return False
    sees_new_state = profile.delay_flaps and call.store.count_exchange(secret.client_id) % 2 == 0
    added = moment >= secret.created + profile.accept_delay or sees_new_state
    gone = secret.deleted is not None and (moment >= secret.deleted + profile.refuse_delay or sees_new_state)
    return added and not gone


def _granted_scope(call: Call, client: Client | None, form: dict[str, str]) -> str:
    """The scope of the token. Raises `TokenError` if the client may not have the grant or scope."""
    if not form.get("grant_type"):
        raise TokenError("invalid_request", "grant_type is missing")
    if form["grant_type"] != "client_credentials":
        raise TokenError("unsupported_grant_type", "only client_credentials is supported")
    wanted = form.get("scope", "").split()
    if not wanted and call.profile.token_scope_required:
        raise TokenError("invalid_request", "scope is missing")
    if client is None:
        return ""
    if "client_credentials" not in client.grant_types:
        raise TokenError("unauthorized_client", "the client may not use this grant")
    wanted = wanted or list(client.scopes)
    if _OPENID_SCOPES & set(wanted) or not set(wanted) <= set(client.scopes):
        raise TokenError("invalid_scope", "the client may not request this scope")
    return " ".join(wanted)


def jwks(call: Call) -> Response:
    """The keys that verify access tokens."""
    if tenant_of(call.profile, call.params.get("tenant")) is None:
        raise ApiError(404, "there is no such tenant")
    return JSONResponse(call.tokens.jwks())


def discovery(call: Call) -> Response:
    """The OpenID Connect discovery document of a tenant."""
    asked = call.params.get("tenant")
    tenant = tenant_of(call.profile, asked)
    if tenant is None:
        raise ApiError(404, "there is no such tenant")
    issuer = f"{call.base_url}/{tenant}"
    prefix = issuer if asked is not None else call.base_url
    return JSONResponse(
        {
            "issuer": issuer,
            "token_endpoint": f"{prefix}/connect/token",
            "jwks_uri": f"{prefix}/.well-known/openid-configuration/jwks",
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": ["token"],
            "scopes_supported": scope_names(call),
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "subject_types_supported": ["public"],
        }
    )
