# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A permission is read in any form in which a server may write it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Permission


@pytest.mark.parametrize(
    ("data", "action", "scope"),
    [
        ("banking.manage", "banking.manage", None),
        ({"actionName": "banking.manage", "scopeUri": "/a"}, "banking.manage", "/a"),
        ({"action": {"name": "banking.manage", "id": 7}, "scope": {"uri": "/a"}}, "banking.manage", "/a"),
        ({"action": {"id": "banking.manage"}, "scope": {"id": "/a"}}, "banking.manage", "/a"),
        ({"action": {"shape": "unknown"}}, None, None),
        (7, "7", None),
        (None, None, None),
    ],
)
def test_action_and_scope(data: Any, action: str | None, scope: str | None) -> None:
    permission = Permission.model_validate(data)
    assert (permission.action, permission.scope) == (action, scope)
