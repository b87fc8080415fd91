#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of ``credential_store``, which is an action: it runs in the controller process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_store
short_description: Keep the rotation state of a service client in a credential store
version_added: 0.1.0
description:
  - Reads the record of one client, or takes it one step further. A record holds the RV(record.current) secret,
    the RV(record.pending) one that is written ahead of its creation, and the RV(record.previous) one that waits for
    its deletion.
  - Every write is one compare-and-set; what somebody else wrote meanwhile is never lost.
  - The record also carries a lease, so that writing ahead and locking the client against other runs are the same
    write.
    The lease is that of the run of ansible-playbook. A run that was killed on this controller
    loses it at once; that of a run on another controller, or in another container, counts until it expires.
  - The step functions are made for the role P(aritma.iam.service_client#role), which takes them in the right order.
  - The options of the connection to the API are taken, so that C(module_defaults) of C(group/aritma.iam.iam) may set
    them, and have no effect. It always runs on the controller; only the file of a store may be on the task's host.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: What would be generated is null in the predicted record.
  diff_mode:
    support: full
    details: The diff never holds a value. Where the result holds one, its output is censored as a whole, the diff
      with it.
options:
  store:
    description: Where the record is.
    type: dict
    required: true
    suboptions:
      type:
        description:
          - V(file) is a file on the inventory host, reached in process or over any connection.
          - V(hashi_vault) is a KV version 2 secret of HashiCorp Vault or OpenBao, reached from the controller with
            C(hvac).
          - V(aws_secretsmanager) is a secret of AWS Secrets Manager, reached from the controller with C(boto3).
            Credentials come from the usual places of AWS (environment, shared files, single sign-on, the role of the
            machine); there is no option for them.
        type: str
        choices: [file, hashi_vault, aws_secretsmanager]
        default: file
      path:
        description:
          - For a V(file), its absolute path, or one from V(~/) on. The default is C(~/.aritma-iam/CLIENT_ID.json),
            with the
            client id percent-encoded. Missing directories are made with mode 0700. A symlink is refused.
          - For V(hashi_vault), the path of the secret below the mount. The default is C(aritma-iam/CLIENT_ID).
          - For V(aws_secretsmanager), the name of the secret. The default is C(aritma-iam/CLIENT_ID), with the client
            id percent-encoded and C(=) in the place of the percent sign. It is created if it is missing.
        type: str
      mode:
        description: The mode of the file, C("0600") by default.
        type: raw
      owner:
        description: The owner of the file. By default it keeps the one that it has.
        type: str
      group:
        description: The group of the file. By default it keeps the one that it has.
        type: str
      vault_password_file:
        description:
          - A file, or a script, of the controller with an ansible-vault password. The record is then encrypted and
            decrypted on
            the controller, so that only encrypted text is sent and stored. A plain file is encrypted when it is next
            written.
        type: str
      vault_id:
        description: A vault id in the form C(label@file), instead of O(store.vault_password_file).
        type: str
      mount:
        description: The mount of the KV version 2 engine, V(secret) by default.
        type: str
      url:
        description: The URL of the server. Without it the environment variable E(VAULT_ADDR) is used.
        type: str
      token:
        description: A token. Without it, and without O(store.token_file), E(VAULT_TOKEN) or the file
          C(~/.vault-token) is used.
        type: str
      token_file:
        description: A file of the controller with a token.
        type: str
      auth_method:
        description: How to log in, V(token) by default.
        type: str
        choices: [token, approle]
      role_id:
        description: For O(store.auth_method=approle). Without it E(VAULT_ROLE_ID) is used.
        type: str
      secret_id:
        description: For O(store.auth_method=approle). Without it E(VAULT_SECRET_ID) is used.
        type: str
      namespace:
        description: The namespace. Without it E(VAULT_NAMESPACE) is used.
        type: str
      validate_certs:
        description: Whether to verify the server's certificate. Without it, it is verified unless
          E(VAULT_SKIP_VERIFY) is true, for V(hashi_vault).
        type: bool
      ca_path:
        description: A file or directory of certificate authorities. Without it E(VAULT_CACERT) or E(AWS_CA_BUNDLE) is
          used.
        type: str
      region:
        description: For V(aws_secretsmanager), the region. Without it E(AWS_REGION), E(AWS_DEFAULT_REGION) or that of
          the profile is used.
        type: str
      profile:
        description: For V(aws_secretsmanager), the profile of the shared AWS files. Without it E(AWS_PROFILE) is used.
        type: str
      endpoint_url:
        description: For V(aws_secretsmanager), another endpoint than that of the region, such as one of a VPC.
        type: str
      kms_key_id:
        description: For V(aws_secretsmanager), the key that a new secret is encrypted with.
        type: str
      tags:
        description: For V(aws_secretsmanager), the tags of a new secret.
        type: dict
  client_id:
    description:
      - The OAuth client id. A record of another client is an error.
      - It is required but for V(checked), and for V(read) where O(store.path) says which record is meant.
    type: str
  state:
    description:
      - V(read) returns the record, and whether another run is at work on it.
      - V(staged) writes a secret ahead as RV(record.pending) and takes the lease. A pending secret that is there
        already is kept.
      - V(claimed) takes the lease where nothing is to be written ahead, to go on after a promotion.
      - V(promoted) makes RV(record.pending) current, and what was current RV(record.previous).
      - V(retired) forgets RV(record.previous), whose deletion is confirmed, and ends the lease (unless a secret is
        pending).
      - V(discarded) forgets RV(record.pending), which was refused for good, and ends the lease.
      - V(adopted) makes the first record of a client whose secret is known already.
      - V(released) ends the lease and leaves the rest. It never ends the lease of another live run.
      - V(absent) removes the record. In Vault all versions of the secret are destroyed, in AWS the secret is deleted
        without a recovery window.
      - V(checked) proves that a record could be written, and leaves nothing behind. In check mode only permissions
        are looked at. In AWS nothing can tell whether a secret that does not exist may be created.
      - All are idempotent, and all but V(read), V(released) and V(checked) fail while another live run holds the
        lease.
    type: str
    choices: [read, staged, claimed, promoted, retired, discarded, adopted, released, absent, checked]
    default: read
  client_name:
    description: The name of the client, kept in the record.
    type: str
  version:
    description: Fail unless the record has this version now, the RV(version) that was read before; V(0) stands for
      no record.
    type: int
  value:
    description: For V(staged) and V(adopted), the secret. For V(staged) one of 32 letters and digits is generated
      when it is absent.
    type: str
  rotation_id:
    description:
      - For V(staged) and V(adopted), the id of the new rotation; generated when absent.
      - For V(promoted), V(retired) and V(discarded), the rotation of the secret that is meant. It fails when the
        record holds another.
    type: str
  description:
    description: The description of the secret at the server. For V(staged) it is made of the rotation id when absent.
    type: str
  expires_at:
    description: When the secret expires (RFC 3339).
    type: str
  secret_id:
    description:
      - The id of the secret at the server, once it is known. It is that of the pending secret for V(staged), and
        that of the
        current one for all other states.
    type: str
  listed_before:
    description: For V(staged), the ids that the server listed before the secret is created.
    type: list
    elements: str
  restores:
    description:
      - For V(staged), a roll-back. The value of RV(record.previous), which must be of this rotation, is to be added
        again.
    type: str
  grace:
    description: For V(promoted), how long the previous secret stays at least, such as V(24h).
    type: str
    default: 0s
  lease:
    description: How long others must believe that this run is at work after its last write; V(0s) for no lease.
    type: str
    default: 15m
seealso:
  - module: aritma.iam.client_secret
  - module: aritma.iam.rotation_plan
  - plugin: aritma.iam.service_credential
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Write a new secret ahead
  aritma.iam.credential_store:
    store:
      path: /var/lib/aritma-iam/billing.json
      vault_password_file: ~/.vault-pass
    client_id: c1
    state: staged
  register: staged

- name: Create it at the server
  aritma.iam.client_secret:
    client_id: c1
    description: "{{ staged.record.pending.description }}"
    value: "{{ staged.record.pending.value }}"

- name: It was proven, so it is current now
  aritma.iam.credential_store:
    store:
      path: /var/lib/aritma-iam/billing.json
      vault_password_file: ~/.vault-pass
    client_id: c1
    state: promoted
    rotation_id: "{{ staged.record.pending.rotation_id }}"
    grace: 24h

- name: Read a record in AWS Secrets Manager
  aritma.iam.credential_store:
    store:
      type: aws_secretsmanager
      region: eu-north-1
    client_id: c1

- name: Read a record in OpenBao
  aritma.iam.credential_store:
    store:
      type: hashi_vault
      url: https://bao.example.com:8200
    client_id: c1
"""

RETURN = r"""
record:
  description: The record; null where there is none. It holds secrets, and the output of the task is censored then.
  returned: success
  type: dict
  contains:
    schema:
      description: The number of the schema.
      type: int
      sample: 1
    client_id:
      description: The OAuth client id.
      type: str
      sample: c1
    client_name:
      description: The name of the client.
      type: str
      sample: billing
    version:
      description: Rises by one with every write.
      type: int
      sample: 7
    current:
      description: The secret in use, with C(value), C(rotation_id), C(secret_id), C(description), C(created_at),
        C(expires_at) and, as long as its id is not known, C(listed_before).
      type: dict
    pending:
      description: The secret that is written ahead and not proven yet, with the same members and C(restores).
      type: dict
    previous:
      description: The secret that was replaced, with C(value), C(rotation_id), C(secret_id), C(retire_after),
        C(created_at), C(expires_at) and, after a roll-back, C(rolled_back).
      type: dict
    last_rotated_at:
      description: When a secret was last promoted.
      type: str
    last_verified_at:
      description: When a secret was last proven.
      type: str
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
