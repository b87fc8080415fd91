# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about a failed task whose output is hidden."""

from __future__ import annotations

from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.failure import failure_text

TASK = {"name": "Probe | Run the command", "no_log": True}


def test_a_module_that_did_not_run_is_no_failed_command() -> None:
    """Without a Python there, the command itself would run by hand."""
    failed = {"failed": True, "rc": 127, "item": {"host": "app1"}}
    assert "Run it by hand" in failure_text({"results": [failed]}, TASK)
    broken = {**failed, "module_stdout": "", "module_stderr": "python3.13: command not found"}
    said = failure_text({"results": [broken]}, TASK)
    assert "'Probe | Run the command' failed on app1 (rc 127)" in said and "ansible_python_interpreter" in said
    assert "by hand" not in said and "not found" not in said
