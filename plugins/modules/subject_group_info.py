#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows groups of subjects."""

from __future__ import annotations

DOCUMENTATION = r"""
module: subject_group_info
short_description: Show groups of subjects
version_added: 0.2.0
description:
  - Shows all groups, those with a name, or those whose name contains a text.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  group:
    description: The name, the id or the subject id of a group. If several groups have the name, all are shown.
    type: str
  search: {description: Show the groups whose name contains this text. The server compares it., type: str}
  members:
    description: Whether to show the members. This makes one request for each group and page.
    type: bool
    default: false
seealso:
  - module: aritma.iam.subject_group
  - module: aritma.iam.subject_memberships_info
"""

EXAMPLES = r"""
- name: Show who may read accounts
  aritma.iam.subject_group_info:
    tenant: acme
    search: read
    members: true
"""

RETURN = r"""
groups:
  description:
    - The groups. A description that the server does not show is null.
    - With O(members=true) each group has C(members), or null if the server does not list them.
  type: list
  elements: dict
  returned: success
  sample:
    - subject_id: group-7c9e6679-7425-40de-944b-e07fc1f90ae7
      id: 7c9e6679-7425-40de-944b-e07fc1f90ae7
      name: readers
      description: May read accounts
      members:
        - {subject_id: client-5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11, name: billing, type: Client}
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._groups.members import SUBJECT_GROUP_INFO


def main() -> None:
    run_module(SUBJECT_GROUP_INFO)


if __name__ == "__main__":
    main()
