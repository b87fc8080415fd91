# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places on servers that hold members by name. A read returns a token; a write is refused if the token has changed."""

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

_STALE_WAIT, _PAUSE = 5.0, 0.1
"""Seconds for which an outdated read is repeated, and between two reads."""

Opened = TypeVar("Opened")


@dataclass(frozen=True)
class Kind(Generic[Opened]):
    """A type of place: the members of its option, the required ones, and a function to open it."""

    members: Mapping[str, Mapping[str, Any]]
    open: Callable[..., Opened]
    """Takes the given members and the context of the task. Does not access the place."""
    needed: Sequence[str] = ()
    apart: Sequence[str] = ()
    """The members that distinguish places of the same name, such as the server."""


def place_option(
    kinds: Mapping[str, Kind[Any]], *, default: str | None = None, required: bool = True
) -> dict[str, Any]:
    """An option such as ``store`` or ``target`` for an argument spec, with the members of all kinds."""
    members = {name: dict(option) for kind in kinds.values() for name, option in kind.members.items()}
    chosen = {"default": default} if default else {"required": True}
    return {
        "type": "dict",
        "required": required,
        "options": {"type": {"type": "str", "choices": list(kinds), **chosen}, **members},
    }


def members_given(kind: Kind[Any], options: Mapping[str, Any], option: str) -> dict[str, Any]:
    """The given members of ``option``. Raises ``OptionError`` for an unknown member, or a missing required one."""
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
    """The write was sent, but it is not known whether it was carried out."""

    kind = StoreError.kind


@dataclass(frozen=True)
class Held:
    """The content of a place. ``members`` is None if there is nothing yet.

    ``notes`` are labels, annotations or metadata beside the members. They are not secret.
    """

    members: Mapping[str, Any] | None
    token: Token
    notes: Mapping[str, str] = field(default_factory=dict)


class Place(ABC):
    """Members on a server. Their meaning does not matter here.

    Every method raises ``StoreError``, which says what to do. Methods that write raise ``StoreConflictError`` if the
    place has changed since it was read.
    """

    labels: Mapping[str, str] = {}
    """Notes that the place should have."""
    workloads: Sequence[Rollout] = ()
    """Workloads that read the place and must be restarted."""

    @property
    @abstractmethod
    def where(self) -> str:
        """The place in words, as the beginning of a message."""

    @abstractmethod
    def read(self) -> Held:
        """The current content."""

    @abstractmethod
    def change(self, held: Held, members: Mapping[str, Any], notes: Mapping[str, str | None]) -> None:
        """Set these members and, if supported, these notes. Remove those that are None. Others are kept."""

    @abstractmethod
    def remove(self, expected: Token) -> None:
        """Remove the place with all its versions."""

    def rotation_note(self, _client_id: str) -> str:
        """The name of the note with the rotation id of a client; empty if the place has none."""
        return ""

    def stamp_note(self, _client_id: str, _lineage: str) -> str:
        """The name of the note with the stamp of a client; empty if the place has none."""
        return ""


@dataclass(frozen=True)
class Document(Place):
    """A place that is one JSON object, written as a whole."""

    replaced: Replaced
    """The versions that were recently replaced. A read may still return one."""

    @abstractmethod
    def check(self) -> None:
        """Raise unless the document could be written. Changes nothing."""

    def read(self) -> Held:
        """The current content. If an answer is known to be outdated, the read is repeated for a while."""
        deadline = time.monotonic() + _STALE_WAIT
        while True:
            late = time.monotonic() > deadline
            try:
                held = self._look()
                if late or not self.replaced.has(held.token):
                    return held
            except StoreError as error:
                # Status 412 of Vault: a standby says that it is behind.
                if late or error.details.get("reason") != "PreconditionFailed":
                    raise
            time.sleep(_PAUSE)

    def change(self, held: Held, members: Mapping[str, Any], notes: Mapping[str, str | None]) -> None:
        """See ``Place.change``.

        If the place has none of these notes yet, it may not support them. So they are only written with a change.
        """
        data = merged(held.members, members)
        changed = data != held.members
        if changed:
            self.write(data, held.token)
        noted = merged(held.notes, notes)
        if noted != held.notes and (changed or notes.keys() & held.notes.keys()):
            self._note(noted)

    def write(self, data: Mapping[str, Any], expected: Token) -> None:
        """Write ``data`` durably.

        If an answer is lost or a step is refused, the current content shows whether the write was carried out.
        """
        try:
            written = self._put(data, expected)
        except (StoreConflictError, UnknownOutcomeError) as error:
            found = self.read()
            written = found.token
            if found.members != data:
                if isinstance(error, UnknownOutcomeError) and written == expected:
                    text = f"{self.where} was not written: {error.message}"
                    raise StoreError(text, hint="Nothing was changed. Run again.", where=self.where) from None
                raise changed_meanwhile(self.where) from None
        self.replaced.note(expected, written)

    def remove(self, expected: Token) -> None:
        """See ``Place.remove``."""
        self.require(expected)
        self.replaced.note(expected, self._drop())

    def require(self, expected: Token) -> None:
        """Raise ``StoreConflictError`` if the token is no longer ``expected``."""
        if self.read().token != expected:
            raise changed_meanwhile(self.where)

    @abstractmethod
    def _look(self) -> Held:
        """Read the document once."""

    @abstractmethod
    def _put(self, data: Mapping[str, Any], expected: Token) -> Token:
        """Write the document once. Raises ``UnknownOutcomeError`` if no answer came."""

    @abstractmethod
    def _drop(self) -> Token:
        """Remove the document. Returns the token of a missing one."""

    def _note(self, notes: Mapping[str, str]) -> None:
        """Replace the notes, if they are supported."""


def merged(held: Mapping[str, Any] | None, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The members after ``changes``, in which None means a removal."""
    return {name: value for name, value in {**(held or {}), **changes}.items() if changes.get(name, "") is not None}


def changed_meanwhile(where: str) -> StoreConflictError:
    """The error for a place that has changed since it was read."""
    return StoreConflictError(f"{where} has changed since it was read.", hint="Run again.", where=where)


def bad_certificate(where: str, option: str) -> StoreError:
    """The error for a server with a certificate that is not trusted."""
    hint = f"Name the certificate authority in {option}.ca_path."
    return StoreError(
        f"{where}: the certificate of the server is not trusted.", hint=hint, where=where, reason="SSLError"
    )


def no_answer(where: str, doing: str, error: Exception, hint: str, kind: type[StoreError] = StoreError) -> StoreError:
    """The error for a server that did not answer. It shows only the type of the exception, not its text."""
    reason = type(error).__name__
    text = f"{where}: cannot {doing}: the server did not answer ({reason})."
    return kind(text, hint=hint, where=where, reason=reason)
