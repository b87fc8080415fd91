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
  - Shows the permissions of a user, a client or a group as the server sums them up.
  - The form of a permission is not documented. Each is returned as the server shows it, with names in snake_case.
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
  sample:
    - subject: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
      action: banking.ais.read
      scope: /subscriptions/123
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._policies.policies import SUBJECT_PERMISSIONS_INFO


def main() -> None:
    run_module(SUBJECT_PERMISSIONS_INFO)


if __name__ == "__main__":
    main()
