# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The types of credential store, by their name in the option ``store.type``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._documents import _aws, _vault
from .._documents._place import Kind, members_given, place_option
from ._document import open_aws, open_vault
from ._file import MEMBERS, open_file
from ._protocol import Setting, Store

STORE_TYPES: Mapping[str, Kind[Store]] = {
    "file": Kind(MEMBERS, open_file),
    "hashi_vault": Kind(_vault.MEMBERS, open_vault),
    "aws_secretsmanager": Kind(_aws.MEMBERS, open_aws),
}


def store_option(*, required: bool = True) -> dict[str, Any]:
    """An option such as ``store`` for an argument spec."""
    return place_option(STORE_TYPES, default="file", required=required)


def open_store(options: Mapping[str, Any], setting: Setting) -> Store:
    """Open the store that ``options`` (the members of ``store``) describe, without access. Raises ``OptionError``."""
    kind = STORE_TYPES[options["type"]]
    return kind.open(members_given(kind, options, setting.option), setting)
