# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a server answers: a result, or an error of ours that shows no secret."""

from __future__ import annotations

import json
from functools import partial
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from ansible_collections.aritma.iam.plugins.module_utils._clients.subjects import choose
from ansible_collections.aritma.iam.plugins.module_utils._core.redaction import Redaction, secrets_in
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now
from ansible_collections.aritma.iam.plugins.module_utils._http.problem import (
    Call,
    ambiguous_error,
    explain,
    read_json,
    status_error,
)
from ansible_collections.aritma.iam.plugins.module_utils._http.retry import retry_after
from ansible_collections.aritma.iam.plugins.module_utils._http.session import _redirect_target
from ansible_collections.aritma.iam.plugins.module_utils._http.transport import Reply, Request
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import (
    Client,
    Policy,
    Secret,
    Subject,
    WireModel,
    created_id,
    read_entries,
    read_model,
    read_object,
)
from ansible_collections.aritma.iam.plugins.module_utils._iam.paging import Page, following, read_paging
from ansible_collections.aritma.iam.plugins.module_utils._oauth.grant import ClientCredential
from ansible_collections.aritma.iam.plugins.module_utils._oauth.verdict import Verdict, decode_claims, judge
from ansible_collections.aritma.iam.plugins.module_utils._policies.policies import snake_members
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import SecretKey, expired, plan_present
from unit.fuzz.given import CANARY, FUZZ, body, nested, objects, text, tried, value, written

MODELS = [Client, Secret, Subject, Policy]
REDACT = Redaction([CANARY])
CALL = Call("listClients", "GET", "http://127.0.0.1/v1/clients", "api_url", REDACT)
IDS = ("clientid", "id", "key")
STATUSES = [200, 204, 301, 400, 401, 403, 404, 409, 415, 422, 429, 500, 503]


def reply(content: bytes, status: int = 200, **headers: str) -> Reply:
    """An answer with this body."""
    return Reply(status, CaseInsensitiveDict({name.replace("_", "-"): each for name, each in headers.items()}), content)


@pytest.mark.parametrize("model", MODELS)
@FUZZ
@given(data=st.one_of(objects, value))
@example(data={"id": "1", "expiration": "0001-01-01T00:00:00+01:00"})
def test_models(model: type[WireModel], data: Any) -> None:
    """An entry of a list."""
    entry = tried(lambda: read_model(model, "list", data))
    if isinstance(entry, Secret):
        expired(entry, now())
        tried(lambda: plan_present(SecretKey(None, entry.secret_id), "2030-01-01T00:00:00Z", [entry]))
    if isinstance(entry, Subject):
        tried(lambda: choose([entry], "c1", "billing"))
    if isinstance(entry, Client):
        entry.settled().shown()


@FUZZ
@given(data=st.one_of(objects, value))
@example(data={"page": "²"})
@example(data={"totalCount": "9" * 5000})
def test_lists_and_their_paging(data: Any) -> None:
    """The entries, the place in the list, and the query for the next page, which is never the same one again."""
    tried(lambda: read_entries("listClients", data, ("clients",)))
    paging = read_paging(data)
    asked = {"pageSize": 200}
    assert following(Page([1], paging), asked, held=1, new=1, cursors={None}) != asked


@FUZZ
@given(data=st.one_of(objects, value), location=st.one_of(st.none(), text))
@example(data=None, location="http://[")
@example(data={"links": [{"href": "//["}]}, location=None)
def test_what_a_create_answers(data: Any, location: str | None) -> None:
    """It was carried out, so that nothing in its answer may stop the task."""
    found = created_id(data, location, "clients", IDS)
    assert found is None or isinstance(found, str)


def test_what_a_create_answers_may_be_nested_deep() -> None:
    """Deeper than Python can follow."""
    assert created_id(nested(5000), None, "clients", IDS) is None


@FUZZ
@given(data=st.one_of(objects, value))
def test_objects_and_free_members(data: Any) -> None:
    """One object in any envelope; members of which nothing is known."""
    tried(lambda: read_object("getClient", data, ("client",), IDS))
    snake_members(data)
    list(secrets_in(data))


@FUZZ
@given(content=body, status=st.sampled_from(STATUSES), said=text)
@example(content=written(nested(400, "errors")), status=400, said="")
@example(content=written({"errors": {"\ud800": ["\ud800"]}}), status=400, said="")
def test_error_answers(content: bytes, status: int, said: str) -> None:
    """An explanation on one short line, also when the server repeats the secret."""
    for sent in (content, content + CANARY.encode(), written({"detail": f"{CANARY} is wrong", "error": CANARY})):
        answer = reply(sent, status, Content_Type="application/problem+json", Retry_After=said, Location=said)
        for error in (status_error(CALL, answer, "1 attempt", token_given=False), ambiguous_error(CALL, answer)):
            assert CANARY not in json.dumps(error.to_result(), default=str)
        assert len(explain(answer, REDACT).splitlines()) <= 1
        tried(partial(read_json, CALL, answer))


@FUZZ
@given(content=body, status=st.sampled_from([200, 201, 400, 401, 403, 429, 500]), said=text)
@example(content=written({"error": {"deep": []}}), status=400, said="")
def test_token_answers(content: bytes, status: int, said: str) -> None:
    """A verdict; a secret is called rejected for ``invalid_client`` alone."""
    judgement = judge(status, CaseInsensitiveDict({"Retry-After": said}), content)
    if judgement.verdict is Verdict.REJECTED:
        assert json.loads(content)["error"] == "invalid_client"
    decode_claims(judgement.access_token or said)


@FUZZ
@given(token=st.one_of(text, body.map(lambda each: "a." + each.hex() + ".b"), text.map(lambda each: f"a.{each}.b")))
def test_claims(token: str) -> None:
    """Decoded where the token is a JWT, else nothing."""
    assert isinstance(decode_claims(token), (dict, type(None)))


@FUZZ
@given(location=text)
@example(location="http://[")
@example(location="//[")
@example(location="http://127.0.0.1:99999999/")
def test_redirects(location: str) -> None:
    """A target at the same origin, or none."""
    asked = Request("GET", "http://127.0.0.1:8080/v1/clients")
    target = _redirect_target(asked, reply(b"", 302, Location=location))
    assert target is None or target.startswith("http://127.0.0.1:8080")


@FUZZ
@given(said=text)
@example(said="9" * 400)
def test_retry_after(said: str) -> None:
    """Seconds, or nothing."""
    seconds = retry_after({"Retry-After": said})
    assert seconds is None or seconds >= 0


@FUZZ
@given(secret=st.text(min_size=8, max_size=20), around=st.text(max_size=5))
@example(secret="\udcff\udcfe-as-the-environment-may-hold-it", around="")
def test_redaction(secret: str, around: str) -> None:
    """No secret is left in a text, however it was spelt. One that cannot be sent is refused."""
    credential = tried(lambda: ClientCredential("c1", secret, "scope"), secret=secret)
    if credential is None:
        assert secret.encode(errors="ignore").decode() != secret
        return
    assert secret not in credential.redaction(around + secret + around).replace("(hidden)", "")
    for spelt in (quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        assert credential.redaction(spelt) == "(hidden)"
