# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which delivery goes to which host."""

from __future__ import annotations

DOCUMENTATION = r"""
name: delivery_targets
short_description: One entry for each delivery and host
version_added: 0.1.0
description:
  - Deliveries of the role P(aritma.iam.service_client#role) name the hosts that read the credential. This filter
    answers one entry for each delivery and host, so that a task can loop over them.
author:
  - the aritma.iam contributors (@aritma-iam)
positional: default_host, kind
options:
  _input:
    description: The deliveries, as in the variable C(service_client_deliveries).
    type: list
    elements: dict
    required: true
  default_host:
    description: The host of a delivery that names none.
    type: str
    required: true
  kind:
    description: Take only deliveries of this type. Without it, all of them.
    type: str
"""

EXAMPLES = r"""
- name: Show each target
  ansible.builtin.debug:
    msg: "{{ item.path }} on {{ item.host }}"
  loop: "{{ deliveries | aritma.iam.delivery_targets(inventory_hostname, 'file') }}"
  vars:
    deliveries:
      - {type: file, path: /etc/billing/credentials.env, hosts: [app1, app2]}
"""

RETURN = r"""
_value:
  description: The deliveries, each with the member C(host) in the place of C(hosts).
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries import TARGET_TYPES


def delivery_targets(
    deliveries: Sequence[Mapping[str, Any]], default_host: str, kind: str | None = None
) -> list[dict[str, Any]]:
    """One entry for each delivery and host. Raises ``AnsibleFilterError`` for what is not a list of deliveries."""
    if isinstance(deliveries, (str, Mapping)) or not all(isinstance(each, Mapping) for each in deliveries):
        raise AnsibleFilterError(
            "service_client_deliveries: a list of deliveries was expected, each a mapping with a type."
        )
    unknown = sorted({str(each.get("type", "file")) for each in deliveries} - {"file", "tasks", *TARGET_TYPES})
    if unknown:
        raise AnsibleFilterError(
            f"service_client_deliveries: there is no type {', '.join(unknown)}."
            f" The types are file, tasks, {', '.join(TARGET_TYPES)}."
        )
    return [
        {**{name: value for name, value in each.items() if name != "hosts"}, "host": host}
        for each in deliveries
        if kind is None or each.get("type", "file") == kind
        for host in _hosts(each.get("hosts"), default_host)
    ]


def _hosts(hosts: str | Sequence[str] | None, default_host: str) -> list[str]:
    if not hosts:
        return [default_host]
    return [hosts] if isinstance(hosts, str) else list(hosts)


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"delivery_targets": delivery_targets}
