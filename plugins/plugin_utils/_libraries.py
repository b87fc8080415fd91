# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that only some stores and deliveries need: imported when one of those is used, and missed in words."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import LibraryError


def library(name: str, package: str = "") -> Any:
    """The module ``name``. Raises ``LibraryError`` with what to install: ``package``, or what the name begins with."""
    try:
        return import_module(name)
    except ImportError as error:
        wanted = package or name.partition(".")[0]
        raise LibraryError(missing_required_lib(wanted), library=wanted, import_error=str(error)) from None
