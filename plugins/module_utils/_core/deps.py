# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The third-party libraries, imported in one place so that their absence is an answer and not a traceback.

Import ``requests`` and pydantic names from here. Where a library is missing, its names are stand-ins that let a class
body be read; ``missing_libraries`` then says what to install, before anything is used.
"""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

MISSING: dict[str, str] = {}
"""Import name of each missing library, with the traceback of the attempt."""


def missing_libraries(wanted: tuple[str, ...]) -> list[tuple[str, str]]:
    """The libraries out of ``wanted`` that cannot be imported here, each with the traceback of the attempt."""
    return [(name, MISSING[name]) for name in wanted if name in MISSING]


if TYPE_CHECKING:
    import requests
    from pydantic import (
        BaseModel,
        BeforeValidator,
        ConfigDict,
        Field,
        PlainSerializer,
        ValidationError,
        model_validator,
    )
    from urllib3.exceptions import NewConnectionError
    from urllib3.util import Retry
else:

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
        requests = None
        NewConnectionError = Retry = _Absent

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
        BaseModel = BeforeValidator = ConfigDict = Field = PlainSerializer = model_validator = _Absent

        class ValidationError(Exception):
            """Never raised: nothing is validated without pydantic."""


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
    "missing_libraries",
    "model_validator",
    "requests",
]
