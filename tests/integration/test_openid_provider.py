# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exchanges, and a whole rotation, at a token endpoint that is not of our making: a certified OpenID provider.

The simulator is the IAM API; the provider asks it which secrets are live, and does all else as it was certified.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_run import Ansible
from service import SCOPE, delivered, service, stored

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import carry_out
from ansible_collections.aritma.iam.plugins.module_utils._oauth.exchange import TOKEN_EXCHANGE
from doubles.node import OLDEST_NODE, find_node
from doubles.openid_provider import running_provider
from simulator.caller import Caller
from simulator.process import Simulator

pytestmark = pytest.mark.programs

OLD, NEW = "theOldSecret0", "theNewSecret0"
ODD = {"id": "billing:nightly +&%25?/=~", "old": "s3cr3t V@lue!+%&=:;", "new": '"\\ ~%3A+/?#[]{}<>|^`'}
METHODS = pytest.mark.parametrize("method", ["post", "basic"])


@pytest.fixture
def provider(simulator: Simulator) -> Iterator[str]:
    """Its address; without Node there is nothing to run."""
    node = find_node()
    if node is None:
        pytest.skip(f"no Node {OLDEST_NODE} or newer with npm: no certified OpenID provider to exchange with")
    with running_provider(node, simulator.url) as url:
        yield url


def client(simulator: Simulator, client_id: str, *values: str, **members: Any) -> None:
    """Seed a client with secrets of these values."""
    secrets = [{"value": value, "description": value} for value in values]
    wanted = {"name": client_id, "client_id": client_id, "allowed_scopes": [SCOPE], "secrets": secrets, **members}
    simulator.admin.seed(clients=[wanted])


def exchange(provider: str, client_id: str, value: str, **options: Any) -> dict[str, Any]:
    """The result of `token_exchange`, asked once unless the options say otherwise."""
    given = {
        "token_url": f"{provider}/acme/connect/token",
        "client_id": client_id,
        "client_secret": value,
        "scope": SCOPE,
        "expect": "any",
        "retry_budget": 0,
        **options,
    }
    checked = ArgumentSpecValidator(**TOKEN_EXCHANGE.spec.to_kwargs()).validate(given)
    assert not checked.error_messages
    return carry_out(TOKEN_EXCHANGE, checked.validated_parameters, check_mode=False, diff=False)


def verdict(result: dict[str, Any]) -> tuple[str, str | None, int | None]:
    return result["verdict"], result["error"], result["status"]


@METHODS
@pytest.mark.parametrize(
    ("client_id", "old", "new"), [("billing", OLD, NEW), (ODD["id"], ODD["old"], ODD["new"])], ids=["plain", "odd"]
)
def test_the_exchanges_of_a_rotation(
    simulator: Simulator, provider: str, method: str, client_id: str, old: str, new: str
) -> None:
    """One secret, both, the other one: with characters that a form has to encode, too."""

    def seen(value: str, expect: str) -> bool:
        result = exchange(provider, client_id, value, auth_method=method, expect=expect, successes=2, deadline=5)
        return "failed" not in result and result["verdict"] == expect and result["attempts"] == 2

    client(simulator, client_id, old)
    assert seen(old, "accepted") and seen(new, "rejected")
    simulator.admin.seed(secrets=[{"client_id": client_id, "value": new, "description": "new"}])
    assert seen(old, "accepted") and seen(new, "accepted")
    [secret] = simulator.admin.check(client_id, old)["live"]
    Caller(simulator).iam("DELETE", f"/v1/clients/{quote(client_id, safe='')}/secrets/{secret}")
    assert seen(old, "rejected") and seen(new, "accepted")


@METHODS
def test_every_error(simulator: Simulator, provider: str, method: str) -> None:
    """Each code that the provider has for this grant gives the right verdict; only one speaks of the secret."""
    past = (datetime.now().astimezone() - timedelta(hours=1)).isoformat()
    client(simulator, "billing", OLD)
    web = {"allowed_grant_types": ["authorization_code"], "redirect_uris": ["https://app.example.com/back"]}
    client(simulator, "web", OLD, **web)
    client(simulator, "late", secrets=[{"value": OLD, "description": "late", "expiration": past}])
    nogrant = f"{provider}/nogrant/connect/token"
    found = {
        "accepted": exchange(provider, "billing", OLD, auth_method=method),
        "wrong": exchange(provider, "billing", NEW, auth_method=method),
        "unknown": exchange(provider, "nobody", OLD, auth_method=method),
        "late": exchange(provider, "late", OLD, auth_method=method),
        "scope": exchange(provider, "billing", OLD, auth_method=method, scope="services.iam"),
        "grant": exchange(provider, "web", OLD, auth_method=method),
        "nogrant": exchange(provider, "web", OLD, auth_method=method, token_url=nogrant),
        "metadata": exchange(provider, "billing", OLD, auth_method=method, token_url=nogrant),
        "server": exchange(provider, "broken", OLD, auth_method=method),
        "elsewhere": exchange(provider, "billing", OLD, auth_method=method, token_url=f"{provider}/x/connect/token"),
    }
    refused = ("rejected", "invalid_client", 401)
    assert {name: verdict(result) for name, result in found.items()} == {
        "accepted": ("accepted", None, 200),
        "wrong": refused,
        "unknown": refused,
        "late": refused,
        "scope": ("misconfigured", "invalid_scope", 400),
        "grant": ("misconfigured", "invalid_request", 400),
        "nogrant": ("misconfigured", "unsupported_grant_type", 400),
        "metadata": ("unknown", "invalid_client_metadata", 400),
        "server": ("unknown", "server_error", 500),
        "elsewhere": ("unknown", None, 404),
    }
    assert (found["accepted"]["scope"], found["accepted"]["expires_in"]) == (SCOPE, 600)


@pytest.mark.parametrize(
    ("method", "expected"),
    [("post", ("rejected", "invalid_client", 401)), ("basic", ("misconfigured", "invalid_request", 400))],
)
def test_a_secret_that_no_provider_has(
    simulator: Simulator, provider: str, method: str, expected: tuple[str, str, int]
) -> None:
    """RFC 6749 has no letters beyond ASCII in a secret. With Basic the provider does not even look it up."""
    client(simulator, "billing", OLD)
    assert verdict(exchange(provider, "billing", "hemmeligÆØÅ", auth_method=method)) == expected


def test_a_whole_rotation(tmp_path: Path, simulator: Simulator, provider: str, ansible: Ansible) -> None:
    """The role provisions and rotates, and every exchange of the client's secrets is judged by the provider."""
    del ansible.environment["ARITMA_CLIENT_ID"], ansible.environment["ARITMA_CLIENT_SECRET"]
    ansible.environment["ARITMA_ACCESS_TOKEN"] = Caller(simulator).admin_token()
    ansible.environment["ARITMA_TOKEN_URL"] = f"{provider}/acme/connect/token"
    hosts = {"billing": service(tmp_path)}
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    first = stored(tmp_path)
    ansible.run("aritma.iam.rotate", hosts=hosts, variables={"rotation_force": True}).ok()
    client_id, value = first["client_id"], delivered(tmp_path)["CLIENT_SECRET"]
    assert exchange(provider, client_id, value)["verdict"] == "accepted"
    assert exchange(provider, client_id, first["current"]["value"])["verdict"] == "rejected"
    assert simulator.admin.log(operation="tokenForTenant", client_id=client_id) == []
    assert simulator.admin.state()["counters"]["peak_live_secrets"][client_id] == 2
