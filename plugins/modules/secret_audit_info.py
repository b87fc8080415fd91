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
  - Lists every client of the tenant, or those of some names, with its secrets. Shows how old each secret is, when it
    expires, who manages it, and whether it is due by the limits of a rotation.
  - It makes one request for each page of clients and one for each client, some of them at the same time, and never
    writes. The server keeps only a hash, so no value is ever shown.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  names:
    description:
      - Names of clients, or shell patterns of them such as V(billing-*). By default all clients are listed.
      - Case matters.
    type: list
    elements: str
    default: []
  rotate_after:
    description: The age at which a secret is due, such as V(60d); V(never) for no limit.
    type: str
    default: 60d
  expiry_margin: {description: How long before its expiration a secret is due., type: str, default: 14d}
  groups:
    description:
      - Whether to show the groups that each client is in. It costs one request for each group and page of members,
        however many clients there are.
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
- name: See what is due
  aritma.iam.secret_audit_info:
    tenant: acme
    names: ["billing-*"]
    rotate_after: 90d
  register: audited

- name: Name the clients
  ansible.builtin.debug:
    msg: "{{ audited.audit.clients | selectattr('due') | map(attribute='name') }}"
"""

RETURN = r"""
audit:
  description: What was found.
  type: dict
  returned: success
  contains:
    schema: {description: The number of the schema of this data., type: int, sample: 1}
    audited_at: {description: When the tenant was read., type: str, sample: "2026-11-24T10:00:00Z"}
    api_url: {description: The API that was asked., type: str, sample: https://api.dev.aritma.io/core/iam}
    tenant: {description: The tenant; null where O(tenant) is not given., type: str, sample: acme}
    names: {description: As O(names)., type: list, elements: str, sample: []}
    rotate_after: {description: "As O(rotate_after), in seconds; null for no limit.", type: int, sample: 5184000}
    expiry_margin: {description: "As O(expiry_margin), in seconds.", type: int, sample: 1209600}
    summary:
      description:
        - The numbers of C(clients), C(clients_due), C(clients_unreadable), C(clients_without_secret), C(secrets) and
          C(secrets_due); and the numbers of secrets C(by_state) and C(by_manager).
      type: dict
    clients:
      description: The clients by name.
      type: list
      elements: dict
      contains:
        client_id: {description: The OAuth client id., type: str, sample: c1}
        name: {description: The name; the client id where the server shows none., type: str, sample: billing}
        unreadable:
          description: Why the secrets of this client could not be listed; empty where they could.
          type: str
          sample: ""
        newest_secret_id:
          description: The newest secret that this collection manages, or the newest one where it manages none.
          type: str
          sample: "12"
        due: {description: Whether one of the secrets is due., type: bool, sample: true}
        groups:
          description: The names of its groups, those through other groups too; null unless O(groups=true) found them.
          type: list
          elements: str
          sample: [readers]
        secrets:
          description: The secrets, the newest first.
          type: list
          elements: dict
          contains:
            secret_id: {description: The id of the secret., type: str, sample: "12"}
            description:
              description: The description; null where the server does not show it.
              type: str
              sample: aritma.iam rotation 3f9a2c-20260924T100000Z-0a7c55
            managed_by:
              description:
                - V(aritma.iam) for a secret whose description carries a rotation id, V(others) for any other one, and
                  V(unknown) where the server shows no descriptions.
              type: str
              sample: aritma.iam
            rotation_id:
              description: The rotation id in the description.
              type: str
              sample: 3f9a2c-20260924T100000Z-0a7c55
            created:
              description: When it was added; by its rotation id where the server does not show it. Null if it is not
                known.
              type: str
              sample: "2026-09-24T10:00:00Z"
            expiration: {description: When it expires; null for never., type: str, sample: null}
            age: {description: The seconds since it was added., type: int, sample: 5270400}
            expires_in:
              description: The seconds until it expires, less than zero once it has; null for never.
              type: int
              sample: null
            state:
              description:
                - V(expired), V(expires_soon) (within O(expiry_margin)), V(too_old) (O(rotate_after) and more),
                  V(unknown) (the server shows too little), V(superseded) (a newer secret of the same rotation is
                  listed) or V(fresh).
              type: str
              sample: too_old
            due:
              description: Whether it should be replaced now, which is so in the first three states.
              type: bool
              sample: true
            reason:
              description: Why, in the words of M(aritma.iam.rotation).
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
