#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Grants or revokes one policy."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policy
short_description: Grant a subject an action on a scope, or revoke it
version_added: 0.1.0
description:
  - Grants or revokes one policy, which takes effect at once. A policy consists of a subject, an action and a scope.
  - The three strings are compared exactly. Only literal policies count, not derived or inherited ones.
  - An action covers the actions below it (C(banking.manage) covers C(banking.ais.read)), and a scope covers the scopes
    below it. This module does not count such a wider policy as a narrower one.
  - The C(DELETE) request of a policy has a body. Some proxies drop it. The task then fails.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  subject:
    description: The subject id, as RV(aritma.iam.client_subject_info#module:subject) returns it.
    type: str
    required: true
  action: {description: "The name of the action, as C(GET /v1/actions) returns it.", type: str, required: true}
  scope: {description: The URI of the resource. This is not an OAuth scope., type: str, required: true}
  state: {description: Whether the policy should exist., type: str, choices: [present, absent], default: present}
seealso:
  - module: aritma.iam.iam_policy_info
  - module: aritma.iam.client_subject_info
  - module: aritma.iam.subject_permissions_info
"""

EXAMPLES = r"""
- name: Let the billing client read accounts
  aritma.iam.iam_policy:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
    action: banking.ais.read
    scope: /subscriptions/123

- name: Revoke this policy
  aritma.iam.iam_policy:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
    action: banking.ais.read
    scope: /subscriptions/123
    state: absent
"""

RETURN = r"""
policy:
  description:
    - The policy that exists now, or would exist in check mode.
    - With O(state=absent) the revoked policy, or null if there was none.
  type: dict
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
from ..module_utils._policies.policies import IAM_POLICY


def main() -> None:
    run_module(IAM_POLICY)


if __name__ == "__main__":
    main()
