# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What we replaced a moment ago. A read that still shows it comes from a copy that is behind, and is repeated.

Known to the process and, for other tasks and runs of this user, in a file beside the token cache. It holds tokens of
versions and times, no secret. Whatever is wrong with the file only costs this help.
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
"""Stands for what a place held when it was read; only the place that gave it can tell more."""
_REMEMBERED = 60.0
"""Seconds: no copy is behind for longer."""

_process: dict[str, dict[Token, float]] = {}


class Replaced:
    """The tokens that one place no longer has. ``older`` tells whether the first of two tokens was made before."""

    def __init__(self, *place: str, older: Callable[[Token, Token], bool] = operator.eq) -> None:
        self._name = f"replaced-{hashlib.sha256(json.dumps(place).encode()).hexdigest()}.json"
        self._older = older

    def note(self, old: Token, new: Token) -> None:
        """Remember that ``new`` took the place of ``old``."""
        known = {**self._known(), old: time.time()}
        known.pop(new, None)
        _process[self._name] = known
        with suppress(OSError, RuntimeError):
            replace_private(self._file(), json.dumps(known))

    def has(self, token: Token) -> bool:
        """Whether ``token`` is of what was replaced."""
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
