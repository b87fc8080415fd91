# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that name a credential store: ``aritma.iam.store``, and ``aritma.iam.store.to`` for a second one."""

from __future__ import annotations

from ..plugin_utils._fragments import nested
from .aws import ModuleDocFragment as Aws
from .vault import ModuleDocFragment as Vault

_FILE = r"""
options:
  path:
    description: Its absolute path, or one from V(~/) on. Missing directories are made with mode 0700. A symlink is
      refused, and so is a file that is mounted by itself, and a file system without modes or locks.
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
        decrypted on the controller, so that only encrypted text is sent and stored. A plain file is encrypted when it
        is next written.
    type: str
  vault_id:
    description: A vault id in the form C(label@file), instead of O(vault_password_file).
    type: str
"""
_HEAD = r"""
description: %s
type: dict
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
      - Where the record is. The default is C(aritma-iam/CLIENT_ID), and C(~/.aritma-iam/CLIENT_ID.json) for a file,
        with the client id percent-encoded (with C(=) in the place of the percent sign for V(aws_secretsmanager)).
      - In a container, such as a job of AWX, whose home directory is no volume, a file has no default.
    type: str
"""
_TYPES = {"file": _FILE, "hashi_vault": Vault.DOCUMENTATION, "aws_secretsmanager": Aws.DOCUMENTATION}


class ModuleDocFragment:
    """Where the record of a client is, and where it is to go."""

    DOCUMENTATION: str = nested("store", _HEAD % "Where the record is." + "required: true\n", _TYPES)

    TO: str = nested("to", _HEAD % "For V(moved), where the record is to be.", _TYPES)
