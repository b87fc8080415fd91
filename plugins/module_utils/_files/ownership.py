# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options for the mode and the owner of a file, and their meaning on this host."""

from __future__ import annotations

import grp
import pwd
import re
from collections.abc import Callable
from typing import Any

from .._core.errors import OptionError
from .atomic_file import Ownership

OWNERSHIP_OPTIONS: dict[str, dict[str, Any]] = {
    "mode": {"type": "raw", "default": "0600"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
}

_OCTAL = re.compile(r"(0o?)?[0-7]{3}")
_LEADING_ZERO_LEFT_OUT = frozenset({400, 440, 444, 500})
"""Decimal numbers that look like modes. Their values 0620, 0670, 0674 and 0764 are certainly not meant."""


def read_mode(value: object, option: str = "mode") -> int:
    """Read the permission bits from ``"0640"``, ``"640"`` or the number that YAML reads from an unquoted ``0640``.

    Raises ``OptionError`` for anything else, such as an unquoted ``640`` or ``400``, which YAML reads as a decimal
    number.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        if 0 <= value <= 0o777 and value not in _LEADING_ZERO_LEFT_OUT:
            return value
    elif isinstance(value, str) and _OCTAL.fullmatch(value):
        return int(value[-3:], 8)
    raise OptionError(
        f"{option}: {value!r} is not a file mode.",
        hint='Write it as octal digits in quotes, such as "0640".',
        option=option,
    )


def show_mode(mode: int) -> str:
    """Write a mode with four octal digits."""
    return f"{mode:04o}"


def read_ownership(mode: object, owner: str | None, group: str | None, *, within: str = "") -> Ownership:
    """Convert the options to ids of this host. ``within`` precedes their names in errors. Raises ``OptionError``."""
    return Ownership(
        read_mode(mode, f"{within}mode"),
        _number(owner, "user", f"{within}owner", lambda name: pwd.getpwnam(name).pw_uid),
        _number(group, "group", f"{within}group", lambda name: grp.getgrnam(name).gr_gid),
    )


def _number(name: str | None, kind: str, option: str, look: Callable[[str], int]) -> int | None:
    try:
        return None if name is None else int(name) if name.isdigit() else look(name)
    except KeyError:
        raise OptionError(
            f"{option}: this host has no {kind} {name!r}.", hint=f"Create the {kind} first.", option=option
        ) from None


def user_name(uid: int) -> str:
    """The name of a user, or the number if there is no such user."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group_name(gid: int) -> str:
    """The name of a group, or the number if there is no such group."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
