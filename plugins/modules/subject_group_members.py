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
  - Puts subjects into a group, or takes them out. They get the permissions of the group, or lose them, at once.
  - Many are sent in one request, fewer where the server refuses so many. The group is read again. If a subject is then
    missing, or still in it, the task fails and names it.
  - Members are removed with a body in the C(DELETE) request. Some proxies drop that; the task then fails.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  group: {description: "The name, the id or the subject id of the group.", type: str, required: true}
  members:
    description: Subject ids, such as RV(aritma.iam.client_subject_info#module:subject) shows them.
    type: list
    elements: str
    default: []
  clients:
    description: Names of clients, compared exactly, whose subjects are looked up and added to O(members).
    type: list
    elements: str
    default: []
  mode:
    description:
      - V(merge) leaves other members alone, V(exact) takes them out. With V(exact) and no members the group is emptied.
      - V(exact) is not possible on a server that does not list members.
    type: str
    choices: [merge, exact]
    default: merge
  state:
    description: V(absent) takes out who is named. Clients and groups that do not exist are no error then.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.subject_group
  - module: aritma.iam.subject_memberships
"""

EXAMPLES = r"""
- name: These clients may do what readers may
  aritma.iam.subject_group_members:
    tenant: acme
    group: readers
    clients: [billing, nightly]

- name: Nobody but these
  aritma.iam.subject_group_members:
    tenant: acme
    group: readers
    clients: [billing]
    mode: exact

- name: Not this one any more
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
    - The subject ids in the group now, or as it would be in check mode.
    - Where the server does not list members, those of them that the task names.
  type: list
  elements: str
  returned: success
  sample: [client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11]
added:
  description: The subject ids that this task has put in.
  type: list
  elements: str
  returned: success
  sample: [client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11]
removed:
  description: The subject ids that this task has taken out.
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
