#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the action ``credential_delivery``, which runs in the controller process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_delivery
short_description: Deliver a service credential to Vault, AWS or Kubernetes
version_added: 0.1.0
description:
  - Writes the members of a credential to a secret of Vault or OpenBao, of AWS Secrets Manager, or of Kubernetes.
  - Other members of the same secret are kept. The write is a compare-and-set, so concurrent changes of others are not
    lost. The result is read back.
  - The module always runs on the controller. For files use M(aritma.iam.credential_file).
extends_documentation_fragment:
  - aritma.iam.delivery
  - aritma.iam.delivery.target
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff shows the names of members, labels and the rotation id, never a value.
options:
  state:
    description:
      - V(absent) removes the members. If the secret holds no others, it is removed with all its versions.
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.credential_file
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: Deliver to a path of Vault
  aritma.iam.credential_delivery:
    target:
      type: hashi_vault
      url: https://vault.example.com:8200
      path: services/billing/aritma
    credential: "{{ credential }}"

- name: Deliver two members under other names to AWS Secrets Manager
  aritma.iam.credential_delivery:
    target:
      type: aws_secretsmanager
      region: eu-north-1
      path: billing/aritma
    credential: "{{ credential }}"
    members:
      id: client_id
      secret: client_secret

- name: Deliver to Kubernetes and replace the pods that read the Secret
  aritma.iam.credential_delivery:
    target:
      type: kubernetes_secret
      namespace: billing
      name: aritma
      rollout:
        - name: billing-web
    credential: "{{ credential }}"
"""

RETURN = r"""
rotation_id:
  description: The rotation id of the delivered secret.
  returned: when O(state=present)
  type: str
  sample: 3f9a2c-20261124T100000Z-b81d04
generation:
  description: The option O(generation).
  returned: when O(state=present)
  type: int
  sample: 7
verified:
  description: Whether the secret was read back and is correct. It is false only in check mode, if a change is
    predicted.
  returned: when O(state=present)
  type: bool
  sample: true
rolled_out:
  description: The workloads that were restarted, or would be in check mode.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [Deployment billing/billing-web]
"""
