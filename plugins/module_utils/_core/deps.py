# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports third-party libraries in one place, so that a missing or broken one gives a clear error and no traceback.

Import ``requests`` and pydantic names from here. If a library is missing, placeholders stand for its names, so that
modules can still be imported; ``require`` then says what to install. ``library`` imports what only some stores and
deliveries need, when they need it. A library that is broken can raise anything: pydantic raises ``SystemError`` if
pydantic-core is of another version.
"""

from __future__ import annotations

import sys
import traceback
from importlib import import_module
from typing import Any

from .errors import LibraryError

MISSING: dict[str, str] = {}
"""The traceback of the failed import, by the import name of the library."""


OLD: dict[str, str] = {}
"""The version of each library that is installed but too old, by import name."""


def _version(name: str) -> str:
    try:
        return str(getattr(import_module(name), "VERSION", ""))
    except Exception:
        return ""


def require(libraries: tuple[str, ...]) -> None:
    """Raise ``LibraryError`` for the first of ``libraries`` that cannot be imported or is too old."""
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
    """Import the module ``name``. Raises ``LibraryError`` that names ``package``, or the first part of ``name``."""
    try:
        return import_module(name)
    except Exception as error:
        raise _missing(package or name.partition(".")[0], str(error)) from None


def _missing(name: str, reason: str) -> LibraryError:
    # Imported here, so that pure code can be imported without Ansible.
    from ansible.module_utils.basic import missing_required_lib

    broken = "" if "No module named" in reason else f"It is installed, but its import fails: {reason.rstrip('.')}."
    return LibraryError(missing_required_lib(name), hint=broken, library=name, import_error=reason)


class _Placeholder:
    """Stands for a name of a missing library. It can be called, and used as a decorator or a base class."""

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        pass

    def __call__(self, *_args: Any, **_kwargs: Any) -> _Placeholder:
        return self


try:
    import requests
    from urllib3.exceptions import NewConnectionError
    from urllib3.util import Retry
except Exception:
    MISSING["requests"] = traceback.format_exc()
    globals().update(requests=None, NewConnectionError=_Placeholder, Retry=_Placeholder)

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
except Exception:
    MISSING["pydantic"] = traceback.format_exc()
    OLD["pydantic"] = _version("pydantic")
    _PYDANTIC = ("BaseModel", "BeforeValidator", "ConfigDict", "Field", "PlainSerializer", "model_validator")
    # Without pydantic nothing is validated, so this error is never raised.
    globals().update(dict.fromkeys(_PYDANTIC, _Placeholder), ValidationError=type("ValidationError", (Exception,), {}))

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
