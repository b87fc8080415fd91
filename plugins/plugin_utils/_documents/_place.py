# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places on servers that hold members by name. They are read with a token, and written only if that still holds."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from ...module_utils._core.errors import OptionError, StoreConflictError, StoreError
from ._replaced import Replaced, Token

if TYPE_CHECKING:
    from ._rollout import Rollout

_BEHIND, _PAUSE = 5.0, 0.1
"""Seconds that a read is repeated for, and between two of them."""

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Kind(Generic[Opened]):
    """A type of place: its members of the option that names one, those that it needs, and how to open it."""

    members: Mapping[str, Mapping[str, Any]]
    open: Callable[..., Opened]
    """Takes the given members and what the task offers. Nothing is read or sent yet."""
    needed: Sequence[str] = ()
    apart: Sequence[str] = ()
    """The members that make another place of the same name."""


def place_option(
    kinds: Mapping[str, Kind[Any]], *, default: str | None = None, required: bool = True
) -> dict[str, Any]:
    """An option such as ``store`` or ``target`` for an argument spec: the members of every kind."""
    members = {name: dict(option) for kind in kinds.values() for name, option in kind.members.items()}
    chosen = {"default": default} if default else {"required": True}
    return {
        "type": "dict",
        "required": required,
        "options": {"type": {"type": "str", "choices": list(kinds), **chosen}, **members},
    }


def members_given(kind: Kind[Any], options: Mapping[str, Any], option: str) -> dict[str, Any]:
    """The members that ``option`` gives. Raises ``OptionError`` for one that this kind lacks, or has to be given."""
    given = {name: value for name, value in options.items() if value is not None and name != "type"}
    foreign = sorted(given.keys() - kind.members.keys())
    if foreign:
        raise OptionError(
            f"{option}: type {options['type']} has no member {', '.join(foreign)}.",
            hint=f"It has: {', '.join(sorted(kind.members))}.",
            option=option,
        )
    missing = [name for name in kind.needed if not given.get(name)]
    if missing:
        raise OptionError(f"{option}: type {options['type']} needs {' and '.join(missing)}.", option=option)
    return given


class UnknownOutcomeError(StoreError):
    """The write was sent, and no answer tells whether it was carried out."""

    kind = StoreError.kind


@dataclass(frozen=True)
class Held:
    """What a place holds. ``members`` is None where there is nothing yet.

    ``notes`` stand beside the members and are no secrets: labels, annotations, metadata.
    """

    members: Mapping[str, Any] | None
    token: Token
    notes: Mapping[str, str] = field(default_factory=dict)


class Place(ABC):
    """Members on a server. It does not know what they mean.

    Every method raises ``StoreError`` with what to do about it; all that write raise ``StoreConflictError`` when the
    place is not as it was read any more.
    """

    labels: Mapping[str, str] = {}
    """Notes that it is to have."""
    workloads: Sequence[Rollout] = ()
    """What reads it and has to start anew."""

    @property
    @abstractmethod
    def where(self) -> str:
        """For messages: what begins a sentence about it."""

    @abstractmethod
    def read(self) -> Held:
        """What it holds now."""

    @abstractmethod
    def change(self, held: Held, members: Mapping[str, Any], notes: Mapping[str, str | None]) -> None:
        """Set these members and, where it can have some, these notes; remove those that are None. Others stay."""

    @abstractmethod
    def remove(self, expected: Token) -> None:
        """Remove all of it, with every earlier version."""

    def rotation_note(self, _client_id: str) -> str:
        """The name of the note that tells the rotation of what it holds of a client; empty where it has none."""
        return ""

    def stamp_note(self, _client_id: str, _lineage: str) -> str:
        """The name of the note that has the stamp of what it holds of a client; empty where it has none."""
        return ""


@dataclass(frozen=True)
class Document(Place):
    """A place that is one JSON object, written as a whole."""

    replaced: Replaced
    """What is read can be behind what was written."""

    @abstractmethod
    def check(self) -> None:
        """Return when it could be written; change nothing."""

    def read(self) -> Held:
        """What it holds now. What is known to be behind is read again for a while."""
        deadline = time.monotonic() + _BEHIND
        while True:
            late = time.monotonic() > deadline
            try:
                held = self._look()
                if late or not self.replaced.has(held.token):
                    return held
            except StoreError as error:
                # 412 of Vault: a standby that knows itself that it is behind.
                if late or error.details.get("reason") != "PreconditionFailed":
                    raise
            time.sleep(_PAUSE)

    def change(self, held: Held, members: Mapping[str, Any], notes: Mapping[str, str | None]) -> None:
        """See ``Place.change``.

        Where there are none of these notes yet it may be that there can be none: that is not tried in every run.
        """
        data = merged(held.members, members)
        changed = data != held.members
        if changed:
            self.write(data, held.token)
        noted = merged(held.notes, notes)
        if noted != held.notes and (changed or notes.keys() & held.notes.keys()):
            self._note(noted)

    def write(self, data: Mapping[str, Any], expected: Token) -> None:
        """Store ``data``, durably.

        Where an answer is lost or a step refused, what is there now tells whose it is.
        """
        try:
            written = self._put(data, expected)
        except (StoreConflictError, UnknownOutcomeError) as error:
            found = self.read()
            written = found.token
            if found.members != data:
                if isinstance(error, UnknownOutcomeError) and written == expected:
                    text = f"{self.where} was not written: {error.message}"
                    raise StoreError(text, hint="Nothing was changed: run again.", where=self.where) from None
                raise changed_meanwhile(self.where) from None
        self.replaced.note(expected, written)

    def remove(self, expected: Token) -> None:
        """See ``Place.remove``."""
        self.require(expected)
        self.replaced.note(expected, self._drop())

    def require(self, expected: Token) -> None:
        """Raise ``StoreConflictError`` when it is not as ``expected`` any more."""
        if self.read().token != expected:
            raise changed_meanwhile(self.where)

    @abstractmethod
    def _look(self) -> Held:
        """Read it, once."""

    @abstractmethod
    def _put(self, data: Mapping[str, Any], expected: Token) -> Token:
        """Write it, once. ``UnknownOutcomeError`` where no answer came."""

    @abstractmethod
    def _drop(self) -> Token:
        """Remove it; the token where there is nothing."""

    def _note(self, notes: Mapping[str, str]) -> None:
        """Replace its notes, where it can have some."""


def merged(held: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """What is there after ``changes``, in which None stands for a removal."""
    return {name: value for name, value in {**(held or {}), **changes}.items() if changes.get(name, "") is not None}


def changed_meanwhile(where: str) -> StoreConflictError:
    """The error of whoever writes over what he has not read."""
    return StoreConflictError(
        f"{where} was changed by somebody else since it was read.", hint="Run again.", where=where
    )


def bad_certificate(where: str, option: str) -> StoreError:
    """The error of a server that is not known to be who it says."""
    hint = f"Name the certificate authority in {option}.ca_path."
    return StoreError(
        f"{where}: the certificate of the server does not verify.", hint=hint, where=where, reason="SSLError"
    )


def no_answer(where: str, doing: str, error: Exception, hint: str, kind: type[StoreError] = StoreError) -> StoreError:
    """The error of a server that did not answer, by the type of the exception alone: its text can repeat a request."""
    reason = type(error).__name__
    text = f"{where}: cannot {doing}: the server did not answer ({reason})."
    return kind(text, hint=hint, where=where, reason=reason)
