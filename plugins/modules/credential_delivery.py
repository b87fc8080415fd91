#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of ``credential_delivery``, which is an action: it runs in the controller process."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_delivery
short_description: Deliver a service credential to a server that the service reads it from
version_added: 0.1.0
description:
  - Writes the members of a credential to a secret of Vault or OpenBao, of AWS Secrets Manager, or of Kubernetes.
  - Other members of the same secret are left as they are. The write is a compare-and-set, so that nothing that
    somebody else writes at the same time is lost, and it is read back.
  - It always runs on the controller, which must reach the server. For files use M(aritma.iam.credential_file).
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff shows the names of members, labels and the rotation id, never a value.
options:
  target:
    description: Where the service reads the credential.
    type: dict
    required: true
    suboptions:
      type:
        description:
          - V(hashi_vault) is a KV version 2 secret of HashiCorp Vault or OpenBao; it needs C(hvac).
          - V(aws_secretsmanager) is a secret of AWS Secrets Manager that holds a JSON object; it needs C(boto3).
            Credentials come from the usual places of AWS (environment, shared files, single sign-on, the role of the
            machine); there is no option for them.
          - V(kubernetes_secret) is a Secret of Kubernetes; it needs C(kubernetes). The rotation id stands in its
            annotation C(aritma.iam/rotation-id).
        type: str
        choices: [hashi_vault, aws_secretsmanager, kubernetes_secret]
        required: true
      path:
        description: For V(hashi_vault), the path of the secret below the mount. For V(aws_secretsmanager), the name of
          the secret, which is created if it is missing.
        type: str
      mount:
        description: For V(hashi_vault), the mount of the KV version 2 engine, V(secret) by default.
        type: str
      url:
        description: For V(hashi_vault), the URL of the server. Without it E(VAULT_ADDR) is used.
        type: str
      token:
        description: For V(hashi_vault), a token. Without it, and without O(target.token_file), E(VAULT_TOKEN) or the
          file C(~/.vault-token) is used.
        type: str
      token_file:
        description: For V(hashi_vault), a file of the controller with a token.
        type: str
      auth_method:
        description: For V(hashi_vault), how to log in, V(token) by default.
        type: str
        choices: [token, approle]
      role_id:
        description: For O(target.auth_method=approle). Without it E(VAULT_ROLE_ID) is used.
        type: str
      secret_id:
        description: For O(target.auth_method=approle). Without it E(VAULT_SECRET_ID) is used.
        type: str
      namespace:
        description: For V(hashi_vault), the namespace; without it E(VAULT_NAMESPACE) is used. For
          V(kubernetes_secret), the namespace of the Secret, which is required.
        type: str
      validate_certs:
        description: For V(hashi_vault) and V(aws_secretsmanager), whether to verify the server's certificate. Without
          it, it is verified unless E(VAULT_SKIP_VERIFY) is true, for V(hashi_vault).
        type: bool
      ca_path:
        description: For V(hashi_vault) and V(aws_secretsmanager), the certificate authorities. Without it
          E(VAULT_CACERT) or E(AWS_CA_BUNDLE) is used.
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
      name:
        description: For V(kubernetes_secret), the name of the Secret, which is required.
        type: str
      labels:
        description: For V(kubernetes_secret), labels of the Secret. Others are left as they are.
        type: dict
      rollout:
        description:
          - For V(kubernetes_secret), workloads in the same namespace that read the Secret. Their pods get the
            annotation C(aritma.iam/rotation-id), so that the cluster replaces them when the credential is a new one.
        type: list
        elements: dict
        suboptions:
          kind:
            description: The kind of the workload.
            type: str
            choices: [Deployment, StatefulSet, DaemonSet]
            default: Deployment
          name:
            description: The name of the workload.
            type: str
            required: true
      rollout_timeout:
        description: For V(kubernetes_secret), how many seconds each workload may take to roll out, V(300) by default.
          V(0) is for not waiting.
        type: int
      kubeconfig:
        description: For V(kubernetes_secret), a kubeconfig of the controller. Without it E(KUBECONFIG), then
          C(~/.kube/config), then the service account of the pod that Ansible runs in is used.
        type: str
      context:
        description: For V(kubernetes_secret), the context of the kubeconfig.
        type: str
  credential:
    description: The credential, such as C(client_id), C(client_secret), C(token_url), C(scope) and C(rotation_id).
      Empty members are left out.
    type: dict
  members:
    description: Which members to deliver, as a list of their names, or as a mapping of delivered names to them. The
      default is all.
    type: raw
  state:
    description:
      - V(absent) removes the members, and the secret with all its versions when it holds no others.
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

- name: Deliver to Kubernetes, and replace the pods that read it
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
  description: The rotation whose secret was delivered.
  returned: when O(state=present)
  type: str
  sample: 3f9a2c-20261124T100000Z-b81d04
verified:
  description: Whether the secret was read back and is as it should be. False only in check mode, for a change that is
    predicted.
  returned: when O(state=present)
  type: bool
  sample: true
rolled_out:
  description: The workloads that were started anew, or would be in check mode.
  returned: when O(state=present)
  type: list
  elements: str
  sample: [Deployment billing/billing-web]
"""
