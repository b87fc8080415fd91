# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what scripts/targets.py looks for: deprecations, which ansible-test hides, and which warnings are expected."""

from __future__ import annotations

DOCUMENTATION = """
name: strict
type: aggregate
short_description: Tells expected warnings from others
description:
  - A task with the variable C(expected_warning) must warn, with this text in the warning.
  - All other warnings and all deprecations are for the caller of ansible-test to refuse.
"""

from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Prints lines; it changes nothing."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "strict"
    # It is found in the folder of a role, and takes part without being asked for.
    CALLBACK_NEEDS_ENABLED = False

    def _look(self, result: Any) -> None:
        shown = result._result
        looped = [each for each in shown.get("results", []) if isinstance(each, dict)]
        texts = [" ".join(str(text).split()) for each in (shown, *looped) for text in each.get("warnings", [])]
        expected = result._task.vars.get("expected_warning")
        as_said = [text for text in texts if expected and expected in text]
        if expected and not as_said:
            self._display.display(f"[WARNING]: missing, though expected: {expected}")
        for text in as_said:
            self._display.display(f"expected warning: {text}")
        for each in shown.get("deprecations", []):
            self._display.display(f"[DEPRECATION WARNING]: {each}")

    def v2_runner_on_ok(self, result: Any) -> None:
        """A task succeeded."""
        self._look(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._look(result)
