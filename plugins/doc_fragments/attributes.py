# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all modules share: ``aritma.iam.attributes``, and ``aritma.iam.attributes.info`` for those that only read."""

from __future__ import annotations

_ATTRIBUTES = r"""
author:
  - the aritma.iam contributors (@aritma-iam)
attributes:
  action:
    description: Has an action plugin, which runs on the controller.
    support: full
    details: It runs in the controller process, and ships the module to the task's host with C(run_on=target) only.
  async:
    description: Supports being run with C(async).
    support: none
    details: The files in which asynchronous results wait could hold a secret.
  check_mode:
    description: Can run in C(check_mode) and return changed status prediction without modifying the target.
    support: full
    details: %(check_mode)s
  diff_mode:
    description: Returns details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
    support: %(diff_support)s
    details: %(diff_mode)s
  idempotent:
    description:
      - When run twice in a row outside check mode, with the same arguments, the second invocation indicates no change.
      - This assumes that nothing else has changed what the module manages in between.
    support: full
    details: %(idempotent)s
  platform:
    description: Target OS or families that can be operated against.
    platforms: posix
    support: full
    details: Matters where the module is shipped to the task's host.
"""


class ModuleDocFragment:
    """The attributes of the modules. A module overrides what is otherwise with it."""

    DOCUMENTATION: str = _ATTRIBUTES % {
        "check_mode": "It reads what is there in order to predict.",
        "diff_support": "full",
        "diff_mode": "The diff never shows a secret.",
        "idempotent": "What is as it should be is left alone.",
    }

    INFO: str = _ATTRIBUTES % {
        "check_mode": "It only reads, so that it does the same in check mode.",
        "diff_support": "N/A",
        "diff_mode": "It changes nothing.",
        "idempotent": "It changes nothing.",
    }
