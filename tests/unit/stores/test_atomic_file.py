# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files are replaced as a whole or not at all: over real files, real processes and real kills."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._files.atomic_file import (
    ABSENT,
    Ownership,
    check_file,
    digest_of,
    read_file,
    remove_file,
    replace_file,
)
from ansible_collections.aritma.iam.plugins.module_utils._files.directory import FileChangedError, FileError

PRIVATE = Ownership(0o600)


def names(directory: Path) -> list[str]:
    """What is in a directory."""
    return sorted(each.name for each in directory.iterdir())


def mode_of(path: Path) -> int:
    """The permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def run_python(text: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """A process of its own with the names of ``_atomic_file``."""
    head = (
        "import os, signal, sys\n"
        "from ansible_collections.aritma.iam.plugins.module_utils._files import atomic_file as f\n"
    )
    command = [sys.executable, "-c", head + text, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_a_new_file_is_private_in_a_private_directory(tmp_path: Path) -> None:
    """Whatever the umask says."""
    path = tmp_path / "a" / "b" / "f"
    before = os.umask(0)
    try:
        replace_file(str(path), b"x", PRIVATE, expected=ABSENT, make_directory=True)
    finally:
        os.umask(before)
    assert path.read_bytes() == b"x"
    assert (mode_of(path), mode_of(path.parent), mode_of(path.parent.parent)) == (0o600, 0o700, 0o700)
    assert names(path.parent) == ["f"]


def test_owner_and_group_are_kept_and_mode_is_set(tmp_path: Path) -> None:
    """A service account goes on reading its file."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o644)
    if os.geteuid() == 0:
        os.chown(path, 12345, 23456)
    owners = path.stat().st_uid, path.stat().st_gid
    replace_file(str(path), b"new", Ownership(0o640))
    assert (path.stat().st_uid, path.stat().st_gid) == owners
    assert (mode_of(path), path.read_bytes()) == (0o640, b"new")


def test_extended_attributes_are_kept(tmp_path: Path) -> None:
    """For example an SELinux label and an ACL."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    os.setxattr(path, "user.label", b"mine")
    replace_file(str(path), b"new", PRIVATE)
    assert os.getxattr(path, "user.label") == b"mine"


def test_compare_and_set_refuses_another_content(tmp_path: Path) -> None:
    """The file stays as it is."""
    path = tmp_path / "f"
    with pytest.raises(FileChangedError):
        replace_file(str(path), b"x", PRIVATE, expected="0" * 64)
    path.write_bytes(b"theirs")
    with pytest.raises(FileChangedError):
        replace_file(str(path), b"ours", PRIVATE, expected=ABSENT)
    with pytest.raises(FileChangedError):
        remove_file(str(path), expected=ABSENT)
    assert path.read_bytes() == b"theirs"
    replace_file(str(path), b"ours", PRIVATE, expected=digest_of(read_file(str(path))))
    remove_file(str(path), expected=digest_of(read_file(str(path))))
    assert names(tmp_path) == []


def attempts(path: str) -> list[Callable[[], object]]:
    """All that can be done with a file."""
    return [
        lambda: read_file(path),
        lambda: replace_file(path, b"x", PRIVATE, expected=ABSENT, make_directory=True),
        lambda: remove_file(path),
        lambda: check_file(path, PRIVATE, probe=True),
    ]


def test_a_symlink_is_refused_and_its_target_untouched(tmp_path: Path) -> None:
    """For reading, writing, removing and checking."""
    target = tmp_path / "target"
    target.write_bytes(b"theirs")
    link = tmp_path / "link"
    link.symlink_to(target)
    for attempt in attempts(str(link)):
        with pytest.raises(FileError, match="is a symlink"):
            attempt()
    assert (link.is_symlink(), target.read_bytes()) == (True, b"theirs")


def test_a_directory_that_is_somebody_elses_symlink_is_refused(tmp_path: Path) -> None:
    """One of root's or our own is followed: systems and deployments have them."""
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to("real")
    replace_file(str(link / "f"), b"x", PRIVATE)
    assert (real / "f").read_bytes() == b"x"
    if os.geteuid() == 0:
        os.chown(link, 12345, 12345, follow_symlinks=False)
        with pytest.raises(FileError, match="belongs to another user"):
            replace_file(str(link / "f"), b"y", PRIVATE)
        assert (real / "f").read_bytes() == b"x"


def test_a_loop_of_symlinks_is_an_error(tmp_path: Path) -> None:
    """Not a search without end."""
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileError, match="symbolic links"):
        read_file(str(tmp_path / "a" / "f"))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("directory", "Is a directory"),
        ("file/below", "Not a directory"),
        ("fifo", "not a regular file"),
        ("directory/" + "n" * 300, "File name too long"),
    ],
)
def test_a_path_that_cannot_be_a_file_is_named(tmp_path: Path, name: str, message: str) -> None:
    """Before anything is written, also for root."""
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").write_bytes(b"")
    os.mkfifo(tmp_path / "fifo")
    path = str(tmp_path / name)
    for attempt in attempts(path):
        with pytest.raises(FileError, match=message) as caught:
            attempt()
        assert path in str(caught.value)
        assert caught.value.hint
    assert names(tmp_path) == ["directory", "fifo", "file"]


@pytest.mark.parametrize("path", ["relative/f", "", "/", "/tmp/", "~nobody-of-that-name/f"])
def test_only_an_absolute_path_names_a_file(path: str) -> None:
    """A relative one would mean another file in another process."""
    with pytest.raises(FileError, match="absolute path"):
        read_file(path)


def test_a_missing_directory_is_no_file_to_read_and_an_error_to_write(tmp_path: Path) -> None:
    """The write may be allowed to make it."""
    path = str(tmp_path / "missing" / "f")
    assert read_file(path) is None
    remove_file(path)
    with pytest.raises(FileError, match=r"No such file or directory.*Create the directory first"):
        replace_file(path, b"x", PRIVATE)


def test_a_check_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a directory nor a file is made."""
    check_file(str(tmp_path / "a" / "b" / "f"), PRIVATE, probe=True)
    check_file(str(tmp_path / "f"), PRIVATE, probe=True)
    assert names(tmp_path) == []


def test_a_write_that_fails_half_way_leaves_the_old_file(tmp_path: Path) -> None:
    """The system's limit on the size of a file stands for a full disk."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(FileError, match="File too large"):
            replace_file(str(path), b"x" * 5000, PRIVATE)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("point", ["fchmod", "fsync", "rename"])
def test_a_kill_before_the_renaming_leaves_the_old_file_and_the_next_write_sweeps(tmp_path: Path, point: str) -> None:
    """It removes only temporary files of this very file, left by a process that is dead."""
    path = tmp_path / "f"
    path.write_bytes(b"old")
    other = tmp_path / ".aritma-00000000-0000000000000000.tmp"
    other.write_bytes(b"of another file")
    killed = run_python(
        "os.umask(0)\n"
        f"os.{point} = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
        "f.replace_file(sys.argv[1], b'new', f.Ownership(0o600))",
        path,
    )
    assert killed.returncode == -signal.SIGKILL
    assert path.read_bytes() == b"old"
    left = [name for name in names(tmp_path) if name not in ("f", other.name)]
    assert len(left) == 1
    assert mode_of(tmp_path / left[0]) == 0o600
    replace_file(str(path), b"newer", PRIVATE)
    assert names(tmp_path) == [other.name, "f"]


def test_a_writer_waits_for_another_one_whose_temporary_file_it_would_sweep(tmp_path: Path) -> None:
    """That file is still going to be renamed."""
    path = tmp_path / "f"
    text = (
        "import os, sys, time\n"
        "from ansible_collections.aritma.iam.plugins.module_utils._files import atomic_file as f\n"
        "rename = os.rename\n"
        "os.rename = lambda *a, **k: (print('ready', flush=True), input(), rename(*a, **k))\n"
        "f.replace_file(sys.argv[1], b'slow', f.Ownership(0o600))"
    )
    writer = subprocess.Popen(
        [sys.executable, "-c", text, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "ready\n"
    second = threading.Thread(target=replace_file, args=(str(path), b"second", PRIVATE))
    second.start()
    second.join(0.5)
    assert not path.exists()
    writer.communicate("\n", timeout=120)
    second.join()
    assert writer.returncode == 0
    assert path.read_bytes() == b"second"
    assert names(tmp_path) == ["f"]


def test_two_processes_lose_no_update(tmp_path: Path) -> None:
    """Each adds one, 50 times, by compare-and-set."""
    path = tmp_path / "f"
    path.write_bytes(b"0")
    text = (
        "done = 0\n"
        "while done < 50:\n"
        "    seen = f.read_file(sys.argv[1])\n"
        "    try:\n"
        "        f.replace_file(sys.argv[1], str(int(seen.content) + 1).encode(), f.Ownership(0o600),"
        " expected=f.digest_of(seen))\n"
        "        done += 1\n"
        "    except f.FileChangedError:\n"
        "        pass\n"
    )
    codes: list[int] = []
    threads = [threading.Thread(target=lambda: codes.append(run_python(text, path).returncode)) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0, 0]
    assert path.read_bytes() == b"100"
    assert names(tmp_path) == ["f"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    """Although it is replaced all the time."""
    path = tmp_path / "f"
    path.write_bytes(b"a" * 60000)
    text = "for each in range(200): f.replace_file(sys.argv[1], (b'b', b'a')[each % 2] * 60000, f.Ownership(0o600))"
    writer = threading.Thread(target=run_python, args=(text, path))
    writer.start()
    seen = set()
    while writer.is_alive():
        content = path.read_bytes()
        assert len(content) == 60000
        seen.add(content[:1])
        assert len(set(content)) == 1
    writer.join()
    assert seen == {b"a", b"b"}
