# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that hold secrets: replaced in one step or not at all, never seen half written, never readable in between.

A new content goes to a temporary file in the same directory (mode 0600, made with ``O_EXCL``), is flushed to the disk,
and takes the place of the old one by ``rename``. Whoever writes holds an exclusive ``flock`` on the *directory*: no
lock file is left behind, no file can be locked that is about to be replaced, and every other temporary file for the
same file is what a killed run left.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from pathlib import Path

from .directory import FileChangedError, Location, absolute, located, system_errors
from .surroundings import (
    ACCESS_LIST,
    UNSUPPORTED,
    attributes_of,
    require_modes,
    require_replaceable,
    sync,
    without_modes,
)

ABSENT = "absent"
"""Stands for the digest of a file that does not exist."""

_LARGEST = 1 << 20
_ROOM = 4096
"""Bytes that a check writes: a file system that is full is found."""
_PATIENCE, _PAUSE = 10.0, 0.1
"""Seconds to wait for another writer in the same directory, and at most between two looks."""
_OLD = 86400.0
"""Seconds after which a temporary file is taken for left behind where there are no locks."""
_STAMP = "user.aritma_iam"
"""The extended attribute that tells what a file of ours holds; it is no secret."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Ownership:
    """Mode and owner of a file. None keeps the owner that it has; a new file gets that of the process."""

    mode: int
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class FileState:
    """A regular file as it is."""

    content: bytes
    mode: int
    uid: int
    gid: int
    attributes: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        """What the last writer left in our attribute; empty where there is none."""
        return self.attributes.get(_STAMP, b"").decode(errors="replace")

    def fits(self, content: bytes, wanted: Ownership) -> bool:
        """Whether the file is as it should be."""
        owners = ((wanted.uid, self.uid), (wanted.gid, self.gid))
        right = self.content == content and self.mode == mode_for(wanted, self)
        return right and all(want in (None, has) for want, has in owners)


def mode_for(wanted: Ownership, before: FileState | None) -> int:
    """The mode to give. With an access list the group's part is the list's mask: an administrator's, so it stays."""
    if before is None or ACCESS_LIST not in before.attributes:
        return wanted.mode
    return wanted.mode & ~0o070 | before.mode & 0o070


def digest_of(state: FileState | None) -> str:
    """What compare-and-set compares: SHA-256 of the content, or ``ABSENT``."""
    return ABSENT if state is None else hashlib.sha256(state.content).hexdigest()


def read_file(path: str) -> FileState | None:
    """The file at ``path``; None when there is none. Raises ``FileError``, also for anything but a regular file."""
    path = absolute(path)
    with system_errors(path, "read"), suppress(FileNotFoundError), located(path) as place:
        return _read(place)
    return None


def replace_file(
    path: str,
    content: bytes,
    wanted: Ownership,
    *,
    expected: str | None = None,
    make_directory: bool = False,
    stamp: str = "",
    permit: Callable[[FileState | None], None] = lambda _before: None,
) -> None:
    """Give ``path`` this content, ownership and stamp. ``expected`` is the digest that it must have (None: whatever).

    ``permit`` is asked right before a write, with the file as it is: it raises where that must not happen. Where the
    file is right but for its stamp, that alone is set; a stamp is left out where there can be none. Raises
    ``FileChangedError`` when the digest is another, else ``FileError``; the old file is then untouched.
    """
    path = absolute(path)
    with (
        system_errors(path, "write"),
        located(path, create=make_directory) as place,
        _locked(place, needed=expected is not None) as alone,
    ):
        before = _read(place)
        _compare(place, before, expected)
        _sweep(place, alone=alone)
        if before is not None and stamp and before.fits(content, wanted):
            permit(before)
            descriptor = os.open(place.name, _READ, dir_fd=place.directory)
            _set_stamp(descriptor, stamp)
            os.close(descriptor)
            return
        if before is not None:
            require_replaceable(place)
        with _new_file(place, content, wanted, before, stamp) as name:
            permit(before)
            os.rename(name, place.name, src_dir_fd=place.directory, dst_dir_fd=place.directory)
        sync(place.directory)


def remove_file(path: str, *, expected: str | None = None) -> None:
    """Remove ``path``, if it is there. Raises as ``replace_file`` does."""
    path = absolute(path)
    with (
        system_errors(path, "remove"),
        suppress(FileNotFoundError),
        located(path) as place,
        _locked(place, needed=expected is not None) as alone,
    ):
        _compare(place, _read(place), expected)
        _sweep(place, alone=alone)
        os.unlink(place.name, dir_fd=place.directory)
        sync(place.directory)


def check_file(path: str, wanted: Ownership, *, probe: bool, make_directory: bool = True) -> None:
    """Raise ``FileError`` unless ``replace_file`` would work. Leaves nothing behind.

    ``probe`` proves it by a lock and a temporary file; without it only permissions are looked at.
    """
    path = absolute(path)
    with system_errors(path, "write"), located(_nearest(path) if make_directory else path) as place:
        before = _read(place) if place.path == path else None
        if before is not None:
            _permitted(place.name, os.R_OK | os.W_OK, place.directory)
            require_replaceable(place)
        _permitted(".", os.W_OK | os.X_OK, place.directory)
        require_modes(place, wanted.mode)
        if probe:
            with _locked(place, needed=True), _new_file(place, bytes(_ROOM), wanted, before):
                pass


def _permitted(name: str, access: int, directory: int) -> None:
    if not os.access(name, access, dir_fd=directory, effective_ids=os.access in os.supports_effective_ids):
        read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        code = errno.EROFS if read_only else errno.EACCES if os.geteuid() else errno.EPERM
        raise OSError(code, os.strerror(code))


def _nearest(path: str) -> str:
    """``path``, or the nearest of its parents whose directory exists."""
    with suppress(FileNotFoundError), located(path):
        return path
    return _nearest(str(Path(path).parent))


def _read(place: Location) -> FileState | None:
    try:
        descriptor = os.open(place.name, _READ, dir_fd=place.directory)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        hint = "Secrets are not written over a symlink: name the file itself, or remove the link."
        raise place.error("{} is a symlink.", hint=hint) from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "no regular file"
            raise place.error(f"{{}} is {kind}.", hint="Name a file, or a path where nothing is.")
        content = file.read(_LARGEST + 1)
        attributes = attributes_of(descriptor)
    if len(content) > _LARGEST:
        raise place.error("{} is larger than 1 MiB.", hint="It is not a file of this collection; name another one.")
    return FileState(content, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, attributes)


@contextmanager
def _locked(place: Location, *, needed: bool) -> Iterator[bool]:
    """Hold the lock of the directory. False where there are no locks; an error when one is ``needed``."""
    try:
        _lock(place)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        if needed:
            text = "The file system of {} has no locks, so two runs could overwrite each other's record."
            hint = "Choose a path on another file system, or another type of store."
            raise place.error(text, hint=hint) from None
        yield False
        return
    try:
        yield True
    finally:
        with suppress(OSError):
            fcntl.flock(place.directory, fcntl.LOCK_UN)


def _lock(place: Location) -> None:
    deadline, pause = time.monotonic() + _PATIENCE, 0.005
    while True:
        try:
            fcntl.flock(place.directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                hint = "Find it with lslocks, or give the file a directory of its own."
                raise place.error("Another process holds a lock on the directory of {}.", hint=hint) from None
            time.sleep(pause)
            pause = min(2 * pause, _PAUSE)


def _compare(place: Location, before: FileState | None, expected: str | None) -> None:
    if expected is not None and digest_of(before) != expected:
        raise FileChangedError(
            f"{place.path} was changed by somebody else since it was read.", hint="Run again.", path=place.path
        )


@contextmanager
def _new_file(
    place: Location, content: bytes, wanted: Ownership, before: FileState | None, stamp: str = ""
) -> Iterator[str]:
    """The name of a complete new file beside ``place``, which is gone afterwards unless it was renamed."""
    name = f"{_family(place)}{secrets.token_hex(8)}.tmp"
    descriptor = os.open(name, _MAKE, 0o600, dir_fd=place.directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _keep_attributes(descriptor, before)
            _own(place, descriptor, wanted, before)
            _set_stamp(descriptor, stamp)
            sync(descriptor)
        yield name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=place.directory)


def _keep_attributes(descriptor: int, before: FileState | None) -> None:
    """The SELinux label of the file that is replaced, as far as this user may set it, and its access list."""
    for name, value in (before.attributes if before else {}).items():
        if name != _STAMP:
            with nullcontext() if name == ACCESS_LIST else suppress(OSError):
                os.setxattr(descriptor, name, value)


def _set_stamp(descriptor: int, stamp: str) -> None:
    if stamp:
        with suppress(OSError, AttributeError):
            os.setxattr(descriptor, _STAMP, stamp.encode())


def _own(place: Location, descriptor: int, wanted: Ownership, before: FileState | None) -> None:
    made = os.fstat(descriptor)
    uid = wanted.uid if wanted.uid is not None else before.uid if before else made.st_uid
    gid = wanted.gid if wanted.gid is not None else before.gid if before else made.st_gid
    if (uid, gid) != (made.st_uid, made.st_gid):
        try:
            os.fchown(descriptor, uid, gid)
        except PermissionError:
            text = f"{{}} should belong to user {uid} and group {gid}, and this user may not arrange that."
            raise place.error(text, hint="Run the task as that user or as root (become).") from None
    mode = mode_for(wanted, before)
    with suppress(PermissionError):  # as some file systems without modes answer
        os.fchmod(descriptor, mode)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        raise without_modes(place)


def _family(place: Location) -> str:
    """How the names of the temporary files for this very file begin. They fit wherever the file's own name does."""
    return f".aritma-{hashlib.sha256(os.fsencode(place.name)).hexdigest()[:8]}-"


def _sweep(place: Location, *, alone: bool) -> None:
    """Remove the temporary files that killed runs left. Without a lock they may be in use, unless they are old."""
    with os.scandir(place.directory) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(_family(place))]
    for name in names:
        with suppress(OSError):
            found = os.stat(name, dir_fd=place.directory, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and (alone or time.time() - found.st_mtime > _OLD):
                os.unlink(name, dir_fd=place.directory)
