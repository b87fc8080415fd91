# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of servers as a task shows them: only whole secrets hidden, odd characters escaped, big answers refused."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.aritma.iam.plugins.module_utils._clients.clients import OIDC_CLIENT_INFO
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, carry_out
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.module_utils._http.document import parse_json
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._policies.permissions import SUBJECT_PERMISSIONS_INFO
from ansible_collections.aritma.iam.plugins.module_utils._secrets.secrets import CLIENT_SECRET, CLIENT_SECRET_INFO
from ansible_collections.aritma.iam.tests.unit.wire import TOKEN, Wire

TOKENS = "/acme/connect/token"
SECRETS = "/iam/v1/clients/c1/secrets"

Options = Mapping[str, Any]


def run(operation: Operation, given: Options, **more: Any) -> dict[str, Any]:
    """The result of one task, as Ansible writes it down."""
    checked = ArgumentSpecValidator(**operation.spec.to_kwargs()).validate({**given, **more})
    assert checked.error_messages == []
    result = carry_out(operation, checked.validated_parameters, check_mode=False, diff=True)
    json.dumps(result, ensure_ascii=False).encode()
    return result


@pytest.mark.parametrize("secret", ["a", "ia", "iam", "ent", "cli", "v1", "127", "the", "admin", "services"])
def test_a_short_admin_secret_hides_no_part_of_a_word_or_an_address(wire: Wire, options: Options, secret: str) -> None:
    wire.expect("POST", TOKENS).reply(401, {"error": "invalid_client", "error_description": f"is it '{secret}'?"})
    shown = run(CLIENT_SECRET_INFO, options, client_id="c1", auth_client_secret=secret)["msg"]
    assert f"{wire.url}{TOKENS}" in shown
    assert "invalid_client" in shown
    assert "Check tenant (or token_url), auth_client_id" in shown
    assert (f"'{secret}'" in shown) == (len(secret) < 3)


def test_a_long_admin_secret_is_hidden_within_a_word_too(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(401, {"error": "invalid_client", "error_description": "no_l0ngSecret-x"})
    shown = run(CLIENT_SECRET_INFO, options, client_id="c1", auth_client_secret="l0ngSecret\n")["msg"]
    assert "l0ngSecret" not in shown


def test_the_client_id_of_a_credential_is_not_hidden(options: Options) -> None:
    credential = {"client_id": "b", "client_secret": "canary-0123456789", "token_url": "https://id", "scope": "s"}
    failed = run(CREDENTIAL_FILE, {}, path="/proc/nobody/billing.env", credential=credential)
    assert "/proc/nobody/billing.env" in failed["msg"]
    assert "(hidden)" not in failed["msg"]


@pytest.mark.parametrize("odd", ["\ud800", "\udfff and \ud800", "x\udc80y"])
def test_half_a_surrogate_pair_is_shown_escaped(wire: Wire, options: Options, odd: str) -> None:
    listed = [{"id": "s1", "description": f"mine {odd}", "type": odd}]
    wire.tokens()
    wire.always("GET", SECRETS).reply(200, listed)
    wire.always("GET", "/iam/v1/clients/c1").reply(200, {"clientId": "c1", "name": odd, "description": odd, odd: odd})
    wire.always("GET", "/iam/v1/subjects/s/permissions").reply(200, [{"name": odd}])
    for path in ("policies", "subjects/s/memberships"):
        wire.always("GET", f"/iam/v1/{path}").reply(200, [])
    spelt = odd.encode(errors="backslashreplace").decode()
    assert run(CLIENT_SECRET_INFO, options, client_id="c1")["secrets"][0]["description"] == f"mine {spelt}"
    assert run(OIDC_CLIENT_INFO, options, client_id="c1")["clients"][0]["name"] == spelt
    assert run(SUBJECT_PERMISSIONS_INFO, options, subject="s")["permissions"][0]["name"] == spelt
    refused = run(CLIENT_SECRET, options, client_id="c1", secret_id="s1", description="other", state="absent")
    assert "It was not deleted" in refused["msg"]


@pytest.mark.parametrize("odd", ["\x1b[2Jgone", "a\x00b", "\u202etxt.exe", "\x9b31m", "\x08\x08", "\ud83d"])
def test_no_control_character_reaches_a_screen(wire: Wire, options: Options, odd: str) -> None:
    wire.tokens()
    wire.expect("GET", SECRETS).reply(400, {"title": odd})
    wire.expect("GET", SECRETS).reply(200, [{odd: 1}])
    wire.expect("GET", SECRETS).reply(200, [{"id": odd, "description": "d"}] * 2 + [{"id": "2", "description": "d"}])
    told = [run(CLIENT_SECRET_INFO, options, client_id="c1")["msg"] for _each in range(2)]
    told.append(run(CLIENT_SECRET, options, client_id="c1", description="d", state="absent")["msg"])
    for text in told:
        assert odd not in text
        assert odd.encode("unicode_escape").decode()[:4] in text


BIG: list[tuple[str, bytes]] = [
    ("lists", b"[" + b"[]," * 5_000_000 + b"[]]"),
    ("objects", b'[{"a":{}},' * 1 + b'{"a":{}},' * 1_700_000 + b"{}]"),
    ("numbers", b'{"items":[' + b"1," * 7_000_000 + b"1]}"),
    ("depth", b"[" * 900 + b"]" * 900),
    ("more depth", b'{"data":' * 200_000 + b"1" + b"}" * 200_000),
]


@pytest.mark.parametrize(("what", "body"), BIG, ids=[what for what, _body in BIG])
@pytest.mark.parametrize("status", [200, 400])
def test_an_answer_with_too_many_values_or_levels_is_refused(
    wire: Wire, options: Options, what: str, body: bytes, status: int
) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    wire.expect("GET", SECRETS).reply(status, body=body)
    tracemalloc.start()
    try:
        failed = run(CLIENT_SECRET_INFO, options, client_id="c1")
        assert tracemalloc.get_traced_memory()[1] < 6 * len(body) + 20_000_000
    finally:
        tracemalloc.stop()
    assert failed["failure"]["kind"] == ("contract" if status == 200 else "api")
    assert ("more than 1000000 values" if "depth" not in what else "nested too deep") in failed["msg"]


def test_an_answer_of_the_token_endpoint_with_too_many_values_is_refused(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, body=BIG[0][1])
    assert run(CLIENT_SECRET_INFO, options, client_id="c1")["failure"]["kind"] == "contract"


def test_a_list_of_20000_entries_is_read() -> None:
    body = json.dumps([Secret(secret_id=str(number), description="d").model_dump() for number in range(20_000)])
    assert len(parse_json(body.encode())) == 20_000
