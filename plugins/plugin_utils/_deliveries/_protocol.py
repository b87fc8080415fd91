# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target of a delivery is: a place on a server that a service reads, and that others may keep things in too."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...module_utils._delivery.fence import Stamp
from .._documents._replaced import Token


@dataclass(frozen=True)
class Delivery:
    """What is delivered: members under their delivered names, of which client and rotation, and the stamp for it."""

    members: Mapping[str, str]
    client_id: str = ""
    rotation_id: str = ""
    stamp: Stamp | None = None


@dataclass(frozen=True)
class Held:
    """What a target holds. ``members`` is None where there is nothing yet.

    ``marks`` are no secrets: labels and annotations, which a diff may show. ``stamp`` is that of the same client, and
    one of the ``notes`` where the place has such.
    """

    members: Mapping[str, Any] | None
    token: Token
    marks: Mapping[str, str] = field(default_factory=dict)
    stamp: Stamp | None = None
    notes: Mapping[str, str] = field(default_factory=dict)


class Workload(Protocol):
    """What reads a place, and has to start anew for each rotation. Every method raises ``StoreError``."""

    @property
    def title(self) -> str:
        """For messages and results."""

    def require_ready(self, *, whole: bool) -> None:
        """Return when it would start anew; with ``whole``, when all of it runs now as well."""

    def outdated(self, delivery: Delivery) -> bool:
        """Whether it was not started anew for this rotation yet; an error where it would not start."""

    def start(self, delivery: Delivery) -> None:
        """Start it anew; nothing happens where it was."""

    def wait(self) -> None:
        """Return when all of it runs anew."""


class Target(Protocol):
    """One place. Members that others keep there are left as they are.

    Every method raises ``StoreError`` with what to do about it; all that write raise ``StoreConflictError`` when the
    place is not as ``held`` any more.
    """

    @property
    def where(self) -> str:
        """For messages: what begins a sentence about it."""

    @property
    def workloads(self) -> Sequence[Workload]:
        """What reads it and has to start anew."""

    def marks(self, delivery: Delivery) -> Mapping[str, str]:
        """The marks that this delivery has here."""

    def read(self, delivery: Delivery) -> Held:
        """What it holds now."""

    def put(self, held: Held, delivery: Delivery) -> None:
        """Set members, marks and, where the place can have one, the stamp."""

    def restamp(self, held: Held, delivery: Delivery) -> None:
        """Set the stamp alone, where the place can have one."""

    def drop(self, held: Held, delivery: Delivery) -> None:
        """Remove the members, and the whole place when it holds no others."""


def remaining(held: Held, names: Collection[str]) -> dict[str, Any]:
    """What a place holds of others."""
    return {name: value for name, value in (held.members or {}).items() if name not in names}


@dataclass(frozen=True)
class TargetType:
    """A type of target: the members of the option ``target`` that are its own, which it needs, and how to open it."""

    members: Mapping[str, Mapping[str, Any]]
    needed: Sequence[str]
    open: Callable[[Mapping[str, Any], Any], Target]
    """Takes the given members and Ansible's data loader; nothing is sent yet."""
