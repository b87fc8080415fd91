# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``credential_store`` on every type of store: read, absent, moved, and the leases of other runs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.module_utils._core.process import here, start_time
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp, now
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import Owner
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._file import FileStore

from .conftest import VALUE, Keep, keeping
from .places import Place, in_file

Json = dict[str, Any]
TYPES = ["file", "hashi_vault", "aws_secretsmanager"]
DEAD = Owner(here(), 1 << 22, "1")


@pytest.fixture(params=TYPES)
def place(request: pytest.FixtureRequest) -> Place:
    """Each type of store, empty."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def keep(place: Place) -> Keep:
    """``credential_store`` in this process, on that store."""
    return keeping(place.options)


SOON = format_timestamp(now() + timedelta(hours=12))


def lease_to(place: Place, owner: Owner, until: str = SOON) -> None:
    """Write a lease of another run into the record."""
    place.put({**place.stored(), "lease": {"owner": str(owner), "expires_at": until}})


@pytest.fixture
def live() -> Iterator[Owner]:
    """Another run, which lives as long as the test."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield Owner(here(), process.pid, start_time(process.pid))
    process.kill()
    process.wait()


def test_a_missing_record_is_null_and_version_0(keep: Keep) -> None:
    """A read makes no file."""
    read = keep()
    assert (read["record"], read["version"], read["in_progress"], read["changed"]) == (None, 0, False, False)
    assert not keep("absent")["changed"]


def test_a_record_is_read_and_removed(keep: Keep, place: Place) -> None:
    """Check mode predicts the removal."""
    keep("written", value=VALUE, client_name="billing")
    read = keep()
    assert (read["record"], read["version"]) == (place.stored(), 1)
    assert read["record"]["current"]["value"] == VALUE
    assert keep("absent", check_mode=True)["changed"]
    assert place.stored()
    gone = keep("absent")
    assert (gone["changed"], gone["record"], gone["version"]) == (True, None, 0)
    assert place.stored() is None
    assert not keep("absent")["changed"]


def test_a_record_at_a_known_path_is_read_without_a_client_id(keep: Keep) -> None:
    """The record holds the client id."""
    keep("written")
    assert keep(client_id=None)["record"]["client_id"] == "c1"


def test_the_record_of_a_client_with_another_name_is_refused(keep: Keep) -> None:
    """Two clients with one store would take each other's secrets."""
    keep("written", client_name="billing")
    for state in ("read", "absent"):
        assert "record of client 'billing', not of 'orders'" in keep(state, client_name="orders")["msg"]


def test_nothing_is_removed_or_moved_while_another_run_lives(
    keep: Keep, place: Place, live: Owner, tmp_path: Path
) -> None:
    """The message names that run and the end of its lease. A read shows both."""
    keep("written", value=VALUE)
    lease_to(place, live)
    before = place.stored()
    other = in_file(tmp_path / "other.json")
    for state in ("absent", "moved"):
        failed = keep(state, to=other.options)
        assert failed["failure"]["kind"] == "store_conflict"
        assert failed["failure"]["until"] == SOON
        assert f"pid {live.pid}" in failed["msg"]
        assert VALUE not in str(failed)
    read = keep()
    assert read["in_progress"] is True
    assert str(live.pid) in read["holder"]
    assert read["until"] == SOON
    assert (place.stored(), other.stored()) == (before, None)
    lease_to(place, DEAD)
    assert keep()["in_progress"] is False
    assert keep("absent")["changed"]


def test_a_diff_shows_no_value(keep: Keep) -> None:
    """It shows rotation ids, ids and times."""
    keep("written", value=VALUE, rotation_id="r1")
    done = keep("absent")
    assert VALUE not in str(done)
    assert done["diff"]["before"]["current"]["rotation_id"] == "r1"
    assert done["diff"]["after"] == {}


@pytest.fixture(params=TYPES)
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """Each type of store for a record to be moved to, which is not where it is."""
    if request.param == "file":
        return in_file(tmp_path / "other.json")
    found: Place = request.getfixturevalue(f"{request.param}_place")
    options = {**found.options, "path": found.options["path"] + "/other"}
    reader = keeping(options)

    def put(data: Json) -> None:
        raise NotImplementedError

    return Place(options, lambda: reader()["record"], put)


def test_a_record_is_moved_once(keep: Keep, place: Place, target: Place) -> None:
    """Check mode predicts it. Unknown members move too. A diff shows both places and no value."""
    keep("written", value=VALUE, client_name="billing")
    place.put({**place.stored(), "note": "theirs"})
    before = place.stored()
    predicted = keep("moved", to=target.options, check_mode=True)
    assert (predicted["changed"], place.stored(), target.stored()) == (True, before, None)
    done = keep("moved", to=target.options)
    assert (done["changed"], done["record"], done["version"]) == (True, before, 1)
    assert (place.stored(), target.stored()) == (None, before)
    assert VALUE not in str(done["diff"])
    stores = [done["diff"][when]["store"] for when in ("before", "after")]
    assert stores[0] != stores[1]
    again = keep("moved", to=target.options)
    assert (again["changed"], again["record"]) == (False, before)


POINTS = ["claimed", "copied", "read back"]


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_move_is_completed_by_the_next_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    """Killed after each write: the record is always in one of the stores, and in the end only in the second."""
    source, target = in_file(tmp_path / "a.json"), in_file(tmp_path / "b.json")
    keep = keeping(source.options)
    keep("written", value=VALUE)
    record = source.stored()

    class Killed(BaseException):
        pass

    def die(when: Callable[..., Any]) -> Callable[..., Any]:
        def call(self: FileStore, *given: Any) -> Any:
            if point == "copied":
                when(self, *given)
                if self.path == target.options["path"]:
                    raise Killed
                return None
            raise Killed

        return call

    with monkeypatch.context() as patch:
        dying = {"claimed": ("write", "b.json"), "copied": ("write", ""), "read back": ("remove", "")}
        method, name = dying[point]
        original = getattr(FileStore, method)

        def call(self: FileStore, *given: Any) -> Any:
            if self.path.endswith(name) and point != "copied":
                raise Killed
            return die(original)(self, *given) if point == "copied" else original(self, *given)

        patch.setattr(FileStore, method, call)
        with pytest.raises(Killed):
            keep("moved", to=target.options)
    assert source.stored()["current"] == record["current"]
    lease_to(source, DEAD)
    assert keep("moved", to=target.options)["changed"]
    assert (source.stored(), target.stored()) == (None, record)
    assert not keep("moved", to=target.options)["changed"]


def test_a_move_that_fails_leaves_the_record_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is where it was, and no lease keeps others waiting."""
    source = in_file(tmp_path / "a.json")
    keep = keeping(source.options)
    keep("written", value=VALUE)
    record = source.stored()
    (tmp_path / "d").mkdir()
    assert "Is a directory" in keep("moved", to={"path": str(tmp_path / "d")})["msg"]
    original = FileStore.write

    def refuse(self: FileStore, *given: Any) -> None:
        if self.path.endswith("b.json"):
            raise StoreError("No space left.")
        original(self, *given)

    monkeypatch.setattr(FileStore, "write", refuse)
    assert keep("moved", to={"path": str(tmp_path / "b.json")})["msg"] == "No space left."
    assert source.stored() == record


def test_a_record_that_somebody_writes_meanwhile_is_not_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who edits by hand, since every other run sees the lease."""
    source = in_file(tmp_path / "a.json")
    keep = keeping(source.options)
    keep("written", value=VALUE)
    theirs = {**source.stored(), "version": 9}
    original = FileStore.write

    def overtaken(self: FileStore, *given: Any) -> None:
        original(self, *given)
        if self.path.endswith("b.json"):
            source.put(theirs)

    monkeypatch.setattr(FileStore, "write", overtaken)
    assert "has changed since it was read" in keep("moved", to={"path": str(tmp_path / "b.json")})["msg"]
    assert source.stored() == theirs


def test_what_another_run_writes_before_the_move_has_its_lease_stays(
    tmp_path: Path, target: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rotated the client after this run had read the record: the older one is not written over the newer one."""
    source = in_file(tmp_path / "a.json")
    keep = keeping(source.options)
    keep("written", value=VALUE, rotation_id="r1")
    theirs = {**source.stored(), "version": 9, "current": {**source.stored()["current"], "rotation_id": "r2"}}
    original = FileStore.read
    reads: list[str] = []

    def overtaken(self: FileStore) -> Any:
        answer = original(self)
        if self.path.endswith("a.json") and not reads:
            reads.append(self.path)
            source.put(theirs)
        return answer

    monkeypatch.setattr(FileStore, "read", overtaken)
    assert "has changed since it was read" in keep("moved", to=target.options)["msg"]
    assert (source.stored(), target.stored()) == (theirs, None)


def test_a_failed_move_does_not_overwrite_the_record_of_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The move took so long to fail that its lease was over."""
    source = in_file(tmp_path / "a.json")
    keep = keeping(source.options)
    keep("written", value=VALUE, rotation_id="r1")
    theirs = {**source.stored(), "version": 9, "current": {**source.stored()["current"], "rotation_id": "r2"}}
    original = FileStore.write

    def fail(self: FileStore, *given: Any) -> None:
        if self.path.endswith("b.json"):
            source.put(theirs)
            raise StoreError("No space left.")
        original(self, *given)

    monkeypatch.setattr(FileStore, "write", fail)
    assert keep("moved", to={"path": str(tmp_path / "b.json")})["msg"] == "No space left."
    assert source.stored() == theirs


def test_a_store_that_holds_another_record_is_left_alone(keep: Keep, place: Place, tmp_path: Path) -> None:
    """A record of another client, or of the same one with another secret."""
    other = in_file(tmp_path / "other.json")
    assert "Neither store holds a record" in keep("moved", to=other.options)["msg"]
    keep("written", value=VALUE)
    before = place.stored()
    for theirs in ({**before, "client_id": "c2"}, {**before, "version": 9}):
        other.put(theirs)
        failed = keep("moved", to=other.options)
        assert failed["failure"]["kind"] in ("store", "store_conflict")
        assert VALUE not in str(failed)
        assert (place.stored(), other.stored()) == (before, theirs)


@pytest.mark.parametrize("kind", TYPES)
def test_one_place_under_two_names_is_not_moved(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The record would be removed with its own copy."""
    place: Place = request.getfixturevalue(f"{kind}_place")
    keep = keeping(place.options)
    keep("written", value=VALUE)
    before = place.stored()
    (tmp_path / "link").symlink_to(tmp_path)
    alias = {
        "file": {"path": str(tmp_path / "link" / "c1.json")},
        "hashi_vault": {"path": f"/{place.options['path']}/"},
        "aws_secretsmanager": {"kms_key_id": "alias/none"},
    }[kind]
    for to in ({**place.options}, {**place.options, **alias}):
        assert "are the same place" in keep("moved", to=to)["msg"]
        assert place.stored() == before
