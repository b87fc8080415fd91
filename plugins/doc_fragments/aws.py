# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of AWS Secrets Manager, wherever something is kept there."""

from __future__ import annotations


class ModuleDocFragment:
    """A secret, and how to reach it."""

    DOCUMENTATION = r"""
options:
  path: {description: The name of the secret. It is created if it is missing., type: str}
  region:
    description: The region. Without it E(AWS_REGION), E(AWS_DEFAULT_REGION) or that of the profile is used.
    type: str
  profile: {description: The profile of the shared AWS files. Without it E(AWS_PROFILE) is used., type: str}
  endpoint_url: {description: "Another endpoint than that of the region, such as one of a VPC.", type: str}
  validate_certs: {description: "Whether to verify the server's certificate, which is the default.", type: bool}
  ca_path: {description: A file of certificate authorities. Without it E(AWS_CA_BUNDLE) is used., type: str}
  kms_key_id: {description: The key that a new secret is encrypted with., type: str}
  tags: {description: The tags of a new secret., type: dict}"""
