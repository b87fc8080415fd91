# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a document is: one JSON object in some place, read with a token and written only if that token still holds."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import StoreConflictError, StoreError
from ._replaced import Replaced, Token


class UnknownOutcomeError(StoreError):
    """The write was sent, and no answer tells whether it was carried out."""


@dataclass(frozen=True)
class Document(ABC):
    """A JSON object on a server. It knows nothing of what the object means.

    Every method raises ``StoreError`` with what to do about it.
    """

    replaced: Replaced
    """What is read can be behind what was written."""

    @property
    @abstractmethod
    def where(self) -> str:
        """For messages: what begins a sentence about it."""

    @abstractmethod
    def read(self) -> tuple[Mapping[str, Any] | None, Token]:
        """The object, or None where there is none, and the token to write it with."""

    @abstractmethod
    def check(self) -> None:
        """Return when it could be written; change nothing."""

    def write(self, data: Mapping[str, Any], expected: Token) -> None:
        """Store ``data``, durably. Raises ``StoreConflictError`` when the place is not as ``expected`` any more.

        Where an answer is lost or a step refused, what is there now tells whose it is.
        """
        try:
            written = self._put(data, expected)
        except (StoreConflictError, UnknownOutcomeError) as error:
            found, written = self.read()
            if found != data:
                if isinstance(error, UnknownOutcomeError) and written == expected:
                    raise not_written(self.where, error.message) from None
                raise changed_meanwhile(self.where) from None
        self.replaced.note(expected, written)

    def remove(self, expected: Token) -> None:
        """Remove the object, with every earlier version of it. Raises as ``write`` does."""
        self.require(expected)
        self.replaced.note(expected, self._drop())

    def require(self, expected: Token) -> None:
        """Raise ``StoreConflictError`` when the place is not as ``expected`` any more."""
        if self.read()[1] != expected:
            raise changed_meanwhile(self.where)

    @abstractmethod
    def _put(self, data: Mapping[str, Any], expected: Token) -> Token:
        """Write it, once. ``UnknownOutcomeError`` where no answer came."""

    @abstractmethod
    def _drop(self) -> Token:
        """Remove it; the token where there is nothing."""


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


def not_written(where: str, reason: str) -> StoreError:
    """The error of a write that is known not to have been carried out."""
    return StoreError(f"{where} was not written: {reason}", hint="Nothing was changed: run again.", where=where)
