# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one family of errors. Every message says what happened, to which thing, and what to do; none holds a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


class IamError(Exception):
    """Something that the person who runs the play must know.

    ``message`` says what happened and to which thing, ``hint`` what to do. ``details`` are plain values for machines
    (operation, status, expected, received ...); they become the ``failure`` member of the task's result.
    """

    kind = "error"
    """What it is called in a result: the name of its class in small letters, such as ``not_found``."""

    def __init__(self, message: str, *, hint: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __init_subclass__(cls) -> None:
        words = re.findall("[A-Z][a-z]+", cls.__name__.removesuffix("Error"))
        cls.kind = vars(cls).get("kind", "_".join(words).lower())

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()

    def to_result(self) -> dict[str, Any]:
        """The members that a failed task shows: ``msg`` for people, ``failure`` for machines."""
        return {"msg": str(self), "failure": {"kind": self.kind, **self.details}}


class OptionError(IamError):
    """An option has a value that cannot be used. Nothing was sent."""


class LibraryError(IamError):
    """A Python library that is needed here is not installed."""


class TransportError(IamError):
    """No answer that could be read came back, within the budget. Nothing is known to have been done."""


class AmbiguousError(TransportError):
    """The request may have been carried out, but its answer was lost: look before you repeat it."""


class ApiError(IamError):
    """The server answered with an error status. ``status`` is the HTTP status code."""

    def __init__(self, message: str, *, status: int, hint: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, status=status, **details)
        self.status = status


class AuthenticationError(ApiError):
    """The admin credential was refused: by the token endpoint, or by the API with 401."""


class PermissionDeniedError(ApiError):
    """The admin credential is good but may not do this: 403."""

    kind = "permission"


class NotFoundError(ApiError):
    """There is no such thing: 404."""


class MissingError(IamError):
    """What an option names does not exist, as far as the lists tell."""


class NotOfferedError(ApiError):
    """The server does not have this operation, as far as its answer tells."""


class ConflictError(ApiError):
    """The server says that this contradicts what it holds: 409."""


class ContractError(IamError):
    """The server's answer does not have the shape that this collection knows how to read."""


class AmbiguousNameError(IamError):
    """A name that should identify one thing matches several."""


class RefusedError(IamError):
    """A guard refuses to do what was asked, because it could leave a service without valid credentials."""


class BlockedError(IamError):
    """Going on with a rotation would be a guess. Nothing was deleted."""


class StoreError(IamError):
    """The credential store cannot be read or written, or holds something that cannot be used."""


class StoreConflictError(StoreError):
    """The record was changed by somebody else between read and write, or another run holds its lease."""


class DeliveryError(IamError):
    """A credential could not be delivered to where the service reads it."""


class HostError(IamError):
    """The host of a task cannot be reached, or cannot run a module."""


class VerdictError(IamError):
    """The token endpoint did not say of a credential what was expected. ``members`` stand beside the message."""

    def __init__(self, message: str, *, members: Mapping[str, Any], hint: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.members = members

    def to_result(self) -> dict[str, Any]:
        """As ``IamError.to_result``, with the documented return values of the exchange."""
        return {**self.members, **super().to_result()}
