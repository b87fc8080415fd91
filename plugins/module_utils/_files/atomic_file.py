# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replaces files that hold secrets, in one step: never half written, never readable by others in between.

New content goes to a temporary file in the same directory (mode 0600, created with ``O_EXCL``), is flushed to the disk,
and replaces the old file by ``rename``. The writer holds an exclusive ``flock`` on the *directory*. So no lock file
remains, no lock is held on a file that is replaced, and any other temporary file for the same file was left by a killed
run.
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
"""The digest of a file that does not exist."""

_LARGEST = 1 << 20
_CHECK_BYTES = 4096
"""Bytes that a check writes, to detect a full file system."""
_LOCK_WAIT, _LONGEST_PAUSE = 10.0, 0.1
"""Seconds to wait for another writer in the same directory, and at most between two attempts."""
_STALE_AGE = 86400.0
"""Seconds after which a temporary file is considered left behind if there are no locks."""
_STAMP = "user.aritma_iam"
"""The extended attribute for the stamp of a file. It is not secret."""
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_MAKE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True)
class Ownership:
    """Mode and owner of a file. None keeps the owner of an existing file; a new file gets that of the process."""

    mode: int
    uid: int | None = None
    gid: int | None = None


@dataclass(frozen=True)
class FileState:
    """The state of a regular file."""

    content: bytes
    mode: int
    uid: int
    gid: int
    attributes: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def stamp(self) -> str:
        """The stamp of the last writer; empty if there is none."""
        return self.attributes.get(_STAMP, b"").decode(errors="replace")

    def fits(self, content: bytes, wanted: Ownership) -> bool:
        """Whether the file has this content, mode and owner."""
        owners = ((wanted.uid, self.uid), (wanted.gid, self.gid))
        right = self.content == content and self.mode == mode_for(wanted, self)
        return right and all(want in (None, has) for want, has in owners)


def mode_for(wanted: Ownership, before: FileState | None) -> int:
    """The mode to set. With an access list the group bits are the mask of that list, so they are kept."""
    if before is None or ACCESS_LIST not in before.attributes:
        return wanted.mode
    return wanted.mode & ~0o070 | before.mode & 0o070


def digest_of(state: FileState | None) -> str:
    """The digest for compare-and-set: SHA-256 of the content, or ``ABSENT``."""
    return ABSENT if state is None else hashlib.sha256(state.content).hexdigest()


def read_file(path: str) -> FileState | None:
    """The file at ``path``; None if it does not exist. Raises ``FileError``, also if it is not a regular file."""
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
    """Write ``path`` with this content, ownership and stamp. ``expected`` is the digest it must have (None: any).

    ``permit`` is called with the current file right before the write, and raises to prevent it. If only the stamp
    differs, only the stamp is set; it is omitted on file systems without extended attributes. Raises
    ``FileChangedError`` if the digest differs, else ``FileError``. The old file is then unchanged.
    """
    path = absolute(path)
    with (
        system_errors(path, "write"),
        located(path, create=make_directory) as place,
        _locked(place, needed=expected is not None) as locked,
    ):
        before = _read(place)
        _compare(place, before, expected)
        _remove_temporary_files(place, locked=locked)
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
    """Remove ``path`` if it exists. Raises as ``replace_file`` does."""
    path = absolute(path)
    with (
        system_errors(path, "remove"),
        suppress(FileNotFoundError),
        located(path) as place,
        _locked(place, needed=expected is not None) as locked,
    ):
        _compare(place, _read(place), expected)
        _remove_temporary_files(place, locked=locked)
        os.unlink(place.name, dir_fd=place.directory)
        sync(place.directory)


def check_file(path: str, wanted: Ownership, *, probe: bool, make_directory: bool = True) -> None:
    """Raise ``FileError`` unless ``replace_file`` would work. Leaves nothing behind.

    ``probe`` takes the lock and writes a temporary file; without it only permissions are checked.
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
            with _locked(place, needed=True), _new_file(place, bytes(_CHECK_BYTES), wanted, before):
                pass


def _permitted(name: str, access: int, directory: int) -> None:
    if not os.access(name, access, dir_fd=directory, effective_ids=os.access in os.supports_effective_ids):
        read_only = os.statvfs(directory).f_flag & os.ST_RDONLY
        code = errno.EROFS if read_only else errno.EACCES if os.geteuid() else errno.EPERM
        raise OSError(code, os.strerror(code))


def _nearest(path: str) -> str:
    """``path``, or its nearest parent whose directory exists."""
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
        hint = "Secrets are not written through a symlink. Name the file itself, or remove the link."
        raise place.error("{} is a symlink.", hint=hint) from None
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            kind = "a directory" if stat.S_ISDIR(found.st_mode) else "not a regular file"
            raise place.error(f"{{}} is {kind}.", hint="Name a regular file, or a path that does not exist.")
        content = file.read(_LARGEST + 1)
        attributes = attributes_of(descriptor)
    if len(content) > _LARGEST:
        raise place.error("{} is larger than 1 MiB.", hint="This collection did not write it. Name another file.")
    return FileState(content, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid, attributes)


@contextmanager
def _locked(place: Location, *, needed: bool) -> Iterator[bool]:
    """Hold the lock of the directory. Yields False if the file system has no locks; that is an error if ``needed``."""
    try:
        _lock(place)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise
        if needed:
            text = "The file system of {} does not support locks, so two runs could overwrite each other's record."
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
    deadline, pause = time.monotonic() + _LOCK_WAIT, 0.005
    while True:
        try:
            fcntl.flock(place.directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                hint = "Find it with lslocks, or give the file a directory of its own."
                raise place.error("Another process holds a lock on the directory of {}.", hint=hint) from None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


def _compare(place: Location, before: FileState | None, expected: str | None) -> None:
    if expected is not None and digest_of(before) != expected:
        raise FileChangedError(f"{place.path} has changed since it was read.", hint="Run again.", path=place.path)


@contextmanager
def _new_file(
    place: Location, content: bytes, wanted: Ownership, before: FileState | None, stamp: str = ""
) -> Iterator[str]:
    """Create a complete temporary file beside ``place``, and yield its name. It is removed unless it was renamed."""
    name = f"{_temporary_prefix(place)}{secrets.token_hex(8)}.tmp"
    descriptor = os.open(name, _MAKE, 0o600, dir_fd=place.directory)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _keep_attributes(descriptor, before)
            _set_ownership(place, descriptor, wanted, before)
            _set_stamp(descriptor, stamp)
            sync(descriptor)
        yield name
    finally:
        with suppress(OSError):
            os.unlink(name, dir_fd=place.directory)


def _keep_attributes(descriptor: int, before: FileState | None) -> None:
    """Copy the access list of the replaced file, and its SELinux label if this user may set it."""
    for name, value in (before.attributes if before else {}).items():
        if name != _STAMP:
            with nullcontext() if name == ACCESS_LIST else suppress(OSError):
                os.setxattr(descriptor, name, value)


def _set_stamp(descriptor: int, stamp: str) -> None:
    if stamp:
        with suppress(OSError, AttributeError):
            os.setxattr(descriptor, _STAMP, stamp.encode())


def _set_ownership(place: Location, descriptor: int, wanted: Ownership, before: FileState | None) -> None:
    made = os.fstat(descriptor)
    uid = wanted.uid if wanted.uid is not None else before.uid if before else made.st_uid
    gid = wanted.gid if wanted.gid is not None else before.gid if before else made.st_gid
    if (uid, gid) != (made.st_uid, made.st_gid):
        try:
            os.fchown(descriptor, uid, gid)
        except PermissionError:
            text = f"{{}} should belong to user {uid} and group {gid}, but this user may not set that."
            raise place.error(text, hint="Run the task as that user or as root (become).") from None
    mode = mode_for(wanted, before)
    with suppress(PermissionError):  # from some file systems without modes
        os.fchmod(descriptor, mode)
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        raise without_modes(place)


def _temporary_prefix(place: Location) -> str:
    """The prefix of temporary files for this file. Its length does not depend on the name of the file."""
    return f".aritma-{hashlib.sha256(os.fsencode(place.name)).hexdigest()[:8]}-"


def _remove_temporary_files(place: Location, *, locked: bool) -> None:
    """Remove the temporary files that killed runs left. Without the lock, only old ones: others may be in use."""
    with os.scandir(place.directory) as entries:
        names = [entry.name for entry in entries if entry.name.startswith(_temporary_prefix(place))]
    for name in names:
        with suppress(OSError):
            found = os.stat(name, dir_fd=place.directory, follow_symlinks=False)
            if stat.S_ISREG(found.st_mode) and (locked or time.time() - found.st_mtime > _STALE_AGE):
                os.unlink(name, dir_fd=place.directory)
