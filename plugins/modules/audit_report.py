#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the result of an audit to files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write an audit of secrets as JSON, metrics and an HTML page
version_added: 0.1.0
description:
  - Writes the result of M(aritma.iam.secret_audit_info) to files on the controller. Each file is replaced atomically.
    The files contain no secrets.
  - The HTML page is a single file. It loads nothing from the network and works without scripts.
extends_documentation_fragment:
  - aritma.iam.attributes
attributes:
  action:
    details: It always runs in the controller process.
  check_mode:
    support: full
    details:
      - In check mode the reports are rendered but not written. A report does not change the managed host, so the task
        never reports a change.
  diff_mode:
    support: none
    details: A report only describes the current state.
options:
  audit: {description: The value RV(aritma.iam.secret_audit_info#module:audit)., type: dict, required: true}
  json: {description: The path of a JSON file for the unchanged O(audit)., type: path}
  prometheus:
    description:
      - The path of a file for the textfile collector of node_exporter. It must end in C(.prom). Its mode is 0644, so
        that node_exporter can read it.
    type: path
  html: {description: The path of an HTML page., type: path}
  mode:
    description:
      - The mode of the JSON file and the HTML page, as octal digits in quotes. The files name every client, so by
        default only their owner can read them.
    type: raw
    default: "0600"
seealso:
  - module: aritma.iam.secret_audit_info
"""

EXAMPLES = r"""
- name: Audit every secret
  aritma.iam.secret_audit_info:
    tenant: acme
  register: audited

- name: Write the reports
  aritma.iam.audit_report:
    audit: "{{ audited.audit }}"
    json: /var/lib/aritma-iam/audit.json
    prometheus: /var/lib/prometheus/node-exporter/aritma_iam.prom
    html: /srv/audit/secrets.html
    mode: "0640"
"""

RETURN = r"""
paths:
  description: The files that were written.
  type: list
  elements: str
  returned: success
  sample: [/srv/audit/secrets.html]
"""
