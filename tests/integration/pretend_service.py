# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service manager whose services are scripts: to restart one is to run it."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule


def main() -> None:
    """One task."""
    module = AnsibleModule({"name": {"type": "str"}, "state": {"type": "str", "choices": ["restarted", "reloaded"]}})
    code, _output, _errors = module.run_command(["sh", module.params["name"]])
    if code:
        module.fail_json(msg="the service does not start")
    module.exit_json(changed=True)


if __name__ == "__main__":
    main()
