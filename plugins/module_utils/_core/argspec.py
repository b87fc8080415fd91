# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An argument spec that can be merged and is shared by a module, its action plugin and its tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

_PUBLIC = frozenset({"client_id", "token_url", "scope", "rotation_id"})
"""Members of a credential that are not secret."""


@dataclass(frozen=True)
class ArgumentSpec:
    """Options and the rules between them. The fields have the names and the format of ``AnsibleModule``."""

    argument_spec: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mutually_exclusive: Sequence[Sequence[str]] = ()
    required_one_of: Sequence[Sequence[str]] = ()
    required_if: Sequence[Sequence[Any]] = ()

    def merge(self, other: ArgumentSpec) -> ArgumentSpec:
        """Combine two specs. Raises ``ValueError`` for an option that both define."""
        twice = self.argument_spec.keys() & other.argument_spec.keys()
        if twice:
            raise ValueError(f"options defined twice: {', '.join(sorted(twice))}")
        return ArgumentSpec(
            {**self.argument_spec, **other.argument_spec},
            [*self.mutually_exclusive, *other.mutually_exclusive],
            [*self.required_one_of, *other.required_one_of],
            [*self.required_if, *other.required_if],
        )

    def to_kwargs(self) -> dict[str, Any]:
        """Keyword arguments for ``AnsibleModule`` and ``ActionBase.validate_argument_spec``."""
        kwargs = {each.name: getattr(self, each.name) for each in fields(self)}
        kwargs["argument_spec"] = {name: dict(option) for name, option in self.argument_spec.items()}
        return kwargs

    def secrets(self, params: Mapping[str, Any]) -> frozenset[str]:
        """Every string in an option or suboption marked ``no_log``. No message may show these."""
        return frozenset(text for text in _hidden(self.argument_spec, params) if text)


def _hidden(options: Mapping[str, Mapping[str, Any]], params: Mapping[str, Any]) -> Iterator[str]:
    for name, option in options.items():
        value = params.get(name)
        if option.get("no_log"):
            yield from _strings(value)
        elif "options" in option:
            for each in value if isinstance(value, list) else [value]:
                yield from _hidden(option["options"], each if isinstance(each, Mapping) else {})


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, each in value.items():
            if name not in _PUBLIC:
                yield from _strings(each)
    elif isinstance(value, Sequence):
        for each in value:
            yield from _strings(each)
