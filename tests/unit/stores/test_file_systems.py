# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writing files on many file systems: with access lists, mounts, and without what some of them cannot do.

The file systems are real where one can be mounted without a device (bind mounts, ramfs). Otherwise a system call fails
as it does there.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pwd
import stat
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.module_utils._files import surroundings
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY

from .conftest import VALUE, Keep, perform

Json = dict[str, Any]
ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
UNSHARE = ["unshare", "--mount", *(["--map-root-user"] if os.geteuid() else [])]
"""A namespace of mounts of its own; for whoever is not root, in a user namespace."""
NOBODY = 0xFFFFFFFF


def deliver(path: Path, number: int = 1, **options: Any) -> Json:
    """``credential_file`` in this process."""
    credential = {"client_id": "c1", "client_secret": f"{VALUE}{number}", "rotation_id": f"r{number}"}
    return perform(CREDENTIAL_FILE, **{"path": str(path), "credential": credential, **options})


def access_list(user: int, allowed: int, mask: int) -> bytes:
    """One that lets one more user in, as setfacl writes it: owner rw, group and others nothing."""
    entries = [(0x01, 6, NOBODY), (0x02, allowed, user), (0x04, 0, NOBODY), (0x10, mask, NOBODY), (0x20, 0, NOBODY)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries)


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_an_access_list_is_kept_with_its_mask(tmp_path: Path) -> None:
    """A reader that an administrator has added can still read after the next delivery. It is not changed each time."""
    path = tmp_path / "f"
    deliver(path)
    os.setxattr(path, ACCESS, access_list(12345, 4, 4))
    assert mode_of(path) == 0o640
    assert deliver(path)["changed"] is False
    for check_mode in (True, False):
        done = deliver(path, 2, check_mode=check_mode)
        assert (done["changed"], done["mode"]) == (True, "0640")
    assert os.getxattr(path, ACCESS) == access_list(12345, 4, 4)
    assert deliver(path, 2)["changed"] is False
    assert deliver(path, 2, mode="0400")["changed"]
    assert mode_of(path) == 0o440


def test_an_access_list_that_cannot_be_kept_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader would be shut out otherwise."""
    path = tmp_path / "f"
    deliver(path)
    os.setxattr(path, ACCESS, access_list(12345, 4, 4))
    before = path.read_bytes()

    def refuse(*_given: Any) -> None:
        raise OSError(errno.ENOTSUP, "no")

    monkeypatch.setattr(os, "setxattr", refuse)
    assert "Cannot write" in deliver(path, 2)["msg"]
    assert path.read_bytes() == before


def test_a_mode_that_would_cut_the_default_access_list_is_refused(tmp_path: Path, keep: Keep) -> None:
    """A new file with a mode that would shut its readers out is refused; a store is nobody else's, and private."""
    os.setxattr(tmp_path, DEFAULT, access_list(12345, 4, 4))
    path = tmp_path / "f"
    for check_mode in (True, False):
        failed = deliver(path, check_mode=check_mode)
        assert "has a default access list, but with mode 0600" in failed["msg"]
        assert 'Use mode "0640"' in failed["msg"]
    os.removexattr(tmp_path, DEFAULT)
    assert deliver(path)["changed"]
    os.setxattr(tmp_path, DEFAULT, access_list(12345, 4, 4))
    assert 'Use mode "0640"' in deliver(path, 2)["msg"]
    assert deliver(path, mode="0640")["changed"]
    assert struct.pack("<HHI", 0x02, 4, 12345) in os.getxattr(path, ACCESS)
    assert mode_of(path) == 0o640
    assert deliver(path, mode="0640")["changed"] is False
    assert "failed" not in keep("written", value=VALUE)
    assert mode_of(tmp_path / "c1.json") == 0o600


SCRIPT = """
import json, os, subprocess, sys
from pathlib import Path
from unit.stores.test_file_systems import deliver
folder, told = Path(sys.argv[1]), {}
def mount(*arguments):
    subprocess.run(["mount", *map(str, arguments)], check=True)
"""


def in_namespace(folder: Path, text: str) -> Json:
    """What ``told`` holds after this text, run with mounts of its own."""
    command = [*UNSHARE, sys.executable, "-c", SCRIPT + text + "\nprint(json.dumps(told))", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answer: Json = json.loads(done.stdout)
    return answer


def test_a_file_that_is_mounted_by_itself_is_refused(tmp_path: Path) -> None:
    """Elsewhere, or as a mount point; a check says so before anything is to be changed. A directory is no problem."""
    told = in_namespace(
        tmp_path,
        """
(folder / "d").mkdir(); (folder / "e").mkdir()
file, other = folder / "d" / "f", folder / "other"
deliver(file); other.touch(); (folder / "own").touch()
mount("--bind", folder / "d", folder / "e")
told["directory"] = deliver(file, 2), deliver(folder / "e" / "f", 3)
mount("--bind", file, other)
told["mounted"] = deliver(file, 3, check_mode=True), deliver(file, 4), deliver(folder / "e" / "f", 4)
told["kept"] = file.read_text().count("r3")
mount("--bind", folder / "own", folder / "own")
told["point"] = deliver(folder / "own", check_mode=True), deliver(folder / "own")
""",
    )
    assert [each.get("changed") for each in told["directory"]] == [True, True]
    for each in told["mounted"]:
        assert each["failure"]["kind"] == "delivery"
        assert f"mounted into a container or service, at {tmp_path}/other" in each["msg"]
        assert "Mount its directory instead of the file." in each["msg"]
    assert told["kept"] == 1
    for each in told["point"]:
        assert "is a mount point of its own" in each["msg"]


@contextmanager
def container(source: Path, point: Path) -> Iterator[None]:
    """A process that has one file mounted in a namespace of its own."""
    script = f"mount --bind '{source}' '{point}' && echo ready && exec sleep 60"
    with subprocess.Popen([*UNSHARE, "sh", "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield
        finally:
            process.kill()


def test_a_file_that_is_mounted_in_a_container_is_refused(tmp_path: Path, keep: Keep) -> None:
    """Its mount is in another namespace; a store is no exception."""
    path, point = tmp_path / "a file", tmp_path / "inside"
    deliver(path)
    point.touch()
    with container(path, point):
        assert f"at {point}" in deliver(path, 2)["msg"]
        assert deliver(path, 1)["changed"] is False
    keep("written")
    with container(tmp_path / "c1.json", point):
        for state in ("checked", "written"):
            assert "is mounted into a container" in keep(state)["msg"]
    assert deliver(path, 2)["changed"]
    assert "failed" not in keep("written")


def test_a_file_with_another_name_is_refused(tmp_path: Path, keep: Keep) -> None:
    """Whoever reads it by that one would see the old content."""
    path, other = tmp_path / "f", tmp_path / "other"
    deliver(path)
    os.link(path, other)
    for check_mode in (True, False):
        assert "has 2 names (hard links)" in deliver(path, 2, check_mode=check_mode)["msg"]
    assert deliver(path)["changed"] is False
    other.unlink()
    assert deliver(path, 2)["changed"]
    keep("written")
    os.link(tmp_path / "c1.json", other)
    assert "has 2 names (hard links)" in keep("checked")["msg"]


def test_what_a_file_system_refuses_is_found_by_the_check(tmp_path: Path) -> None:
    """Full, read-only, or a file that may not be changed: real ones, and nothing is left behind."""
    told = in_namespace(
        tmp_path,
        """
from ansible_collections.aritma.iam.plugins.module_utils._files.atomic_file import Ownership, check_file
from ansible_collections.aritma.iam.plugins.module_utils._files.directory import FileError
def check(path, probe):
    try:
        check_file(str(path), Ownership(0o600), probe=probe)
    except FileError as error:
        return f"{error.message} {error.hint}"
for name in ("full", "read", "fixed"):
    (folder / name).mkdir()
    mount("-t", "tmpfs", "-o", "size=64k", "none", folder / name)
(folder / "full" / "big").write_bytes(bytes(1 << 16))
deliver(folder / "read" / "f"); deliver(folder / "fixed" / "f")
mount("-o", "remount,ro", folder / "read")
told["full"] = [check(folder / "full" / "f", probe) for probe in (False, True)]
told["read"] = [check(folder / "read" / "f", probe) for probe in (False, True)]
told["delivered"] = deliver(folder / "read" / "f", 2, check_mode=True), deliver(folder / "read" / "f", 2)
fixed = subprocess.run(["chattr", "+i", folder / "fixed" / "f"], capture_output=True).returncode == 0
told["fixed"] = check(folder / "fixed" / "f", False) if fixed else ""
if fixed:
    subprocess.run(["chattr", "-i", folder / "fixed" / "f"], check=True)
told["left"] = [each.name for name in ("full", "read", "fixed") for each in (folder / name).iterdir()]
""",
    )
    assert told["full"][0] is None
    assert "No space left on device. The file system is full" in told["full"][1]
    for each in (*told["read"], *(each["msg"] for each in told["delivered"])):
        assert "Read-only file system. The file system is mounted read-only" in each
    assert not told["fixed"] or "Operation not permitted. Check with lsattr" in told["fixed"]
    assert told["left"] == ["big", "f", "f"]


@pytest.mark.parametrize(
    ("kind", "options", "modes"),
    [
        ("vfat", "rw,fmask=0022,dmask=0022,codepage=437", []),
        ("vfat", "rw,fmask=0177,dmask=0077", ["0600"]),
        ("exfat", "rw,umask=0137", ["0640"]),
        ("ntfs3", "rw,uid=0,gid=0", []),
        ("cifs", "rw,vers=3.1.1,file_mode=0755,dir_mode=0755", []),
        ("cifs", "rw,vers=3.1.1,file_mode=0755,dir_mode=0755,modefromsid", ["0600", "0640"]),
        ("ext4", "rw", ["0600", "0640"]),
    ],
)
def test_which_file_systems_are_known_to_keep_a_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, options: str, modes: list[str]
) -> None:
    """By their mount options. A mask that results in the wanted mode is accepted."""
    mount = surroundings._Mount("8:1", "/", "/", kind, options)
    monkeypatch.setattr(surroundings, "_mounts", lambda _path: iter([mount]))
    for mode in ("0600", "0640"):
        told = deliver(tmp_path / "f", mode=mode, check_mode=True)
        assert ("does not support file modes" in told.get("msg", "")) is (mode not in modes)


def test_a_file_system_without_attributes_is_good_enough(tmp_path: Path) -> None:
    """A ramfs keeps no stamp and no access list, and nothing warns of that."""
    told = in_namespace(
        tmp_path,
        """
mount("-t", "ramfs", "none", folder)
fence = {"lineage": "a", "generation": 2}
told["done"] = [deliver(folder / "f", **fence), deliver(folder / "f", **fence), deliver(folder / "f", 2, **fence)]
told["names"] = [each.name for each in folder.iterdir()]
told["attributes"] = os.listxattr(folder / "f")
""",
    )
    assert [each["changed"] for each in told["done"]] == [True, False, True]
    assert (told["names"], told["attributes"]) == (["f"], [])


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_directory_that_cannot_be_flushed_is_no_failure(
    tmp_path: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """The file was written; any other error is told."""
    fsync = os.fsync

    def refuse(descriptor: int, wanted: int = code) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(wanted, os.strerror(wanted))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse)
    assert deliver(tmp_path / "f")["verified"]
    assert deliver(tmp_path / "f", state="absent")["changed"]
    assert "failed" not in keep("written")
    monkeypatch.setattr(os, "fsync", lambda descriptor: refuse(descriptor, errno.EIO))
    assert "Input/output error" in deliver(tmp_path / "f")["msg"]


def test_a_file_system_without_locks_is_named_for_a_store(
    tmp_path: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The check finds it. A delivery needs no lock."""

    def refuse(*_given: Any) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    for state in ("checked", "written"):
        failed = keep(state)
        assert "does not support locks, so two runs could overwrite each other's record" in failed["msg"]
    assert deliver(tmp_path / "f", lineage="a", generation=1)["changed"]
    assert [each.name for each in tmp_path.iterdir()] == ["f"]


def test_a_file_system_without_modes_is_named(tmp_path: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """FAT shows 0755 whatever is set: no secret is written there, and nobody else is blamed."""
    fchmod = os.fchmod
    with monkeypatch.context() as patch:
        patch.setattr(os, "fchmod", lambda descriptor, _mode: fchmod(descriptor, 0o755))
        for failed in (deliver(tmp_path / "f"), keep("checked"), keep("written")):
            assert "does not support file modes" in failed["msg"]

        def refuse(_descriptor: int, _mode: int) -> None:
            raise PermissionError(errno.EPERM, "no")

        patch.setattr(os, "fchmod", refuse)
        assert "does not support file modes" in deliver(tmp_path / "f", mode="0640")["msg"]
    assert list(tmp_path.iterdir()) == []
    vfat = surroundings._Mount("8:1", "/", "/", "vfat")
    monkeypatch.setattr(surroundings, "_mounts", lambda _path: iter([vfat]))
    for failed in (deliver(tmp_path / "f", check_mode=True), keep("checked", check_mode=True)):
        assert "does not support file modes" in failed["msg"]


def test_a_user_without_a_name_and_a_home(tmp_path: Path, keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in many containers. Only what needs a home directory fails, and says so."""

    def unknown(_number: int) -> None:
        raise KeyError

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert deliver(tmp_path / "f", owner=str(os.geteuid()))["changed"]
    assert "failed" not in keep("written")
    failed = keep(store={})
    assert "has no home directory. Give an absolute path instead." in failed["msg"]
    target = {"type": "kubernetes_secret", "namespace": "billing", "name": "aritma"}
    assert "found no kubeconfig" in perform(CREDENTIAL_DELIVERY, target=target, credential={"client_id": "c1"})["msg"]
    vault = {"type": "hashi_vault", "url": "http://127.0.0.1:1", "path": "a"}
    monkeypatch.delenv("VAULT_TOKEN", raising=False)
    assert "needs a token" in perform(CREDENTIAL_DELIVERY, target=vault, credential={"client_id": "c1"})["msg"]
