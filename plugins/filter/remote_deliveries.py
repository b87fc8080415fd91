# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which deliveries go to a server."""

from __future__ import annotations

DOCUMENTATION = r"""
name: remote_deliveries
short_description: The deliveries that go to a server, as options of credential_delivery
version_added: 0.1.0
description:
  - Deliveries of the role P(aritma.iam.service_client#role) that are neither files nor tasks of your own go to a
    server, each once for all hosts. This filter answers them as M(aritma.iam.credential_delivery) takes them.
  - A delivery with a member that its type does not have, or without one that it needs, is an error.
author:
  - the aritma.iam contributors (@aritma-iam)
options:
  _input:
    description: The deliveries, as in the variable C(service_client_deliveries).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Deliver to each of them
  aritma.iam.credential_delivery:
    target: "{{ remote[number].target }}"
    credential: "{{ credential }}"
  # The targets themselves can hold tokens, and the item of a loop is shown.
  loop: "{{ remote | map(attribute='title') }}"
  loop_control:
    index_var: number
  vars:
    remote: "{{ deliveries | aritma.iam.remote_deliveries }}"
    deliveries:
      - {type: hashi_vault, path: services/billing/aritma}
"""

RETURN = r"""
_value:
  description: One entry for each, with the options C(target) and C(members), the handlers C(notify), and a C(title)
    without secrets.
  type: list
  elements: dict
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries import TARGET_TYPES, require_members

_OF_THE_ROLE = frozenset({"hosts", "members", "notify"})
"""Members of a delivery that are not of its target."""


def remote_deliveries(deliveries: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry for each. Raises ``AnsibleFilterError`` for a target that cannot be."""
    return [_entry(each) for each in deliveries if each.get("type") in TARGET_TYPES]


def _entry(delivery: Mapping[str, Any]) -> dict[str, Any]:
    # A variable that is null stands for a member that is not given.
    given = {name: value for name, value in delivery.items() if value is not None}
    target = {name: value for name, value in given.items() if name not in _OF_THE_ROLE}
    try:
        require_members(target)
    except OptionError as error:
        raise AnsibleFilterError(f"service_client_deliveries: {error}") from None
    place = "/".join(str(target[name]) for name in TARGET_TYPES[target["type"]].needed)
    notify = given.get("notify", [])
    return {
        "title": f"{target['type']} {place}",
        "target": target,
        "members": given.get("members"),
        "notify": [notify] if isinstance(notify, str) else list(notify),
    }


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """The filter by its name."""
        return {"remote_deliveries": remote_deliveries}
