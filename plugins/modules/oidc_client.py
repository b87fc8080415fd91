#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Manages an OAuth client."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_client
short_description: Manage an OAuth client
version_added: 0.1.0
description:
  - Creates, changes and deletes an OAuth (OpenID Connect) client.
  - A new client has no secret and no permission; see M(aritma.iam.client_secret) and M(aritma.iam.iam_policy).
  - A client is found by its exact name, or by its client id. Names need not be unique on the server. If several clients
    have the name, the task fails and lists them.
  - Members that the task does not name are not changed. An update sends the whole client as the server showed it, with
    the changes and with unknown members. Then the client is read again. If another member changed, the task fails and
    names it. Times of changes and versions are not compared.
  - A server may store a name or a description in another form, for example trimmed. Such a client is found, too, and a
    warning shows both forms. A name in another case, or a shortened one, matches only if the description matches.
  - If the answer to a creation is lost, the list of clients is read before the request is repeated.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: It reads the current state and predicts the changes. A predicted new client has no RV(client.client_id).
  idempotent:
    support: full
    details: Options that the server does not show cannot be compared. They are in RV(not_compared), with a warning.
options:
  name:
    description:
      - The name of the client, compared exactly.
      - With O(client_id) it is the wanted name of the client.
    type: str
  client_id:
    description:
      - The OAuth client id. It identifies the client, whatever its name is.
      - With O(state=present) a client with this id must exist, because the server chooses the ids.
    type: str
  description: {description: The description. Without it nothing changes. A new client gets its name., type: str}
  allowed_grant_types:
    description:
      - The OAuth grants that the client may use, as a set.
      - If not given, they are not changed. A new client gets C(client_credentials).
    type: list
    elements: str
  redirect_uris:
    description:
      - The allowed redirect URIs, as a set. A client with only C(client_credentials) needs none.
      - If not given, they are not changed. A new client gets none.
    type: list
    elements: str
  allowed_scopes:
    description:
      - The OAuth scopes that the client may request, as a set.
      - If not given, they are not changed. A new client gets none.
    type: list
    elements: str
  state:
    description:
      - Whether the client should exist.
      - V(absent) deletes the client with its secrets. It is not documented whether the server deletes its policies.
        Remove them first with M(aritma.iam.iam_policies).
    type: str
    choices: [present, absent]
    default: present
seealso:
  - module: aritma.iam.oidc_client_info
  - module: aritma.iam.client_secret
  - module: aritma.iam.client_subject_info
"""

EXAMPLES = r"""
- name: Manage a service client
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/aritma.iam.iam:
      api_url: https://api.dev.aritma.io/core/iam
      tenant: acme
      auth_client_id: "{{ admin_client_id }}"
      auth_client_secret: "{{ admin_client_secret }}"
  tasks:
    - name: Create or update the client of the billing service
      aritma.iam.oidc_client:
        name: billing
        description: Billing service
        allowed_scopes:
          - services.banking
      register: billing

    - name: Rename the client
      aritma.iam.oidc_client:
        client_id: "{{ billing.client.client_id }}"
        name: invoicing

    - name: Delete the client
      aritma.iam.oidc_client:
        name: invoicing
        state: absent
"""

RETURN = r"""
client:
  description:
    - The client as it is now, or as it would be in check mode.
    - With O(state=absent) the deleted client, or null if there was none.
  type: dict
  returned: success
  contains:
    client_id:
      description: The OAuth client id, or null in check mode for a new client.
      type: str
      returned: always
      sample: 5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11
    name: {description: The name., type: str, returned: always, sample: billing}
    description: {description: The description., type: str, returned: when the server shows it, sample: Billing service}
    allowed_grant_types:
      description: The OAuth grants that the client may use.
      type: list
      elements: str
      returned: when the server shows it
      sample: [client_credentials]
    redirect_uris:
      description: The redirect URIs.
      type: list
      elements: str
      returned: when the server shows it
      sample: []
    allowed_scopes:
      description: The OAuth scopes that the client may request.
      type: list
      elements: str
      returned: when the server shows it
      sample: [services.banking]
not_compared:
  description: The given options that could not be compared, because the server does not show them.
  type: list
  elements: str
  returned: when O(state=present)
  sample: []
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 2}
"""

from ..module_utils._clients.clients import OIDC_CLIENT
from ..module_utils._core.operation import run_module


def main() -> None:
    run_module(OIDC_CLIENT)


if __name__ == "__main__":
    main()
