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
  - Adds one secret to a client, or deletes one. A client can have several secrets, so a service can switch to a new one
    and always has a valid one. The role P(aritma.iam.service_client#role) performs such a rotation.
  - A secret is identified by its exact description, or by its id. If a secret with the description exists, nothing is
    added.
  - The server keeps only a hash. So an existing secret cannot be read, its O(value) cannot be compared, and neither its
    value nor its expiration can be changed.
  - If the answer to an addition is lost, the request is not repeated blindly. The list of secrets, and with
    O(verify_scope) an exchange of the value, show whether it was carried out. Only if both say no, it is sent once more
    with the same value. If they cannot tell, the task fails as C(ambiguous).
  - A secret that is listed as a key or a certificate is never deleted.
  - Tokens that were issued with a deleted secret stay valid until they expire.
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
      - The description identifies the secret. The value is not compared, and a different O(expiration) is only a
        warning.
      - If the server lists secrets without descriptions, O(value) and O(verify_scope) together show whether the secret
        exists. Without them the task fails, unless O(secret_id) is given or O(look_first) is V(false).
options:
  client_id: {description: The OAuth client id of the client., type: str, required: true}
  description:
    description:
      - The description, which identifies the secret. Use a different one for each secret.
      - It is required to add a secret.
    type: str
  secret_id:
    description:
      - The id of an existing secret, as RV(aritma.iam.client_secret_info#module:secrets) returns it.
      - With O(state=present) a secret with this id must exist, because the server chooses the ids.
    type: str
  value:
    description:
      - The value, 8 to 32 characters. By default a value of 32 letters and digits is generated and returned.
      - It is used only when the secret is added.
    type: str
  expiration:
    description:
      - The time (RFC 3339) at which the secret expires. It must be in the future, and cannot be changed later.
      - Without O(expiration) and O(expires_after) the secret never expires.
    type: str
  expires_after: {description: "The time until the secret expires, such as V(90d), V(12h) or V(1d12h).", type: str}
  keep_last:
    description:
      - With O(state=absent), whether to refuse to delete the last secret of the client.
      - Expired secrets do not count as remaining secrets.
    type: bool
    default: true
  look_first:
    description:
      - Whether to read the list of secrets first.
      - Use V(false) only if you have just read the list, as the role does. An addition or a deletion is then one
        request. A deletion of a missing secret succeeds. Because nothing is compared, O(state=absent) requires
        O(secret_id) without O(description), and O(keep_last=false).
    type: bool
    default: true
  not_after:
    description: The time (RFC 3339) on the clock of the controller after which nothing is sent.
    type: str
  verify_scope:
    description:
      - A scope that the client may request. It is used to exchange the value at the token endpoint.
      - After a lost answer, an accepted value proves that the secret was added. A refused value proves nothing at
        first, because the server may need time to accept it. So the list is read until it should show the secret, and
        the value is exchanged again.
      - If an addition is carried out twice, two secrets have the same value. This does no harm, and the task warns.
      - With this option the list is not read after an addition that was answered.
    type: str
  auth_method:
    description: How the credential is sent in this exchange, in the form (V(post)) or in a Basic header (V(basic)).
    type: str
    choices: [post, basic]
    default: post
  state: {description: Whether the secret is to exist., type: str, choices: [present, absent], default: present}
seealso:
  - module: aritma.iam.client_secret_info
  - module: aritma.iam.token_exchange
    description: Check whether a secret works.
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: Create or find the client
  aritma.iam.oidc_client:
    tenant: acme
    name: billing
    description: Nightly billing
    allowed_scopes: [services.banking]
  register: billing

- name: Add a secret for November
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-11
    expires_after: 120d
  register: november

- name: Add a secret with a known value
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-12
    value: "{{ vaulted_secret }}"

- name: Add it, and verify it with an exchange if the answer is lost
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-12
    value: "{{ vaulted_secret }}"
    verify_scope: services.banking

- name: Delete the secret of October
  aritma.iam.client_secret:
    tenant: acme
    client_id: "{{ billing.client.client_id }}"
    description: billing 2026-10
    state: absent
"""

RETURN = r"""
secret:
  description:
    - The secret that exists now, or would exist in check mode.
    - With O(state=absent) the deleted secret, or null if there was none.
  type: dict
  returned: success
  contains:
    secret_id:
      description:
        - The id of the secret, or null if it is not known.
        - After an addition with O(look_first=false), it is known only from the answer of the server.
      type: str
      returned: always
      sample: "12"
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
    type:
      description: The type, as the server writes it, or null if it does not show it.
      type: str
      returned: always
      sample: SharedSecret
    value:
      description:
        - The generated value. It cannot be read again later. The output of the task is censored, but the registered
          result can be used.
      type: str
      returned: when the secret was added and its value was generated
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
