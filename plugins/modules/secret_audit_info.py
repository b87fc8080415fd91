#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the secrets of all clients with their age."""

from __future__ import annotations

DOCUMENTATION = r"""
module: secret_audit_info
short_description: List the secrets of all clients of a tenant with their age
version_added: 0.1.0
description:
  - Lists all clients of the tenant, or those with the given names, with their secrets. Shows how old each secret is,
    when it expires, who manages it, and whether it is due for rotation.
  - It makes one request for each page of clients and one for each client. The server keeps only a hash, so no value is
    returned.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  names:
    description:
      - Client names or shell patterns, such as V(billing-*). They are case-sensitive. By default all clients are
        listed.
    type: list
    elements: str
    default: []
  rotate_after:
    description: The age at which a secret is due, such as V(60d), or V(never) for no limit.
    type: str
    default: 60d
  expiry_margin: {description: How long before its expiration a secret is due., type: str, default: 14d}
  groups:
    description:
      - Whether to show the groups of each client. This makes one more request for each group and page of members, for
        any number of clients.
      - If groups cannot be read, the task warns and continues.
    type: bool
    default: false
  connections:
    description: The number of concurrent requests, from 1 to 32.
    type: int
    default: 8
seealso:
  - module: aritma.iam.audit_report
  - module: aritma.iam.client_secret_info
  - module: aritma.iam.rotation
"""

EXAMPLES = r"""
- name: Audit the secrets of some clients
  aritma.iam.secret_audit_info:
    tenant: acme
    names: ["billing-*"]
    rotate_after: 90d
  register: audited

- name: Show the clients with due secrets
  ansible.builtin.debug:
    msg: "{{ audited.audit.clients | selectattr('due') | map(attribute='name') }}"
"""

RETURN = r"""
audit:
  description: The result of the audit.
  type: dict
  returned: success
  contains:
    schema: {description: The number of the schema of this data., type: int, sample: 1}
    audited_at: {description: The time of the audit., type: str, sample: "2026-11-24T10:00:00Z"}
    api_url: {description: The URL of the API., type: str, sample: https://api.dev.aritma.io/core/iam}
    tenant: {description: "The tenant, or null if O(tenant) is not given.", type: str, sample: acme}
    names: {description: The option O(names)., type: list, elements: str, sample: []}
    rotate_after: {description: "O(rotate_after) in seconds, or null for no limit.", type: int, sample: 5184000}
    expiry_margin: {description: O(expiry_margin) in seconds., type: int, sample: 1209600}
    summary:
      description:
        - The numbers C(clients), C(clients_due), C(clients_unreadable), C(clients_without_secret), C(secrets) and
          C(secrets_due), and the numbers of secrets C(by_state) and C(by_manager).
      type: dict
    clients:
      description: The clients, sorted by name.
      type: list
      elements: dict
      contains:
        client_id: {description: The OAuth client id., type: str, sample: c1}
        name: {description: "The name, or the client id if the server shows no name.", type: str, sample: billing}
        unreadable:
          description: The reason if the secrets of this client could not be listed, else empty.
          type: str
          sample: ""
        newest_secret_id:
          description: The newest secret that this collection manages, or else the newest of all.
          type: str
          sample: "12"
        due: {description: Whether at least one secret is due., type: bool, sample: true}
        groups:
          description: The names of its direct and indirect groups, or null if they were not read.
          type: list
          elements: str
          sample: [readers]
        secrets:
          description: The secrets, with the newest first.
          type: list
          elements: dict
          contains:
            secret_id: {description: The id of the secret., type: str, sample: "12"}
            description:
              description: The description, or null if the server does not show it.
              type: str
              sample: aritma.iam rotation 3f9a2c-20260924T100000Z-0a7c55
            managed_by:
              description:
                - V(aritma.iam) if the description has a rotation id, V(others) if not, or V(unknown) if the server
                  shows no descriptions.
              type: str
              sample: aritma.iam
            rotation_id:
              description: The rotation id in the description.
              type: str
              sample: 3f9a2c-20260924T100000Z-0a7c55
            created:
              description: When it was added, or null if unknown. If the server does not show it, it is taken from the
                rotation id.
              type: str
              sample: "2026-09-24T10:00:00Z"
            expiration: {description: "When it expires, or null for never.", type: str, sample: null}
            age: {description: The number of seconds since it was added., type: int, sample: 5270400}
            expires_in:
              description: The number of seconds until it expires, negative after that, or null for never.
              type: int
              sample: null
            state:
              description:
                - V(expired), V(expires_soon) (within O(expiry_margin)), V(too_old) (at least O(rotate_after)),
                  V(unknown) (the server shows too little), V(superseded) (a newer secret of the same lineage is listed)
                  or V(fresh).
              type: str
              sample: too_old
            due:
              description: Whether it should be replaced now. This is true for the first three states.
              type: bool
              sample: true
            reason:
              description: The reason for the state.
              type: str
              sample: "due: 61d old, limit 60d"
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 503, token: 1}
"""

from ..module_utils._audit.audit import SECRET_AUDIT_INFO
from ..module_utils._core.operation import run_module


def main() -> None:
    run_module(SECRET_AUDIT_INFO)


if __name__ == "__main__":
    main()
