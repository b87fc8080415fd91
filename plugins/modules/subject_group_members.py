#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the members of a group."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_group_members
short_description: Manage the members of a group of subjects
version_added: 0.2.0
description:
  - Adds subjects to a group, or removes them. They get or lose the permissions of the group at once.
  - Many members are sent in one request, or fewer if the server refuses that many. Then the group is read again. If the
    change is not complete, the task fails and names the subjects.
  - The C(DELETE) request that removes members has a body. Some proxies drop it. The task then fails.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  group: {description: "The name, the id or the subject id of the group.", type: str, required: true}
  members:
    description: Subject ids, as RV(aritma.iam.client_subject_info#module:subject) returns them.
    type: list
    elements: str
    default: []
  clients:
    description: Names of clients, compared exactly. Their subjects are added to O(members).
    type: list
    elements: str
    default: []
  mode:
    description:
      - V(merge) keeps other members, V(exact) removes them. V(exact) without members empties the group.
      - V(exact) requires a server that lists members.
    type: str
    choices: [merge, exact]
    default: merge
  state:
    description: V(absent) removes the named subjects. A missing client or group is then not an error.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.subject_group
  - module: aritma.iam.subject_memberships
"""

EXAMPLES = r"""
- name: Add two clients to the group
  aritma.iam.subject_group_members:
    tenant: acme
    group: readers
    clients: [billing, nightly]

- name: Let only this client be in the group
  aritma.iam.subject_group_members:
    tenant: acme
    group: readers
    clients: [billing]
    mode: exact

- name: Remove one subject
  aritma.iam.subject_group_members:
    tenant: acme
    group: readers
    members: ["{{ billing_subject.subject.subject_id }}"]
    state: absent
"""

RETURN = r"""
group:
  description: The group.
  type: dict
  returned: success
  sample:
    subject_id: group-7c9e6679-7425-40de-944b-e07fc1f90ae7
    id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
    name: readers
    description: May read accounts
members:
  description:
    - The subject ids in the group now, or as they would be in check mode.
    - If the server does not list members, only those that the task names.
  type: list
  elements: str
  returned: success
  sample: [client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11]
added:
  description: The subject ids that this task added.
  type: list
  elements: str
  returned: success
  sample: [client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11]
removed:
  description: The subject ids that this task removed.
  type: list
  elements: str
  returned: success
  sample: []
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 4}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._groups.members import SUBJECT_GROUP_MEMBERS


def main() -> None:
    run_module(SUBJECT_GROUP_MEMBERS)


if __name__ == "__main__":
    main()
