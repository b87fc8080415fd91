# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``token_exchange``: what it sends, when it stops asking, and what it reports."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import carry_out
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import SENSITIVE
from ansible_collections.aritma.iam.plugins.module_utils._oauth.exchange import TOKEN_EXCHANGE
from ansible_collections.aritma.iam.tests.unit.wire import Rule, Wire, jwt

TOKENS = "/acme/connect/token"
SECRET = "c4n%ry:+ secret"
REFUSED = {"error": "invalid_client", "error_description": f"{SECRET} is wrong"}


ISSUED = {"access_token": jwt({"tid": "acme"}), "token_type": "Bearer", "expires_in": 3600, "scope": "api"}


def run(wire: Wire, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    given = {
        "identity_url": wire.url,
        "tenant": "acme",
        "client_id": "billing",
        "client_secret": SECRET,
        "scope": "api",
        "deadline": 3.0,
        "request_timeout": 1.0,
        "retry_budget": 2.0,
        **options,
    }
    validated = ArgumentSpecValidator(TOKEN_EXCHANGE.spec.to_kwargs()["argument_spec"]).validate(given)
    assert validated.error_messages == []
    result = carry_out(TOKEN_EXCHANGE, validated.validated_parameters, check_mode=check_mode, diff=False)
    shown = {name: value for name, value in result.items() if name != "access_token"}
    assert SECRET not in repr(shown)
    assert result["changed"] is False
    return result


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_line_break_at_the_end_of_a_secret_is_not_sent(wire: Wire, end: str) -> None:
    wire.expect("POST", TOKENS).reply(401, REFUSED)
    run(wire, client_secret=f"{SECRET}{end}", expect="any")
    assert wire.seen[0].form["client_secret"] == SECRET


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_good_secret_is_accepted(wire: Wire, check_mode: bool) -> None:
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    assert run(wire, check_mode=check_mode, rotation_id="r1") == {
        "changed": False,
        "verdict": "accepted",
        "error": None,
        "detail": "A token was issued.",
        "status": 200,
        "attempts": 1,
        "successes": 1,
        "rotation_id": "r1",
        "token_url": f"{wire.url}{TOKENS}",
        "expires_in": 3600,
        "scope": "api",
        "claims": {"tid": "acme"},
        "calls": {"token": 1},
    }
    assert wire.seen[0].form["client_secret"] == SECRET
    assert "Authorization" not in wire.seen[0].headers


def test_basic_credentials_are_form_encoded_first(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    run(wire, auth_method="basic")
    value = base64.b64encode(b"billing:c4n%25ry%3A%2B+secret").decode()
    assert wire.seen[0].headers["Authorization"] == f"Basic {value}"
    assert wire.seen[0].form == {"grant_type": "client_credentials", "scope": "api"}


def test_the_token_is_returned_on_request_and_then_sensitive(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    result = run(wire, return_token=True)
    assert result["access_token"] == ISSUED["access_token"]
    assert result[SENSITIVE] is True


def test_each_attempt_has_a_connection_of_its_own(wire: Wire) -> None:
    wire.expect("POST", TOKENS, times=3).reply(200, ISSUED, headers={"Set-Cookie": "a=b"})
    assert run(wire, successes=3)["attempts"] == 3
    assert len({seen.client for seen in wire.seen}) == 3
    assert {seen.headers["Connection"] for seen in wire.seen} == {"close"}
    assert not any("Cookie" in seen.headers for seen in wire.seen)


def test_netrc_is_not_read(wire: Wire, tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password else\n", encoding="utf-8")
    netrc.chmod(0o600)
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    run(wire)
    assert "Authorization" not in wire.seen[0].headers


def test_a_new_secret_is_tried_until_it_is_accepted(wire: Wire) -> None:
    wire.expect("POST", TOKENS, times=2).reply(401, REFUSED)
    wire.expect("POST", TOKENS).commit_then_drop()
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    assert run(wire)["attempts"] == 4


def test_successes_are_counted_in_a_row(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    wire.expect("POST", TOKENS).reply(401, REFUSED)
    wire.expect("POST", TOKENS, times=2).reply(200, ISSUED)
    done = run(wire, successes=2)
    assert (done["attempts"], done["successes"]) == (4, 2)


def test_a_rate_limit_does_not_end_the_row(wire: Wire) -> None:
    """It says nothing about the secret; without this, a limit below the number of successes would never let it pass."""
    wire.expect("POST", TOKENS, times=2).reply(200, ISSUED)
    wire.expect("POST", TOKENS).reply(429, None, headers={"Retry-After": "1"})
    wire.expect("POST", TOKENS).reply(200, ISSUED)
    result = run(wire, successes=3)
    assert (result["attempts"], result["successes"]) == (4, 3)


def test_a_bad_secret_fails_with_its_verdict(wire: Wire) -> None:
    wire.always("POST", TOKENS).reply(401, REFUSED)
    result = run(wire, deadline=0.5)
    assert result["failed"] is True
    assert (result["verdict"], result["error"], result["status"]) == ("rejected", "invalid_client", 401)
    assert result["attempts"] == len(wire.seen) > 1
    assert result["calls"] == {"token": result["attempts"]}
    assert result["failure"]["kind"] == "verdict"
    assert result["failure"]["expected"] == "accepted"
    assert "invalid_client" in result["msg"]
    assert "deadline" in result["msg"]
    assert "(hidden) is wrong" in result["detail"]


def test_the_last_attempt_is_not_cut_short(wire: Wire) -> None:
    def slowly(handler: Any) -> None:
        wire.wait(0.3)
        refused = Rule("POST", TOKENS).reply(401, REFUSED)
        assert refused.play is not None
        refused.play(handler)

    wire.always("POST", TOKENS).plays(slowly)
    assert run(wire, deadline=0.7)["verdict"] == "rejected"


def test_a_misconfiguration_is_not_tried_again(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(400, {"error": "invalid_scope"})
    result = run(wire)
    assert (result["verdict"], result["error"], result["attempts"]) == ("misconfigured", "invalid_scope", 1)
    assert "allowed_scopes" in result["msg"]


def test_an_unknown_verdict_is_asked_for_again_and_is_no_rejection(wire: Wire) -> None:
    wire.always("POST", TOKENS).html(503, "busy")
    result = run(wire, deadline=0.5)
    assert (result["failed"], result["verdict"], result["error"]) == (True, "unknown", None)
    assert result["attempts"] > 1
    assert "Nothing is known about the secret" in result["msg"]


def test_a_retry_after_beyond_the_deadline_is_not_waited_for(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(429, headers={"Retry-After": "60"})
    result = run(wire)
    assert (result["verdict"], result["attempts"]) == ("unknown", 1)


def test_a_token_endpoint_that_is_not_there_is_not_asked_again(wire: Wire) -> None:
    wire.expect("POST", TOKENS).html(404, "Not Found")
    result = run(wire)
    assert (result["verdict"], result["attempts"]) == ("unknown", 1)
    assert "Check tenant" in result["msg"]


def test_a_silent_endpoint_is_unknown(wire: Wire) -> None:
    wire.always("POST", TOKENS).hang()
    result = run(wire, deadline=0.0, request_timeout=0.3)
    assert (result["verdict"], result["attempts"], result["status"]) == ("unknown", 1, None)
    assert "did not answer" in result["msg"]


def test_a_deleted_secret_is_waited_for(wire: Wire) -> None:
    wire.expect("POST", TOKENS, times=2).reply(200, ISSUED)
    wire.expect("POST", TOKENS).reply(400, REFUSED)
    result = run(wire, expect="rejected")
    assert (result.get("failed"), result["verdict"], result["attempts"]) == (None, "rejected", 3)


def test_a_deleted_secret_that_still_works_fails(wire: Wire) -> None:
    wire.always("POST", TOKENS).reply(200, ISSUED)
    result = run(wire, expect="rejected", deadline=0.3, return_token=True)
    assert (result["failed"], result["verdict"]) == (True, "accepted")
    assert "still works" in result["msg"]
    assert "access_token" not in result


def test_a_500_is_no_rejection_whatever_it_says(wire: Wire) -> None:
    wire.always("POST", TOKENS).reply(500, {"error": "invalid_client"})
    result = run(wire, expect="rejected", deadline=0.3)
    assert (result["failed"], result["verdict"]) == (True, "unknown")


@pytest.mark.parametrize(
    ("status", "document", "verdict"),
    [(200, ISSUED, "accepted"), (401, REFUSED, "rejected"), (400, {"error": "invalid_scope"}, "misconfigured")],
)
def test_expect_any_asks_once_and_reports_the_verdict(wire: Wire, status: int, document: Any, verdict: str) -> None:
    wire.expect("POST", TOKENS).reply(status, document)
    result = run(wire, expect="any", successes=3)
    assert (result.get("failed"), result["verdict"], result["attempts"]) == (None, verdict, 1)


def test_expect_any_asks_again_while_nothing_is_known(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(503)
    wire.expect("POST", TOKENS).reply(401, REFUSED)
    assert run(wire, expect="any", deadline=0.0)["verdict"] == "rejected"


def test_expect_any_never_fails(wire: Wire) -> None:
    wire.always("POST", TOKENS).reply(503)
    result = run(wire, expect="any", retry_budget=0.4)
    assert (result.get("failed"), result["verdict"]) == (None, "unknown")


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"tenant": ""}, "default tenant"),
        ({"successes": 0}, "successes"),
        ({"deadline": -1.0}, "deadline"),
        ({"deadline": float("nan")}, "deadline"),
        ({"identity_url": "http://id.example.test"}, "unencrypted"),
    ],
)
def test_bad_options_are_told_before_anything_is_sent(wire: Wire, options: dict[str, Any], word: str) -> None:
    result = run(wire, **options)
    assert result["failure"]["kind"] == "option"
    assert word in result["msg"]


def test_a_server_cannot_make_us_show_the_secret(wire: Wire) -> None:
    wire.expect("POST", TOKENS).reply(
        400, {"error": SECRET, "error_description": base64.b64encode(SECRET.encode()).decode()}
    )
    result = run(wire, deadline=0.0)
    assert base64.b64encode(SECRET.encode()).decode() not in repr(result)
