# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mutation tests of the code that decides: ``python -m mutants [MODULE...]``.

The known tools do not fit: cosmic-ray starts a new Python for each mutant; mutmut does not change the tables and
properties of a module, and never removes a guard. Here each mutant runs in a fork that has already loaded pytest. It
exists only in memory: no file is changed.
"""
