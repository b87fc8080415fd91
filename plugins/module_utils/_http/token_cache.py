# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps access tokens in memory and, in files of mode 0600, from task to task.

No fault of a file or its directory is an error: a new token is fetched instead.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import hmac
import json
import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .._files.private_file import replace_private

_ROUNDS = 5_000
"""PBKDF2 rounds of the verifier: about 5 ms."""

_RUN = os.urandom(32)
"""A key that only this process and its forks know. It is never written."""

_LARGEST_FILE = 256 * 1024

_process: dict[str, CachedToken] = {}


@dataclass(frozen=True)
class CachedToken:
    """A token, and two proofs of the secret that it was issued for. ``renew_at`` is in seconds since 1970.

    ``verifier`` is slow to compute. ``mark`` is fast, but only processes of the same run can compute it.
    """

    token: str = field(repr=False)
    renew_at: float
    salt: str
    verifier: str = field(repr=False)
    mark: str = field(repr=False)

    @classmethod
    def sealed(cls, token: str, renew_at: float, secret: str) -> CachedToken:
        """A token that ``opened`` returns only for the same ``secret``."""
        salt = os.urandom(16).hex()
        return cls(token, renew_at, salt, _verifier(secret, salt), _mark(secret, salt))

    def opened(self, secret: str) -> str | None:
        """The token, if it need not be renewed yet and was issued for ``secret``."""
        if time.time() >= self.renew_at:
            return None
        same = hmac.compare_digest(self.mark, _mark(secret, self.salt))
        return self.token if same or hmac.compare_digest(self.verifier, _verifier(secret, self.salt)) else None


class TokenCache:
    """The cached token for one ``key``: the endpoint, client, scope and trust settings of its request."""

    def __init__(self, key: tuple[str, ...], secret: str) -> None:
        self._name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        self._secret = secret
        # Without a directory, reads and writes fail, and these errors are ignored.
        self._file = (private_directory() or Path(os.devnull)) / f"{self._name}.json"

    def load(self) -> str | None:
        """The token, if one is cached and need not be renewed yet."""
        kept = _process.get(self._name)
        token = kept.opened(self._secret) if kept else None
        if token is None:
            kept = self._read()
            token = kept.opened(self._secret) if kept else None
            if kept and token:
                _process[self._name] = kept
        return token

    def store(self, token: str, renew_at: float) -> None:
        """Keep a token until ``renew_at``."""
        kept = CachedToken.sealed(token, renew_at, self._secret)
        _process[self._name] = kept
        with contextlib.suppress(OSError):
            replace_private(self._file, json.dumps(asdict(kept)))

    def drop(self, token: str) -> None:
        """Remove that token, but not a newer one that another process has fetched."""
        kept = _process.get(self._name)
        if kept and kept.token == token:
            _process.pop(self._name, None)  # another thread may already have removed it
        on_disk = self._read()
        if on_disk and on_disk.token == token:
            with contextlib.suppress(OSError):
                self._file.unlink()

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait until no other process fetches this token, for at most ``seconds``."""
        with contextlib.ExitStack() as held:
            with contextlib.suppress(OSError):
                flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
                descriptor = os.open(self._file.with_suffix(".lock"), flags, 0o600)
                held.callback(os.close, descriptor)
                _lock(descriptor, seconds)
            yield

    def _read(self) -> CachedToken | None:
        try:
            with os.fdopen(os.open(self._file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), encoding="utf-8") as file:
                private = _is_private(os.fstat(file.fileno()), stat.S_ISREG)
                kept = CachedToken(**json.loads(file.read(_LARGEST_FILE)))
        except (OSError, ValueError, TypeError, RecursionError):
            return None
        fields: dict[str, Any] = asdict(kept)
        number = isinstance(fields.pop("renew_at"), (int, float))
        texts = all(isinstance(text, str) and text.isascii() for text in fields.values())
        return kept if private and texts and number else None


def private_directory() -> Path | None:
    """Create the directory of the cache files if needed, and return it; None if others could access it.

    It is ``ARITMA_TOKEN_CACHE_DIR``, else ``aritma-iam`` in ``XDG_RUNTIME_DIR`` if this user owns that, else in
    ``XDG_CACHE_HOME`` or ``~/.cache``.
    """
    try:
        directory = _wanted_directory()
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        return directory if _is_private(directory.lstat(), stat.S_ISDIR) else None
    except (OSError, RuntimeError):  # there is no home directory, or it is not writable
        return None


def _wanted_directory() -> Path:
    given = os.environ.get("ARITMA_TOKEN_CACHE_DIR")
    if given:
        return Path.cwd() / Path(given).expanduser()
    runtime, cache = (Path(os.environ.get(name, "")) for name in ("XDG_RUNTIME_DIR", "XDG_CACHE_HOME"))
    with contextlib.suppress(OSError):
        if runtime.is_absolute() and runtime.stat().st_uid == os.geteuid():
            return runtime / "aritma-iam"
    return (cache if cache.is_absolute() else Path("~/.cache").expanduser()) / "aritma-iam"


def _is_private(status: os.stat_result, right_kind: Callable[[int], bool]) -> bool:
    return right_kind(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & 0o077


@functools.lru_cache(maxsize=8)
def _verifier(secret: str, salt: str) -> str:
    # Slow on purpose, since the result is in a file. Cached, since every request loads its token.
    return hashlib.pbkdf2_hmac("sha256", secret.encode(), salt.encode(), _ROUNDS).hex()


def _mark(secret: str, salt: str) -> str:
    return hmac.digest(_RUN, f"{salt} {secret}".encode(), "sha256").hex()


def _lock(descriptor: int, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.02)
