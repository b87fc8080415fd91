# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of HashiCorp Vault and OpenBao, for stores and deliveries."""

from __future__ import annotations


class ModuleDocFragment:
    """The KV version 2 secret and its connection."""

    DOCUMENTATION = r"""
options:
  path: {description: The path of the secret below the mount., type: str}
  mount: {description: "The mount of the KV version 2 engine. The default is V(secret).", type: str}
  url: {description: The URL of the server. The default is E(VAULT_ADDR)., type: str}
  token:
    description: A token. Without it and O(token_file), E(VAULT_TOKEN) or the file C(~/.vault-token) is used.
    type: str
  token_file: {description: A file on the controller with a token., type: str}
  auth_method: {description: "How to log in. The default is V(token).", type: str, choices: [token, approle]}
  role_id: {description: The role ID for O(auth_method=approle). The default is E(VAULT_ROLE_ID)., type: str}
  secret_id: {description: The secret ID for O(auth_method=approle). The default is E(VAULT_SECRET_ID)., type: str}
  namespace: {description: The namespace. The default is E(VAULT_NAMESPACE)., type: str}
  validate_certs:
    description: Whether to verify the server's certificate. The default is V(true), unless E(VAULT_SKIP_VERIFY) is
      true.
    type: bool
  ca_path: {description: "File or directory of certificate authorities. The default is E(VAULT_CACERT).", type: str}"""
