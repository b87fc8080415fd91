# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a run that was suspended or overtaken from restoring a secret that another run has replaced.

Each promotion raises the generation of a lineage. Places that can hold a stamp keep the generation of their secret, and
refuse an older one. No run writes after its lease has ended.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._core.errors import DeliveryError, OptionError
from .._core.time import parse_timestamp

STARTED = time.monotonic()
"""The start of this process. A module on a host counts from here, because its clock may differ."""

FENCE_OPTIONS: dict[str, dict[str, Any]] = {
    "lineage": {"type": "str"},
    "generation": {"type": "int"},
    "not_after": {"type": "str"},
}


@dataclass(frozen=True)
class Stamp:
    """The lineage and the generation of the secret in a place."""

    lineage: str
    generation: int

    def __str__(self) -> str:
        return f"{self.generation} {self.lineage}"

    @classmethod
    def parse(cls, text: str) -> Stamp | None:
        """Read a stamp from its ``str``; None for any other text."""
        generation, _blank, lineage = text.partition(" ")
        return cls(lineage, int(generation)) if lineage and generation.isdecimal() and len(generation) < 19 else None

    def is_newer_than(self, other: Stamp) -> bool:
        """Whether this is a later generation of the same lineage."""
        return self.lineage == other.lineage and self.generation > other.generation


@dataclass(frozen=True)
class Fence:
    """When a delivery may write. On a host, ``granted`` (seconds from ``STARTED``) replaces ``not_after``."""

    stamp: Stamp | None
    not_after: str | None
    granted: float | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Fence:
        """From the options of a delivery. Raises ``OptionError``."""
        lineage, generation = params["lineage"], params["generation"]
        if generation is not None and not lineage:
            raise OptionError("generation is given without lineage.", hint="Give lineage too.", option="lineage")
        seconds_left(params["not_after"])
        stamp = None if generation is None else Stamp(lineage, generation)
        return cls(stamp, params["not_after"], params.get("seconds_left"))

    def admit(self, held: Stamp | None, where: str) -> None:
        """Raise ``DeliveryError`` if a write to ``where``, which has the stamp ``held``, would be too late."""
        self.require_newest(held, where)
        require_in_time(self.not_after, self.granted)

    def require_newest(self, held: Stamp | None, where: str) -> None:
        """Raise ``DeliveryError`` if ``where`` has a later generation."""
        if held is not None and self.stamp is not None and held.is_newer_than(self.stamp):
            raise DeliveryError(
                f"{where} holds a newer secret (generation {held.generation}) than the one to be delivered (generation"
                f" {self.stamp.generation}). Nothing was written.",
                hint="Another run has rotated the secret meanwhile. If the credential store was restored from a backup"
                " instead, set service_client_recover=true.",
                lineage=held.lineage,
                generation=self.stamp.generation,
                held=held.generation,
            )

    def renews(self, held: Stamp | None) -> bool:
        """Whether a place with the stamp ``held`` needs another stamp."""
        return self.stamp is not None and held != self.stamp


def seconds_left(not_after: str | None) -> float | None:
    """Seconds until ``not_after`` (RFC 3339); None for no limit. Raises ``OptionError`` for an invalid time."""
    if not not_after:
        return None
    try:
        return parse_timestamp(not_after).timestamp() - time.time()
    except ValueError:
        raise OptionError(
            f"not_after: {not_after!r} is not a time.", hint="Write it as 2027-03-24T10:00:00Z.", option="not_after"
        ) from None


def require_in_time(not_after: str | None, granted: float | None = None) -> None:
    """Raise ``DeliveryError`` after ``not_after``, or if the run of this worker process was killed.

    ``granted`` are the seconds that a module on a host has from its start.
    """
    left, parent, reason = seconds_left(not_after), multiprocessing.parent_process(), ""
    if (left is not None and left < 0) or (granted is not None and time.monotonic() - STARTED > granted):
        reason = "The lease of this run ended before the secret could be written."
    elif parent is not None and parent.pid != os.getppid():
        reason = "The run of this task was killed."
    if reason:
        message = f"{reason} Another run may have replaced the secret since. Nothing was written."
        raise DeliveryError(message, hint="Run again.", late=True)
