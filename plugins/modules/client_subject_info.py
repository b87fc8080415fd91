#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the subject of a client."""

from __future__ import annotations

DOCUMENTATION = r"""
module: client_subject_info
short_description: Find the subject of an OAuth client
version_added: 0.1.0
description:
  - Policies are granted to subjects. This module finds the subject of a client.
  - With O(client_id) it finds the subject with this id. If the server shows the id of no subject, it uses the exact
    O(name) instead, with a warning, if only one subject has the name.
  - Without O(client_id) it finds the subject with the exact name. If several subjects have the name, the task fails and
    lists them.
  - The subject of a new client may appear later than the client, so the module repeats the search for some seconds.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  client_id: {description: The OAuth client id., type: str}
  name:
    description:
      - The name of the client, compared exactly.
      - With O(client_id), the name is only the search text, which saves calls.
    type: str
seealso:
  - module: aritma.iam.iam_policy
  - module: aritma.iam.oidc_client
"""

EXAMPLES = r"""
- name: Find the subject of the billing client
  aritma.iam.client_subject_info:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    name: billing
  register: billing_subject
"""

RETURN = r"""
subject:
  description: The subject.
  type: dict
  returned: success
  contains:
    subject_id:
      description: The id to use in policies.
      type: str
      sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
    id: {description: The id among the subjects of its type., type: str, sample: 5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11}
    display_name: {description: The name., type: str, sample: billing}
    tenant: {description: "The tenant, or null for a global subject.", type: str, sample: acme}
    type: {description: The type., type: str, sample: Client}
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._clients.subjects import CLIENT_SUBJECT_INFO
from ..module_utils._core.operation import run_module


def main() -> None:
    run_module(CLIENT_SUBJECT_INFO)


if __name__ == "__main__":
    main()
