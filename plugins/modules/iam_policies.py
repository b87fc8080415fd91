#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages all policies of one subject."""

from __future__ import annotations

DOCUMENTATION = r"""
module: iam_policies
short_description: Manage all policies of one subject as a set
version_added: 0.1.0
description:
  - Compares what a subject is granted with what it should be granted, and applies the difference. It costs one LIST
    call, however many policies are wanted.
  - The strings are compared as they are. Only literal policies count, not derived or inherited ones.
  - What is missing is granted before anything is withdrawn.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.subject
  - aritma.iam.attributes
options:
  policies:
    description: What is to be granted. With O(mode=exact) an empty list withdraws everything.
    type: list
    elements: dict
    required: true
    suboptions:
      action: {description: "The name of the action, one that C(GET /v1/actions) returns.", type: str, required: true}
      scope: {description: The URI of the resource. This is not an OAuth scope., type: str, required: true}
  mode:
    description: V(merge) leaves other policies of the subject alone, V(exact) withdraws them.
    type: str
    choices: [merge, exact]
    default: merge
seealso:
  - module: aritma.iam.iam_policy
  - module: aritma.iam.iam_policy_info
  - module: aritma.iam.client_subject_info
"""

EXAMPLES = r"""
- name: The billing client may do exactly this
  aritma.iam.iam_policies:
    tenant: acme
    name: billing
    policies:
      - {action: banking.ais.read, scope: /subscriptions/123}
      - {action: banking.pis.read, scope: /subscriptions/123}
    mode: exact

- name: It may do nothing any more
  aritma.iam.iam_policies:
    tenant: acme
    name: billing
    policies: []
    mode: exact
"""

RETURN = r"""
subject:
  description: The subject id; null when the client has no subject and nothing was to be granted.
  type: str
  returned: success
  sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
policies:
  description: What the subject was granted before, with the changes of this task; in check mode as it would be.
  type: list
  elements: dict
  returned: success
  contains:
    action: {description: The name of the action., type: str, sample: banking.ais.read}
    scope: {description: The URI of the resource., type: str, sample: /subscriptions/123}
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 2}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._policies.policy_set import IAM_POLICIES


def main() -> None:
    run_module(IAM_POLICIES)


if __name__ == "__main__":
    main()
