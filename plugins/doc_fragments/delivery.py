# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of deliveries: ``aritma.iam.delivery``, and ``aritma.iam.delivery.target`` for those to servers."""

from __future__ import annotations

from ..plugin_utils._fragments import nested
from .aws import ModuleDocFragment as Aws
from .kubernetes import ModuleDocFragment as Kubernetes
from .vault import ModuleDocFragment as Vault

_HEAD = r"""
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
      - V(kubernetes_secret) is a Secret of Kubernetes; it needs C(kubernetes). The rotation id stands in its annotation
        C(aritma.iam/rotation-id.CLIENT_ID).
    type: str
    choices: [hashi_vault, aws_secretsmanager, kubernetes_secret]
    required: true
"""


class ModuleDocFragment:
    """What is delivered, and when it must not be any more."""

    DOCUMENTATION = r"""
options:
  credential:
    description: The credential, such as C(client_id), C(client_secret), C(token_url), C(scope) and C(rotation_id).
      Empty members are left out.
    type: dict
  members:
    description: Which members to deliver, as a list of their names, or as a mapping of delivered names to them. The
      default is all.
    type: raw
  lineage: {description: The line of rotations that O(generation) counts in., type: str}
  generation:
    description:
      - How often the secret of this O(lineage) was replaced. A place that holds a later one is not written.
      - A file is stamped with it in the extended attribute C(user.aritma_iam), a Secret of Kubernetes in an annotation,
        a secret of Vault in its custom metadata; without a word where there can be none. AWS has none.
    type: int
  not_after:
    description: The time (RFC 3339) after which nothing is written any more, such as the end of a lease. On a host the
      seconds that are left when the module is sent are counted from its start, so that its clock does not matter.
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
