# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a session sends, repeats, follows and refuses, over real HTTP."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    AmbiguousError,
    ApiError,
    AuthenticationError,
    ConflictError,
    ContractError,
    NotFoundError,
    OptionError,
    PermissionDeniedError,
    TransportError,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.version import VERSION
from ansible_collections.aritma.iam.plugins.module_utils._http import transport as _http
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Query
from ansible_collections.aritma.iam.tests.unit.http.conftest import OpenSession
from ansible_collections.aritma.iam.tests.unit.wire import Wire, serving

CLIENTS = "/iam/v1/clients"
VALUE = 'v4lue+"/ canary'


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def test_a_request_carries_its_query_the_token_and_the_version(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).reply(200, {"items": []}, headers={"X-Page": "1"})
    with session() as opened:
        query: Query = {"searchText": "a b&c", "page": 2, "deep": True, "flat": False}
        answer = opened.request("listClients", "GET", ("clients",), query=query)
    (seen,) = wire.seen
    assert seen.query == {"searchText": ["a b&c"], "page": ["2"], "deep": ["true"], "flat": ["false"]}
    assert seen.headers["Authorization"] == "Bearer admin-token-0"
    assert seen.headers["User-Agent"] == f"aritma.iam/{VERSION}"
    assert seen.headers["Accept"] == "application/json"
    assert (answer.status, answer.json(), answer.headers["x-page"]) == (200, {"items": []}, "1")
    assert opened.calls == {"iam": 1}


def test_a_delete_may_have_a_body(wire: Wire, session: OpenSession) -> None:
    wire.expect("DELETE", "/iam/v1/policies").reply(204)
    answer = session().request("deletePolicy", "DELETE", ("policies",), body={"subject": "client-æ"})
    assert answer.json() is None
    assert wire.seen[0].json == {"subject": "client-æ"}
    assert wire.seen[0].headers["Content-Type"] == "application/json"


def test_an_id_is_one_percent_encoded_segment_of_the_path(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", "/iam/v1/clients/a%2Fb%3Fc%23d%20%C3%A6%25%7B%7B..").reply(200, {})
    session().request("getClient", "GET", ("clients", "a/b?c#d æ%{{.."))


@pytest.mark.parametrize("segment", ["", ".", ".."])
def test_an_id_that_cannot_be_a_segment_of_the_path_is_refused(session: OpenSession, segment: str) -> None:
    with pytest.raises(OptionError, match="cannot be an id"):
        session().request("getClient", "GET", ("clients", segment))


def test_connections_are_kept(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS, times=3).reply(200, {})
    with session() as opened:
        for _each in range(3):
            opened.request("listClients", "GET", ("clients",))
    assert len({seen.client for seen in wire.seen}) == 1


def test_no_cookies_are_kept(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS, times=2).reply(200, {}, headers={"Set-Cookie": "a=b"})
    with session() as opened:
        for _each in range(2):
            opened.request("listClients", "GET", ("clients",))
    assert "Cookie" not in wire.seen[1].headers


def test_netrc_does_not_replace_the_token(wire: Wire, session: OpenSession, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    wire.expect("GET", CLIENTS).reply(200, {})
    session().request("listClients", "GET", ("clients",))
    assert wire.seen[0].headers["Authorization"] == "Bearer admin-token-0"


@pytest.mark.parametrize("status", [429, 502, 503, 504, 500])
def test_a_read_is_repeated(wire: Wire, session: OpenSession, status: int) -> None:
    wire.expect("GET", CLIENTS).reply(status)
    wire.expect("GET", CLIENTS).reply(200, {})
    opened = session()
    assert opened.request("listClients", "GET", ("clients",)).status == 200
    assert opened.calls["iam"] == 2


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_a_lost_answer_is_asked_for_again(wire: Wire, session: OpenSession, method: str) -> None:
    wire.expect(method, CLIENTS).commit_then_drop()
    wire.expect(method, CLIENTS).reply(200, {})
    assert session().request("something", method, ("clients",)).status == 200


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_write_is_not_repeated_after_a_500(wire: Wire, session: OpenSession, method: str) -> None:
    wire.expect(method, CLIENTS).reply(500, {"title": "boom"})
    with pytest.raises(ApiError, match=rf"something: {method} .* answered 500: boom") as caught:
        session().request("something", method, ("clients",))
    assert caught.value.status == 500


def test_after_a_500_a_deletion_may_have_been_carried_out(wire: Wire, session: OpenSession) -> None:
    wire.expect("DELETE", CLIENTS).reply(500, {"title": "boom"})
    with pytest.raises(AmbiguousError, match=r"answered 500: boom. The request may have been carried out"):
        session().request("something", "DELETE", ("clients",))


def test_a_read_is_given_up_after_three_500s(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS, times=3).reply(500)
    with pytest.raises(ApiError, match=r"500: no explanation. Given up after 3 attempts"):
        session().request("listClients", "GET", ("clients",))


def test_a_lost_write_is_ambiguous(wire: Wire, session: OpenSession) -> None:
    wire.always("PUT", CLIENTS).commit_then_drop()
    with pytest.raises(AmbiguousError, match="may have been carried out"):
        session(retry_budget=0.3).request("updateClient", "PUT", ("clients",), body={})


def test_a_lost_create_is_ambiguous_and_not_repeated(wire: Wire, session: OpenSession) -> None:
    wire.expect("POST", CLIENTS).commit_then_drop()
    with pytest.raises(AmbiguousError, match=r"closed the connection.*may have been carried out") as caught:
        session().request("createClient", "POST", ("clients",), body={"value": VALUE})
    assert caught.value.to_result()["failure"]["kind"] == "ambiguous"


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_create_answered_with_5xx_is_ambiguous_and_not_repeated(
    wire: Wire, session: OpenSession, status: int
) -> None:
    wire.expect("POST", CLIENTS).reply(status, headers={"Retry-After": "0"})
    with pytest.raises(AmbiguousError, match=str(status)):
        session().request("createClient", "POST", ("clients",), body={})


def test_a_create_that_hangs_is_ambiguous(wire: Wire, session: OpenSession) -> None:
    wire.expect("POST", CLIENTS).hang()
    with pytest.raises(AmbiguousError, match=r"did not answer within 0.3 s"):
        session(request_timeout=0.3).request("createClient", "POST", ("clients",), body={})


def test_a_create_is_repeated_after_a_429(wire: Wire, session: OpenSession) -> None:
    wire.expect("POST", CLIENTS).reply(429, headers={"Retry-After": "0"})
    wire.expect("POST", CLIENTS).reply(201)
    assert session().request("createClient", "POST", ("clients",), body={}).status == 201


def test_a_create_that_was_not_sent_is_repeated_and_not_ambiguous(session: OpenSession) -> None:
    opened = session(api_url=f"http://127.0.0.1:{unused_port()}", retry_budget=1.0)
    with pytest.raises(TransportError, match=r"refused the connection.*api_url") as caught:
        opened.request("createClient", "POST", ("clients",), body={})
    assert not isinstance(caught.value, AmbiguousError)
    assert opened.calls["iam"] > 1


def test_retry_after_is_waited_for(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).reply(503, headers={"Retry-After": "1"})
    wire.expect("GET", CLIENTS).reply(200, {})
    start = time.monotonic()
    session().request("listClients", "GET", ("clients",))
    assert time.monotonic() - start >= 1


def test_a_retry_after_beyond_the_budget_fails_at_once(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).reply(429, headers={"Retry-After": "3600"})
    opened = session()
    with pytest.raises(ApiError, match=r"answered 429.*wait 3600 s. Try again after .*retry_budget") as caught:
        opened.request("listClients", "GET", ("clients",))
    assert opened.calls["iam"] == 1
    assert caught.value.details["retry_after"] == 3600


def test_without_a_budget_nothing_is_repeated(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).reply(503)
    with pytest.raises(ApiError, match="503"):
        session(retry_budget=0.0).request("listClients", "GET", ("clients",))


@pytest.mark.parametrize("in_headers", [False, True])
def test_a_dripping_server_is_not_waited_for(wire: Wire, session: OpenSession, in_headers: bool) -> None:
    wire.always("GET", CLIENTS).drip(in_headers=in_headers)
    with pytest.raises(TransportError, match=r"did not answer (in full )?within"):
        session(request_timeout=0.5, retry_budget=1.0).request("listClients", "GET", ("clients",))


def test_a_silent_server_is_not_waited_for(wire: Wire, session: OpenSession) -> None:
    wire.always("GET", CLIENTS).hang()
    with pytest.raises(TransportError, match=r"did not answer within.*request_timeout") as caught:
        session(request_timeout=0.4, retry_budget=1.0).request("listClients", "GET", ("clients",))
    assert not isinstance(caught.value, AmbiguousError)


def test_an_endless_body_is_not_read(wire: Wire, session: OpenSession, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "LARGEST_BODY", 1024 * 1024)
    wire.expect("GET", CLIENTS).flood(1024 * 1024 + 1)
    with pytest.raises(TransportError, match="more than 1 MiB"):
        session().request("listClients", "GET", ("clients",))


def test_a_name_that_cannot_be_resolved_is_named(session: OpenSession) -> None:
    with pytest.raises(TransportError, match=r"name of nowhere.invalid cannot be resolved.*api_url"):
        session(api_url="https://nowhere.invalid", retry_budget=0.0).request("listClients", "GET", ("clients",))


def test_a_read_whose_body_was_cut_off_is_repeated(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).cut(200, b'{"items": [')
    wire.expect("GET", CLIENTS).reply(200, {"items": []})
    assert session().request("listClients", "GET", ("clients",)).json() == {"items": []}


def test_broken_json_is_an_error_that_names_the_operation(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).reply(200, body=b'{"items": [')
    answer = session().request("listClients", "GET", ("clients",))
    with pytest.raises(ContractError, match=r"listClients: GET .* answered 200 with JSON that is cut off.*api_url"):
        answer.json()


def test_an_html_page_is_named_by_its_title(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).html(200, "Sign in &amp; stay")
    answer = session().request("listClients", "GET", ("clients",))
    with pytest.raises(ContractError, match="an HTML page titled 'Sign in & stay' where JSON was expected"):
        answer.json()


@pytest.mark.parametrize(
    ("status", "kind", "hint"),
    [
        (401, AuthenticationError, "does not accept access_token"),
        (403, PermissionDeniedError, "services.iam"),
        (404, NotFoundError, "api_url"),
        (409, ConflictError, ""),
        (400, ApiError, ""),
        (418, ApiError, ""),
    ],
)
def test_each_status_raises_its_own_error(
    wire: Wire, session: OpenSession, status: int, kind: type[ApiError], hint: str
) -> None:
    wire.expect("GET", CLIENTS).reply(status, {"title": "Bad", "detail": "because", "errors": {"name": ["too long"]}})
    with pytest.raises(ApiError) as caught:
        session().request("listClients", "GET", ("clients",), query={"searchText": "query-canary"})
    assert caught.value.__class__ is kind
    assert f"answered {status}: Bad; because; name: too long." in caught.value.message
    assert hint in caught.value.hint
    assert caught.value.details["operation"] == "listClients"
    assert "query-canary" not in str(caught.value)


def test_a_404_with_an_html_page_does_not_mean_not_found(wire: Wire, session: OpenSession) -> None:
    wire.expect("DELETE", CLIENTS).html(404, "IIS")
    with pytest.raises(ApiError, match=r"an HTML page titled 'IIS'.*api_url") as caught:
        session().request("deleteClient", "DELETE", ("clients",))
    assert not isinstance(caught.value, NotFoundError)


def test_an_error_hides_each_secret_that_was_sent(wire: Wire, session: OpenSession) -> None:
    echoes = [VALUE, "v4lue%2B%22%2F%20canary", 'v4lue+\\"/ canary', "v4lue+&quot;/ canary", "admin-token-0"]
    wire.expect("POST", CLIENTS).reply(400, {"title": "no " + " | ".join(echoes), "errors": [{"message": VALUE}]})
    with pytest.raises(ApiError) as caught:
        session().request("createClientSecret", "POST", ("clients",), body={"value": VALUE, "description": "d"})
    told = repr(caught.value.to_result())
    assert "canary" not in told
    assert "admin-token-0" not in told
    assert told.count("(hidden)") >= len(echoes)


def test_a_secret_does_not_survive_at_the_edge_of_an_excerpt(wire: Wire, session: OpenSession) -> None:
    wire.expect("POST", CLIENTS).reply(400, body=b"x" * 290 + VALUE.encode(), headers={"Content-Type": "text/plain"})
    with pytest.raises(ApiError) as caught:
        session().request("createClientSecret", "POST", ("clients",), body={"value": VALUE})
    assert "v4lue" not in str(caught.value)
    assert len(caught.value.message) < 500


def test_a_read_follows_a_redirect_to_the_same_server(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS).redirect(308, f"{CLIENTS}/?page=1")
    wire.expect("GET", f"{CLIENTS}/").reply(200, {"items": []})
    session().request("listClients", "GET", ("clients",), query={"page": 1})
    assert wire.seen[1].query == {"page": ["1"]}
    assert wire.seen[1].headers["Authorization"] == "Bearer admin-token-0"


def test_a_loop_of_redirects_ends(wire: Wire, session: OpenSession) -> None:
    wire.expect("GET", CLIENTS, times=5).redirect(302, CLIENTS)
    with pytest.raises(ApiError, match="302, a redirect"):
        session().request("listClients", "GET", ("clients",))


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_a_redirect_to_another_server_is_never_followed(wire: Wire, session: OpenSession, method: str) -> None:
    with serving() as elsewhere:
        wire.expect(method, CLIENTS).redirect(307, f"{elsewhere.url}/x?y=1")
        where = f"127.0.0.1:{elsewhere.port}"
        with pytest.raises(ApiError, match=rf"307, a redirect to {where}, which is not followed.*api_url"):
            session().request("something", method, ("clients",))
    assert elsewhere.seen == []


def test_a_write_follows_no_redirect_to_the_same_server(wire: Wire, session: OpenSession) -> None:
    wire.expect("PUT", CLIENTS).redirect(307, f"{CLIENTS}/")
    with pytest.raises(ApiError, match="redirect to another address"):
        session().request("updateClient", "PUT", ("clients",), body={})
