#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the groups of one subject."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_memberships_info
short_description: Show the groups that one subject is in
version_added: 0.2.0
description:
  - Shows the groups of a user, a client or a group. It is not documented whether the server includes indirect groups.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.subject
  - aritma.iam.attributes.info
seealso:
  - module: aritma.iam.subject_memberships
  - module: aritma.iam.subject_permissions_info
"""

EXAMPLES = r"""
- name: Show the groups of the billing client
  aritma.iam.subject_memberships_info:
    tenant: acme
    name: billing
"""

RETURN = r"""
subject:
  description: The subject id.
  type: str
  returned: success
  sample: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
memberships:
  description: The groups.
  type: list
  elements: dict
  returned: success
  sample:
    - subject_id: group-7c9e6679-7425-40de-944b-e07fc1f90ae7
      id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
      name: readers
      description: May read accounts
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 2}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._groups.memberships import SUBJECT_MEMBERSHIPS_INFO


def main() -> None:
    run_module(SUBJECT_MEMBERSHIPS_INFO)


if __name__ == "__main__":
    main()
