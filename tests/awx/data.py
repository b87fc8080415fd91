# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The data in extensions/awx."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).resolve().parent.parent.parent / "extensions" / "awx"


def load(name: str) -> Any:
    """Load a data file by its name without the suffix."""
    return yaml.safe_load((FOLDER / f"{name}.yml").read_text(encoding="utf-8"))


def job_template(name: str) -> dict[str, Any]:
    """The job template whose name ends with this word."""
    (template,) = [each for each in load("job_templates") if each["name"].endswith(f" {name}")]
    return dict(template)
