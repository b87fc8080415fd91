# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stores that there are. A new one is a file with a ``BackEnd``, and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._aws_secretsmanager import AWS_SECRETSMANAGER
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._file import FILE
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._hashi_vault import HASHI_VAULT
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import BackEnd, Setting, Store

BACK_ENDS: Mapping[str, BackEnd] = {
    "file": FILE,
    "hashi_vault": HASHI_VAULT,
    "aws_secretsmanager": AWS_SECRETSMANAGER,
}


def store_option() -> dict[str, Any]:
    """The option ``store`` for an argument spec: the members of every back end."""
    members = {name: dict(option) for back_end in BACK_ENDS.values() for name, option in back_end.members.items()}
    kinds = {"type": {"type": "str", "choices": list(BACK_ENDS), "default": "file"}}
    return {"type": "dict", "required": True, "options": {**kinds, **members}}


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
            f"store: a store of type {kind} has no member {', '.join(foreign)}.",
            hint=f"It has: {', '.join(sorted(back_end.members))}.",
            option="store",
        )
    return back_end.open(given, setting)
