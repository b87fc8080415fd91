# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The service client that most tests provision and rotate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

NAME = "billing"
SCOPE = "services.banking"


def service(home: Path, **variables: Any) -> dict[str, Any]:
    """Role variables of one service client whose store and delivery are files below ``home``, and without any grace."""
    return {
        "service_client_name": NAME,
        "service_client_description": "Nightly billing",
        "service_client_allowed_scopes": [SCOPE],
        "service_client_policies": [
            {"action": "banking.ais.read", "scope": "/subscriptions/123"},
            {"action": "banking.pis.read", "scope": "/subscriptions/123"},
        ],
        "service_client_store": {"type": "file", "path": str(home / "store" / "billing.json")},
        "service_client_rotation_grace": "0s",
        "service_client_deliveries": [{"type": "file", "path": str(home / "billing.env"), "format": "env"}],
        **variables,
    }


def stored(home: Path) -> dict[str, Any]:
    """The record in the file store."""
    record: dict[str, Any] = json.loads((home / "store" / "billing.json").read_text(encoding="utf-8"))
    return record


def delivered(home: Path) -> dict[str, str]:
    """The members of the delivered file."""
    lines = (home / "billing.env").read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line)
