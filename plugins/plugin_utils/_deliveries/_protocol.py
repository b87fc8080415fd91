# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a target of a delivery is: a place on a server where a service reads its credential as named members."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import Token


@dataclass(frozen=True)
class Held:
    """What a target holds. ``members`` is None where there is nothing yet.

    ``marks`` are no secrets: labels and annotations, which a diff may show.
    """

    members: Mapping[str, Any] | None
    token: Token
    marks: Mapping[str, str] = field(default_factory=dict)


class Target(Protocol):
    """One place. Members that others keep there are left as they are.

    Every method raises ``StoreError`` with what to do about it; ``put`` and ``drop`` raise ``StoreConflictError`` when
    the place is not as ``held`` any more.
    """

    @property
    def where(self) -> str:
        """For messages: what begins a sentence about it."""

    def marks(self, rotation_id: str) -> Mapping[str, str]:
        """The marks that a delivery of this rotation has here."""

    def read(self) -> Held:
        """What it holds now."""

    def put(self, held: Held, members: Mapping[str, str], marks: Mapping[str, str]) -> None:
        """Set these members and marks."""

    def drop(self, held: Held, names: Collection[str]) -> None:
        """Remove these members, and the whole place when it holds no others."""

    def outdated(self, rotation_id: str) -> Sequence[str]:
        """What reads the place and was not started anew for this rotation yet, for messages."""

    def roll_out(self, rotation_id: str) -> None:
        """Start anew what is outdated, and wait until it runs."""


@dataclass(frozen=True)
class TargetType:
    """A type of target: the members of the option ``target`` that are its own, which it needs, and how to open it."""

    members: Mapping[str, Mapping[str, Any]]
    needed: Sequence[str]
    open: Callable[[Mapping[str, Any], Any], Target]
    """Takes the given members and Ansible's data loader; nothing is sent yet."""
