# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The token endpoint, the keys, and the tokens that IAM accepts."""

from __future__ import annotations

import base64
import json

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import KeySet

from simulator import Simulator
from simulator.caller import Caller

VALUE = "s3cr3tV@lue! :+%"


@pytest.fixture
def client_id(simulator: Simulator) -> str:
    secrets = [{"value": VALUE, "description": "first"}]
    seeded = simulator.admin.seed(clients=[{"name": "billing", "allowed_scopes": ["api"], "secrets": secrets}])
    return str(seeded["clients"][0]["client_id"])


def test_a_token_verifies_against_the_published_keys(simulator: Simulator, caller: Caller, client_id: str) -> None:
    discovery = requests.get(f"{simulator.identity_url}/acme/.well-known/openid-configuration", timeout=5).json()
    assert discovery["token_endpoint"] == simulator.token_url()
    keys = KeySet.import_key_set(requests.get(discovery["jwks_uri"], timeout=5).json())
    answer = caller.exchange(client_id, VALUE).json()
    claims = jwt.decode(answer["access_token"], keys, algorithms=["ES256"]).claims
    assert answer["expires_in"] == 3600 == claims["exp"] - claims["iat"]
    assert (claims["iss"], claims["tid"], claims["client_id"]) == (discovery["issuer"], "acme", client_id)
    assert (claims["scope"], claims["aud"], len(claims["jti"])) == ("api", ["api"], 32)


def test_the_published_keys_hold_no_private_part(simulator: Simulator) -> None:
    url = f"{simulator.identity_url}/.well-known/openid-configuration/jwks"
    [key] = requests.get(url, timeout=5).json()["keys"]
    assert "d" not in key


@pytest.mark.parametrize("basic", [True, False])
def test_both_ways_to_authenticate(caller: Caller, client_id: str, basic: bool) -> None:
    assert caller.exchange(client_id, VALUE, basic=basic).status_code == 200
    refused = caller.exchange(client_id, "wrong-value", basic=basic)
    assert (refused.status_code, refused.json()["error"]) == (401 if basic else 400, "invalid_client")
    assert ("WWW-Authenticate" in refused.headers) is basic


def test_form_encoded_basic_credentials(simulator: Simulator, client_id: str) -> None:
    simulator.admin.switch(basic_decoding="form")
    encoded = base64.b64encode(f"{client_id}:s3cr3tV%40lue%21+%3A%2B%25".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": "api"}
    headers = {"Authorization": f"Basic {encoded}"}
    assert requests.post(simulator.token_url(), data=form, headers=headers, timeout=5).status_code == 200


@pytest.mark.parametrize("tenant", [None, "default", "globex"])
def test_another_tenant_does_not_know_the_client(caller: Caller, client_id: str, tenant: str | None) -> None:
    assert caller.exchange(client_id, VALUE, tenant=tenant).json()["error"] == "invalid_client"


def test_an_unknown_tenant_is_not_found(caller: Caller, client_id: str) -> None:
    assert caller.exchange(client_id, VALUE, tenant="nobody").status_code == 404


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"scope": "services.iam"}, "invalid_scope"),
        ({"scope": "openid"}, "invalid_scope"),
        ({"scope": ""}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": ""}, "invalid_request"),
        ({"client_id": ""}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
    ],
)
def test_oauth_errors(caller: Caller, client_id: str, form: dict[str, str], error: str) -> None:
    answer = caller.exchange(client_id, VALUE, form=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_client_without_the_grant_is_unauthorized(simulator: Simulator, caller: Caller) -> None:
    secret = {"value": VALUE, "description": ""}
    simulator.admin.seed(
        clients=[{"name": "web", "client_id": "w", "allowed_grant_types": ["password"], "secrets": [secret]}]
    )
    assert caller.exchange("w", VALUE).json()["error"] == "unauthorized_client"


def test_iam_refuses_bad_tokens(simulator: Simulator, caller: Caller, client_id: str) -> None:
    header, payload, signature = caller.admin_token().split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**claims, "tid": "globex"}).encode()).decode().rstrip("=")
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for token in ("", "nonsense", f"{header}.{forged}.{signature}", f"{unsigned}.{payload}."):
        answer = caller.iam("GET", "/v1/clients", token=token)
        assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    without_scope = caller.exchange(client_id, VALUE).json()["access_token"]
    assert caller.iam("GET", "/v1/clients", token=without_scope).status_code == 403
    simulator.admin.switch(clock_offset=3601)
    assert caller.iam("GET", "/v1/clients").status_code == 401


def test_tokens_outlive_their_secret_unless_the_profile_says_otherwise(simulator: Simulator, caller: Caller) -> None:
    secret = {"value": VALUE, "description": ""}
    simulator.admin.seed(
        clients=[{"name": "second", "client_id": "s", "allowed_scopes": ["services.iam"], "secrets": [secret]}]
    )
    token = caller.exchange("s", VALUE, "services.iam").json()["access_token"]
    [listed] = caller.iam("GET", "/v1/clients/s/secrets").json()
    assert caller.iam("DELETE", f"/v1/clients/s/secrets/{listed['id']}").status_code == 204
    assert caller.iam("GET", "/v1/clients", token=token).status_code == 200
    simulator.admin.switch(issued_tokens="die")
    assert caller.iam("GET", "/v1/clients", token=token).status_code == 401
