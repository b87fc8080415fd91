# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The version of the collection, as in ``galaxy.yml``."""

from __future__ import annotations

VERSION = "0.1.0"
