#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages a group of subjects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_group
short_description: Manage a group of subjects
version_added: 0.2.0
description:
  - Creates or deletes a group. Its members can be users, clients and other groups, and have the permissions of the
    group at once. See M(aritma.iam.subject_group_members) and M(aritma.iam.iam_policies).
  - Names need not be unique on the server. If several groups have the name, the task fails and lists them.
  - If the answer to a creation is lost, the list of groups is read before the request is repeated.
  - The API has no known way to change a group. If the description differs from the wanted one, the task warns.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  name:
    description: The name of the group, compared exactly, or the id or subject id of an existing group.
    type: str
    required: true
  description: {description: The description. The default for a new group is its name., type: str}
  create:
    description: Whether to create a missing group. With V(false) the task fails instead.
    type: bool
    default: true
  state:
    description:
      - Whether the group should exist.
      - V(absent) deletes the group with its memberships. According to the vendor, its policies are deleted, too. To be
        sure, withdraw them first with M(aritma.iam.iam_policies).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.subject_group_info
  - module: aritma.iam.subject_group_members
  - module: aritma.iam.iam_policies
"""

EXAMPLES = r"""
- name: Create a group
  aritma.iam.subject_group:
    tenant: acme
    name: readers
    description: May read accounts
  register: readers

- name: Let its members read accounts
  aritma.iam.iam_policies:
    tenant: acme
    subject: "{{ readers.group.subject_id }}"
    policies:
      - {action: banking.ais.read, scope: /subscriptions/123}

- name: Delete the group
  aritma.iam.subject_group:
    tenant: acme
    name: readers
    state: absent
"""

RETURN = r"""
group:
  description:
    - The group as it is now, or as it would be in check mode. A predicted new group has no ids.
    - With O(state=absent) the deleted group, or null if there was none.
  type: dict
  returned: success
  sample:
    subject_id: group-7c9e6679-7425-40de-944b-e07fc1f90ae7
    id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
    name: readers
    description: May read accounts
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 2}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._groups.groups import SUBJECT_GROUP


def main() -> None:
    run_module(SUBJECT_GROUP)


if __name__ == "__main__":
    main()
