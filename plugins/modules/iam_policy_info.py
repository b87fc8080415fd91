#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows policies."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy_info
short_description: Show policies
version_added: 0.1.0
description:
  - Shows all policies, or only those of a subject, an action or a scope.
  - Filters are compared exactly. With O(include_derived=true) or O(include_inherited=true) the server decides which
    policies match.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  subject: {description: Show the policies of this subject id., type: str}
  action: {description: Show the policies that grant this action., type: str}
  scope: {description: Show the policies on this scope., type: str}
  include_derived:
    description: Whether to show what the server derives from policies, too. The vendor does not document what this
      covers.
    type: bool
    default: false
  include_inherited:
    description: Whether to show what subjects inherit, too. The vendor does not document what this covers.
    type: bool
    default: false
seealso:
  - module: aritma.iam.iam_policy
  - module: aritma.iam.subject_permissions_info
"""

EXAMPLES = r"""
- name: Show the policies of the billing client
  aritma.iam.iam_policy_info:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
  register: granted
"""

RETURN = r"""
policies:
  description: The policies. They include other members that the server shows, in snake_case.
  type: list
  elements: dict
  returned: success
  contains:
    subject: {description: The subject id., type: str, sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11}
    action: {description: The name of the action., type: str, sample: banking.ais.read}
    scope: {description: The URI of the resource., type: str, sample: /subscriptions/123}
    tenant:
      description: The tenant that the policy belongs to.
      type: str
      returned: when the server shows it
      sample: acme
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._policies.policies import IAM_POLICY_INFO


def main() -> None:
    run_module(IAM_POLICY_INFO)


if __name__ == "__main__":
    main()
