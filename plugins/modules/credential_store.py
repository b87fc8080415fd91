#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action ``credential_store``, which runs in the controller process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_store
short_description: Read, move or remove the record of a service client in a credential store
version_added: 0.1.0
description:
  - A record holds the secrets of one client. RV(record.current) is in use, RV(record.pending) was written ahead of its
    creation, and RV(record.previous) waits for its deletion. The module M(aritma.iam.rotation) writes the record.
  - The record also holds the lease of the run that rotates the client. If that run was killed on this controller, the
    lease ends at once. The lease of a run on another controller, or in another container, counts until it expires. A
    record with the lease of another run is neither moved nor removed.
  - The connection options are used only for O(verify_scope). The module always runs on the controller. Only the file of
    a file store may be on the task's host.
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
    details: The diff never contains a value. If the result contains one, the whole output is censored, with the diff.
options:
  client_id:
    description:
      - The OAuth client id. A record of another client is an error.
      - It is required, except for V(read) with O(store.path) or O(client_name). With O(client_name) alone, V(read)
        finds no record.
    type: str
  client_name: {description: The name of the client. A record with another name is an error., type: str}
  verify_scope:
    description:
      - For V(moved), the scope to exchange the current secret of the copy for. The record is removed from O(store) only
        if the secret is accepted. Without this option no secret is exchanged.
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
      - V(absent) removes the record. In Vault all versions of the secret are destroyed. In AWS the secret is deleted
        without a recovery window.
      - V(moved) writes the record to O(to), reads it back, and then removes it from O(store). If O(to) already holds
        another record, nothing is changed. If a run is killed, the next one continues.
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
  description: The record, or null if there is none. A record contains secrets, so the output of the task is censored.
  returned: success
  type: dict
  contains:
    schema: {description: The number of the schema., type: int, sample: 1}
    client_id: {description: The OAuth client id., type: str, sample: c1}
    client_name: {description: The name of the client., type: str, sample: billing}
    version: {description: A number that rises by one with every write., type: int, sample: 7}
    current:
      description: The secret in use, with C(value), C(rotation_id), C(secret_id), C(description), C(created_at) and
        C(expires_at).
      type: dict
    pending: {description: "The new secret that is not proven yet, with the same members.", type: dict}
    previous:
      description: The secret that was replaced, with C(value), C(rotation_id), C(secret_id), C(retire_after),
        C(created_at) and C(expires_at).
      type: dict
    lease:
      description: The run that rotates (C(owner)), and the end of its lease (C(expires_at)).
      returned: when there is one
      type: dict
version:
  description: The version of the record, or V(0) if there is none.
  returned: success
  type: int
  sample: 7
in_progress:
  description: Whether another live run holds the lease.
  returned: success
  type: bool
  sample: false
holder:
  description: A description of that run.
  returned: success
  type: str
  sample: a run on host ci-1 (pid 4711)
until:
  description: When its lease expires.
  returned: success
  type: str
  sample: "2026-11-24T10:15:00Z"
"""
