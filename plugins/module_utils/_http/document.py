# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parses JSON from a server, with limits. The number of values determines the memory, not their length."""

from __future__ import annotations

import json
from typing import Any

MOST_VALUES = 1_000_000
DEEPEST = 64


def parse_json(body: bytes) -> Any:
    """Parse a JSON text. Raises ``ValueError`` for any other text, and for one that exceeds the limits."""
    if is_excessive(body):
        raise ValueError(f"more than {MOST_VALUES} values")
    try:
        document = json.loads(body)
    except RecursionError:
        raise ValueError("nested too deep") from None
    level = [document]
    for _depth in range(DEEPEST):
        level = [inner for each in level for inner in _inner(each) if isinstance(inner, (dict, list))]
        if not level:
            return document
    raise ValueError(f"nested deeper than {DEEPEST}")


def is_excessive(body: bytes) -> bool:
    """Whether a text may have too many values. Their number is at most that of its commas and opening brackets."""
    return sum(map(body.count, (b",", b"[", b"{"))) > MOST_VALUES


def _inner(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
