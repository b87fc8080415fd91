# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps access tokens for the life of the process and, in files of mode 0600, from task to task.

Whatever is wrong with a file or its directory only costs a request for a new token: nothing here raises for it.
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
"""Known to this process and to those that are forked from it, and written nowhere."""

_LARGEST_FILE = 256 * 1024

_process: dict[str, CachedToken] = {}


@dataclass(frozen=True)
class CachedToken:
    """A token, the time (seconds since the epoch) from which on it is renewed, and proof of the secret that got it.

    ``mark`` is a proof that only processes of the same run can make, and tell at once.
    """

    token: str = field(repr=False)
    renew_at: float
    salt: str
    verifier: str = field(repr=False)
    mark: str = field(repr=False)

    @classmethod
    def sealed(cls, token: str, renew_at: float, secret: str) -> CachedToken:
        """A token to be given only to who shows the same ``secret``."""
        salt = os.urandom(16).hex()
        return cls(token, renew_at, salt, _verifier(secret, salt), _mark(secret, salt))

    def opened(self, secret: str) -> str | None:
        """The token, if it is fresh enough and ``secret`` is the one that got it."""
        if time.time() >= self.renew_at:
            return None
        same = hmac.compare_digest(self.mark, _mark(secret, self.salt))
        return self.token if same or hmac.compare_digest(self.verifier, _verifier(secret, self.salt)) else None


class TokenCache:
    """The place of one kind of token; ``key`` is all that decides which token comes (endpoint, client, scope ...)."""

    def __init__(self, key: tuple[str, ...], secret: str) -> None:
        self._name = hashlib.sha256(json.dumps(key).encode()).hexdigest()
        self._secret = secret
        # Without a directory every file below fails, as it would on a full disk.
        self._file = (private_directory() or Path(os.devnull)) / f"{self._name}.json"

    def load(self) -> str | None:
        """A token that can still be used."""
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
        """Forget that token, but not one that somebody else has fetched since."""
        kept = _process.get(self._name)
        if kept and kept.token == token:
            _process.pop(self._name, None)  # another thread may have been faster
        on_disk = self._read()
        if on_disk and on_disk.token == token:
            with contextlib.suppress(OSError):
                self._file.unlink()

    @contextlib.contextmanager
    def turn(self, seconds: float) -> Iterator[None]:
        """Wait until no other process fetches this token, at most ``seconds``; then go on in any case."""
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
        told: dict[str, Any] = asdict(kept)
        number = isinstance(told.pop("renew_at"), (int, float))
        texts = all(isinstance(text, str) and text.isascii() for text in told.values())
        return kept if private and texts and number else None


def private_directory() -> Path | None:
    """The directory of the cache files, made if need be; ``None`` where it would not be ours alone.

    It is ``ARITMA_TOKEN_CACHE_DIR``, else ``aritma-iam`` below ``XDG_RUNTIME_DIR`` if that is ours, else below
    ``XDG_CACHE_HOME`` or ``~/.cache``.
    """
    try:
        directory = _wanted_directory()
        directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            directory.mkdir(mode=0o700)
        return directory if _is_private(directory.lstat(), stat.S_ISDIR) else None
    except (OSError, RuntimeError):  # no home directory, or none that can be written to
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
    # Slow on purpose, for the file's sake; every request asks for its token anew, and pays for this once.
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
