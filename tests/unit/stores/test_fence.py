# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No delivery replaces a newer secret by an older one, comes after its time, or goes on after its run was killed."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.module_utils._delivery.fence import Stamp
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from doubles.kubernetes import Cluster, running_cluster
from doubles.openbao import Bao, reading
from doubles.proxy import Proxy

from .conftest import VALUE, Stage, perform

Json = dict[str, Any]
Deliver = Callable[..., Json]
PAST = "2020-01-01T00:00:00Z"
STAMP = "user.aritma_iam"


def secret(number: int) -> Json:
    """The credential of one rotation."""
    return {"client_id": "c1", "client_secret": f"{VALUE}{number}", "rotation_id": f"r{number}"}


def soon(seconds: float) -> str:
    """A time from now."""
    return format_timestamp(datetime.now(timezone.utc) + timedelta(seconds=seconds))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """The file of this test."""
    return tmp_path / "f.env"


@pytest.fixture
def deliver(path: Path) -> Deliver:
    """``credential_file`` in this process: the secret of a rotation under a generation."""

    def run(number: int, generation: int | None, lineage: str | None = "aaaaaa", **options: Any) -> Json:
        fence = {"generation": generation, "lineage": lineage}
        return perform(CREDENTIAL_FILE, **{"path": str(path), "credential": secret(number), **fence, **options})

    return run


def held(path: Path) -> tuple[str, str]:
    """The rotation in a file, and its stamp."""
    return path.read_text(encoding="utf-8").split("ROTATION_ID=")[1].strip(), os.getxattr(path, STAMP).decode()


def test_a_stamp_is_read_as_it_was_written() -> None:
    """No other text is a stamp."""
    for stamp in (Stamp("3f9a2c", 7), Stamp("a b", 0)):
        assert Stamp.parse(str(stamp)) == stamp
    for text in ("", "7", "7 ", "x 3f9a2c", "-1 a", "9" * 30 + " a"):
        assert Stamp.parse(text) is None


def test_a_file_that_holds_a_newer_secret_is_refused(deliver: Deliver, path: Path) -> None:
    """In check mode too, and also if the content is the same. A file of an equal generation is mended."""
    done = deliver(1, 5)
    assert (done["changed"], done["generation"], done["verified"]) == (True, 5, True)
    assert held(path) == ("r1", "5 aaaaaa")
    for number, options in ((0, {}), (0, {"check_mode": True}), (1, {}), (1, {"check_mode": True})):
        failed = deliver(number, 4, **options)
        assert failed["failure"] == {"kind": "delivery", "lineage": "aaaaaa", "generation": 4, "held": 5}
        assert "service_client_recover=true" in failed["msg"]
        assert VALUE not in str(failed)
    assert held(path) == ("r1", "5 aaaaaa")
    path.write_text("by hand", encoding="utf-8")
    assert deliver(1, 5)["changed"]
    assert deliver(2, 6)["changed"]
    assert held(path) == ("r2", "6 aaaaaa")


def test_a_file_with_the_right_content_gets_a_newer_stamp(deliver: Deliver, path: Path) -> None:
    """That is no change, since no reader needs it."""
    deliver(1, None, None)
    inode = path.stat().st_ino
    assert deliver(1, 3, check_mode=True)["changed"] is False
    assert STAMP not in os.listxattr(path)
    for generation in (3, 4):
        assert deliver(1, generation)["changed"] is False
        assert held(path) == ("r1", f"{generation} aaaaaa")
    assert path.stat().st_ino == inode
    assert deliver(2, 3)["failed"]


def test_another_lineage_or_no_generation_is_no_objection(deliver: Deliver, path: Path) -> None:
    """A client that was created again begins at generation 1. A delivery by hand removes the stamp."""
    deliver(1, 9)
    assert deliver(2, 1, "bbbbbb")["changed"]
    assert held(path) == ("r2", "1 bbbbbb")
    assert deliver(3, None, None)["changed"]
    assert STAMP not in os.listxattr(path)
    assert "Give lineage" in deliver(3, 1, None)["msg"]
    assert "Give lineage" in deliver(3, 1, "")["msg"]


def test_nothing_is_written_after_its_time(deliver: Deliver, path: Path) -> None:
    """Neither a file nor a stamp, and nothing is removed. Check mode, which writes nothing, does not fail."""
    failed = deliver(1, 1, not_after=PAST)
    assert failed["failure"]["kind"] == "delivery"
    assert "Another run may have replaced the secret since. Nothing was written." in failed["msg"]
    assert deliver(1, 1, not_after=PAST, check_mode=True)["changed"]
    assert not path.exists()
    assert deliver(1, 1, not_after=soon(60))["changed"]
    assert deliver(1, 2, not_after=PAST)["failed"]
    assert deliver(1, 1, state="absent", not_after=PAST)["failed"]
    assert held(path) == ("r1", "1 aaaaaa")
    assert deliver(1, 1, not_after=PAST)["changed"] is False
    assert "not_after: 'later' is not a time" in deliver(1, 1, not_after="later")["msg"]
    assert deliver(2, 2, not_after="")["changed"]


def test_the_time_is_checked_again_right_before_the_renaming(
    deliver: Deliver, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk may be slow, or the process may have been stopped."""
    deliver(1, 1)
    fsync = os.fsync

    def slow(descriptor: int) -> None:
        time.sleep(2.1)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", slow)
    assert deliver(2, 2, not_after=soon(2))["failed"]
    assert held(path) == ("r1", "1 aaaaaa")
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_newer_secret_that_arrives_meanwhile_is_kept(
    deliver: Deliver, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stamp is read again under the lock that every writer takes."""
    deliver(1, 1)
    read, others = CREDENTIAL_FILE.run.__globals__["read_file"], iter(range(1))

    def overtaken(file: str) -> Any:
        found = read(file)
        for _number in others:
            deliver(3, 3)
        return found

    monkeypatch.setitem(CREDENTIAL_FILE.run.__globals__, "read_file", overtaken)
    assert deliver(2, 2)["failure"]["held"] == 3
    assert held(path) == ("r3", "3 aaaaaa")


def test_a_stamped_file_is_written_under_the_lock_of_its_directory(deliver: Deliver, path: Path) -> None:
    """So no other writer can come between the look at the stamp and the renaming."""
    directory = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(directory, fcntl.LOCK_EX)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(deliver, 1, 1)
        time.sleep(0.3)
        assert not path.exists()
        os.close(directory)
        assert waiting.result()["changed"]
    assert held(path) == ("r1", "1 aaaaaa")


def test_a_host_counts_seconds_from_the_start_of_the_module(deliver: Deliver, path: Path) -> None:
    """Its clock does not matter."""
    assert deliver(1, 1, seconds_left=0.001)["failed"]
    assert not path.exists()
    assert deliver(1, 1, seconds_left=1e6)["changed"]


ORPHAN = """
import json, multiprocessing, sys, time
from pathlib import Path
from unit.stores.conftest import perform
from unit.stores.test_fence import secret
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
folder = Path(sys.argv[1])

def work():
    for name in ("first", "second"):
        while not (folder / f"go-{name}").exists():
            time.sleep(0.01)
        done = perform(CREDENTIAL_FILE, path=str(folder / name), credential=secret(1))
        (folder / "part").write_text(json.dumps(done))
        (folder / "part").rename(folder / f"{name}.json")

multiprocessing.get_context("fork").Process(target=work).start()
time.sleep(60)
"""


def test_a_worker_of_a_killed_run_writes_nothing(tmp_path: Path) -> None:
    """It may have slept for hours before it notices."""

    def told(name: str) -> Json:
        (tmp_path / f"go-{name}").touch()
        deadline = time.monotonic() + 120
        while not (tmp_path / f"{name}.json").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        answer: Json = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
        return answer

    tests = str(Path(__file__).parents[2])
    run = subprocess.Popen([sys.executable, "-c", ORPHAN, str(tmp_path)], env={**os.environ, "PYTHONPATH": tests})
    try:
        assert told("first")["changed"]
    finally:
        run.kill()
        run.wait()
    assert "The run of this task was killed." in told("second")["msg"]
    assert not (tmp_path / "second").exists()


@pytest.mark.parametrize("connection", ["local", "elsewhere"])
def test_a_play_passes_the_fence_on(stage: Stage, tmp_path: Path, connection: str) -> None:
    """Over a connection too. A delivery that is too late is not even sent."""
    fence = {"lineage": "aaaaaa", "generation": 2}
    path = tmp_path / "f.env"

    def delivered(number: int, **options: Any) -> Json:
        task = {"path": str(path), "credential": secret(number), **fence, "not_after": soon(100), **options}
        return {"aritma.iam.credential_file": task, "ignore_errors": True}

    played = stage.play(
        [delivered(1), delivered(0, generation=1), delivered(2, generation=3, not_after=PAST)], connection=connection
    )
    assert [bool(each.get("failed")) for each in played.results] == [False, True, True], played.output
    assert played.results[0]["generation"] == 2
    assert played.results[1]["failure"]["held"] == 2
    assert "Nothing was written" in played.results[2]["msg"]
    late = stage.play([delivered(2, generation=3, not_after=PAST)], connection="unreachable").results[0]
    assert "Nothing was written" in late["msg"]
    assert held(path) == ("r1", "2 aaaaaa")
    assert VALUE not in played.output


def to_server(target: Json, number: int, generation: int | None, lineage: str | None = "aaaaaa", **more: Any) -> Json:
    """``credential_delivery`` in this process."""
    return perform(
        CREDENTIAL_DELIVERY,
        **{"target": target, "credential": secret(number), "generation": generation, "lineage": lineage, **more},
    )


def test_a_secret_of_kubernetes_is_stamped_in_an_annotation(tmp_path: Path) -> None:
    """The same promises as for a file, by compare-and-set."""
    with running_cluster() as cluster:
        target = kubernetes(cluster, tmp_path)
        assert to_server(target, 1, None, None)["changed"]
        assert to_server(target, 1, 5, check_mode=True)["changed"] is False
        assert to_server(target, 1, 5)["changed"] is False
        annotations = cluster.objects["secrets", "billing", "aritma"]["metadata"]["annotations"]
        assert annotations == {"aritma.iam/rotation-id.c1": "r1", "aritma.iam/generation.c1": "5 aaaaaa"}
        assert to_server(target, 0, 4)["failure"]["held"] == 5
        assert to_server(target, 0, 4, check_mode=True)["failure"]["held"] == 5
        assert to_server(target, 2, 6, not_after=PAST)["failed"]
        assert to_server(target, 1, 6, not_after=PAST)["failed"]
        assert cluster.secret("aritma")["rotation_id"] == "r1"
        done = to_server(target, 2, 6, not_after=soon(60))
        assert (done["changed"], done["generation"]) == (True, 6)
        assert to_server(target, 2, 6, state="absent", not_after=PAST)["failed"]
        cluster.seen.clear()
        assert to_server(target, 2, 6)["changed"] is False
        assert cluster.seen == ["get secrets"]


def kubernetes(cluster: Cluster, tmp_path: Path) -> Json:
    """A Secret of that cluster."""
    return {
        "type": "kubernetes_secret",
        "kubeconfig": cluster.kubeconfig(tmp_path / "kubeconfig"),
        "namespace": "billing",
        "name": "aritma",
    }


def test_two_clients_share_a_secret_and_a_workload(tmp_path: Path) -> None:
    """Neither restarts the pods because of the other; what one withdraws leaves the other's alone."""
    with running_cluster() as cluster:
        cluster.deploy("deployments", "web")
        target = {**kubernetes(cluster, tmp_path), "rollout": [{"name": "web"}], "rollout_timeout": 0}

        def deliver(client: str, rotation: str, **options: Any) -> Json:
            credential = {"client_id": client, "client_secret": VALUE, "rotation_id": rotation}
            members = {f"{client[:2]}-secret": "client_secret"}
            fence = {"lineage": client, "generation": 1}
            given: Json = {"target": target, "credential": credential, "members": members, **fence, **options}
            return perform(CREDENTIAL_DELIVERY, **given)

        long = "another client, with a name that cannot stand in an annotation as it is " * 2
        assert deliver("c1", "r1")["rolled_out"] == ["Deployment billing/web"]
        assert deliver(long, "r2")["rolled_out"] == ["Deployment billing/web"]
        for client, rotation in (("c1", "r1"), (long, "r2")):
            again = deliver(client, rotation)
            assert (again["changed"], again["rolled_out"]) == (False, [])
        assert deliver("c1", "r3")["rolled_out"] == ["Deployment billing/web"]
        assert deliver(long, "r2")["changed"] is False
        assert deliver("c1", "r3", state="absent")["changed"]
        left = cluster.objects["secrets", "billing", "aritma"]["metadata"]["annotations"]
        assert sorted(left.values()) == [f"1 {long}", "r2"]


def test_a_secret_of_vault_is_stamped_in_its_metadata(bao: Bao) -> None:
    """That takes one more request, only with a write. Other metadata and settings stay."""
    proxy = Proxy(bao.url, reading)
    target = {"type": "hashi_vault", "url": proxy.url, "token": bao.token, "path": "fence/one"}
    with closing(proxy):
        to_server(target, 0, None, None)
        bao.call("POST", "secret/metadata/fence/one", {"custom_metadata": {"owner": "x"}, "delete_version_after": "9h"})

        def asked(*how: Any, **options: Any) -> tuple[Json, list[str]]:
            proxy.asked.clear()
            return to_server(target, *how, **options), [each.operation for each in proxy.asked]

        _plain, without = asked(1, None, None)
        _stamped, stamped = asked(2, 5)
        assert len(stamped) == len(without) + 1
        found = bao.call("GET", "secret/metadata/fence/one")["data"]
        assert found["custom_metadata"] == {"owner": "x", "aritma_iam_aaaaaa": "5 aaaaaa"}
        assert found["delete_version_after"] == "9h0m0s"
        assert asked(2, 5) == ({**asked(2, 5)[0], "changed": False}, ["GET"])
        assert asked(1, 4)[0]["failure"]["held"] == 5
        assert asked(1, 4, check_mode=True)[0]["failure"]["held"] == 5
        assert asked(2, 6)[0]["changed"] is False
        assert asked(1, 5)[0]["failure"]["held"] == 6
        assert asked(3, 7, not_after=PAST)[0]["failed"]
        assert bao.record("fence/one")["rotation_id"] == "r2"


def test_a_token_that_may_not_write_metadata_does_without_a_stamp(bao: Bao) -> None:
    """Without a warning. It does not try again in every run."""
    rules = 'path "secret/data/fence/*" { capabilities = ["create", "read", "update"] }'
    proxy = Proxy(bao.url, reading)
    target = {"type": "hashi_vault", "url": proxy.url, "token": bao.token_for("plain", rules), "path": "fence/two"}
    with closing(proxy):
        assert to_server(target, 1, 5)["verified"]
        proxy.asked.clear()
        assert to_server(target, 1, 6)["changed"] is False
        assert [each.operation for each in proxy.asked] == ["GET"]
        assert bao.call("GET", "secret/metadata/fence/two")["data"]["custom_metadata"] is None


def test_aws_has_no_stamp_and_takes_the_options(aws_members: Json) -> None:
    """The time limit holds there too."""
    assert to_server(aws_members, 1, 5)["changed"]
    assert to_server(aws_members, 0, 4)["changed"]
    assert to_server(aws_members, 2, 6, not_after=PAST)["failed"]
