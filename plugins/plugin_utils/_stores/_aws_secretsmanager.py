# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store in a secret of AWS Secrets Manager."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.aritma.iam.plugins.plugin_utils._documents._aws import MEMBERS, open_aws
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._document import DocumentStore
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import BackEnd, Setting


def _open(options: Mapping[str, Any], setting: Setting) -> DocumentStore:
    name = options.get("path") or f"aritma-iam/{_encoded(setting.client_id or 'check')}"
    return DocumentStore(open_aws(options, name, "store"), setting.client_id)


def _encoded(client_id: str) -> str:
    """``client_id`` in the characters that a name may have: percent-encoded, with = for the percent sign."""
    return quote(client_id, safe="").replace("~", "%7E").replace("%", "=")


AWS_SECRETSMANAGER = BackEnd(MEMBERS, _open)
