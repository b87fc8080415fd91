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
  - Compares the policies of a subject with the wanted ones, and applies the difference. It makes one LIST call for any
    number of policies.
  - Strings are compared exactly. Only literal policies count, not derived or inherited ones.
  - Missing policies are granted before others are withdrawn.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.subject
  - aritma.iam.attributes
options:
  policies:
    description: The wanted policies. With O(mode=exact) an empty list withdraws all policies.
    type: list
    elements: dict
    required: true
    suboptions:
      action: {description: "The name of the action, as C(GET /v1/actions) returns it.", type: str, required: true}
      scope: {description: The URI of the resource. This is not an OAuth scope., type: str, required: true}
  mode:
    description: V(merge) keeps other policies of the subject, V(exact) withdraws them.
    type: str
    choices: [merge, exact]
    default: merge
seealso:
  - module: aritma.iam.iam_policy
  - module: aritma.iam.iam_policy_info
  - module: aritma.iam.client_subject_info
"""

EXAMPLES = r"""
- name: Grant the billing client exactly these policies
  aritma.iam.iam_policies:
    tenant: acme
    name: billing
    policies:
      - {action: banking.ais.read, scope: /subscriptions/123}
      - {action: banking.pis.read, scope: /subscriptions/123}
    mode: exact

- name: Withdraw all its policies
  aritma.iam.iam_policies:
    tenant: acme
    name: billing
    policies: []
    mode: exact
"""

RETURN = r"""
subject:
  description: The subject id, or null if the client has no subject and no policy was wanted.
  type: str
  returned: success
  sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
policies:
  description: The policies of the subject after this task, or as they would be in check mode.
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
