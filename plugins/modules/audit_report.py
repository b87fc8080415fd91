#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes what an audit found to files."""

from __future__ import annotations

DOCUMENTATION = r"""
module: audit_report
short_description: Write an audit of secrets as JSON, as metrics and as a page
version_added: 0.1.0
description:
  - Writes what M(aritma.iam.secret_audit_info) returned to files on the controller. Each file is replaced in one step.
    There is no secret in them.
  - The page is one file. It loads nothing from the network, and can be read without scripts.
extends_documentation_fragment:
  - aritma.iam.attributes
attributes:
  action:
    details: It runs in the controller process, always.
  check_mode:
    support: full
    details:
      - In check mode everything is rendered and no file is written. A report does not change the managed host, so the
        task is never changed.
  diff_mode:
    support: none
    details: The report describes what exists. It changes nothing.
options:
  audit: {description: The C(audit) that M(aritma.iam.secret_audit_info) returned., type: dict, required: true}
  json: {description: "The path of a JSON file, with the audit as it is.", type: path}
  prometheus:
    description:
      - The path of a file for the textfile collector of node_exporter. It must end in C(.prom), and is readable by
        everybody (mode 0644), because node_exporter must read it.
    type: path
  html: {description: The path of an HTML page., type: path}
  mode:
    description:
      - The mode of the JSON file and the page, as octal digits in quotes. They name every client, so by default only
        their owner may read them.
    type: raw
    default: "0600"
seealso:
  - module: aritma.iam.secret_audit_info
"""

EXAMPLES = r"""
- name: Look at every secret
  aritma.iam.secret_audit_info:
    tenant: acme
  register: audited

- name: Write it down
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
