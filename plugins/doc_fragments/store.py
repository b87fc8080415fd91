# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of a credential store: ``aritma.iam.store``, and ``aritma.iam.store.to`` for a second one."""

from __future__ import annotations

from ..plugin_utils._fragments import nested
from .aws import ModuleDocFragment as Aws
from .vault import ModuleDocFragment as Vault

_FILE = r"""
options:
  path:
    description: The absolute path of the file, or a path that starts with V(~/). Missing directories are created with
      mode 0700. A symlink, a file that is a mount of its own, and a file system without modes or locks are refused.
    type: str
  mode:
    description: The mode of the file. The default is C("0600").
    type: raw
  owner:
    description: The owner of the file. By default it is not changed.
    type: str
  group:
    description: The group of the file. By default it is not changed.
    type: str
  vault_password_file:
    description:
      - A file or script on the controller with an ansible-vault password. The record is then encrypted and decrypted on
        the controller, so only encrypted text is sent and stored. An unencrypted file is encrypted at the next write.
    type: str
  vault_id:
    description: A vault id of the form C(label@file), instead of O(vault_password_file).
    type: str
"""
_HEAD = r"""
description: %s
type: dict
suboptions:
  type:
    description:
      - V(file) is a file on the inventory host.
      - V(hashi_vault) is a KV version 2 secret of HashiCorp Vault or OpenBao. It needs C(hvac) on the controller.
      - V(aws_secretsmanager) is a secret of AWS Secrets Manager. It needs C(boto3) on the controller. AWS credentials
        come from the usual places (environment, shared files, single sign-on, the role of the machine). There is no
        option for them.
    type: str
    choices: [file, hashi_vault, aws_secretsmanager]
    default: file
  path:
    description:
      - The place of the record. The default is C(aritma-iam/CLIENT_ID), and C(~/.aritma-iam/CLIENT_ID.json) for a file.
        The client id is percent-encoded, with C(=) instead of the percent sign for V(aws_secretsmanager).
      - For a file there is no default in a container whose home directory is not a volume, such as an AWX job.
    type: str
"""
_TYPES = {"file": _FILE, "hashi_vault": Vault.DOCUMENTATION, "aws_secretsmanager": Aws.DOCUMENTATION}


class ModuleDocFragment:
    """The store of a record, and the store to move it to."""

    DOCUMENTATION: str = nested("store", _HEAD % "The store of the record." + "required: true\n", _TYPES)

    TO: str = nested("to", _HEAD % "For V(moved), the store to move the record to.", _TYPES)
