#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of ``credential_store``, which is an action: it runs in the controller process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_store
short_description: Read, move or remove the record of a service client in a credential store
version_added: 0.1.0
description:
  - A record holds the RV(record.current) secret of one client, the RV(record.pending) one that is written ahead of its
    creation, and the RV(record.previous) one that waits for its deletion. The module P(aritma.iam.rotation#module)
    writes it.
  - It carries the lease of the run of ansible-playbook that is rotating the client. A run that was killed on this
    controller loses it at once; that of a run on another controller, or in another container, counts until it expires.
    While another run holds it, a record is neither moved nor removed.
  - The options of the connection to the API are for O(verify_scope), and have no other effect. It always runs on the
    controller; only the file of a store may be on the task's host.
extends_documentation_fragment:
  - aritma.iam.store
  - aritma.iam.store.to
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff never holds a value. Where the result holds one, its output is censored as a whole, the diff
      with it.
options:
  client_id:
    description:
      - The OAuth client id. A record of another client is an error.
      - It is required, except for V(read) with O(store.path), and with O(client_name). By a name alone there is no
        record to find in a store without a path.
    type: str
  client_name: {description: The name of the client. A record of a client with another name is an error., type: str}
  verify_scope:
    description:
      - For V(moved), the scope for which the current secret in the copy is exchanged. The record is removed from
        O(store) only if that is accepted. Without it nothing is asked.
    type: str
    version_added: 0.2.0
  auth_method:
    description: How the client authenticates at the token endpoint.
    type: str
    choices: [post, basic]
    default: post
    version_added: 0.2.0
  state:
    description:
      - V(read) returns the record, and whether another run is at work on it.
      - V(absent) removes the record. In Vault all versions of the secret are destroyed, in AWS the secret is deleted
        without a recovery window.
      - V(moved) writes the record to O(to), reads it back, and only then removes it from O(store). A store that holds
        another client's record, or another one of this client, is left alone. If a run is killed, the next one
        continues it.
    type: str
    choices: [read, absent, moved]
    default: read
seealso:
  - module: aritma.iam.rotation
  - plugin: aritma.iam.service_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Read a record in AWS Secrets Manager
  aritma.iam.credential_store:
    store:
      type: aws_secretsmanager
      region: eu-north-1
    client_id: c1
  register: stored

- name: Move a record from a file to OpenBao
  aritma.iam.credential_store:
    store:
      path: /var/lib/aritma-iam/billing.json
      vault_password_file: ~/.vault-pass
    to:
      type: hashi_vault
      url: https://bao.example.com:8200
    client_id: c1
    state: moved
"""

RETURN = r"""
record:
  description: The record; null where there is none. It holds secrets, and the output of the task is censored then.
  returned: success
  type: dict
  contains:
    schema: {description: The number of the schema., type: int, sample: 1}
    client_id: {description: The OAuth client id., type: str, sample: c1}
    client_name: {description: The name of the client., type: str, sample: billing}
    version: {description: Rises by one with every write., type: int, sample: 7}
    current:
      description: The secret in use, with C(value), C(rotation_id), C(secret_id), C(description), C(created_at) and
        C(expires_at).
      type: dict
    pending: {description: "The secret that is written ahead and not proven yet, with the same members.", type: dict}
    previous:
      description: The secret that was replaced, with C(value), C(rotation_id), C(secret_id), C(retire_after),
        C(created_at) and C(expires_at).
      type: dict
    lease:
      description: Who is rotating (C(owner)), and until when that counts (C(expires_at)).
      returned: when there is one
      type: dict
version:
  description: The version of the record, V(0) where there is none.
  returned: success
  type: int
  sample: 7
in_progress:
  description: Whether another live run holds the lease.
  returned: success
  type: bool
  sample: false
holder:
  description: That run, in words.
  returned: success
  type: str
  sample: a run on host ci-1 (pid 4711)
until:
  description: When its lease expires.
  returned: success
  type: str
  sample: "2026-11-24T10:15:00Z"
"""
