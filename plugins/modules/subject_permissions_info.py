#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows what a subject may do."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_permissions_info
short_description: Show what a subject may do
version_added: 0.1.0
description:
  - Shows the permissions of a user, a client or a group as the server lists them, and the origins of each permission.
  - The form of a permission is not documented. Each is returned as the server shows it, with names in snake_case.
  - To find the origins, it reads the policies and groups of the subject, and the policies of each group. If something
    cannot be read, the task warns, and the origins are incomplete.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  subject:
    description: The subject id, as RV(aritma.iam.client_subject_info#module:subject) returns it.
    type: str
    required: true
seealso:
  - module: aritma.iam.iam_policy_info
  - module: aritma.iam.subject_memberships_info
"""

EXAMPLES = r"""
- name: Show what the billing client may do
  aritma.iam.subject_permissions_info:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
  register: allowed
"""

RETURN = r"""
permissions:
  description:
    - The permissions, each with the members that the server shows.
    - If the server shows only the name of an action, it is the member C(action).
  type: list
  elements: dict
  returned: success
  contains:
    listed:
      description: V(false) for a permission that follows from policies, but that the server does not list.
      type: bool
      sample: true
    origins:
      description:
        - The policies that grant the permission. Each is sufficient alone. The list is empty if no readable policy
          grants it.
        - C(through) is V(direct), or V(group) with the name in C(group). C(subject), C(action) and C(scope) are those
          of the policy.
        - C(by) is V(policy) for a policy with exactly this action and scope, or V(parent_scope) or V(parent_action) for
          one that covers it. The hierarchy of actions is not published, so a parent action is only likely.
      type: list
      elements: dict
      sample:
        - through: group
          group: readers
          subject: group-7c9e6679-7425-40de-944b-e07fc1f90ae7
          action: banking.ais.read
          scope: /subscriptions
          by: parent_scope
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 5}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._policies.permissions import SUBJECT_PERMISSIONS_INFO


def main() -> None:
    run_module(SUBJECT_PERMISSIONS_INFO)


if __name__ == "__main__":
    main()
