# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The attributes of all modules: ``aritma.iam.attributes``, and ``aritma.iam.attributes.info`` for info modules."""

from __future__ import annotations

_ATTRIBUTES = r"""
author:
  - the aritma.iam contributors (@aritma-iam)
attributes:
  action:
    description: Has an action plugin, which runs on the controller.
    support: full
    details: It runs in the controller process. Only with C(run_on=target) the module is sent to the task's host.
  async:
    description: Supports being run with C(async).
    support: none
    details: The files with asynchronous results could contain a secret.
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
    details: Applies if the module is sent to the task's host.
"""


class ModuleDocFragment:
    """The attributes of the modules. A module overrides those that differ."""

    DOCUMENTATION: str = _ATTRIBUTES % {
        "check_mode": "It reads the current state and predicts the changes.",
        "diff_support": "full",
        "diff_mode": "The diff never shows a secret.",
        "idempotent": "It changes only what differs.",
    }

    INFO: str = _ATTRIBUTES % {
        "check_mode": "It only reads, so check mode makes no difference.",
        "diff_support": "N/A",
        "diff_mode": "It changes nothing.",
        "idempotent": "It changes nothing.",
    }
