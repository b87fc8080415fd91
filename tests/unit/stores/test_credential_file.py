# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The formats of a delivered credential, read by the programs that use them."""

from __future__ import annotations

import configparser
import io
import json
import os
import re
import stat
import string
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import dotenv
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import DeliveryError
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_format import (
    ENV_READERS,
    render_env,
    render_ini,
    render_json,
    render_yaml,
)

from .conftest import VALUE, perform

CREDENTIAL = {
    "client_id": "c1",
    "client_secret": VALUE,
    "token_url": "https://id.example.com/t1/connect/token",
    "scope": None,
    "rotation_id": "r1",
}
LINE = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=40)


def by_shell(text: str, name: str) -> str:
    """What ``. file`` of sh makes of it."""
    command = ["/bin/sh", "-c", 'eval "$1"; printf %s "$' + name + '"', "sh", text]
    return subprocess.run(command, capture_output=True, check=True, env={}).stdout.decode()


def by_systemd(text: str) -> dict[str, str]:
    """EnvironmentFile= of systemd, for text in double quotes: systemd.exec(5)."""
    read = {}
    for line in text.splitlines():
        name, _equals, value = line.partition("=")
        if value.startswith('"'):
            plain, characters = "", iter(value[1:-1])
            for each in characters:
                following = next(characters, "") if each == "\\" else None
                kept = "" if following is None or following in '"\\`$' else "\\"
                plain += each if following is None else kept + following
            value = plain
        read[name] = value
    return read


def by_docker(text: str) -> dict[str, str]:
    """``docker --env-file``: everything after the first ``=``, as it is."""
    return dict(line.split("=", 1) for line in text.splitlines())


@given(st.text(string.ascii_letters + string.digits + "_./:-", max_size=40))
@settings(max_examples=20, deadline=None)
def test_usual_values_mean_the_same_to_shell_systemd_and_docker(value: str) -> None:
    """That covers all values that we generate, and URLs."""
    text = render_env({"client_secret": value}, "A_")
    assert by_shell(text, "A_CLIENT_SECRET") == value
    assert by_systemd(text) == by_docker(text) == {"A_CLIENT_SECRET": value}


@given(LINE)
@settings(max_examples=20, deadline=None)
def test_any_value_of_one_line_means_the_same_to_shell_and_systemd(value: str) -> None:
    """Quotes, dollars, backquotes, backslashes, braces, blanks, and letters of all scripts."""
    text = render_env({"scope": value})
    assert by_shell(text, "SCOPE") == value
    assert by_systemd(text) == {"SCOPE": value}


def by_node(text: str) -> dict[str, str]:
    """What the dotenv library of Node.js makes of it: only line breaks are escaped, and quotes must be alike."""
    quoted = r"'(?:\\'|[^'])*'|\"(?:\\\"|[^\"])*\"|[^#\r\n]+"
    read = {}
    for match in re.finditer(rf"^([\w.-]+)=({quoted})?[ \t]*(?:#.*)?$", text, re.MULTILINE):
        value = (match[2] or "").strip()
        read[match[1]] = value[1:-1] if value[:1] in "'\"" and value[:1] == value[-1:] else value
    return read


def by_python(text: str) -> dict[str, str | None]:
    """What the dotenv library of Python makes of it."""
    return dotenv.dotenv_values(stream=io.StringIO(text))


BY: dict[str, list[Callable[[str], Any]]] = {
    "systemd": [by_systemd],
    "shell": [lambda text: {"SCOPE": by_shell(text, "SCOPE")}],
    "docker": [by_docker],
    "dotenv": [by_python, by_node],
}


VALUES = ["a b", "it's", "$HOME", "${HOME}", 'a"b', "a\\b", "a#b", " a ", "`id`", "a='", "", "x"]


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("reader", ENV_READERS)
def test_a_named_reader_sees_the_value_or_it_is_refused(reader: str, value: str) -> None:
    """Only dotenv, whose libraries differ, cannot have every value."""
    if reader == "dotenv" and value in ("${HOME}", "a\\b"):
        with pytest.raises(DeliveryError, match="Deliver it as json, or name another env_reader"):
            render_env({"scope": value}, reader=reader)
    else:
        text = render_env({"scope": value}, reader=reader)
        assert [read(text) for read in BY[reader]] == [{"SCOPE": value}] * len(BY[reader])


@given(LINE)
@settings(max_examples=30, deadline=None)
def test_dotenv_libraries_read_alike_what_is_not_refused(value: str) -> None:
    """The libraries of Python and of Node.js."""
    with suppress(DeliveryError):
        text = render_env({"scope": value}, reader="dotenv")
        assert by_python(text) == by_node(text) == {"SCOPE": value}


@pytest.mark.parametrize(
    ("value", "reader", "told"),
    [
        ("a-b", None, ""),
        ("a b", None, "docker would keep the quotes of SCOPE."),
        ("a$b", None, "docker would keep the quotes of SCOPE, and dotenv the backslashes of SCOPE."),
        ("a$b", "shell", ""),
        ("a$b", "docker", ""),
    ],
)
def test_a_value_that_readers_would_see_differently_is_warned_of_once(
    tmp_path: Path, value: str, reader: str | None, told: str
) -> None:
    """Unless it is said who reads it."""
    options: dict[str, Any] = {"credential": {"scope": value}, **({"env_reader": reader} if reader else {})}
    done = deliver(tmp_path / "f", **options)
    warnings = (
        [f"{tmp_path}/f is written for sh and systemd: {told} Set env_reader to the reader of the file."]
        if told
        else []
    )
    assert done.get("warnings", []) == warnings
    assert "warnings" not in deliver(tmp_path / "f", **options)


@given(st.dictionaries(st.text(min_size=1, max_size=10), st.text(st.characters(blacklist_categories=["Cs"]))))
@settings(max_examples=30, deadline=None)
def test_json_and_yaml_carry_every_value(members: dict[str, str]) -> None:
    """Line breaks and what looks like a number among them, and the same bytes in any order."""
    assert json.loads(render_json(members)) == members
    assert yaml.safe_load(render_yaml(members)) == members
    turned = dict(reversed(list(members.items())))
    assert (render_json(turned), render_yaml(turned)) == (render_json(members), render_yaml(members))


@given(LINE.filter(lambda text: text == text.strip()))
@settings(max_examples=30, deadline=None)
def test_ini_carries_every_value_of_one_line(value: str) -> None:
    """Percent signs too: without interpolation they mean themselves."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(render_ini({"client_secret": value}, "aritma"))
    assert parser["aritma"]["client_secret"] == value


def deliver(path: Path, **options: Any) -> dict[str, Any]:
    """``credential_file`` in this process."""
    return perform(CREDENTIAL_FILE, **{"path": str(path), "credential": CREDENTIAL, **options})


def test_a_delivery_is_private_verified_and_idempotent(tmp_path: Path) -> None:
    """Bytes, mode and owner are compared; an empty member is left out."""
    path = tmp_path / "f.env"
    predicted = deliver(path, prefix="ARITMA_", check_mode=True)
    assert (predicted["changed"], predicted["verified"], path.exists()) == (True, False, False)
    done = deliver(path, prefix="ARITMA_")
    assert {name: done[name] for name in ("changed", "path", "rotation_id", "verified", "mode")} == {
        "changed": True,
        "path": str(path),
        "rotation_id": "r1",
        "verified": True,
        "mode": "0600",
    }
    assert path.read_text(encoding="utf-8") == (
        f"ARITMA_CLIENT_ID=c1\nARITMA_CLIENT_SECRET={VALUE}\n"
        "ARITMA_TOKEN_URL=https://id.example.com/t1/connect/token\nARITMA_ROTATION_ID=r1\n"
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    inode = path.stat().st_ino
    again = deliver(path, prefix="ARITMA_")
    assert (again["changed"], again["verified"], path.stat().st_ino) == (False, True, inode)
    assert not deliver(path, prefix="ARITMA_", check_mode=True)["changed"]
    path.chmod(0o640)
    assert deliver(path, prefix="ARITMA_", check_mode=True)["changed"]
    changed = deliver(path, prefix="ARITMA_")
    assert changed["diff"]["before"]["mode"] == "0640"
    assert changed["diff"]["after"]["mode"] == "0600"
    assert VALUE not in str(changed)


def test_an_owner_is_set_and_kept(tmp_path: Path) -> None:
    """Set by number or name; without the option it stays."""
    path = tmp_path / "f.env"
    deliver(path, owner=str(os.geteuid()), group=str(os.getegid()))
    assert not deliver(path, owner=str(os.geteuid()))["changed"]
    if os.geteuid() == 0:
        assert deliver(path, owner="12345")["changed"]
        assert not deliver(path)["changed"]
        assert path.stat().st_uid == 12345


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        (["client_id"], {"client_id": "c1"}),
        ({"id": "client_id", "secret": "client_secret"}, {"id": "c1", "secret": VALUE}),
    ],
)
def test_members_are_picked_and_renamed(tmp_path: Path, members: Any, expected: dict[str, str]) -> None:
    """By a list or a mapping."""
    path = tmp_path / "f.json"
    deliver(path, format="json", members=members)
    assert json.loads(path.read_text(encoding="utf-8")) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"members": ["password"]}, "has no member 'password'"),
        ({"members": 7}, "neither a list"),
        ({"members": []}, "members is empty"),
        ({"members": {}}, "members is empty"),
        ({"credential": {"scope": None}}, "has no member with a value"),
        (
            {
                "members": {"id": "client_id", "ID": "scope"},
                "credential": {"client_id": "number one", "scope": "number two"},
            },
            "same name",
        ),
        (
            {"format": "ini", "credential": {"id": "number one", "ID": "number two"}},
            "'id' and 'ID' are the same name in format ini",
        ),
        ({"format": "value", "members": ["client_id", "client_secret"]}, "delivers one member"),
        ({"format": "value", "credential": {"client_id": "c1"}}, "has no member 'client_secret'"),
        ({"prefix": "A-"}, "cannot be the name of an environment variable"),
        ({"format": "ini", "section": "a]"}, "cannot be the name of a section"),
        ({"format": "ini", "credential": {"a b": "x"}}, "cannot be a name in an ini file"),
        ({"format": "ini", "credential": {"scope": " x"}}, "begins or ends with a space"),
        ({"format": "ini", "credential": {"scope": "a\nb"}}, "which ini cannot represent"),
        ({"credential": {"scope": "a\nb"}}, "which env cannot represent"),
        ({"credential": {"scope": "a\nb"}, "env_reader": "docker"}, "which env cannot represent"),
        ({"credential": {"scope": "a\\b"}, "env_reader": "dotenv"}, "Not every dotenv library would read the value of"),
        ({"env_reader": "docker", "format": "json"}, "env_reader needs format env, but the format is json"),
        ({"env_reader": "fish"}, "value of env_reader must be one of"),
        ({"credential": {"scope": "a\ud800"}, "format": "json"}, "the member scope is not valid Unicode text"),
        ({"mode": "rw"}, "is not a file mode"),
        ({"mode": 640}, "is not a file mode"),
        ({"mode": 400}, "is not a file mode"),
        ({"mode": 444}, "is not a file mode"),
        ({"group": "no-such-group"}, "has no group"),
        ({"credential": None}, "credential is not set"),
        ({"content": "x"}, "mutually exclusive"),
    ],
)
def test_a_credential_that_cannot_be_delivered_is_refused(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    """No file is written, and no value is shown."""
    failed = deliver(tmp_path / "f", **options)
    assert failed["failed"]
    assert message in failed["msg"]
    assert VALUE not in str(failed)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("members", "expected"),
    [(None, VALUE), ("client_id", "c1"), (["client_id"], "c1"), ({"any": "token_url"}, CREDENTIAL["token_url"])],
)
def test_the_format_value_writes_one_member_alone(tmp_path: Path, members: Any, expected: str) -> None:
    """The secret unless another member is named, and not one byte more."""
    path = tmp_path / "secret"
    assert deliver(path, format="value", members=members)["changed"]
    assert path.read_bytes() == expected.encode()
    assert not deliver(path, format="value", members=members)["changed"]


@pytest.mark.parametrize("text", ["12345e67", "0o17", "1.5e3", "1_000", "1:30", "yes", "null", "~", "2026-11-24", ""])
def test_no_reader_of_yaml_takes_a_text_for_something_else(text: str) -> None:
    """YAML 1.1 and 1.2 disagree on what is a number: all is quoted, names too."""
    assert render_yaml({"value": text, text: "x"}).count('"') == 8
    assert yaml.safe_load(render_yaml({"value": text})) == {"value": text}


def test_a_text_of_another_class_is_written_as_yaml() -> None:
    """ansible-core 2.18 has one of its own for texts that a task returned."""

    class Returned(str):
        __slots__ = ()

    assert render_yaml({"value": Returned("v")}) == render_yaml({"value": "v"})


def test_modes_are_read_as_yaml_gives_them(tmp_path: Path) -> None:
    """``"0640"``, and the number that an unquoted 0640 is; one that everybody can read is warned of."""
    assert deliver(tmp_path / "f", mode="0640")["mode"] == "0640"
    assert not deliver(tmp_path / "f", mode=0o640)["changed"]
    assert "warnings" not in deliver(tmp_path / "f", mode="640")
    assert "can be read by every user" in deliver(tmp_path / "f", mode="0644")["warnings"][0]


def test_a_symlink_or_a_missing_directory_is_refused(tmp_path: Path) -> None:
    """The message says which of them it is."""
    (tmp_path / "link").symlink_to("target")
    linked = deliver(tmp_path / "link")
    assert linked["failure"]["kind"] == "delivery"
    assert "is a symlink" in linked["msg"]
    assert "Create the directory first" in deliver(tmp_path / "missing" / "f")["msg"]


def test_absent_removes_the_file(tmp_path: Path) -> None:
    """A second time changes nothing."""
    path = tmp_path / "f"
    deliver(path)
    assert deliver(path, state="absent", credential=None, check_mode=True)["changed"]
    assert path.exists()
    assert deliver(path, state="absent", credential=None)["changed"]
    assert not path.exists()
    assert not deliver(path, state="absent", credential=None)["changed"]
