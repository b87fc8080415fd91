# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of deliveries: ``aritma.iam.delivery``, and ``aritma.iam.delivery.target`` for servers."""

from __future__ import annotations

from ..plugin_utils._fragments import nested
from .aws import ModuleDocFragment as Aws
from .kubernetes import ModuleDocFragment as Kubernetes
from .vault import ModuleDocFragment as Vault

_HEAD = r"""
description: The place where the service reads the credential.
type: dict
required: true
suboptions:
  type:
    description:
      - V(hashi_vault) is a KV version 2 secret of HashiCorp Vault or OpenBao; it needs C(hvac).
      - V(aws_secretsmanager) is a secret of AWS Secrets Manager that holds a JSON object; it needs C(boto3).
        The AWS credentials come from the usual places (environment, shared files, single sign-on, the role of the
        machine). There is no option for them.
      - V(kubernetes_secret) is a Secret of Kubernetes; it needs C(kubernetes). Its annotation
        C(aritma.iam/rotation-id.CLIENT_ID) has the rotation id.
    type: str
    choices: [hashi_vault, aws_secretsmanager, kubernetes_secret]
    required: true
"""


class ModuleDocFragment:
    """The credential to deliver, and the limits of the delivery."""

    DOCUMENTATION = r"""
options:
  credential:
    description: The credential, such as C(client_id), C(client_secret), C(token_url), C(scope) and C(rotation_id).
      Empty members are left out.
    type: dict
  members:
    description: The members to deliver, as a list of names, or as a mapping of delivered names to names of members.
      The default is all members.
    type: raw
  lineage: {description: The lineage that O(generation) belongs to., type: str}
  generation:
    description:
      - The generation of the credential. A target that holds a later generation of this O(lineage) is not written.
      - It is stored with the target if possible. A file has it in the extended attribute C(user.aritma_iam), a
        Kubernetes Secret in an annotation, and a Vault secret in its custom metadata. AWS does not store it.
    type: int
  not_after:
    description: The time (RFC 3339) after which nothing is written, such as the end of a lease. A module on a host
      counts the remaining seconds from its start, so the clock of the host does not matter.
    type: str
"""

    TARGET: str = nested(
        "target",
        _HEAD,
        {
            "hashi_vault": Vault.DOCUMENTATION,
            "aws_secretsmanager": Aws.DOCUMENTATION,
            "kubernetes_secret": Kubernetes.DOCUMENTATION,
        },
    )
