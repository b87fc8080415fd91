#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows OAuth clients."""

from __future__ import annotations

DOCUMENTATION = r"""
module: oidc_client_info
short_description: Show OAuth clients
version_added: 0.1.0
description:
  - Shows all clients, or some of them. If no client matches, the list is empty.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  name: {description: Show the clients with exactly this name. There may be several., type: str}
  client_id: {description: Show the client with this OAuth client id., type: str}
  search:
    description: Show the clients that the server finds for this text. The server decides what it searches.
    type: str
seealso:
  - module: aritma.iam.oidc_client
"""

EXAMPLES = r"""
- name: Show all clients
  aritma.iam.oidc_client_info:
    tenant: acme
  register: all_clients

- name: Show the clients named billing
  aritma.iam.oidc_client_info:
    tenant: acme
    name: billing
  register: billing
"""

RETURN = r"""
clients:
  description: The clients. With O(name) or O(client_id) they have all details, else those in the list of the server.
  type: list
  elements: dict
  returned: success
  contains:
    client_id: {description: The OAuth client id., type: str, sample: 5f0c7d2e-8a51-4b5e-9a55-0c6f3f0f3a11}
    name: {description: The name., type: str, sample: billing}
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
calls:
  description: How many requests were made, by endpoint (C(iam), C(token)).
  type: dict
  returned: always
  sample: {iam: 1}
"""

from ..module_utils._clients.clients import OIDC_CLIENT_INFO
from ..module_utils._core.operation import run_module


def main() -> None:
    run_module(OIDC_CLIENT_INFO)


if __name__ == "__main__":
    main()
