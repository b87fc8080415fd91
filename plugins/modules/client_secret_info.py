#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the secrets of a client."""

from __future__ import annotations

DOCUMENTATION = r"""
module: client_secret_info
short_description: List the secrets of an OAuth client
version_added: 0.1.0
description:
  - Lists the secrets of a client. The server keeps only a hash, so no value is returned.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  client_id: {description: The OAuth client id of the client., type: str, required: true}
seealso:
  - module: aritma.iam.client_secret
"""

EXAMPLES = r"""
- name: List the secrets of the billing client
  aritma.iam.client_secret_info:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
  register: listed

- name: Show those that are not shared secrets
  ansible.builtin.debug:
    msg: "{{ listed.secrets | rejectattr('type', 'in', [none, 'SharedSecret']) }}"
"""

RETURN = r"""
secrets:
  description: The secrets, in the order of the server.
  type: list
  elements: dict
  returned: success
  contains:
    secret_id: {description: The id of the secret., type: str, returned: always, sample: "12"}
    description:
      description: The description, or null if the server does not show it.
      type: str
      returned: always
      sample: billing 2026-11
    expiration:
      description: When the secret expires, as the server writes it, or null for never.
      type: str
      returned: always
      sample: "2027-02-22T10:00:00Z"
    created:
      description: When the secret was added, as the server writes it, or null if it does not show it.
      type: str
      returned: always
      sample: "2026-11-24T10:00:00Z"
    type:
      description: The type, as the server writes it, or null if it does not show it.
      type: str
      returned: always
      sample: SharedSecret
descriptions_shown:
  description: Whether the server shows the descriptions of secrets, or null if the list is empty.
  type: bool
  returned: success
  sample: true
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._secrets.secrets import CLIENT_SECRET_INFO


def main() -> None:
    run_module(CLIENT_SECRET_INFO)


if __name__ == "__main__":
    main()
