# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of credential store, by the name that the option ``store.type`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...module_utils._core.errors import OptionError
from ._document import AWS_SECRETSMANAGER, HASHI_VAULT
from ._file import FILE
from ._protocol import BackEnd, Setting, Store

BACK_ENDS: Mapping[str, BackEnd] = {
    "file": FILE,
    "hashi_vault": HASHI_VAULT,
    "aws_secretsmanager": AWS_SECRETSMANAGER,
}


def store_option(*, required: bool = True) -> dict[str, Any]:
    """An option such as ``store`` for an argument spec: the members of every back end."""
    members = {name: dict(option) for back_end in BACK_ENDS.values() for name, option in back_end.members.items()}
    kinds = {"type": {"type": "str", "choices": list(BACK_ENDS), "default": "file"}}
    return {"type": "dict", "required": required, "options": {**kinds, **members}}


def open_store(options: Mapping[str, Any], setting: Setting) -> Store:
    """The store that ``options`` (the members of ``store``) describe.

    Raises ``OptionError`` for a member that this type of store does not have. Nothing is read or sent yet.
    """
    kind = options["type"]
    back_end = BACK_ENDS[kind]
    given = {name: value for name, value in options.items() if value is not None and name != "type"}
    foreign = sorted(given.keys() - back_end.members.keys())
    if foreign:
        raise OptionError(
            f"{setting.option}: a store of type {kind} has no member {', '.join(foreign)}.",
            hint=f"It has: {', '.join(sorted(back_end.members))}.",
            option=setting.option,
        )
    return back_end.open(given, setting)
