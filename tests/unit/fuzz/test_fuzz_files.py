# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever stands in a file or a store: a result, or an error of ours that shows no secret."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from ansible.parsing.vault import VaultSecret
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._core import process as _process_identity
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.process import is_alive, start_time
from ansible_collections.aritma.iam.plugins.module_utils._core.time import now, parse_duration, parse_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_format import (
    pick_members,
    render_env,
    render_ini,
    render_json,
    render_yaml,
)
from ansible_collections.aritma.iam.plugins.module_utils._files.ownership import read_mode
from ansible_collections.aritma.iam.plugins.module_utils._http import token_cache as _token_cache
from ansible_collections.aritma.iam.plugins.module_utils._http.token_cache import TokenCache
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import lineage_of, made_at
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    decode_record,
    encode_record,
    read_record,
)
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import wanted_expiration
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.report import merge_entry
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._vault_text import VaultText
from unit.fuzz.given import CANARY, FUZZ, body, nested, objects, shallow, text, tried, value

SECRET: dict[str, Any] = {"value": CANARY, "rotation_id": "r1", "secret_id": "1", "description": None}
RECORD: dict[str, Any] = {
    "schema": 1,
    "client_id": "c1",
    "client_name": "billing",
    "version": 3,
    "current": {**SECRET, "created_at": "2026-11-24T10:00:00Z", "expires_at": None},
    "pending": None,
    "previous": None,
    "last_rotated_at": None,
    "last_verified_at": None,
}


@st.composite
def records(draw: Any) -> dict[str, Any]:
    """A good record with one or two members of it replaced, also inside of its secrets."""
    record: dict[str, Any] = json.loads(json.dumps(RECORD))
    for _each in range(draw(st.integers(1, 2))):
        place = record["current"] if draw(st.booleans()) and isinstance(record["current"], dict) else record
        place[draw(st.sampled_from(sorted(RECORD) + sorted(SECRET)))] = draw(shallow)
    return record


@FUZZ
@given(data=st.one_of(records(), objects, value))
def test_records(data: Any) -> None:
    """A record, or an error that names the member; what was read can be written and read again."""
    record = tried(lambda: read_record(data, client_id="c1", where="the store"))
    if record is not None and "\\ud8" not in json.dumps(data):
        assert decode_record(encode_record(record), client_id="c1", where="the store") == record


@FUZZ
@given(content=body)
@example(content=b"[" * 100_000)
@example(content=b"9" * 5000)
def test_texts_of_records(content: bytes) -> None:
    """The file of a store, cut off or damaged."""
    said = content.decode(errors="replace") + CANARY
    tried(lambda: decode_record(said, client_id="c1", where="the file"))
    tried(lambda: decode_record(content.decode(errors="replace"), client_id="c1", where="the file"))


@FUZZ
@given(tail=st.one_of(text, body.map(lambda each: each.hex())), plain=st.binary(max_size=40))
@example(tail="\n0", plain=b"\xff")
@example(tail="\n\ud800", plain=b"")
def test_vault_texts(tail: str, plain: bytes) -> None:
    """Text that begins as ansible-vault writes it; and what was sealed, with bytes that are no text."""
    vault = VaultText("default", VaultSecret(b"password"), "vault_password_file")
    for head in (";1.1;AES256", ";1.2;AES256;x", ";9;ROT13", ""):
        tried(partial(vault.opened, f"$ANSIBLE_VAULT{head}{tail}", "the file"))
    sealed = vault._library().encrypt(plain, vault.secret).decode()
    tried(lambda: vault.opened(sealed, "the file"))


@FUZZ
@given(document=st.one_of(objects, value), content=body)
@example(document={"token": CANARY, "renew_at": 1e12, "salt": "00", "verifier": "ø"}, content=b"")
@example(document={"token": CANARY, "renew_at": 1e12, "salt": "\ud800", "verifier": "00"}, content=b"")
@example(document={"token": CANARY, "renew_at": 10**400, "salt": "00", "verifier": "00"}, content=b"")
@example(document=nested(400), content=b"[" * 100_000)
def test_token_files(tmp_path_factory: pytest.TempPathFactory, document: Any, content: bytes) -> None:
    """Whatever is wrong with a file of the cache only costs a new token."""
    folder = tmp_path_factory.getbasetemp() / "tokens"
    folder.mkdir(mode=0o700, exist_ok=True)
    with patch.dict(os.environ, {"ARITMA_TOKEN_CACHE_DIR": str(folder)}), patch.object(_token_cache, "_process", {}):
        cache = TokenCache(("one",), "secret")
        for written in (json.dumps(document).encode(), content):
            place = folder / f"{cache._name}.json"
            place.write_bytes(written)
            place.chmod(0o600)
            assert cache.load() is None
            cache.drop(CANARY)


@FUZZ
@given(said=st.one_of(text, st.just("1 (a) b) S 0 0 0")))
def test_process_files(tmp_path_factory: pytest.TempPathFactory, said: str) -> None:
    """What /proc says of a process that ends meanwhile."""
    place = tmp_path_factory.getbasetemp() / "stat"
    place.write_text(said, encoding="utf-8", errors="replace")
    with patch.object(_process_identity, "Path", lambda _given: Path(place)):
        assert isinstance(start_time(os.getpid()), str)
        assert isinstance(is_alive(os.getpid(), "1"), bool)


@FUZZ
@given(said=text)
@example(said="0001-01-01T00:00:00+01:00")
@example(said="9999-12-31T23:59:59-12:00")
def test_times(said: str) -> None:
    """A time, or ``ValueError``, which is what the callers expect; an option that is none is ``OptionError``."""
    try:
        assert parse_timestamp(said).utcoffset() is not None
    except ValueError:
        tried(lambda: wanted_expiration(said, None, now()))
    made_at(said)
    lineage_of(said)


@FUZZ
@given(parts=st.lists(st.tuples(st.integers(0, 999_999), st.sampled_from("smhdw")), max_size=4), said=text)
@example(parts=[(999_999, "w")], said="")
@example(parts=[(999_999, "w")] * 200, said="")
def test_durations(parts: list[tuple[int, str]], said: str) -> None:
    """A span that ends within the calendar, or ``OptionError``."""
    for written in ("".join(f"{count}{unit}" for count, unit in parts), said):
        tried(partial(parse_duration, written, "grace"))
        tried(partial(wanted_expiration, None, written, now()))


@FUZZ
@given(mode=st.one_of(value, text))
def test_modes(mode: Any) -> None:
    """Permission bits, or ``OptionError``."""
    with suppress(OptionError):
        assert 0 <= read_mode(mode) <= 0o777


plain_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@FUZZ
@given(credential=st.dictionaries(st.sampled_from(["client_id", "scope", "A B", "ø"]), plain_text), wanted=value)
def test_credentials(credential: dict[str, str], wanted: Any) -> None:
    """Every format gives back what it was given, or refuses it without showing a value."""
    given_members = {**credential, "client_secret": CANARY}
    members = tried(lambda: pick_members(given_members, wanted)) or given_members
    assert json.loads(render_json(members)) == members
    assert yaml.safe_load(render_yaml(members)) == members
    tried(lambda: render_env(members, "ARITMA_"))
    tried(lambda: render_ini(members, "aritma"))


@FUZZ
@given(report=objects)
def test_reports(report: dict[str, Any]) -> None:
    """What an earlier report holds never stops a new entry, if it has a list of clients."""
    clients = [each for each in report.values() if isinstance(each, dict)]
    entry = {"client_name": "billing", "client_id": "c1", "at": "2026-11-24T10:00:00Z"}
    assert entry in merge_entry({"clients": clients}, entry)["clients"]
