#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out how a server answers where its documentation leaves that open."""

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Find out how a server answers where its documentation does not say
version_added: 0.2.0
description:
  - Asks the IAM API and the token endpoint for all that docs/contract.md calls an open point, and says of each what
    came, and whether it is as assumed.
  - What it returns holds statuses, names and types of members, and times. It contains no value, name, token, address or
    id of the tenant, so you can show it to anybody.
  - Without O(write) it only reads. It asks the token endpoint for a token of the admin, and for its errors with a
    client id that nobody has.
  - An unexpected answer of the server is a finding. It does not fail the task.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: In check mode it only reads, whatever O(write) says.
  diff_mode:
    support: none
    details: It removes what it creates.
  idempotent:
    support: full
    details: It removes what it creates. C(changed) means that something is left.
options:
  write:
    description:
      - Whether to make a scratch client, and groups where there are any, and to lead them through their whole life.
      - What it makes has names that begin with C(aritma-iam-doctor-) and end with twelve hexadecimal digits, and
        policies on C(/subscriptions/aritma-iam-doctor). It begins and ends with a removal of all that has such a name,
        as a doctor that was killed may have left it. Nothing else is touched. So do not run two at once.
    type: bool
    default: false
  limit:
    description:
      - The seconds after which nothing more is asked. It takes that long only where a new secret takes long to be
        accepted, or a deleted one to be refused.
    type: float
    default: 1800
seealso:
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: Look at the API without changing anything
  aritma.iam.doctor:
    tenant: acme
  register: found

- name: Lead a scratch client through its whole life
  aritma.iam.doctor:
    tenant: acme
    write: true
  register: found

- name: Show what was found
  ansible.builtin.debug:
    msg: "{{ found.table }}"
"""

RETURN = r"""
report:
  description:
    - A profile of the simulator, that answers as this server did. C(findings) lists what was asked, what came, the
      rows of docs/contract.md, what they tell, and the verdict.
  type: dict
  returned: success
  sample:
    name: what aritma.iam.doctor found
    schema: 1
    create_client_status: 201
    findings:
      - asked: POST /v1/clients
        came: {status: 201, body: empty, seconds: 0.1}
        rows: [U1]
        tells: {create_client_status: 201}
        verdict: "otherwise: handled"
table:
  description: One line a finding, for people; the last one counts them.
  type: list
  elements: str
  returned: success
  sample: ["otherwise: handled U1 POST /v1/clients: 201 empty (create_client_status=201)", "1 findings, 0 to look at"]
left:
  description: What could not be removed, by name and id. These are not in RV(report).
  type: list
  elements: str
  returned: success
  sample: []
"""

from ..module_utils._core.operation import run_module
from ..module_utils._doctor.doctor import DOCTOR


def main() -> None:
    run_module(DOCTOR)


if __name__ == "__main__":
    main()
