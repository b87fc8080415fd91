# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file store that is encrypted with ansible-vault, by Ansible's own library."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from .conftest import BIN, VALUE, Keep

HEADER = "$ANSIBLE_VAULT;1.1;AES256\n"


@pytest.fixture
def store(tmp_path: Path) -> dict[str, Any]:
    """An encrypted file store."""
    (tmp_path / "password").write_text("one\n", encoding="utf-8")
    return {"path": str(tmp_path / "c1.json"), "vault_password_file": str(tmp_path / "password")}


def test_only_encrypted_text_is_stored(keep: Keep, store: dict[str, Any]) -> None:
    """The command ansible-vault reads it."""
    keep("written", store=store, value=VALUE)
    text = Path(store["path"]).read_text(encoding="ascii")
    assert text.startswith(HEADER)
    assert VALUE not in text
    command = [BIN / "ansible-vault", "view", "--vault-password-file", store["vault_password_file"], store["path"]]
    assert VALUE in subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert keep(store=store)["record"]["current"]["value"] == VALUE


def test_a_plain_file_is_read_and_encrypted_when_it_is_next_written(keep: Keep, store: dict[str, Any]) -> None:
    """So that encryption can be switched on."""
    keep("written", value=VALUE)
    assert keep(store=store)["record"]["current"]["value"] == VALUE
    keep("written", store=store)
    assert Path(store["path"]).read_text(encoding="ascii").startswith(HEADER)


def test_an_encrypted_file_needs_its_password(keep: Keep, store: dict[str, Any], tmp_path: Path) -> None:
    """Without it, or with another one, the message names the option, and nothing is written."""
    keep("written", store=store, value=VALUE)
    before = Path(store["path"]).read_bytes()
    without = keep("written")
    assert without["failure"]["kind"] == "store"
    assert "vault_password_file" in without["msg"]
    (tmp_path / "other").write_text("two\n", encoding="utf-8")
    wrong = keep("written", store={**store, "vault_password_file": str(tmp_path / "other")})
    assert wrong["failure"]["kind"] == "store"
    assert "cannot be decrypted with the password of store.vault_password_file" in wrong["msg"]
    assert Path(store["path"]).read_bytes() == before


def test_a_vault_id_labels_the_text(keep: Keep, store: dict[str, Any]) -> None:
    """Also if a script gives the password."""
    script = Path(store["vault_password_file"]).with_name("script")
    script.write_text("#!/bin/sh\necho two\n", encoding="utf-8")
    script.chmod(0o700)
    labelled = {"path": store["path"], "vault_id": f"prod@{script}"}
    keep("written", store=labelled, value=VALUE)
    assert Path(store["path"]).read_text(encoding="ascii").startswith("$ANSIBLE_VAULT;1.2;AES256;prod\n")
    assert keep(store=labelled)["record"]["current"]["value"] == VALUE


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"vault_id": "prod"}, "label@file"),
        ({"vault_id": "prod@prompt"}, "label@file"),
        ({"vault_id": "prod@/missing/file"}, "cannot be read from /missing/file"),
        ({"vault_password_file": "/missing/file"}, "cannot be read from /missing/file"),
        (
            {"vault_password_file": "/dev/null", "vault_id": "a@/dev/null"},
            "only one of vault_password_file",
        ),
    ],
)
def test_a_password_that_cannot_be_read_is_refused(
    keep: Keep, tmp_path: Path, members: dict[str, str], message: str
) -> None:
    """Nothing is written."""
    failed = keep("written", store={"path": str(tmp_path / "c1.json"), **members})
    assert failed["failure"]["kind"] == "option"
    assert message in failed["msg"]
    assert list(tmp_path.iterdir()) == []
