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
  - A policy is exactly a subject, an action and a scope. This grants one or revokes it, at once.
  - The three strings are compared as they are. Only literal policies count, not derived or inherited ones.
  - An action covers those below it (C(banking.manage) covers C(banking.ais.read)), and a scope those below it. Such a
    wider policy does not make this module report that a narrower one is there.
  - A policy is deleted with a body in the C(DELETE) request. Some proxies drop that; the task then fails.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
options:
  subject:
    description: The subject id, such as RV(aritma.iam.client_subject_info#module:subject) shows it.
    type: str
    required: true
  action: {description: "The name of the action, one that C(GET /v1/actions) returns.", type: str, required: true}
  scope: {description: The URI of the resource. This is not an OAuth scope., type: str, required: true}
  state: {description: Whether the policy is to exist., type: str, choices: [present, absent], default: present}
seealso:
  - module: aritma.iam.iam_policy_info
  - module: aritma.iam.client_subject_info
  - module: aritma.iam.subject_permissions_info
"""

EXAMPLES = r"""
- name: The billing client may read accounts
  aritma.iam.iam_policy:
    tenant: acme
    subject: "{{ billing_subject.subject.subject_id }}"
    action: banking.ais.read
    scope: /subscriptions/123

- name: It may not any more
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
    - The policy that exists now, or would in check mode.
    - With O(state=absent) the policy that was there; null when there was none.
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
