# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an operation as a module: on the host of the task."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, carry_out


def run_module(operation: Operation) -> None:
    """``main()`` of every module: validate, carry out, answer."""
    module = AnsibleModule(supports_check_mode=True, **operation.spec.to_kwargs())
    result = carry_out(operation, module.params, check_mode=module.check_mode, diff=module._diff)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    if result.pop("failed", False):
        module.fail_json(**result)
    module.exit_json(**result)
