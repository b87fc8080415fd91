# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party libraries, guarded in one place so that their absence is an answer and not a traceback.

Import ``requests`` and pydantic names from here. Where one of them is missing, its names are stand-ins that let a class
body be read; ``require`` then says what to install, before anything is used. What only some stores and deliveries need
is imported by ``library`` when it is used.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import Any

from .errors import LibraryError

MISSING: dict[str, str] = {}
"""Import name of each missing library, with the traceback of the attempt."""


OLD: dict[str, str] = {}
"""Import name of each library that is there in a version that lacks what is needed, with that version."""


def _version(name: str) -> str:
    try:
        return str(getattr(import_module(name), "VERSION", ""))
    except ImportError:
        return ""


def require(libraries: tuple[str, ...]) -> None:
    """Raise ``LibraryError`` for the first library out of ``libraries`` that cannot be imported here."""
    for name in libraries:
        if OLD.get(name):
            raise LibraryError(
                f"{name} {OLD[name]} is installed in {sys.executable}, which is too old.",
                hint="Install version 2.5 or newer.",
                library=name,
            )
        if name in MISSING:
            raise _missing(name, MISSING[name].splitlines()[-1])


def library(name: str, package: str = "") -> Any:
    """The module ``name``. Raises ``LibraryError`` with what to install: ``package``, or what the name begins with."""
    try:
        return import_module(name)
    except ImportError as error:
        raise _missing(package or name.partition(".")[0], str(error)) from None


def _missing(name: str, reason: str) -> LibraryError:
    # Deferred, so that what only plans and compares needs no Ansible.
    from ansible.module_utils.basic import missing_required_lib

    return LibraryError(missing_required_lib(name), library=name, import_error=reason)


class _Absent:
    """Stands where a name of a missing library would: it can be called, used as a decorator and as a base class."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __call__(self, *_args: Any, **_kwargs: Any) -> _Absent:
        return self


try:
    import requests
    from urllib3.exceptions import NewConnectionError
    from urllib3.util import Retry
except ImportError:
    MISSING["requests"] = traceback.format_exc()
    globals().update(requests=None, NewConnectionError=_Absent, Retry=_Absent)

try:
    from pydantic import (
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Field,
        PlainSerializer,
        ValidationError,
        model_validator,
    )
except ImportError:
    MISSING["pydantic"] = traceback.format_exc()
    OLD["pydantic"] = _version("pydantic")
    _PYDANTIC = ("BaseModel", "BeforeValidator", "ConfigDict", "Field", "PlainSerializer", "model_validator")
    # The error is never raised: nothing is validated without pydantic.
    globals().update(dict.fromkeys(_PYDANTIC, _Absent), ValidationError=type("ValidationError", (Exception,), {}))

__all__ = [
    "MISSING",
    "BaseModel",
    "BeforeValidator",
    "ConfigDict",
    "Field",
    "NewConnectionError",
    "PlainSerializer",
    "Retry",
    "ValidationError",
    "library",
    "model_validator",
    "requests",
    "require",
]
