# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of the token endpoint proves, how a credential is encoded for it, and the claims of a token."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qs, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._oauth.grant import BASIC, ClientCredential, token_request
from ansible_collections.aritma.iam.plugins.module_utils._oauth.verdict import Verdict, decode_claims, judge
from ansible_collections.aritma.iam.tests.unit.wire import jwt

ACCEPTED, REJECTED = Verdict.ACCEPTED, Verdict.REJECTED
MISCONFIGURED, UNKNOWN = Verdict.MISCONFIGURED, Verdict.UNKNOWN
BEARER = {"access_token": "t0k", "token_type": "Bearer", "expires_in": 3600}
PAGE = b"<!DOCTYPE html><html><title>invalid_client</title></html>"

TABLE: list[tuple[int, Any, Verdict, str | None]] = [
    (200, BEARER, ACCEPTED, None),
    (200, {**BEARER, "token_type": "bearer"}, ACCEPTED, None),
    (200, {"access_token": "t0k"}, ACCEPTED, None),
    (200, {**BEARER, "error": None}, ACCEPTED, None),
    (200, {**BEARER, "expires_in": "3600"}, ACCEPTED, None),
    (200, {**BEARER, "expires_in": "soon"}, ACCEPTED, None),
    (200, {**BEARER, "expires_in": float("inf")}, ACCEPTED, None),
    (200, {**BEARER, "expires_in": 10**400}, ACCEPTED, None),
    (200, {**BEARER, "token_type": "DPoP"}, UNKNOWN, None),
    (200, {**BEARER, "token_type": 1}, UNKNOWN, None),
    (200, {**BEARER, "access_token": ""}, UNKNOWN, None),
    (200, {**BEARER, "access_token": None}, UNKNOWN, None),
    (200, {**BEARER, "access_token": "two words"}, UNKNOWN, None),
    (200, {}, UNKNOWN, None),
    (200, [BEARER], UNKNOWN, None),
    (200, b"", UNKNOWN, None),
    (200, b'{"access_token": "t0k", ', UNKNOWN, None),
    (200, PAGE, UNKNOWN, None),
    (200, {"error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (200, {**BEARER, "error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (201, BEARER, UNKNOWN, None),
    (204, b"", UNKNOWN, None),
    (302, b"", UNKNOWN, None),
    (400, {"error": "invalid_client"}, REJECTED, "invalid_client"),
    (401, {"error": "invalid_client", "error_description": "no"}, REJECTED, "invalid_client"),
    (403, {"error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (429, {"error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (500, {"error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (502, {"error": "invalid_client"}, UNKNOWN, "invalid_client"),
    (400, {"error": "INVALID_CLIENT"}, UNKNOWN, "INVALID_CLIENT"),
    (400, {"error": ["invalid_client"]}, UNKNOWN, None),
    (400, {"error": {"code": "invalid_client"}}, UNKNOWN, None),
    (400, {"error": "invalid_scope"}, MISCONFIGURED, "invalid_scope"),
    (400, {"error": "unauthorized_client"}, MISCONFIGURED, "unauthorized_client"),
    (403, {"error": "unauthorized_client"}, MISCONFIGURED, "unauthorized_client"),
    (401, {"error": "unauthorized_client"}, MISCONFIGURED, "unauthorized_client"),
    (400, {"error": "unsupported_grant_type"}, MISCONFIGURED, "unsupported_grant_type"),
    (400, {"error": "invalid_request"}, MISCONFIGURED, "invalid_request"),
    (503, {"error": "invalid_request"}, UNKNOWN, "invalid_request"),
    (400, {"error": "invalid_grant"}, UNKNOWN, "invalid_grant"),
    (400, {"error": "access_denied"}, UNKNOWN, "access_denied"),
    (400, {"error": "slow_down"}, UNKNOWN, "slow_down"),
    (503, {"error": "temporarily_unavailable"}, UNKNOWN, "temporarily_unavailable"),
    (401, b"", UNKNOWN, None),
    (401, b"invalid_client", UNKNOWN, None),
    (401, PAGE, UNKNOWN, None),
    (400, {"title": "invalid_client"}, UNKNOWN, None),
    (404, PAGE, UNKNOWN, None),
    (429, b"", UNKNOWN, None),
    (500, b"", UNKNOWN, None),
    (503, PAGE, UNKNOWN, None),
    (400, b"[" * 100_000, UNKNOWN, None),
]


@pytest.mark.parametrize(("status", "body", "verdict", "error"), TABLE)
def test_each_answer_has_its_verdict(status: int, body: Any, verdict: Verdict, error: str | None) -> None:
    judgement = judge(status, {}, body if isinstance(body, bytes) else json.dumps(body).encode())
    assert (judgement.verdict, judgement.error) == (verdict, error)
    assert bool(judgement.access_token) == (verdict is ACCEPTED)
    assert judgement.status == status
    assert "t0k" not in repr(judgement)


def test_the_verdicts_have_the_words_that_playbooks_compare_with() -> None:
    assert [each.value for each in Verdict] == ["accepted", "rejected", "misconfigured", "unknown"]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"error": "e"}, "answered 400, error e."),
        ({"error": "e", "error_description": "why"}, "answered 400, error e (why)."),
        ({"error": "e", "error_description": ""}, "answered 400, error e."),
        ({"error": "e", "error_description": 7}, "answered 400, error e."),
        ({}, "answered 400, error not named."),
    ],
)
def test_a_refusal_is_told_in_the_words_of_the_server(answer: dict[str, Any], words: str) -> None:
    judgement = judge(400, {"Retry-After": "7"}, json.dumps(answer).encode())
    assert judgement.detail == f"The token endpoint {words}"
    assert (judgement.retry_after, judgement.final) == (7, False)


@pytest.mark.parametrize("error", ["invalid_scope", "unauthorized_client", "unsupported_grant_type", "invalid_client"])
def test_an_error_that_proves_the_secret_valid_says_so(error: str) -> None:
    judgement = judge(400, {}, json.dumps({"error": error}).encode())
    proves = error in ("invalid_scope", "unauthorized_client")
    assert judgement.detail.endswith("proves that the secret itself is valid.") == proves
    assert judgement.verdict is (REJECTED if error == "invalid_client" else MISCONFIGURED)
    assert "proves" not in judge(503, {}, json.dumps({"error": error}).encode()).detail


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 405, 410])
def test_an_answer_of_something_else_than_a_token_endpoint_is_final(status: int) -> None:
    judgement = judge(status, {}, PAGE)
    assert judgement.final
    assert judgement.detail.startswith(f"There is no token endpoint here: {status}.")


@pytest.mark.parametrize("status", [300, 304, 309, 400, 401, 406, 411, 429, 500])
def test_another_answer_without_json_is_not_final(status: int) -> None:
    judgement = judge(status, {}, PAGE)
    assert not judgement.final
    assert judgement.detail == f"The address answered {status} without a JSON object."


@pytest.mark.parametrize(
    ("said", "seconds"),
    [(3600, 3600), ("3600", 3600), (59.9, 59), (1, 1), (0, None), (-1, None), (True, None), ([], None), ("soon", None)],
)
def test_the_lifetime_is_a_number_of_seconds_or_not_known(said: Any, seconds: int | None) -> None:
    assert judge(200, {}, json.dumps({**BEARER, "expires_in": said}).encode()).expires_in == seconds


@pytest.mark.parametrize(("said", "scope"), [("api", "api"), (["api"], None), (None, None)])
def test_the_scope_is_told_as_the_server_said_it(said: Any, scope: str | None) -> None:
    judgement = judge(200, {}, json.dumps({**BEARER, "scope": said}).encode())
    assert (judgement.scope, judgement.access_token, judgement.final) == (scope, "t0k", False)


def test_retry_after_is_read_from_an_answer_without_json() -> None:
    assert judge(429, {"Retry-After": "7"}, b"").retry_after == 7


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_arbitrary_bytes_are_accepted_or_unknown(status: int, body: bytes) -> None:
    assert judge(status, {"Retry-After": body.decode("latin-1")}, body).verdict in (UNKNOWN, ACCEPTED)


_TEXTS = ["", "Bearer", "t0k", "invalid_client", "invalid_scope", "7"]
_VALUES: list[Any] = [None, True, 0, -1.5, float("inf"), 10**400, [], {}, *_TEXTS]
_JSON = st.sampled_from(_VALUES) | st.lists(st.sampled_from(_VALUES), max_size=2)


@given(
    status=st.sampled_from([200, 400, 401, 403, 429, 500, 503]),
    members=st.dictionaries(st.sampled_from(["access_token", "token_type", "expires_in", "scope", "error"]), _JSON),
)
def test_only_invalid_client_with_400_or_401_is_a_rejection(status: int, members: dict[str, Any]) -> None:
    judgement = judge(status, {}, json.dumps(members).encode())
    if judgement.verdict is REJECTED:
        assert members["error"] == "invalid_client"
        assert status in (400, 401)
    if judgement.verdict is ACCEPTED:
        assert status == 200


@given(client_id=st.text(), secret=st.text())
def test_a_basic_header_decodes_to_the_id_and_the_secret(client_id: str, secret: str) -> None:
    request = token_request("https://id.example.test/t", ClientCredential(client_id, secret, "api", BASIC))
    scheme, value = request.authorization.split(" ")
    sent_id, sent_secret = base64.b64decode(value, validate=True).decode("ascii").split(":")
    assert (scheme, unquote_plus(sent_id), unquote_plus(sent_secret)) == ("Basic", client_id, secret)
    assert b"client_" not in (request.body or b"").replace(b"client_credentials", b"")


@given(client_id=st.text(min_size=1), secret=st.text(min_size=1))
def test_a_form_decodes_to_the_id_and_the_secret(client_id: str, secret: str) -> None:
    request = token_request("https://id.example.test/t", ClientCredential(client_id, secret, "a b"))
    assert parse_qs((request.body or b"").decode(), strict_parsing=True) == {
        "grant_type": ["client_credentials"],
        "scope": ["a b"],
        "client_id": [client_id],
        "client_secret": [secret],
    }
    assert request.authorization == ""


def test_claims_are_read_from_a_jwt() -> None:
    assert decode_claims(jwt({"tid": "acme", "n": 1})) == {"tid": "acme", "n": 1}


@pytest.mark.parametrize("length", range(8))
def test_claims_of_any_length_are_read(length: int) -> None:
    assert decode_claims(jwt({"tid": "a" * length})) == {"tid": "a" * length}


@given(token=st.text())
def test_text_that_is_no_jwt_has_no_claims(token: str) -> None:
    assert decode_claims(token) is None


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "æ.æ.æ", jwt([1]), ".."])
def test_a_token_of_another_shape_has_no_claims(token: str) -> None:
    assert decode_claims(token) is None
