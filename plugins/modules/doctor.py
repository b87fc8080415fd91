#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds out how a server answers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: doctor
short_description: Find out how a server answers undocumented questions
version_added: 0.2.0
description:
  - Asks the IAM API and the token endpoint about the open points of docs/contract.md. Reports each answer, and whether
    it is as assumed.
  - The result contains statuses, names and types of members, and times. It contains no value, name, token, address or
    id of the tenant, so you can publish it.
  - Without O(write) it only reads. It requests an admin token, and tests the errors of the token endpoint with a client
    id that does not exist.
  - An unexpected answer of the server is a finding. It does not fail the task.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: In check mode it only reads, even with O(write=true).
  diff_mode:
    support: none
    details: It removes what it creates.
  idempotent:
    support: full
    details: It removes what it creates. C(changed) means that something could not be removed.
options:
  write:
    description:
      - Whether to create a scratch client, and groups if the server offers them, and to test all operations on them.
      - Their names start with C(aritma-iam-doctor-) and end with twelve hexadecimal digits. Their policies are for
        C(/subscriptions/aritma-iam-doctor). Everything with such a name is removed at the start and at the end, also
        what a killed run left. Nothing else is changed. Do not run two doctors at the same time.
    type: bool
    default: false
  limit:
    description:
      - The number of seconds after which no more questions are asked. A run takes that long only if the server is slow
        to accept a new secret or to refuse a deleted one.
    type: float
    default: 1800
seealso:
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: Ask the API without changing anything
  aritma.iam.doctor:
    tenant: acme
  register: found

- name: Test all operations on a scratch client
  aritma.iam.doctor:
    tenant: acme
    write: true
  register: found

- name: Show the findings
  ansible.builtin.debug:
    msg: "{{ found.table }}"
"""

RETURN = r"""
report:
  description:
    - A profile of the simulator that answers like this server. C(findings) lists the questions, the answers, the rows
      of docs/contract.md, the resulting settings of the simulator, and the verdicts.
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
  description: One line for each finding, for people. The last line counts them.
  type: list
  elements: str
  returned: success
  sample: ["otherwise: handled U1 POST /v1/clients: 201 empty (create_client_status=201)", "1 findings, 0 to look at"]
left:
  description: The names and ids of what could not be removed. They are not in RV(report).
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
