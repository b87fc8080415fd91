# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Vault store against a real OpenBao server: in dev mode, sealed, and restarted from its files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreConflictError, StoreError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.plugins.plugin_utils._documents import _place, _replaced
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import Setting, Store
from doubles.openbao import Bao, reading, start_bao
from doubles.ports import free_port
from doubles.proxy import Asked, Proxy, Rule

from .conftest import VALUE, Keep

Json = dict[str, Any]


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """A secret of this test."""
    return "tests/" + re.sub("[^a-z0-9_]", "-", request.node.name)


@pytest.fixture
def members(bao: Bao, path: str) -> Json:
    """A store of this test."""
    return {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": path}


def opened(members: Json) -> Store:
    """The store itself."""
    return open_store(members, Setting("c1", dict, DataLoader()))


def record(number: int = 1) -> Record:
    """A record that can be told from others."""
    return Record(client_id="c1", version=number, current=Current(value=VALUE, rotation_id=f"r{number}"))


@pytest.fixture
def proxy(bao: Bao) -> Iterator[Proxy]:
    """A proxy before the server."""
    between = Proxy(bao.url, reading)
    yield between
    between.close()


def test_the_record_is_the_data_of_the_secret(keep: Keep, members: Json, bao: Bao, path: str) -> None:
    """Each write adds one version."""
    assert keep(store=members)["record"] is None
    for number in ("1", "2", "3"):
        keep("written", store=members, value=VALUE, secret_id=number)
    found = bao.call("GET", f"secret/data/{path}")["data"]
    assert found["metadata"]["version"] == 3
    assert found["data"] == keep(store=members)["record"]
    assert found["data"]["current"]["value"] == VALUE
    assert keep("absent", store=members)["changed"]
    assert not keep("absent", store=members)["changed"]
    with pytest.raises(requests.HTTPError):
        bao.call("GET", f"secret/metadata/{path}")


def test_the_default_path_carries_the_client_id(keep: Keep, members: Json, bao: Bao) -> None:
    """Percent-encoded, so that it is one part of the path."""
    del members["path"]
    keep("written", store=members, client_id="a/b ø")
    assert bao.call("LIST", "secret/metadata/aritma-iam")["data"]["keys"] == ["a%2Fb%20%C3%B8"]
    keep("absent", store=members, client_id="a/b ø")


def number(token: str) -> int:
    """The version in a token."""
    return int(token.split(maxsplit=1)[0])


def test_a_write_over_another_write_is_a_conflict(members: Json) -> None:
    """Compare-and-set by the version of the secret; the first write needs that there is none."""
    one, two = opened(members), opened(members)
    _none, token = one.read()
    two.write(record(1), token)
    with pytest.raises(StoreConflictError, match="has changed since it was read"):
        one.write(record(2), token)
    with pytest.raises(StoreConflictError):
        one.remove(token)
    found, token = one.read()
    assert found == record(1)
    one.write(record(2), token)
    one.remove(one.read()[1])
    assert two.read() == (None, "0")


def test_a_deleted_secret_is_no_record_and_can_be_written_again(members: Json, bao: Bao, path: str) -> None:
    """Somebody deleted its newest version; its number goes on."""
    store = opened(members)
    store.write(record(1), "0")
    bao.call("DELETE", f"secret/data/{path}")
    found, token = store.read()
    assert (found, number(token)) == (None, 1)
    store.write(record(2), token)
    found, token = store.read()
    assert (found, number(token)) == (record(2), 2)


def test_a_removed_secret_that_is_made_again_is_another_one(members: Json) -> None:
    """Its version begins at 1 again: that must not pass for what was read before."""
    one, two = opened(members), opened(members)
    one.write(record(1), "0")
    _first, token = two.read()
    one.remove(one.read()[1])
    one.write(record(2), "0")
    for act in (two.remove, lambda stale: two.write(record(3), stale)):
        with pytest.raises(StoreConflictError):
            act(token)
    assert one.read()[0] == record(2)


@pytest.mark.parametrize("losses", [1, 99])
def test_a_lost_answer_to_a_write_that_was_carried_out_is_no_error(
    members: Json, proxy: Proxy, path: str, losses: int
) -> None:
    """Whether one answer is lost or all of them: the stored record shows that it is ours."""
    store = opened({**members, "url": proxy.url})
    proxy.rules = [Rule(path, "drop", times=losses)]
    store.write(record(1), "0")
    found, token = store.read()
    assert (found, number(token)) == (record(1), 1)
    assert proxy.rules[0].times < losses


def test_a_lost_answer_to_a_write_that_another_overtook_is_a_conflict(members: Json, bao: Bao, path: str) -> None:
    """Somebody wrote after us, before we looked."""
    other = opened(members)

    def overtaken(*request: Any) -> Asked:
        asked = reading(*request)
        if asked.writes and other.read()[1] == "0":
            other.write(record(9), "0")
        return asked

    proxy = Proxy(bao.url, overtaken)
    proxy.rules = [Rule(path, "drop", "before", times=99)]
    with closing(proxy), pytest.raises(StoreConflictError):
        opened({**members, "url": proxy.url}).write(record(1), "0")
    assert other.read()[0] == record(9)


def test_a_write_that_never_arrives_says_that_nothing_was_changed(members: Json, proxy: Proxy, path: str) -> None:
    """The task can be repeated."""
    store = opened({**members, "url": proxy.url})
    proxy.rules = [Rule(path, "drop", "before", times=99)]
    with pytest.raises(StoreError, match=r"was not written.*Nothing was changed") as caught:
        store.write(record(1), "0")
    assert not isinstance(caught.value, StoreConflictError)
    assert opened(members).read() == (None, "0")


class Standby(Proxy):
    """Answers so many reads with 412, or as if the last write had not happened."""

    behind = 0
    status = 200
    old: tuple[int, bytes, str] | None = None

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes, str]:
        """See ``Proxy``."""
        if method == "GET" and self.behind > 0 and self.old is not None:
            self.behind -= 1
            return self.old if self.status == 200 else (self.status, b'{"errors": ["behind"]}', "application/json")
        answer = super().forward(method, path, headers, body)
        self.old = answer if method == "GET" and not self.behind else self.old
        return answer


@pytest.mark.parametrize("same", [True, False])
@pytest.mark.parametrize(("status", "times"), [(200, 2), (412, 2), (412, 6)])
def test_a_standby_that_is_behind_our_own_write_is_asked_again(
    members: Json, bao: Bao, status: int, times: int, same: bool
) -> None:
    """Its answer is not taken for a change by somebody else, also if another process made the write."""
    proxy = Standby(bao.url, reading)
    members["url"] = proxy.url

    def next_task() -> Store:
        if not same:
            _replaced._process.clear()
        return opened(members)

    with closing(proxy):
        next_task().write(record(1), "0")
        token = next_task().read()[1]
        next_task().write(record(2), token)
        proxy.behind, proxy.status = times, status
        found, token = next_task().read()
        assert (found, proxy.behind) == (record(2), 0)
        next_task().write(record(3), token)
        token = next_task().read()[1]
        next_task().remove(token)
        proxy.behind, proxy.status = times, status
        assert next_task().read() == (None, "0")
        next_task().write(record(4), "0")
        assert next_task().read()[0] == record(4)


def test_a_standby_that_stays_behind_is_believed_in_the_end(
    members: Json, bao: Bao, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Somebody may have put the old version back. A store works too if it cannot keep a note of its last write."""
    monkeypatch.setattr(_place, "_STALE_WAIT", 0.3)
    proxy = Standby(bao.url, reading)
    with closing(proxy):
        store = opened({**members, "url": proxy.url})
        store.write(record(1), "0")
        store.write(record(2), store.read()[1])
        proxy.behind = 1000
        assert store.read()[0] == record(1)
        proxy.behind, proxy.status = 1000, 412
        with pytest.raises(StoreError, match=r"cannot read \(PreconditionFailed"):
            store.read()
    (tmp_path / "file").touch()
    monkeypatch.setenv("ARITMA_TOKEN_CACHE_DIR", str(tmp_path / "file"))
    store = opened(members)
    store.write(record(3), store.read()[1])
    assert store.read()[0] == record(3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"token": "wrong-token-value"}, r"cannot read \(Forbidden.*Check the token"),
        ({"mount": "missing"}, "Enable a KV version 2 engine at 'missing'"),
        ({"mount": "kv1"}, "'kv1' is not a KV version 2 engine"),
        ({"url": "http://127.0.0.1:1"}, "the server did not answer"),
        ({"namespace": "none"}, "cannot read"),
    ],
)
@pytest.mark.parametrize("state", ["read", "written", "checked"])
def test_each_refusal_of_vault_says_what_to_do(
    keep: Keep, members: Json, bao: Bao, change: Json, message: str, state: str
) -> None:
    """The token is never shown."""
    failed = keep(state, store={**members, **change})
    assert failed["failure"]["kind"] == "store"
    assert re.search(message, failed["msg"])
    assert bao.token not in str(failed)
    assert "wrong-token-value" not in str(failed)


def test_a_server_that_is_not_vault_is_an_error(keep: Keep, members: Json, proxy: Proxy) -> None:
    """Its redirect is not followed, so it does not get the token."""
    proxy.refusals["GET"] = (307, b"", {"Location": "http://127.0.0.1:1/"})
    failed = keep(store={**members, "url": proxy.url})
    assert "not from a Vault server (status 307)" in failed["msg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"url": None}, "needs url"),
        ({"url": "http://vault.example.com"}, "unencrypted"),
        ({"url": "vault.example.com:8200"}, "is not an absolute http(s) URL"),
        ({"url": "http://user:canary@vault.example.com"}, "without user"),
        ({"token": None}, "needs a token"),
        ({"auth_method": "approle"}, "needs role_id and secret_id"),
        ({"token": None, "token_file": "/missing/token"}, "token_file /missing/token cannot be read"),
        ({"path": "a/../b"}, "is not the path of a secret"),
        ({"mode": "0600"}, "has no member mode"),
    ],
)
def test_options_that_cannot_be_used(
    keep: Keep, members: Json, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Json, message: str
) -> None:
    """Nothing is sent."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VAULT_ADDR", raising=False)
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    failed = keep(store={**members, **change})
    assert failed["failure"]["kind"] == "option"
    assert message in failed["msg"]
    assert "canary" not in failed["msg"]


def test_url_and_token_come_from_the_environment_and_from_files(
    keep: Keep, bao: Bao, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the order: option, token_file, VAULT_TOKEN, ~/.vault-token."""
    store = {"type": "hashi_vault", "path": path}
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    monkeypatch.setenv("VAULT_ADDR", f"{bao.url}\n")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # not for loopback
    (tmp_path / ".vault-token").write_text(bao.token + "\n", encoding="utf-8")
    assert "failed" not in keep(store=store)
    monkeypatch.setenv("VAULT_TOKEN", "wrong")
    assert keep(store=store)["failed"]
    assert "failed" not in keep(store={**store, "token_file": str(tmp_path / ".vault-token")})
    (tmp_path / ".vault-token").write_text("wrong", encoding="utf-8")
    monkeypatch.setenv("VAULT_TOKEN", f"{bao.token}\r\n")
    assert "failed" not in keep(store=store)


def test_a_token_with_the_documented_policy_is_enough(keep: Keep, members: Json, bao: Bao) -> None:
    """For everything but ``absent``, which needs delete on the metadata."""
    rules = 'path "secret/data/tests/*" { capabilities = ["create", "read", "update"] }'
    store = {**members, "token": bao.token_for("writer", rules)}
    assert "failed" not in keep("checked", store=store)
    assert keep("written", store=store)["changed"]
    assert keep("written", store=store)["changed"]
    failed = keep("absent", store=store)
    assert "Forbidden" in failed["msg"]
    assert keep(store=store)["version"] == 2
    rules += '\npath "secret/metadata/tests/*" { capabilities = ["delete"] }'
    assert keep("absent", store={**members, "token": bao.token_for("remover", rules)})["changed"]


def test_a_token_that_may_only_read_fails_the_check(keep: Keep, members: Json, bao: Bao) -> None:
    """The message names what the token lacks. Nothing is written."""
    token = bao.token_for("reader", 'path "secret/data/tests/*" { capabilities = ["read"] }')
    failed = keep("checked", store={**members, "token": token})
    assert "lacks create, update" in failed["msg"]
    assert "Grant create, read and update on secret/data/tests/" in failed["msg"]


def test_an_approle_logs_in(keep: Keep, members: Json, bao: Bao) -> None:
    """With role_id and secret_id. A wrong secret_id is refused without being shown."""
    bao.call("POST", "sys/auth/approle", {"type": "approle"})
    bao.token_for("writer", 'path "secret/data/tests/*" { capabilities = ["create", "read", "update"] }')
    bao.call("POST", "auth/approle/role/rotator", {"token_policies": "writer"})
    role_id = bao.call("GET", "auth/approle/role/rotator/role-id")["data"]["role_id"]
    secret_id = bao.call("POST", "auth/approle/role/rotator/secret-id")["data"]["secret_id"]
    store = {**members, "auth_method": "approle", "role_id": f"{role_id}\n", "secret_id": f"{secret_id}\n"}
    del store["token"]
    assert keep("written", store=store)["changed"]
    failed = keep(store={**store, "secret_id": "wrong-secret-id"})
    assert "cannot log in" in failed["msg"]
    assert "wrong-secret-id" not in str(failed)


def test_a_secret_that_holds_something_else_is_left_alone(keep: Keep, members: Json, bao: Bao, path: str) -> None:
    """A record of another client, or no record at all."""
    bao.keep(path, {"schema": 1, "client_id": "c2"})
    assert "record of client c2, not of c1" in keep("written", store=members)["msg"]
    bao.keep(path, {"password": VALUE})
    failed = keep("written", store=members)
    assert "cannot be used" in failed["msg"]
    assert VALUE not in str(failed)
    assert bao.call("GET", f"secret/data/{path}")["data"]["metadata"]["version"] == 2


def test_check_mode_sends_no_write(keep: Keep, members: Json, proxy: Proxy) -> None:
    """Only reads pass the proxy."""
    predicted = keep("written", store={**members, "url": proxy.url}, check_mode=True)
    assert predicted["changed"]
    assert {each.operation for each in proxy.asked} == {"GET"}


def test_a_record_outlives_a_restart_and_a_sealed_server_is_named(keep: Keep, tmp_path: Path) -> None:
    """A server that keeps its data on disk, killed, started again, and unsealed."""
    port = free_port()
    (tmp_path / "data").mkdir()
    config = {
        "storage": {"raft": {"path": str(tmp_path / "data"), "node_id": "one", "performance_multiplier": 1}},
        "listener": {"tcp": {"address": f"127.0.0.1:{port}", "tls_disable": True}},
        "api_addr": f"http://127.0.0.1:{port}",
        "cluster_addr": f"http://127.0.0.1:{free_port()}",
    }
    (tmp_path / "bao.json").write_text(json.dumps(config), encoding="utf-8")
    arguments = ["-config", str(tmp_path / "bao.json")]
    server = start_bao(tmp_path, *arguments, port=port)
    try:
        keys = server.call("PUT", "sys/init", {"secret_shares": 1, "secret_threshold": 1}, token="")
        server.unseal(keys["keys"][0])
        server.token = keys["root_token"]
        server.mount("secret")
        store = {"type": "hashi_vault", "url": server.url, "token": server.token}
        assert keep("written", store=store, value=VALUE)["changed"]
        server.stop()
        assert "the server did not answer" in keep("written", store=store)["msg"]
        server = start_bao(tmp_path, *arguments, port=port)
        failed = keep("written", store=store)
        assert "sealed" in failed["msg"]
        assert keys["root_token"] not in str(failed)
        server.unseal(keys["keys"][0])
        assert keep(store=store)["record"]["current"]["value"] == VALUE
    finally:
        server.stop()


def test_an_option_error_is_raised_when_the_store_is_opened() -> None:
    """Before anything is read."""
    with pytest.raises(OptionError):
        opened({"type": "hashi_vault", "url": "ftp://x"})
