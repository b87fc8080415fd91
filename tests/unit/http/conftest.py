# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each test with its own environment, token cache and server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._http import token_cache as _token_cache
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._http.session import Session
from ansible_collections.aritma.iam.tests.unit.wire import Wire, wire

__all__ = ["wire"]

ADMIN_SECRET = "adminS3cr3t+/ canary"

OpenSession = Callable[..., Session]


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith(("ARITMA_", "XDG_")) or name.lower().endswith("_proxy") or name.endswith("CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ARITMA_TOKEN_CACHE_DIR", str(tmp_path / "tokens"))
    monkeypatch.setattr(_token_cache, "_process", {})


@pytest.fixture
def options(wire: Wire) -> Mapping[str, Any]:
    """Connection options for the scripted server."""
    return {
        "api_url": f"{wire.url}/iam",
        "identity_url": wire.url,
        "tenant": "acme",
        "auth_client_id": "admin",
        "auth_client_secret": ADMIN_SECRET,
        "request_timeout": 2.0,
        "retry_budget": 3.0,
    }


@pytest.fixture
def session(options: Mapping[str, Any]) -> OpenSession:
    """Opens a session with the admin token ready, and options changed as named."""

    def open_session(**changes: Any) -> Session:
        return Session(Connection.from_params({**options, "access_token": "admin-token-0", **changes}))

    return open_session
