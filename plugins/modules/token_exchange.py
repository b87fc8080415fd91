#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks whether a client credential works, by exchanging it for a token."""

from __future__ import annotations

DOCUMENTATION = r"""
module: token_exchange
short_description: Check whether a client credential works
version_added: 0.1.0
description:
  - Exchanges a client id and secret for an access token, and returns what the answer proves about the secret.
  - This is the OAuth client-credentials grant (RFC 6749, section 4.4), not the token exchange of RFC 8693.
  - A token stays valid after its secret is deleted, until it expires. So each attempt requests a new token on a new
    connection. Nothing is cached.
  - The module needs the token endpoint (O(tenant) or O(token_url)), but neither O(api_url) nor an admin credential.
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  client_id: {description: The OAuth client id., type: str, required: true}
  client_secret: {description: The secret to try., type: str, required: true}
  scope:
    description: The scope to request. The client must be allowed to request it. Separate several scopes with spaces.
    type: str
    required: true
  auth_method:
    description:
      - How the credential is sent, in the form (V(post)) or in a Basic header (V(basic)).
      - For V(basic), id and secret are form-encoded first, as RFC 6749 requires in section 2.3.1.
    type: str
    choices: [post, basic]
    default: post
  expect:
    description:
      - The expected verdict. With another verdict the task fails, and the result contains that verdict.
      - With V(any) the task does not fail because of a verdict. It asks once. While the verdict is V(unknown), it
        repeats the request within O(retry_budget).
    type: str
    choices: [accepted, rejected, any]
    default: accepted
  successes:
    description:
      - How many answers in a row must be as expected. A token endpoint may consist of several machines.
      - An answer with status 429 does not count, and does not end the row.
    type: int
    default: 1
  deadline:
    description:
      - The number of seconds to repeat the request while the verdict is not the expected one, because a new secret or a
        deletion may need time to spread. V(0) means no repetition.
      - The verdict V(misconfigured) ends it at once. With O(expect=any) this option has no effect.
    type: float
    default: 60.0
  return_token:
    description:
      - Whether to return RV(access_token).
      - The output of the task is then censored, but a registered result can be used.
    type: bool
    default: false
  rotation_id:
    description: The rotation id of the secret. It is returned unchanged, so the result is evidence for that rotation.
    type: str
seealso:
  - plugin: aritma.iam.access_token
    plugin_type: lookup
  - module: aritma.iam.client_secret
"""

EXAMPLES = r"""
- name: Check three times in a row that a new secret works
  aritma.iam.token_exchange:
    tenant: acme
    client_id: billing
    client_secret: "{{ new_secret }}"
    scope: services.banking
    successes: 3
    deadline: 120

- name: Check that a deleted secret is refused
  aritma.iam.token_exchange:
    tenant: acme
    client_id: billing
    client_secret: "{{ old_secret }}"
    scope: services.banking
    expect: rejected

- name: Get the verdict without failing
  aritma.iam.token_exchange:
    tenant: acme
    client_id: billing
    client_secret: "{{ secret }}"
    scope: services.banking
    expect: any
  register: asked
"""

RETURN = r"""
verdict:
  description:
    - V(accepted) means that a token was issued.
    - V(rejected) means that the token endpoint answered C(invalid_client). The secret, the client id or the tenant is
      wrong.
    - V(misconfigured) means that it answered C(invalid_scope), C(unauthorized_client), C(unsupported_grant_type) or
      C(invalid_request). The secret may be correct. On servers like Duende IdentityServer the first two errors prove
      that it is. RV(detail) says so, but nothing is decided on it.
    - V(unknown) means anything else, such as no answer, V(429), a server error or an HTML page. It proves nothing.
    - If the task fails because of the verdict, this and the values below are returned, too.
  type: str
  returned: always
  sample: accepted
error:
  description: The OAuth error code of the last answer, if it had one.
  type: str
  returned: always
  sample: invalid_client
detail:
  description: A description of the last answer.
  type: str
  returned: always
  sample: A token was issued.
status:
  description: The HTTP status of the last answer, if there was one.
  type: int
  returned: always
  sample: 200
attempts:
  description: How many requests were made.
  type: int
  returned: always
  sample: 3
successes:
  description: How many of the last answers in a row were as expected.
  type: int
  returned: always
  sample: 5
rotation_id:
  description: The option O(rotation_id).
  type: str
  returned: always
token_url:
  description: The URL of the token endpoint.
  type: str
  returned: always
  sample: https://id.aritma.io/acme/connect/token
expires_in:
  description: The lifetime of the token in seconds, if the server sent it.
  type: int
  returned: always
  sample: 3600
scope:
  description: The scope of the token, if the server sent it.
  type: str
  returned: always
  sample: services.banking
claims:
  description: The claims of the token if it is a JWT. The signature is B(not) verified.
  type: dict
  returned: always
  sample:
    client_id: billing
    tid: acme
access_token:
  description: The token.
  type: str
  returned: when O(return_token=true) and the verdict is V(accepted)
calls:
  description: How many requests were made.
  type: dict
  returned: always
  sample:
    token: 3
"""

from ..module_utils._core.operation import run_module
from ..module_utils._oauth.exchange import TOKEN_EXCHANGE


def main() -> None:
    run_module(TOKEN_EXCHANGE)


if __name__ == "__main__":
    main()
