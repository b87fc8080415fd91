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
  - Adds one secret to a client, or deletes one. A client may have several, so a service can change from one to the next
    and always has a valid one. The role P(aritma.iam.service_client#role) does that as a whole.
  - A secret is found by its exact description, or by its id. Where one with the description exists, nothing is done.
  - The server keeps only a hash. So an existing secret cannot be read, its O(value) cannot be compared, and neither the
    value nor the expiration of one can be changed.
  - An addition whose answer was lost is never repeated blindly. The list of secrets, and with O(verify_scope) an
    exchange of the value, tell whether it was carried out. It is sent once more, with the same value, only when both
    say no. When they cannot tell, the task fails as C(ambiguous).
  - A secret whose listed type says that it is a key or a certificate, and no shared secret, is never deleted.
  - Tokens that were issued for a secret live on when it is deleted, until they expire.
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
      - Where the server lists secrets without descriptions, O(value) and O(verify_scope) together tell whether the
        secret is there. The task fails without them, unless O(secret_id) is given or O(look_first) is V(false).
options:
  client_id: {description: The OAuth client id of the client., type: str, required: true}
  description:
    description:
      - The description, which identifies the secret. Give each secret its own.
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
      - When the secret expires (RFC 3339), a time in the future. It is set when the secret is added and cannot be
        changed.
      - Without it and without O(expires_after) the secret never expires.
    type: str
  expires_after: {description: "The same as a time from now, such as V(90d), V(12h) or V(1d12h).", type: str}
  keep_last:
    description:
      - With O(state=absent), refuse to delete the last secret of the client.
      - A secret that has expired does not count as one that is left.
    type: bool
    default: true
  look_first:
    description:
      - Read the list of secrets before anything is sent.
      - Set it to V(false) only where the caller has just looked, as the role does. An addition is then one request,
        and so is a deletion, for which a secret that is not there counts as absent. Nothing is compared, so
        O(state=absent) takes O(secret_id) without O(description), and with O(keep_last=false).
    type: bool
    default: true
  not_after:
    description: A moment (RFC 3339) after which nothing is sent, by the controller's clock, such as the end of a lease.
    type: str
  verify_scope:
    description:
      - A scope that the client may request, for exchanges of the value at the token endpoint.
      - Where the answer to an addition was lost, a value that is accepted proves that it was carried out. One that is
        refused proves nothing at first, since acceptance may lag behind, so the list is read until it has had the time
        to show the secret, and the value is exchanged again.
      - If an addition is carried out twice all the same, two secrets have the same value. That does no harm, and the
        task warns.
      - With it, the list is not read after an addition that was answered.
    type: str
  auth_method:
    description: How the credential is sent in such an exchange, in the form (V(post)) or in a Basic header (V(basic)).
    type: str
    choices: [post, basic]
    default: post
  state: {description: Whether the secret is to exist., type: str, choices: [present, absent], default: present}
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

- name: Add it, and let an exchange tell should the answer be lost
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-12
    value: "{{ vaulted_secret }}"
    verify_scope: services.banking

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
    - With O(state=absent) the secret that was deleted; null when there was none.
  type: dict
  returned: success
  contains:
    secret_id:
      description:
        - The id of the secret, null where it is not known.
        - After an addition with O(verify_scope), or without O(look_first), it is what the answer of the server tells.
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
    type:
      description: The type, as the server writes it; null where it does not show it.
      type: str
      returned: always
      sample: SharedSecret
    value:
      description:
        - The value, which nobody can read later. The output of the task is then censored as a whole, while the
          registered result stays usable.
      type: str
      returned: when the secret was just added and its value generated
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 3}
"""

from ..module_utils._core.operation import run_module
from ..module_utils._secrets.secrets import CLIENT_SECRET


def main() -> None:
    run_module(CLIENT_SECRET)


if __name__ == "__main__":
    main()
