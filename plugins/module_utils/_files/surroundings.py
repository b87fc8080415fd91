# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Properties of a file system that affect a file: access lists, mounts, and missing features."""

from __future__ import annotations

import errno
import os
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .directory import FileError, Location

UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.ENOLCK, errno.EBADF})
"""Errors of system calls that a file system does not support."""

ACCESS_LIST, _DEFAULT_LIST = "system.posix_acl_access", "system.posix_acl_default"
_NAMED = frozenset({0x02, 0x08})  # ACL_USER and ACL_GROUP of linux/posix_acl.h
_READ = 0x04
_MOUNTED = "Mount its directory instead of the file."
_MASKED = frozenset({"exfat", "hfs", "msdos", "ntfs", "ntfs3", "umsdos", "vfat"})
"""File systems in which every file has the mode of the mount."""
_MASK = re.compile(r"\b(?:fmask|umask)=(\d+)")


def attributes_of(descriptor: int) -> dict[str, bytes]:
    """The extended attributes of a file; empty if the system or the file system does not support them."""
    found = {}
    with suppress(OSError, AttributeError):
        for name in os.listxattr(descriptor):
            found[name] = os.getxattr(descriptor, name)
    return found


def grants_access(directory: str) -> bool:
    """Whether the default access list of a directory lets certain users or groups read new files."""
    with suppress(OSError, AttributeError):
        entries = struct.iter_unpack("<HHI", os.getxattr(directory, _DEFAULT_LIST)[4:])
        return any(tag in _NAMED and allowed & _READ for tag, allowed, _who in entries)
    return False


def sync(descriptor: int) -> None:
    """Flush to the disk, if the file system supports that."""
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


@dataclass(frozen=True)
class _Mount:
    """A line of proc_pid_mountinfo(5)."""

    device: str
    root: str
    point: str
    kind: str
    options: str = ""
    """Of the file system itself."""

    def keeps(self, mode: int) -> bool:
        """Whether a file can have that mode. True if that is not known."""
        if self.kind in _MASKED:
            masks = _MASK.findall(self.options)
            return bool(masks) and 0o777 & ~int(masks[-1], 8) == mode
        # A CIFS share may have no modes of its own.
        return "file_mode=" not in self.options or "cifsacl" in self.options or "modefromsid" in self.options


def require_replaceable(place: Location) -> None:
    """Raise ``FileError`` for a file that is a mount or has hard links, because these would keep the old content.

    Mounts of other processes are checked if this user may read them.
    """
    links = os.stat(place.name, dir_fd=place.directory, follow_symlinks=False).st_nlink
    if links > 1:
        text = f"{{}} has {links} names (hard links). Readers of the other names would see the old content."
        raise place.error(text, hint="Find them with find -samefile, and replace them by symlinks to this file.")
    mounts = list(_mounts(Path("/proc/self/mountinfo")))
    real = _real(place)
    if any(each.point == real for each in mounts):
        raise place.error("{} is a mount point of its own.", hint=_MOUNTED)
    around = _around(mounts, real)
    if around is None:
        return
    inside = f"{around.root.rstrip('/')}/{os.path.relpath(real, around.point)}"
    for each in _mounts_of_all():
        if each.device == around.device and each.root in (inside, f"{inside}//deleted"):
            text = f"{{}} is mounted into a container or service, at {each.point}, which would see the old content."
            raise place.error(text, hint=_MOUNTED)


def require_modes(place: Location, mode: int) -> None:
    """Raise ``FileError`` if the file system is known not to support this mode."""
    around = _around(list(_mounts(Path("/proc/self/mountinfo"))), _real(place))
    if around is not None and not around.keeps(mode):
        raise without_modes(place)


def without_modes(place: Location) -> FileError:
    """The error for a file that cannot be made private."""
    text = "The file system of {} does not support file modes, so other users could read the file."
    return place.error(text, hint="Choose a path on another file system.")


def _real(place: Location) -> str:
    with suppress(OSError):
        return str(Path(f"/proc/self/fd/{place.directory}").readlink() / place.name)
    return place.path


def _around(mounts: list[_Mount], real: str) -> _Mount | None:
    holding = [each for each in mounts if real.startswith(f"{each.point.rstrip('/')}/")]
    # Of two mounts at the same point, the later one hides the other.
    return max(reversed(holding), key=lambda each: len(each.point), default=None)


def _mounts_of_all() -> Iterator[_Mount]:
    """The mounts of every process that this user may inspect, each namespace once."""
    seen = set()
    folder = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for process in [each.name for each in os.scandir(folder) if each.name.isdecimal()]:
            with suppress(OSError):
                # pathlib would be too slow with hundreds of processes.
                namespace = os.stat(f"{process}/ns/mnt", dir_fd=folder).st_ino
                if namespace not in seen:
                    yield from _mounts(Path(f"/proc/{process}/mountinfo"))
                    seen.add(namespace)
    finally:
        os.close(folder)


def _mounts(path: Path) -> Iterator[_Mount]:
    with suppress(OSError):
        for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
            fields = line.split(" ")
            root, point = (re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), each) for each in fields[3:5])
            yield _Mount(fields[2], root, point, fields[fields.index("-") + 1], fields[-1])
