# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds members that an update changed although the task did not ask for it. Pure.

An update sends the whole client, so every member is compared with its value before. Members that the server maintains
itself are left out: see ``_maintained``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
from typing import Any

from .._core.time import now, parse_timestamp
from .._iam.contract import Client, fold
from .attributes import ATTRIBUTES

_STAMPS = (
    "updated",
    "modified",
    "lastchange",
    "changedat",
    "changedon",
    "changedby",
    "version",
    "revision",
    "etag",
    "stamp",
)
_CLOCKS = timedelta(days=1)
"""How far the clocks of the server and of this machine may differ."""


def unrequested(before: Client, after: Client, asked: Collection[str]) -> list[str]:
    """The members whose value differs, except the attributes in ``asked``, under the names that the server uses.

    Empty if only one of the two clients is the answer to a GET, because a list may show fewer members.
    """
    if before.in_full != after.in_full:
        return []
    ours = {name: attribute for attribute, name in (*after.spelled.items(), *before.spelled.items())}
    foreign = [each for each in {**before.document, **after.document} if each not in ours]
    found = [name for name, attribute in ours.items() if attribute not in asked and _differs(attribute, before, after)]
    for name in foreign:
        found += _differences(name, before.document.get(name), after.document.get(name))
    return found


def _differs(attribute: str, before: Client, after: Client) -> bool:
    was, is_now = getattr(before, attribute), getattr(after, attribute)
    if attribute in ATTRIBUTES and was and is_now:
        return not ATTRIBUTES[attribute].same(was, is_now)
    return (was or None) != (is_now or None)


def _differences(name: str, was: Any, is_now: Any) -> Iterator[str]:
    """The names of members that differ. Null, absent and empty are equal, and lists are compared as sets."""
    if isinstance(was, Mapping) and isinstance(is_now, Mapping):
        for each in {**was, **is_now}:
            yield from _differences(f"{name}.{each}", was.get(each), is_now.get(each))
    elif _normalized(was) != _normalized(is_now) and not _maintained(name, is_now):
        yield name


def _normalized(value: Any) -> Any:
    if value in ("", [], {}):
        return None
    return {json.dumps(each, sort_keys=True) for each in value} if isinstance(value, list) else value


def _maintained(name: str, is_now: Any) -> bool:
    """Whether the server maintains this member: its name says so, or it holds the time of the update."""
    if any(stamp in fold(name) for stamp in _STAMPS):
        return True
    try:
        return isinstance(is_now, str) and abs(parse_timestamp(is_now) - now()) < _CLOCKS
    except ValueError:
        return False
