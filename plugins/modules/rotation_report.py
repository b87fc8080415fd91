#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Notes what a rotation did to a client."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rotation_report
short_description: Note the outcome of a rotation in a report
version_added: 0.1.0
description:
  - Writes one entry a client to a JSON file on the controller (mode 0600, replaced atomically, never a secret in it),
    and returns the same as C(ansible_stats), which AWX shows as the artifacts of a job.
  - An earlier entry of the same client is replaced; those of other clients stay.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: In check mode the file is not written. A report is no change of the managed host, so it never says changed.
  diff_mode:
    support: none
    details: The report is the account of a change, not a change.
options:
  path:
    description: Path of the report on the controller. Without it only the statistics are set.
    type: path
  client_id:
    description: The OAuth client id.
    type: str
    required: true
  client_name:
    description: The name of the client.
    type: str
    required: true
  results:
    description:
      - Registered results of the steps that were taken. The options below follow from them where they are not given.
      - V(decided) is that of M(aritma.iam.rotation_plan), V(promoted) and V(closed) are those of
        M(aritma.iam.credential_store), V(retirement) is that of M(aritma.iam.rotation_plan) with
        O(aritma.iam.rotation_plan#module:phase=retire), V(confirmed) that of M(aritma.iam.token_exchange) for the
        previous secret. Of any other only its C(calls) count.
      - Results of another client do not count. Of a record only the rotation ids are read.
    type: dict
    default: {}
  outcome:
    description: What became of the client's secret. Needed where O(results) hold no plan.
    type: str
    choices: [rotated, unchanged, waiting, rolled_back, blocked, retire_unconfirmed, failed]
  reason:
    description: Why, in words.
    type: str
  rotation_id:
    description: The rotation id of the current secret.
    type: str
  previous_rotation_id:
    description: The rotation id of a previous secret that still waits for its deletion.
    type: str
  left:
    description: Ids of secrets made by others, which were left alone.
    type: list
    elements: str
  calls:
    description: More C(calls) members of results of steps. The report holds the sums of all.
    type: list
    elements: dict
    default: []
seealso:
  - module: ansible.builtin.set_stats
  - module: aritma.iam.rotation_plan
"""

EXAMPLES = r"""
- name: Note that a secret was rotated
  aritma.iam.rotation_report:
    path: "{{ rotation_report }}"
    client_id: c1
    client_name: billing
    outcome: rotated
    reason: "due: 61d old, limit 60d"
"""

RETURN = r"""
entry:
  description: The entry as it stands in the report.
  returned: success
  type: dict
  sample:
    state: rotated
    at: "2026-11-24T10:00:00Z"
    client_id: c1
    client_name: billing
    reason: "due: 61d old, limit 60d"
    rotation_id: 3f9a2c-20261124T100000Z-0a7c55
    previous_rotation_id: null
    left: []
    calls: {iam: 4, token: 4}
"""

from ansible_collections.aritma.iam.plugins.module_utils._core.module import run_module
from ansible_collections.aritma.iam.plugins.module_utils._rotation.report import ROTATION_REPORT


def main() -> None:
    """Entry point of the module."""
    run_module(ROTATION_REPORT)


if __name__ == "__main__":
    main()
