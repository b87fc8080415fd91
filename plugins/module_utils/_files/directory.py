# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the directory of a file that holds secrets, without following symlinks of other users."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .._core.errors import IamError

_SEARCH = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_MOST_LINKS = 40

_HINTS = {
    errno.EACCES: "Give the user access to the directory, use become, or choose another path.",
    errno.EPERM: "Check with lsattr whether it may be changed. If so, use become, or choose another path.",
    errno.EBUSY: "It is a mount point. Mount its directory instead of the file.",
    errno.EROFS: "The file system is mounted read-only. Choose another path.",
    errno.ENOSPC: "The file system is full. Free some space.",
    errno.EDQUOT: "The disk quota of the user is exhausted. Free some space.",
    errno.EFBIG: "The system does not allow this user a file of that size.",
    errno.ENOENT: "Create the directory first, with an owner and a mode that give its users access.",
    errno.ENOTDIR: "A part of the path is not a directory. Correct the path.",
    errno.EISDIR: "Name a file in it.",
    errno.ENAMETOOLONG: "Choose a shorter path.",
}


class FileError(IamError):
    """A file cannot be read or written."""

    kind = "file"


class FileChangedError(FileError):
    """The file changed after the caller read it."""

    kind = FileError.kind


@dataclass(frozen=True)
class Location:
    """A file: the descriptor of its directory, its name there, and its full path for messages."""

    directory: int
    name: str
    path: str

    def error(self, text: str, hint: str) -> FileError:
        """An error about this file. ``text`` has ``{}`` for its path."""
        return FileError(text.format(self.path), hint=hint, path=self.path)


@contextmanager
def system_errors(path: str, doing: str) -> Iterator[None]:
    """Turns an ``OSError`` into a ``FileError`` that says what to do."""
    try:
        yield
    except OSError as error:
        code = error.errno or 0
        raise FileError(
            f"Cannot {doing} {path}: {os.strerror(code)}.",
            hint=_HINTS.get(code, "Correct the cause, or choose another path."),
            path=path,
            errno=errno.errorcode.get(code, str(code)),
        ) from None


def absolute(path: str) -> str:
    """``path`` with a leading ``~`` expanded.

    Raises ``FileError`` for a relative path, because its meaning would depend on where the task runs.
    """
    try:
        full = Path(path).expanduser()
    except RuntimeError:
        raise FileError(
            f"{path}: the user does not exist or has no home directory.",
            hint="Give an absolute path instead.",
            path=path,
        ) from None
    if not full.is_absolute() or full.name in ("", "..") or path.endswith("/"):
        raise FileError(f"{path!r} is not the absolute path of a file.", hint="Begin it with / or ~/.", path=path)
    return str(full)


@contextmanager
def located(path: str, *, create: bool = False) -> Iterator[Location]:
    """Open the directory of ``path``. With ``create``, missing directories are created with mode 0700.

    Raises ``FileNotFoundError`` if a directory is missing, ``FileError`` for a symlink of another user.
    """
    parent, name = os.path.split(path)
    searched = _search(parent, create=create)
    try:
        listed = os.open(".", _LIST, dir_fd=searched)
    finally:
        os.close(searched)
    try:
        yield Location(listed, name, path)
    finally:
        os.close(listed)


def _search(path: str, *, create: bool) -> int:
    """Open a directory, one part of its path after the other. The caller closes it."""
    here, parts, links = os.open("/", _SEARCH), _parts(path), 0
    try:
        while parts:
            part = parts.pop(0)
            target = _link(here, part, path)
            if target is not None:
                links = _counted(links)
                parts = _parts(target) + parts
                part = "/" if target.startswith("/") else "."
            elif create:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o700, dir_fd=here)
            before, here = here, os.open(part, _SEARCH, dir_fd=here)
            os.close(before)
    except BaseException:
        os.close(here)
        raise
    return here


def _counted(links: int) -> int:
    if links == _MOST_LINKS:
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return links + 1


def _parts(path: str) -> list[str]:
    return [part for part in path.split("/") if part not in ("", ".")]


def _link(here: int, part: str, path: str) -> str | None:
    """The target of ``part`` if it is a symlink. It is followed if it belongs to root or to this user."""
    try:
        found = os.stat(part, dir_fd=here, follow_symlinks=False)
    except FileNotFoundError:
        return None
    if not stat.S_ISLNK(found.st_mode):
        return None
    if found.st_uid not in (0, os.geteuid()):
        raise FileError(
            f"The path {path} contains the symlink {part!r}, which belongs to another user (uid {found.st_uid}).",
            hint="Name the directory itself, because that user could change the link at any time.",
            path=path,
        )
    return os.readlink(part, dir_fd=here)
