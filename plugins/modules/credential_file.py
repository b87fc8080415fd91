#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Delivers a credential to a file."""

from __future__ import annotations

DOCUMENTATION = r"""
module: credential_file
short_description: Deliver a service credential to a file
version_added: 0.1.0
description:
  - Writes the members of a credential to a file on the task's host, in the format that the service reads.
  - The file is replaced atomically, so a reader never sees a part of it. It is then read back.
  - The file is rendered on the controller. With a local connection and without C(become), no module is sent.
extends_documentation_fragment:
  - aritma.iam.delivery
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff shows path, mode, owner and rotation id, but never the content.
options:
  path:
    description:
      - The absolute path of the file, or a path that starts with V(~/). Its directory must exist.
      - A file that is a mount of its own is refused, such as a single file that is mounted into a container. The
        container would continue to see the old file. Mount its directory instead.
      - A file with hard links is refused, and so is a symlink. A directory in the path may be a symlink only if root or
        the writing user owns it.
    type: str
    required: true
  state: {description: Whether the file should exist., type: str, choices: [present, absent], default: present}
  format:
    description:
      - V(env) writes C(NAME=value) lines with names in upper case. A value with other characters than C(A-Za-z0-9_./:-)
        is quoted in the way that O(env_reader) understands.
      - V(json) and V(yaml) write one sorted object. In V(yaml) every string is quoted.
      - V(ini) writes one section with unchanged values. Read it without interpolation.
      - V(value) writes only the value of one member, without a line break. Use it for C(LoadCredential) of systemd and
        for secrets of Docker and Podman. O(members) names the member. The default is C(client_secret).
      - V(template) renders O(template).
      - V(env) and V(ini) refuse a value with a line break.
    type: str
    choices: [env, json, yaml, ini, value, template]
    default: env
  prefix: {description: "For V(env), the prefix of each name.", type: str, default: ""}
  env_reader:
    description:
      - For V(env), the program that reads the file. Programs differ in quotes and escapes. A value that the reader
        would not read unchanged is an error.
      - Without this option, values are written for C(sh) and systemd. If other programs would read a value differently,
        the task warns.
      - V(systemd) is C(EnvironmentFile), V(shell) is C(sh), and V(docker) is C(docker --env-file). V(dotenv) is for
        dotenv libraries of all languages and for C(env_file) of Docker Compose.
    type: str
    choices: [systemd, shell, docker, dotenv]
    version_added: 0.2.0
  section: {description: "For V(ini), the name of the section.", type: str, default: aritma}
  template:
    description:
      - A Jinja2 template on the controller, in the search path of M(ansible.builtin.template). It can use the members
        of the credential and the variables of the task.
    type: str
  owner: {description: The owner of the file. By default it is not changed., type: str}
  group: {description: The group of the file. By default it is not changed., type: str}
  mode:
    description:
      - The mode of the file, as octal digits in quotes. A number that looks like a mode without its leading zero, such
        as an unquoted V(640) or V(400), is refused.
      - An existing access list (ACL) of the file is kept. Its mask is then the digit of the group. If the directory has
        a default ACL that lets others read, a file without an ACL needs a mode that does so too, such as V("0640").
      - A file system without modes is refused, unless its mount gives every file exactly this mode.
    type: raw
    default: "0600"
  content:
    description: The text of the file, instead of O(credential). The controller uses this when it sends the module.
    type: str
  rotation_id: {description: The rotation id of O(content)., type: str}
  seconds_left:
    description: The number of seconds after the start of the module in which O(content) may be written. The controller
      uses this instead of O(not_after) when it sends the module.
    type: float
seealso:
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: Deliver a credential as environment variables
  aritma.iam.credential_file:
    path: /etc/billing/aritma.env
    credential:
      client_id: c1
      client_secret: "{{ stored.record.current.value }}"
      rotation_id: "{{ stored.record.current.rotation_id }}"
    prefix: ARITMA_
    owner: billing
  notify: Reload billing

- name: Deliver two members under other names
  aritma.iam.credential_file:
    path: /etc/billing/oauth.json
    format: json
    credential: "{{ credential }}"
    members:
      id: client_id
      secret: client_secret

- name: Deliver the secret alone, for LoadCredential= of a systemd unit
  aritma.iam.credential_file:
    path: /etc/billing/aritma.secret
    format: value
    credential: "{{ credential }}"
"""

RETURN = r"""
path:
  description: The path of the file.
  returned: success
  type: str
  sample: /etc/billing/aritma.env
rotation_id:
  description: The rotation id of the secret in the file.
  returned: when O(state=present)
  type: str
  sample: 3f9a2c-20261124T100000Z-b81d04
generation:
  description: The option O(generation).
  returned: when O(state=present)
  type: int
  sample: 7
verified:
  description: Whether the file was read back and is correct. It is false only in check mode, if a change is predicted.
  returned: when O(state=present)
  type: bool
  sample: true
mode:
  description: The mode of the file, with the mask of its ACL if it has one.
  returned: when O(state=present)
  type: str
  sample: "0600"
"""

from ..module_utils._core.operation import run_module
from ..module_utils._delivery.credential_file import CREDENTIAL_FILE


def main() -> None:
    """Entry point of the module."""
    run_module(CREDENTIAL_FILE)


if __name__ == "__main__":
    main()
