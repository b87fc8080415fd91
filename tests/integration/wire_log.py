# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the request log of the simulator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl


class Wire:
    """The requests of one run, in their order."""

    def __init__(self, log: Sequence[dict[str, Any]]) -> None:
        self.requests = [each for each in log if each.get("operation")]

    def operations(self) -> list[str]:
        """The operation ids, in their order; those of the admin token left out."""
        return [each["operation"] for each in self.requests if not _is_admin_token(each)]

    def iam_calls(self, *, further_pages: bool = True) -> int:
        """Requests to the IAM API; further pages of a list need not count."""
        return sum(1 for each in self.requests if not _is_token(each) and (further_pages or not _is_further_page(each)))

    def exchanges(self) -> int:
        """Token requests of the client itself."""
        return sum(1 for each in self.requests if _is_token(each) and not _is_admin_token(each))

    def writes(self, *, effective: bool = False) -> list[str]:
        """Requests that would change something; ``effective``: only those that the server did not answer with 404.

        Where LIST is stale it still shows what was deleted, and deleting that again is no change.
        """
        writes = [each for each in self.requests if not _is_token(each) and each["method"] != "GET"]
        return [each["operation"] for each in writes if not (effective and each["status"] == 404)]


def _is_token(request: dict[str, Any]) -> bool:
    return str(request["operation"]).startswith("token")


def _is_admin_token(request: dict[str, Any]) -> bool:
    return _is_token(request) and request.get("client_id") == "admin"


def _is_further_page(request: dict[str, Any]) -> bool:
    query = dict(parse_qsl(request.get("query") or ""))
    return query.get("page", "1") not in ("0", "1") or bool(query.get("cursor"))
