# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a play can show of the role's variables when the role has ended, well or not."""

from __future__ import annotations

from typing import Any

from ansible_run import Ansible
from service import delivered, service

SECRET = "{{ service_client_credential.client_secret }}"


def test_no_variable_holds_a_secret_after_the_role(ansible: Ansible) -> None:
    """A probe and a reload are told the secret, and print it; in the second run the probe fails."""
    target = {"type": "file", "path": str(ansible.home / "billing.env"), "format": "env"}
    more = {
        "service_client_deliveries": [{**target, "reload": {"command": f"echo {SECRET}"}}],
        "service_client_probe": {"command": f"echo {SECRET}", "retries": 1, "delay": 0},
        "service_client_rotation_grace": "0s",
    }
    hosts = {"one": service(ansible.home, **more)}
    known = "{{ hostvars[inventory_hostname] | dict2items | rejectattr('key', 'in', given) | list }}"
    shown: list[dict[str, Any]] = [{"ansible.builtin.debug": {"msg": known}}]
    role = {"ansible.builtin.include_role": {"name": "aritma.iam.service_client", "tasks_from": "{{ tasks_from }}"}}
    play = {
        "hosts": "service_clients",
        "gather_facts": False,
        "vars": {"given": ["service_client_deliveries", "service_client_probe"]},
        "tasks": [{"block": [role], "always": shown}],
    }
    ansible.run([play], hosts=hosts, variables={"tasks_from": "main"}).ok()
    first = delivered(ansible.home)["CLIENT_SECRET"]
    again = ansible.run([play], hosts=hosts, variables={"tasks_from": "rotate", "rotation_force": True}).ok()
    second = delivered(ansible.home)["CLIENT_SECRET"]
    assert first != second
    assert first not in again.output and second not in again.output
    hosts["one"]["service_client_probe"] = {"command": f"test {second} = {SECRET}", "retries": 1, "delay": 0}
    failed = ansible.run([play], hosts=hosts, variables={"tasks_from": "rotate", "rotation_force": True})
    assert failed.code != 0
    assert delivered(ansible.home)["CLIENT_SECRET"] == second
    assert failed.output.replace(f"test {second}", "").count(second) == 0
