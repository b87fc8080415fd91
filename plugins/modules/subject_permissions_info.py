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
  - Shows the permissions of a user, a client or a group as the server sums them up, and how each came.
  - The form of a permission is not documented. Each is returned as the server shows it, with names in snake_case.
  - Beside the permissions it reads the policies and the groups of the subject, and those of each group. What of that
    cannot be read is a warning, and the origins are then not complete.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  subject:
    description: The subject id, such as RV(aritma.iam.client_subject_info#module:subject) shows it.
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
    - Where it shows nothing but the name of an action, that is the member C(action).
  type: list
  elements: dict
  returned: success
  contains:
    listed:
      description: V(false) for what policies grant, directly or through a group, and the server leaves out of its list.
      type: bool
      sample: true
    origins:
      description:
        - The policies that it follows from; each would do alone. Empty where none that can be read explains it.
        - C(through) is V(direct) or V(group), then with the name of the C(group). C(subject), C(action) and C(scope)
          are those of the policy.
        - C(by) is V(policy) for one of just this action and scope, V(parent_scope) or V(parent_action) for one that
          covers it. The hierarchy of actions is not published, so a parent action is no more than likely.
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
