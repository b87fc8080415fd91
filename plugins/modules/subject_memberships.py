#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages the groups of one subject."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_memberships
short_description: Manage the groups that one subject is in, as a set
version_added: 0.2.0
description:
  - Compares the groups of a subject with the wanted ones, and applies the difference. It makes one LIST call for any
    number and size of groups.
  - All wanted groups must exist. They are looked up before the first change. The subject joins the wanted groups before
    it leaves others.
  - An indirect membership, through another group, counts as a membership. It cannot be ended by itself.
  - If the subject cannot leave some groups, it leaves all others first. Then the task fails and names the groups.
  - If the server offers no groups, or has no such subject, an empty list with O(mode=exact) succeeds.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.subject
  - aritma.iam.attributes
options:
  groups:
    description: The names, ids or subject ids of groups. With O(mode=exact) an empty list ends all memberships.
    type: list
    elements: str
    required: true
  mode:
    description: V(merge) keeps other memberships, V(exact) ends them.
    type: str
    choices: [merge, exact]
    default: merge
seealso:
  - module: aritma.iam.subject_memberships_info
  - module: aritma.iam.subject_group_members
"""

EXAMPLES = r"""
- name: Put the billing client into a group
  aritma.iam.subject_memberships:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
    groups: [readers]

- name: End all its memberships
  aritma.iam.subject_memberships:
    tenant: acme
    name: billing
    groups: []
    mode: exact
"""

RETURN = r"""
subject:
  description: The subject id, or null if the subject does not exist and no group was wanted.
  type: str
  returned: success
  sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
groups:
  description: The names of the groups of the subject now, or as they would be in check mode.
  type: list
  elements: str
  returned: success
  sample: [readers]
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 4}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._groups.memberships import SUBJECT_MEMBERSHIPS


def main() -> None:
    run_module(SUBJECT_MEMBERSHIPS)


if __name__ == "__main__":
    main()
