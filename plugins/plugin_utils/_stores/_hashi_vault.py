# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store in a KV version 2 secret of HashiCorp Vault or OpenBao."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ansible_collections.aritma.iam.plugins.plugin_utils._documents._vault import MEMBERS, open_vault
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._document import DocumentStore
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import BackEnd, Setting


def _open(options: Mapping[str, Any], setting: Setting) -> DocumentStore:
    path = options.get("path") or f"aritma-iam/{quote(setting.client_id or 'check', safe='')}"
    return DocumentStore(open_vault(options, path, setting.loader, "store"), setting.client_id)


HASHI_VAULT = BackEnd(MEMBERS, _open)
