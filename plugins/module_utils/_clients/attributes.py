# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of the attributes of an OAuth client.

It determines the options, wire names, comparison, diff, defaults of a new client, return values and inventory
variables. The wire model ``Client`` has the other names under which a server may show an attribute.
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
    """A text. The default of a new client is the value of the attribute ``like``, or an empty text.

    Each kind of attribute has the same methods.
    """

    name: str
    wire: str
    like: str = ""

    option: ClassVar[Mapping[str, Any]] = {"type": "str"}

    def clean(self, value: str) -> str:
        """Normalize the value of the option."""
        return value

    def initial(self, given: Members) -> Any:
        """The default of a new client with the ``given`` attributes."""
        return given.get(self.like, "")

    def same(self, wanted: str, shown: str) -> bool:
        """Whether the server already shows the wanted value."""
        return shown == wanted or is_tidied(wanted, shown)

    def taken(self, wanted: str, shown: str) -> bool:
        """Whether ``shown`` may be the form in which the server stores ``wanted``."""
        return self.same(wanted, shown) or is_altered(wanted, shown)

    def for_diff(self, value: str) -> str:
        """The value in the form for a diff."""
        return value


@dataclass(frozen=True)
class StringSet:
    """A set of strings. ``default`` is the value of a new client."""

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
