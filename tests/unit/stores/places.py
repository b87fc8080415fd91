# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a record can be, as a test looks into it past the store: a file, a secret of OpenBao, one of AWS."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True)
class Place:
    """``options`` are the members of ``store``; ``stored`` and ``put`` reach what it holds as somebody else would."""

    options: Json
    stored: Callable[[], Any]
    """None where there is nothing."""
    put: Callable[[Json], None]


def in_file(path: Path) -> Place:
    """A file."""

    def stored() -> Any:
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    def put(data: Json) -> None:
        path.write_text(json.dumps(data), encoding="utf-8")

    return Place({"path": str(path)}, stored, put)
