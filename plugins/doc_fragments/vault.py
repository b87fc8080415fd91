# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of HashiCorp Vault and OpenBao, wherever something is kept there."""

from __future__ import annotations


class ModuleDocFragment:
    """A KV version 2 secret, and how to reach it."""

    DOCUMENTATION = r"""
options:
  path: {description: The path of the secret below the mount., type: str}
  mount: {description: "The mount of the KV version 2 engine, V(secret) by default.", type: str}
  url: {description: The URL of the server. Without it E(VAULT_ADDR) is used., type: str}
  token:
    description: A token. Without it, and without O(token_file), E(VAULT_TOKEN) or the file C(~/.vault-token) is used.
    type: str
  token_file: {description: A file of the controller with a token., type: str}
  auth_method: {description: "How to log in, V(token) by default.", type: str, choices: [token, approle]}
  role_id: {description: For O(auth_method=approle). Without it E(VAULT_ROLE_ID) is used., type: str}
  secret_id: {description: For O(auth_method=approle). Without it E(VAULT_SECRET_ID) is used., type: str}
  namespace: {description: The namespace. Without it E(VAULT_NAMESPACE) is used., type: str}
  validate_certs:
    description: Whether to verify the server's certificate. Without it, it is verified unless E(VAULT_SKIP_VERIFY) is
      true.
    type: bool
  ca_path: {description: "Certificate authorities: a file or a folder; else E(VAULT_CACERT) is used.", type: str}"""
