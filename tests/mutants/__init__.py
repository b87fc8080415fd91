# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation tests of the code that decides: ``python -m mutants [MODULE...]``.

The known tools do not fit: cosmic-ray starts Python anew for each mutant, and mutmut reaches neither the tables of a
module nor its properties and never removes a guard. Here each mutant lives in a fork that has pytest loaded already,
and only in memory: no file is changed.
"""
