# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests that a `pause` rule pauses until a test resumes them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Pause:
    """One paused request."""

    name: str
    phase: str
    entry: dict[str, Any]
    released: asyncio.Event = field(default_factory=asyncio.Event)
    drop: bool = False


class Pauses:
    """The paused requests, oldest first."""

    def __init__(self) -> None:
        self._paused: list[Pause] = []
        self._changed = asyncio.Event()

    async def pause(self, name: str, phase: str, entry: dict[str, Any]) -> bool:
        """Pause a request until it is resumed. Returns whether to drop its connection then."""
        pause = Pause(name, phase, entry)
        self._paused.append(pause)
        self._changed.set()
        await pause.released.wait()
        return pause.drop

    def shown(self) -> list[dict[str, Any]]:
        """The paused requests, for the control API."""
        members = ("seq", "operation", "method", "path", "client_id")
        return [
            {"name": pause.name, "phase": pause.phase, **{key: pause.entry.get(key) for key in members}}
            for pause in self._paused
        ]

    async def wait(self, seconds: float) -> None:
        """Wait until a request is paused, at most this long."""
        if self._paused:
            return
        self._changed.clear()
        try:
            await asyncio.wait_for(self._changed.wait(), seconds)
        except TimeoutError:
            return

    def resume(self, *, name: str | None = None, seq: int | None = None, drop: bool = False) -> int:
        """Resume all requests, those of a rule's name, or the one with this `seq`. Returns how many."""
        chosen = [
            pause
            for pause in self._paused
            if (name is None or pause.name == name) and (seq is None or pause.entry["seq"] == seq)
        ]
        for pause in chosen:
            self._paused.remove(pause)
            pause.drop = drop
            pause.released.set()
        return len(chosen)
