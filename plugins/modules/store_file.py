#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Accesses the file of a credential store on the host that has it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: store_file
short_description: Access the file of a credential store (used by credential_store)
version_added: 0.1.0
description:
  - M(aritma.iam.credential_store) sends this module to the host of a file store. Use that module instead.
  - A file is replaced or removed atomically, and only if its digest is the expected one.
  - The module needs no Python library on the host.
extends_documentation_fragment:
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: none
    details: The files hold secrets.
options:
  access:
    description: What to do with the file. V(check) tests whether it could be replaced.
    type: str
    choices: [read, replace, remove, check]
    required: true
  path: {description: "The absolute path of the file, or a path that starts with V(~/).", type: str, required: true}
  content: {description: The new text of the file., type: str}
  expected: {description: The RV(digest) that the file must have now., type: str}
  mode: {description: The mode of the file., type: raw, default: "0600"}
  owner: {description: The owner of the file. By default it is not changed., type: str}
  group: {description: The group of the file. By default it is not changed., type: str}
seealso:
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: Test whether a store file could be written
  aritma.iam.store_file:
    access: check
    path: /var/lib/aritma-iam/billing.json
"""

RETURN = r"""
digest:
  description: The SHA-256 of the content, or V(absent) if there is no file.
  returned: when O(access=read)
  type: str
  sample: absent
content:
  description: The text of the file, or null if there is none.
  returned: when O(access=read)
  type: str
"""

from ..module_utils._core.operation import run_module
from ..module_utils._files.store_file import STORE_FILE


def main() -> None:
    """Entry point of the module."""
    run_module(STORE_FILE)


if __name__ == "__main__":
    main()
