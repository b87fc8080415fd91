# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is special about a store in a file: its path, its text, and what may stand in its way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.plugin_utils import _file_access

from .conftest import Keep

Json = dict[str, Any]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"state": "absent", "client_id": None}, "needs client_id"),
        ({"state": "moved"}, "needs to"),
        (
            {"state": "moved", "to": {"path": "/tmp/x", "url": "https://v"}},
            "to: type file has no member url",
        ),
        (
            {"state": "moved", "to": {"path": "/tmp/x", "vault_id": "x"}},
            "to: vault_id does not have the form label",
        ),
        ({"client_id": None, "store": {}}, "needs client_id"),
        ({"store": {"path": "/tmp/x", "url": "https://v"}}, "has no member url"),
        ({"store": {"path": "/tmp/x", "colour": "red"}}, "colour"),
        ({"store": {"path": "x.json"}}, "absolute path"),
        (
            {"state": "written", "store": {"path": "/tmp/aritma-x.json", "mode": 640}},
            "store.mode: 640 is not a file mode",
        ),
        ({"state": "written", "store": {"path": "/tmp/aritma-x.json", "owner": "nobody-such"}}, "has no user"),
    ],
)
def test_options_that_cannot_be_used(keep: Keep, tmp_path: Path, options: Json, message: str) -> None:
    """Nothing is written."""
    failed = keep(**{"state": "read", **options})
    assert failed["failed"]
    assert message in failed["msg"]
    assert list(tmp_path.iterdir()) == []
    assert not Path("/tmp/aritma-x.json").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"schema": 1, "client_id": "c1", "vers', "not JSON: it is truncated"),
        ("", "holds 0 characters"),
        ("[]", "a JSON object was expected"),
        ('{"schema": 2, "client_id": "c1"}', "Upgrade aritma.iam"),
        ('{"schema": 1, "client_id": "c2"}', "record of client c2, not of c1"),
        ('{"schema": 1, "client_id": "c1", "current": {"value": 7}}', "current.value"),
    ],
)
@pytest.mark.parametrize("state", ["read", "written", "absent"])
def test_a_file_that_holds_no_record_of_ours_is_left_alone(
    keep: Keep, tmp_path: Path, text: str, message: str, state: str
) -> None:
    """Whatever is asked for."""
    path = tmp_path / "c1.json"
    path.write_text(text, encoding="utf-8")
    failed = keep(state)
    assert failed["failure"]["kind"] == "store"
    assert message in failed["msg"]
    assert path.read_text(encoding="utf-8") == text


def test_a_file_of_bytes_that_are_no_text_is_refused(keep: Keep, tmp_path: Path) -> None:
    """It may be the file of another program."""
    (tmp_path / "c1.json").write_bytes(b"\xff\xfe\x00")
    assert "are not text" in keep()["msg"]


def test_a_check_writes_nothing_and_says_what_is_wrong(keep: Keep, tmp_path: Path) -> None:
    """With and without a client, and in check mode."""
    deep = {"path": str(tmp_path / "a" / "b.json")}
    for check_mode in (False, True):
        assert keep("checked", client_id="", store=deep, check_mode=check_mode)["changed"] is False
        (tmp_path / "blocked").mkdir(exist_ok=True)
        failed = keep("checked", store={"path": str(tmp_path / "blocked")}, check_mode=check_mode)
        assert "Is a directory" in failed["msg"]
    assert [each.name for each in tmp_path.iterdir()] == ["blocked"]


def test_the_default_path_is_in_the_home_directory(keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the client id, percent-encoded."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(_file_access, "is_ephemeral_home", lambda: False)
    assert keep("written", store={}, client_id="a/b %ø")["changed"]
    assert (tmp_path / ".aritma-iam" / "a%2Fb%20%25%C3%B8.json").is_file()
    assert (tmp_path / ".aritma-iam").stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("state", ["checked", "written"])
def test_the_home_of_a_container_is_no_default(
    keep: Keep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    """What is kept there is lost with the container; a path that is given counts."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(_file_access, "is_ephemeral_home", lambda: True)
    failed = keep(state, store={}, client_id="c1")
    assert "~/.aritma-iam/c1.json, in a container that is removed after the run" in failed["msg"]
    assert not list(tmp_path.iterdir())
    assert keep("read", store={}, client_id="c1")["record"] is None
    assert "failed" not in keep(state, store={"path": str(tmp_path / "record.json")}, client_id="c1")


@pytest.mark.parametrize("variable", ["KUBERNETES_SERVICE_HOST", "AWX_ISOLATED_DATA_DIR"])
def test_a_home_that_is_lost_with_its_container_is_recognised(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "x")
    monkeypatch.setenv("HOME", "/")
    assert _file_access.is_ephemeral_home()
    monkeypatch.setenv("HOME", "/proc")
    assert not _file_access.is_ephemeral_home()
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    assert _file_access.is_ephemeral_home()
