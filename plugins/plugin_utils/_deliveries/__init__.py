# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The targets that there are beside files. A new one is a file with a ``TargetType``, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import OptionError
from ._document import AWS_SECRETSMANAGER, HASHI_VAULT
from ._kubernetes import KUBERNETES_SECRET
from ._protocol import Target, TargetType

TARGET_TYPES: Mapping[str, TargetType] = {
    "hashi_vault": HASHI_VAULT,
    "aws_secretsmanager": AWS_SECRETSMANAGER,
    "kubernetes_secret": KUBERNETES_SECRET,
}


def target_option() -> dict[str, Any]:
    """The option ``target`` for an argument spec: the members of every type."""
    members = {name: dict(option) for each in TARGET_TYPES.values() for name, option in each.members.items()}
    kinds = {"type": {"type": "str", "choices": list(TARGET_TYPES), "required": True}}
    return {"type": "dict", "required": True, "options": {**kinds, **members}}


def open_target(options: Mapping[str, Any], loader: Any) -> Target:
    """The target that ``options`` (the members of ``target``) describe. Nothing is sent yet.

    Raises ``OptionError`` for a member that this type of target does not have, and for one that is missing.
    """
    kind = options["type"]
    found = TARGET_TYPES[kind]
    given = {name: value for name, value in options.items() if value is not None and name != "type"}
    foreign = sorted(given.keys() - found.members.keys())
    if foreign:
        raise OptionError(
            f"target: type {kind} has no member {', '.join(foreign)}.",
            hint=f"It has: {', '.join(sorted(found.members))}.",
            option="target",
        )
    missing = [name for name in found.needed if not given.get(name)]
    if missing:
        raise OptionError(f"target: type {kind} needs {' and '.join(missing)}.", option="target")
    return found.open(given, loader)
