# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of an OAuth client, in one table.

Options, wire names, comparison, diff, what a new client gets, return values and inventory variables follow from it.
Under which other names a server may show an attribute stands with the wire model, ``Client``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from .._core.spelling import is_altered, is_tidied

Members = Mapping[str, Any]
"""Values by the name of the attribute."""


@dataclass(frozen=True)
class Text:
    """A text. A new client for which none is given gets that of the attribute ``like``, or an empty one.

    The methods are those of each kind of attribute.
    """

    name: str
    wire: str
    like: str = ""

    option: ClassVar[Mapping[str, Any]] = {"type": "str"}

    def clean(self, value: str) -> str:
        """The value to work with."""
        return value

    def initial(self, given: Members) -> Any:
        """The value of a new client for which ``given`` does not name one."""
        return given.get(self.like, "")

    def same(self, wanted: str, shown: str) -> bool:
        """Whether nothing is to be changed."""
        return shown == wanted or is_tidied(wanted, shown)

    def taken(self, wanted: str, shown: str) -> bool:
        """Whether a server that was sent ``wanted`` may have made ``shown`` of it."""
        return self.same(wanted, shown) or is_altered(wanted, shown)

    def for_diff(self, value: str) -> str:
        """The value in a stable form."""
        return value


@dataclass(frozen=True)
class StringSet:
    """Some strings, in no order, each once. ``default`` is what a new client gets for which none are given."""

    name: str
    wire: str
    default: tuple[str, ...] = ()

    option: ClassVar[Mapping[str, Any]] = {"type": "list", "elements": "str"}

    def clean(self, value: Sequence[str]) -> list[str]:
        return list(dict.fromkeys(value))

    def initial(self, _given: Members) -> list[str]:
        return list(self.default)

    def same(self, wanted: Sequence[str], shown: Sequence[str]) -> bool:
        return set(wanted) == set(shown)

    taken = same

    def for_diff(self, value: Sequence[str]) -> list[str]:
        return sorted(set(value))


ATTRIBUTES: Mapping[str, Text | StringSet] = {
    each.name: each
    for each in (
        Text("name", "name"),
        Text("description", "description", like="name"),
        StringSet("allowed_grant_types", "allowedGrantTypes", default=("client_credentials",)),
        StringSet("redirect_uris", "redirectUris"),
        StringSet("allowed_scopes", "allowedScopes"),
    )
}
