# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remembers recently replaced versions. A read that returns one comes from an outdated copy, and is repeated.

They are kept in memory and, for other tasks and runs of this user, in a file beside the token cache. It holds tokens of
versions and times, but no secrets. A fault of the file is ignored.
"""

from __future__ import annotations

import hashlib
import json
import operator
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ...module_utils._files.private_file import replace_private
from ...module_utils._http.token_cache import private_directory

Token = str
"""Identifies the version of a place that was read. Only the place can interpret it."""
_REMEMBERED = 60.0
"""Seconds for which a version is remembered. Copies are not outdated for longer."""

_process: dict[str, dict[Token, float]] = {}


class Replaced:
    """The replaced tokens of one place. ``older`` says whether the first of two tokens is older than the second."""

    def __init__(self, *place: str, older: Callable[[Token, Token], bool] = operator.eq) -> None:
        self._name = f"replaced-{hashlib.sha256(json.dumps(place).encode()).hexdigest()}.json"
        self._older = older

    def note(self, old: Token, new: Token) -> None:
        """Remember that ``new`` replaced ``old``."""
        known = {**self._known(), old: time.time()}
        known.pop(new, None)
        _process[self._name] = known
        with suppress(OSError, RuntimeError):
            replace_private(self._file(), json.dumps(known))

    def has(self, token: Token) -> bool:
        """Whether ``token`` has been replaced."""
        return any(token == each or self._older(token, each) for each in self._known())

    def _known(self) -> dict[Token, float]:
        now, known = time.time(), dict(_process.get(self._name, {}))
        with suppress(OSError, RuntimeError, AttributeError, TypeError, ValueError):
            known |= {token: float(at) for token, at in json.loads(self._file().read_text("utf-8")).items()}
        return {token: at for token, at in known.items() if now - _REMEMBERED < at <= now}

    def _file(self) -> Path:
        directory = private_directory()
        if directory is None:
            raise OSError
        return directory / self._name
