# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulator of Aritma IAM and Aritma ID over real HTTP; see README.md."""

from __future__ import annotations

from simulator.process import Admin, ControlError, Simulator, running

__all__ = ["Admin", "ControlError", "Simulator", "running"]
