# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All errors of the collection. A message says what happened, to which object, and what to do. It holds no secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any


class IamError(Exception):
    """The base class: something that the person who runs the play must know.

    ``message`` says what happened and to which object, ``hint`` what to do. ``details`` are plain values for machines
    (operation, status, expected, received ...). The task returns them as ``failure``.
    """

    kind = "error"
    """The name in a result: the class name in lower case without ``Error``, such as ``not_found``."""

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
        """The return values of the failed task: ``msg`` for people, ``failure`` for machines."""
        return {"msg": str(self), "failure": {"kind": self.kind, **self.details}}


class OptionError(IamError):
    """An option has an invalid value. Nothing was sent."""


class LibraryError(IamError):
    """A required Python library is missing or too old."""


class TransportError(IamError):
    """No readable answer came within the retry budget. Nothing is known to have been done."""


class AmbiguousError(TransportError):
    """The request may have been carried out, but its answer was lost. Check before you repeat it."""


class ApiError(IamError):
    """The server answered with an error status. ``status`` is the HTTP status code."""

    def __init__(self, message: str, *, status: int, hint: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, status=status, **details)
        self.status = status


class AuthenticationError(ApiError):
    """The token endpoint refused the admin credential, or the API answered 401."""


class PermissionDeniedError(ApiError):
    """The admin credential is valid but lacks the permission: 403."""

    kind = "permission"


class NotFoundError(ApiError):
    """The object does not exist: 404."""


class MissingError(IamError):
    """No list shows the object that an option names."""


class NotOfferedError(ApiError):
    """The answer says that the server does not support this operation."""


class ConflictError(ApiError):
    """The request conflicts with an object on the server: 409."""


class ContractError(IamError):
    """The answer of the server has a format that this collection cannot read."""


class AmbiguousNameError(IamError):
    """A name that should identify one object matches several."""


class RefusedError(IamError):
    """The request was refused because it could leave a service without valid credentials."""


class BlockedError(IamError):
    """It is not certain how to continue a rotation. Nothing was deleted."""


class StoreError(IamError):
    """The credential store cannot be read or written, or its content is invalid."""


class StoreConflictError(StoreError):
    """Somebody else changed the record between read and write, or another run holds its lease."""


class DeliveryError(IamError):
    """A credential could not be delivered to a target."""


class HostError(IamError):
    """The host of a task cannot be reached, or cannot run a module."""


class VerdictError(IamError):
    """The token endpoint did not give the expected verdict. ``members`` are returned beside the message."""

    def __init__(self, message: str, *, members: Mapping[str, Any], hint: str = "", **details: Any) -> None:
        super().__init__(message, hint=hint, **details)
        self.members = members

    def to_result(self) -> dict[str, Any]:
        """Like ``IamError.to_result``, with the documented return values of the exchange."""
        return {**self.members, **super().to_result()}
