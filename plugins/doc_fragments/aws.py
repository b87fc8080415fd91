# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of AWS Secrets Manager, for stores and deliveries."""

from __future__ import annotations


class ModuleDocFragment:
    """The secret and its connection."""

    DOCUMENTATION = r"""
options:
  path: {description: The name of the secret. It is created if it is missing., type: str}
  region:
    description: The region. The default is E(AWS_REGION), E(AWS_DEFAULT_REGION) or the region of the profile.
    type: str
  profile: {description: The profile of the shared AWS files. The default is E(AWS_PROFILE)., type: str}
  endpoint_url: {description: "An endpoint instead of that of the region, for example in a VPC.", type: str}
  validate_certs: {description: "Whether to verify the server's certificate. The default is V(true).", type: bool}
  ca_path: {description: A file of certificate authorities. The default is E(AWS_CA_BUNDLE)., type: str}
  kms_key_id: {description: The key that encrypts a new secret., type: str}
  tags: {description: The tags of a new secret., type: dict}"""
