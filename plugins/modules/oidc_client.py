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
  - A client is found by its exact name, or by its client id. Names need not be unique on the server, so if several
    clients have the name, the task fails and lists them.
  - What the task does not name is never changed. An update sends the whole client back as the server showed it, with
    the changes applied and unknown members kept. Then the client is read again. If a member changed that the task does
    not name, the task fails and names it. Times of changes and versions are not compared.
  - A server may keep a name or a description in another form; trimmed, for example. Such a client is found as well, and
    a warning shows both forms. Another case, or a text that was cut, counts as the same name only where the description
    is as wanted.
  - If the answer to a creation is lost, the list of clients is read before the creation is repeated.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes
attributes:
  check_mode:
    support: full
    details: It makes the same reads and predicts; a client to create has no RV(client.client_id) then.
  idempotent:
    support: full
    details: What the server does not show cannot be compared. That is a warning and RV(not_compared), never a change.
options:
  name:
    description:
      - The name of the client, compared as it is, with case and spaces.
      - With O(client_id) it is the name that the client is to have.
    type: str
  client_id:
    description:
      - The OAuth client id. It finds the client whatever its name is.
      - The server chooses the ids of new clients, so with O(state=present) a client with this id must exist.
    type: str
  description: {description: The description. It is left alone unless given; a new client gets its name., type: str}
  allowed_grant_types:
    description:
      - The OAuth grants that the client may use, as a set.
      - They are left alone unless given; a new client gets C(client_credentials).
    type: list
    elements: str
  redirect_uris:
    description:
      - Where a user may be sent back to, as a set. A client with C(client_credentials) alone needs none.
      - They are left alone unless given; a new client gets none.
    type: list
    elements: str
  allowed_scopes:
    description:
      - The OAuth scopes that the client may request, as a set.
      - They are left alone unless given; a new client gets none.
    type: list
    elements: str
  state:
    description:
      - Whether the client is to exist.
      - V(absent) deletes the client with its secrets. Whether the server deletes its policies too is not documented;
        remove them first with M(aritma.iam.iam_policy).
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
    - name: The billing service has a client
      aritma.iam.oidc_client:
        name: billing
        description: Billing service
        allowed_scopes:
          - services.banking
      register: billing

    - name: It goes by another name now
      aritma.iam.oidc_client:
        client_id: "{{ billing.client.client_id }}"
        name: invoicing

    - name: It is not needed any more
      aritma.iam.oidc_client:
        name: invoicing
        state: absent
"""

RETURN = r"""
client:
  description:
    - The client as it is now, or as it would be in check mode.
    - With O(state=absent) the client that was there; null when there was none.
  type: dict
  returned: success
  contains:
    client_id:
      description: The OAuth client id, null in check mode for a client that is to be created.
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
      description: Where a user may be sent back to.
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
  description: The options that were given but could not be compared, because the server does not show them.
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
