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
  - Creates and deletes a group. What is granted to a group counts at once for each of its members, which are users,
    clients or other groups; see M(aritma.iam.subject_group_members) and M(aritma.iam.iam_policies).
  - Names need not be unique on the server, so if several groups have the name, the task fails and lists them.
  - If the answer to a creation is lost, the list of groups is read before the creation is repeated.
  - The API has no known way to change a group. If the description differs from the wanted one, the task warns.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  name:
    description: The name of the group, compared exactly; or the id or the subject id of one that exists.
    type: str
    required: true
  description: {description: The description. A new group gets its name unless one is given., type: str}
  create:
    description: Whether a group that does not exist is created. With V(false) the task fails, and nothing is changed.
    type: bool
    default: true
  state:
    description:
      - Whether the group is to exist.
      - V(absent) deletes it with its memberships. The vendor says that its policies go with it; to be sure, withdraw
        them first with M(aritma.iam.iam_policies).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.subject_group_info
  - module: aritma.iam.subject_group_members
  - module: aritma.iam.iam_policies
"""

EXAMPLES = r"""
- name: There is a group of those who may read accounts
  aritma.iam.subject_group:
    tenant: acme
    name: readers
    description: May read accounts
  register: readers

- name: They may
  aritma.iam.iam_policies:
    tenant: acme
    subject: "{{ readers.group.subject_id }}"
    policies:
      - {action: banking.ais.read, scope: /subscriptions/123}

- name: It is not needed any more
  aritma.iam.subject_group:
    tenant: acme
    name: readers
    state: absent
"""

RETURN = r"""
group:
  description:
    - The group as it is now, or as it would be in check mode, without ids where it is to be created.
    - With O(state=absent) the group that was there; null when there was none.
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
