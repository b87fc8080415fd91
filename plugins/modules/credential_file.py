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
  - Writes the members of a credential to a file on the task's host, as the service there reads them.
  - The file is replaced in one step, so that a reader sees the old or the new one and never a part, and is read back.
  - It is rendered on the controller. With a local connection and without C(become) no module is shipped.
extends_documentation_fragment:
  - aritma.iam.delivery
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details: The diff shows path, mode, owner and rotation id, never the content.
options:
  path:
    description:
      - The absolute path of the file, or one from V(~/) on. Its directory must exist.
      - A file that is a mount of its own is refused, such as a single file that is mounted into a container. The
        container would continue to see the old file. Mount its directory instead.
      - A file that has hard links is refused.
      - A symlink is refused, and so is a directory on the way that is a symlink of another user than root or the one
        who writes.
    type: str
    required: true
  state: {description: Whether the file is to be there., type: str, choices: [present, absent], default: present}
  format:
    description:
      - V(env) writes C(NAME=value) lines, with names in upper case. Values of other characters than C(A-Za-z0-9_./:-)
        stand in quotes, as O(env_reader) knows them.
      - V(json) and V(yaml) write one sorted object. In V(yaml) every text is quoted.
      - V(ini) writes one section, with values exactly as they are. Read it without interpolation.
      - V(value) writes the value of one member and nothing else, no line break either, as C(LoadCredential) of systemd
        and the secrets of Docker and Podman have it. O(members) names the member; the default is C(client_secret).
      - V(template) renders O(template).
      - A line break in a value is refused in V(env) and V(ini).
    type: str
    choices: [env, json, yaml, ini, value, template]
    default: env
  prefix: {description: "For V(env), what goes before each name.", type: str, default: ""}
  env_reader:
    description:
      - For V(env), who reads the file. They differ in quotes and escapes, so a value that the reader would not see
        unchanged is an error.
      - Without it values are written for C(sh) and systemd. A warning says what others would read differently.
      - V(systemd) is C(EnvironmentFile), V(shell) is C(sh), V(docker) is C(docker --env-file), and V(dotenv) stands for
        the dotenv libraries of all languages and for C(env_file) of Docker Compose.
    type: str
    choices: [systemd, shell, docker, dotenv]
    version_added: 0.2.0
  section: {description: "For V(ini), the name of the section.", type: str, default: aritma}
  template:
    description:
      - A Jinja2 template on the controller, found as by M(ansible.builtin.template). Its variables are the members of
        the credential and those of the task.
    type: str
  owner: {description: The owner of the file. By default it keeps the one that it has., type: str}
  group: {description: The group of the file. By default it keeps the one that it has., type: str}
  mode:
    description:
      - The mode of the file, as octal digits in quotes. A number that can only be a mode without its leading zero, such
        as an unquoted V(640) or V(400), is refused.
      - A file keeps the access list that it has, whose mask stands in the place of the group's digit. Where the
        directory has a default access list that lets others read, a file without a list of its own needs a mode that
        does so too, such as V("0640").
      - A file system that keeps no modes is refused, unless its mount gives every file just this one.
    type: raw
    default: "0600"
  content:
    description: The text of the file, instead of O(credential). This is what the controller sends to the host.
    type: str
  rotation_id: {description: The rotation that O(content) is of., type: str}
  seconds_left:
    description: How long O(content) may be written, counted from the start of the module. This is what the controller
      sends to the host in the place of O(not_after).
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
  description: The rotation whose secret the file holds.
  returned: when O(state=present)
  type: str
  sample: 3f9a2c-20261124T100000Z-b81d04
generation:
  description: The O(generation), as it was given.
  returned: when O(state=present)
  type: int
  sample: 7
verified:
  description: Whether the file was read back and is as it should be. False only in check mode, for a change that is
    predicted.
  returned: when O(state=present)
  type: bool
  sample: true
mode:
  description: The mode of the file, with the mask of its access list where it has one.
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
