#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adds a secret to a client, or deletes one."""

from __future__ import annotations

DOCUMENTATION = r"""
module: client_secret
short_description: Add a secret to an OAuth client, or delete one
version_added: 0.1.0
description:
  - Adds one secret to a client, or deletes one. A client may have several, so that a service can change from one to
    the next without a moment without a valid one. The role P(aritma.iam.service_client#role) does that as a whole.
  - A secret is found by its exact description, or by its id. Where one with the description exists, nothing is done.
  - The server keeps a hash alone. So an existing secret cannot be read, its O(value) cannot be compared, and neither
    the value nor the expiration of one can be changed.
  - An addition whose answer was lost is not repeated before the list of secrets was looked at, and then with the same
    value.
  - Tokens that were issued for a secret live on when it is deleted, until they expire.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: No value is generated in check mode, so none is returned.
  idempotent:
    support: partial
    details:
      - By the description. The value is not compared, and O(expiration) is only warned about.
      - A server that lists secrets without descriptions fails the task, unless O(secret_id) or O(listed) is given.
options:
  client_id:
    description: The OAuth client id of the client.
    type: str
    required: true
  description:
    description:
      - The description, which is what tells one secret from another. Give each secret its own.
      - Required to add a secret.
    type: str
  secret_id:
    description:
      - The id of an existing secret, as RV(aritma.iam.client_secret_info#module:secrets) shows it.
      - With O(state=present) a secret with this id must exist, since the server chooses the ids.
    type: str
  value:
    description:
      - The value, 8 to 32 characters. Without it one of 32 letters and digits is generated and returned.
      - It is used only when the secret is added.
    type: str
  expiration:
    description:
      - When the secret expires (RFC 3339), a time to come. It is set when the secret is added and cannot be changed.
      - Without it and without O(expires_after) the secret never expires.
    type: str
  expires_after:
    description: The same as a time from now, such as V(90d), V(12h) or V(1d12h).
    type: str
  keep_last:
    description:
      - With O(state=absent), refuse to delete the last secret of the client.
      - A secret that has expired does not count as one that is left.
    type: bool
    default: true
  listed:
    description:
      - The RV(aritma.iam.client_secret_info#module:secrets) of this client, where they were just read. The decision is
        then made on them, and the list is not read again, neither before a secret is added or deleted nor after it.
      - An addition whose answer was lost and that no list shows then fails, for the caller to find out by an exchange;
        otherwise it is repeated once.
      - After an addition RV(secret.secret_id) is then null, unless the answer of the server tells it, or O(identify)
        asks for it.
    type: list
    elements: dict
  list_after:
    description:
      - With O(state=absent), list the secrets once more after the deletion, as RV(secrets).
      - Not in check mode.
    type: bool
    default: false
  identify:
    description:
      - Whether to read the list after an addition, until it shows the new secret, for its id.
      - Unless given, V(false) with O(listed) and V(true) without it.
    type: bool
  state:
    description: Whether the secret is to exist.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.client_secret_info
  - module: aritma.iam.token_exchange
    description: Learn whether a secret works.
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: The billing client has a secret of November
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-11
    expires_after: 120d
  register: november

- name: Add a secret whose value is known already
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-12
    value: "{{ vaulted_secret }}"

- name: Delete the one of October
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-10
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The secret that exists now, or would in check mode.
    - With O(state=absent) the secret that was there; null when there was none.
  type: dict
  returned: success
  contains:
    secret_id:
      description: The id of the secret, null where it is not known.
      type: str
      returned: always
      sample: "12"
    description:
      description: The description; null where the server does not show it.
      type: str
      returned: always
      sample: billing 2026-11
    expiration:
      description: When the secret expires, as the server writes it; null for never.
      type: str
      returned: always
      sample: "2027-02-22T10:00:00Z"
    value:
      description:
        - The value, which nobody can read later. The output of the task is then censored as a whole, while the
          registered result stays usable.
      type: str
      returned: when the secret was just added and its value generated
secrets:
  description: The secrets that are left, as RV(aritma.iam.client_secret_info#module:secrets) shows them. Never a value.
  type: list
  elements: dict
  returned: with O(list_after), when something was deleted
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample:
    iam: 3
"""

from ansible_collections.aritma.iam.plugins.module_utils._core.module import run_module
from ansible_collections.aritma.iam.plugins.module_utils._secrets.secrets import CLIENT_SECRET


def main() -> None:
    """Run the operation."""
    run_module(CLIENT_SECRET)


if __name__ == "__main__":
    main()
