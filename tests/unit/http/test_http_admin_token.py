# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin token: fetched once, kept in private files, renewed in time, and replaced once after a 401."""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    ApiError,
    AuthenticationError,
    ContractError,
    NotFoundError,
    TransportError,
)
from ansible_collections.aritma.iam.plugins.module_utils._http import token_cache as _token_cache
from ansible_collections.aritma.iam.plugins.module_utils._http.admin_token import AdminTokens, usable_for
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Session
from ansible_collections.aritma.iam.plugins.module_utils._http.token_cache import TokenCache, private_directory
from ansible_collections.aritma.iam.tests.unit.http.conftest import ADMIN_SECRET
from ansible_collections.aritma.iam.tests.unit.wire import TOKEN, Wire

TOKENS = "/acme/connect/token"
CLIENTS = "/iam/v1/clients"

Options = Mapping[str, Any]


def token(options: Options, **changes: Any) -> str:
    return AdminTokens(Connection.from_params({**options, **changes}), Counter()).get()


def new_process() -> None:
    _token_cache._process.clear()


def cache_files() -> list[Path]:
    return sorted(Path(os.environ["ARITMA_TOKEN_CACHE_DIR"]).glob("*.json"))


def test_the_token_is_fetched_once_and_sent_with_each_request(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    wire.expect("GET", CLIENTS, times=2).reply(200, {})
    with Session(Connection.from_params(options)) as session:
        for _each in range(2):
            session.request("listClients", "GET", ("clients",))
    assert wire.seen[0].form == {
        "grant_type": "client_credentials",
        "scope": "services.iam",
        "client_id": "admin",
        "client_secret": ADMIN_SECRET,
    }
    assert "Authorization" not in wire.seen[0].headers
    assert wire.seen[1].headers["Authorization"] == "Bearer admin-token-1"
    assert session.calls == {"token": 1, "iam": 2}


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
def test_the_line_break_of_a_file_is_no_part_of_the_secret(wire: Wire, options: Options, end: str) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    token(options, auth_client_secret=f" {ADMIN_SECRET} {end}", auth_client_id=f"admin{end}")
    assert (wire.seen[0].form["client_id"], wire.seen[0].form["client_secret"]) == ("admin", f" {ADMIN_SECRET} ")


def test_a_token_is_kept_in_a_private_file_for_the_next_task(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    first = token(options)
    new_process()
    assert token(options) == first
    (file,) = cache_files()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert ADMIN_SECRET not in file.read_text(encoding="utf-8")


def test_a_kept_token_is_not_used_with_another_secret(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    wire.expect("POST", TOKENS, times=2).reply(401, {"error": "invalid_client"})
    token(options)
    for _each in range(2):
        with pytest.raises(AuthenticationError):
            token(options, auth_client_secret="another")
        new_process()


@pytest.mark.parametrize("change", [{"auth_client_id": "b"}, {"auth_scope": "b"}, {"validate_certs": False}])
def test_a_kept_token_is_not_used_for_another_client_scope_or_trust(
    wire: Wire, options: Options, change: dict[str, Any]
) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "access_token": "other"})
    assert token(options) == "admin-token-1"
    assert token(options, **change) == "other"


def test_a_given_token_is_not_kept(wire: Wire, options: Options) -> None:
    assert token(options, access_token="given") == "given"
    assert not Path(os.environ["ARITMA_TOKEN_CACHE_DIR"]).exists()


@pytest.mark.parametrize(("life", "usable"), [(3600, 3540), (86400, 86340), (300, 270), (30, 27), (None, 270)])
def test_a_token_is_used_until_shortly_before_it_expires(life: int | None, usable: float) -> None:
    assert usable_for(life) == usable


def test_a_token_that_is_about_to_expire_is_replaced(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "expires_in": 1})
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "access_token": "second"})
    token(options)
    time.sleep(0.95)
    assert token(options) == "second"


def test_after_a_401_one_new_token_is_fetched(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    wire.expect("GET", CLIENTS).reply(401)
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "access_token": "second"})
    wire.expect("GET", CLIENTS).reply(200, {})
    Session(Connection.from_params(options)).request("listClients", "GET", ("clients",))
    assert wire.seen[3].headers["Authorization"] == "Bearer second"
    new_process()
    assert token(options) == "second"


def test_a_second_401_fetches_no_other_token(wire: Wire, options: Options) -> None:
    wire.tokens()
    wire.expect("GET", CLIENTS, times=2).reply(401)
    with pytest.raises(AuthenticationError, match=r"listClients: GET .* 401.*tenant"):
        Session(Connection.from_params(options)).request("listClients", "GET", ("clients",))
    assert len(wire.asked(TOKENS)) == 2


def test_a_renewal_returns_the_newer_token_that_another_task_has_fetched(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "access_token": "second"})
    token(options)
    assert AdminTokens(Connection.from_params(options), Counter()).renew("first") == "second"
    assert len(_token_cache._process) == 1
    assert len(cache_files()) == 1


def test_a_renewal_without_files_returns_the_newer_token_too(
    wire: Wire, options: Options, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARITMA_TOKEN_CACHE_DIR", "/dev/null")
    wire.expect("POST", TOKENS).reply(200, {**TOKEN, "access_token": "second"})
    token(options)
    assert AdminTokens(Connection.from_params(options), Counter()).renew("first") == "second"


@pytest.mark.parametrize(
    ("status", "document", "kind", "words"),
    [
        (400, {"error": "invalid_client"}, AuthenticationError, ["invalid_client", "tenant", "auth_client_secret"]),
        (401, {"error": "invalid_client"}, AuthenticationError, ["401", "auth_client_id"]),
        (400, {"error": "invalid_scope", "error_description": ADMIN_SECRET}, AuthenticationError, ["auth_scope"]),
        (404, None, AuthenticationError, ["404", "tenant"]),
        (500, None, ApiError, ["500", "attempts"]),
        (200, {"hello": "world"}, ContractError, ["without an access token", "token_url"]),
    ],
)
def test_a_refusal_of_the_token_endpoint_names_what_to_check(
    wire: Wire, options: Options, status: int, document: Any, kind: type[Exception], words: list[str]
) -> None:
    wire.always("POST", TOKENS).reply(status, document)
    with pytest.raises(kind) as caught:
        token(options)
    text = str(caught.value)
    assert all(word in text for word in [*words, f"{wire.url}{TOKENS}"]), text
    assert "canary" not in text
    assert not isinstance(caught.value, NotFoundError)


def test_a_busy_token_endpoint_is_asked_again(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).commit_then_drop()
    wire.expect("POST", TOKENS).reply(503)
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    assert token(options) == "admin-token-1"


def test_a_token_endpoint_that_cannot_be_reached_is_named(options: Options) -> None:
    with pytest.raises(TransportError, match=r"/acme/connect/token.*token_url"):
        token(options, identity_url="http://127.0.0.1:9", retry_budget=0.0)


def test_a_redirect_of_the_token_endpoint_is_not_followed(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS).redirect(307, f"{wire.url}/elsewhere")
    with pytest.raises(ApiError, match=r"307, a redirect.*token_url"):
        token(options)


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"token": 1}', "null", "[" * 100_000, "\udcff"])
def test_a_broken_cache_file_is_ignored(wire: Wire, options: Options, content: str) -> None:
    wire.expect("POST", TOKENS, times=2).reply(200, TOKEN)
    token(options)
    cache_files()[0].write_text(content, encoding="utf-8", errors="surrogateescape")
    new_process()
    assert token(options) == "admin-token-1"


def test_a_cache_file_that_others_could_read_is_ignored(wire: Wire, options: Options) -> None:
    wire.expect("POST", TOKENS, times=2).reply(200, TOKEN)
    token(options)
    cache_files()[0].chmod(0o644)
    new_process()
    token(options)


def test_a_cache_file_that_is_a_link_is_ignored_and_replaced(wire: Wire, options: Options, tmp_path: Path) -> None:
    wire.expect("POST", TOKENS, times=2).reply(200, TOKEN)
    token(options)
    (file,) = cache_files()
    elsewhere = file.rename(tmp_path / "elsewhere.json")
    file.symlink_to(elsewhere)
    new_process()
    token(options)
    assert not file.is_symlink()


@pytest.mark.parametrize("kind", ["open", "link", "file", "unwritable"])
def test_without_a_private_directory_no_file_is_written(
    wire: Wire, options: Options, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    directory = tmp_path / "shared"
    if kind == "file":
        directory.write_text("", encoding="utf-8")
    elif kind == "unwritable":
        directory = Path("/proc/self/nothing/tokens")
    else:
        directory.mkdir(mode=0o755 if kind == "open" else 0o700)
    if kind == "link":
        (tmp_path / "link").symlink_to(directory)
        directory = tmp_path / "link"
    monkeypatch.setenv("ARITMA_TOKEN_CACHE_DIR", str(directory))
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    assert token(options) == "admin-token-1"
    assert token(options) == "admin-token-1"
    assert private_directory() is None
    assert not directory.is_dir() or list(directory.iterdir()) == []


@pytest.mark.parametrize("home", [None, "/proc/1/nobody", "/dev/null"])
def test_for_a_user_without_a_home_or_a_name_no_file_is_written(
    wire: Wire, options: Options, monkeypatch: pytest.MonkeyPatch, home: str | None
) -> None:
    monkeypatch.delenv("ARITMA_TOKEN_CACHE_DIR")
    monkeypatch.delenv("HOME")
    if home:
        monkeypatch.setenv("HOME", home)

    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    wire.expect("POST", TOKENS).reply(200, TOKEN)
    assert [token(options) for _each in range(2)] == ["admin-token-1"] * 2
    assert private_directory() is None


def test_the_directory_of_the_cache_files_follows_the_xdg_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ARITMA_TOKEN_CACHE_DIR")
    assert private_directory() == tmp_path / ".cache/aritma-iam"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert private_directory() == tmp_path / "xdg/aritma-iam"
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "missing"))
    assert private_directory() == tmp_path / "xdg/aritma-iam"
    (tmp_path / "run").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    assert private_directory() == tmp_path / "run/aritma-iam"


def test_waiting_for_another_process_that_fetches_ends() -> None:
    first, second = (TokenCache(("a",), "s") for _each in range(2))
    start = time.monotonic()
    with first.turn(1), second.turn(0.2):
        pass
    assert time.monotonic() - start >= 0.2


FETCH = """
import json, sys
from collections import Counter
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._http.admin_token import AdminTokens
print(AdminTokens(Connection.from_params(json.load(sys.stdin)), Counter()).get())
"""


def test_many_processes_fetch_one_token(wire: Wire, options: Options) -> None:
    wire.tokens()
    started = [
        subprocess.Popen([sys.executable, "-c", FETCH], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _each in range(5)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write(json.dumps(dict(options)))
        process.stdin.close()
    printed = []
    for process in started:
        assert process.stdout is not None
        with process:
            printed.append(process.stdout.read().strip())
    assert printed == ["admin-token-1"] * 5
    assert len(wire.seen) == 1
