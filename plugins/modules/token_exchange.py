#!/usr/bin/python
# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Learns whether a client credential works, by exchanging it for a token."""

from __future__ import annotations

DOCUMENTATION = r"""
module: token_exchange
short_description: Learn whether a client credential works
version_added: 0.1.0
description:
  - Exchanges a client id and secret for an access token, and says what the answer proves about the secret.
  - This is the OAuth client-credentials grant (RFC 6749, section 4.4), and not the token exchange of RFC 8693.
  - A token that was issued goes on working after its secret is deleted, until it expires. So each attempt gets a new
    token, on a fresh connection; nothing is cached.
  - Neither O(api_url) nor an admin credential is needed, only the token endpoint (O(tenant) or O(token_url)).
extends_documentation_fragment:
  - aritma.iam.connection
  - aritma.iam.attributes.info
options:
  client_id: {description: The OAuth client id., type: str, required: true}
  client_secret: {description: The secret to try., type: str, required: true}
  scope:
    description: The scope to request, one that the client may request. More than one are separated by spaces.
    type: str
    required: true
  auth_method:
    description:
      - How the credential is sent, in the form (V(post)) or in a Basic header (V(basic)).
      - For V(basic), id and secret are form-encoded first, as RFC 6749 demands in section 2.3.1.
    type: str
    choices: [post, basic]
    default: post
  expect:
    description:
      - What the verdict should be. Any other fails the task, with the verdict in its result.
      - With V(any) the task reports and does not fail. It asks once; while nothing is known it asks again, as long as
        O(retry_budget) allows.
    type: str
    choices: [accepted, rejected, any]
    default: accepted
  successes:
    description: How many answers in a row must be as expected, because a token endpoint may be several machines.
    type: int
    default: 1
  deadline:
    description:
      - How many seconds to ask again while the answer is not the expected one, because a new secret or a deletion may
        need time to spread. V(0) for no repetition.
      - A misconfiguration ends it at once. With O(expect=any) it is not used.
    type: float
    default: 60.0
  return_token:
    description:
      - Whether RV(access_token) is returned.
      - The output of the task is then censored, while a registered result stays usable.
    type: bool
    default: false
  rotation_id:
    description: Which secret this is about. It is returned as it is, so that the result is evidence for that rotation.
    type: str
seealso:
  - plugin: aritma.iam.access_token
    plugin_type: lookup
  - module: aritma.iam.client_secret
"""

EXAMPLES = r"""
- name: See that a new secret works, three times in a row
  aritma.iam.token_exchange:
    tenant: acme
    client_id: billing
    client_secret: "{{ new_secret }}"
    scope: services.banking
    successes: 3
    deadline: 120

- name: See that a deleted secret is refused
  aritma.iam.token_exchange:
    tenant: acme
    client_id: billing
    client_secret: "{{ old_secret }}"
    scope: services.banking
    expect: rejected

- name: Ask without failing
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
    - V(accepted), a token was issued.
    - V(rejected), the token endpoint answered C(invalid_client). The secret (or the client id, or the tenant) is wrong.
    - V(misconfigured), it answered C(invalid_scope), C(unauthorized_client), C(unsupported_grant_type) or
      C(invalid_request). The secret may be fine. On servers like Duende IdentityServer the first two prove that it is,
      which RV(detail) says; nothing is decided on it.
    - V(unknown), anything else, such as no answer, V(429), a server error or a page for people. It proves nothing.
    - Returned also when the task fails because of the verdict, as are the values below.
  type: str
  returned: always
  sample: accepted
error:
  description: The OAuth error code of the last answer, if it had one.
  type: str
  returned: always
  sample: invalid_client
detail:
  description: What the last answer was, in words.
  type: str
  returned: always
  sample: A token was issued.
status:
  description: The HTTP status of the last answer, if there was one.
  type: int
  returned: always
  sample: 200
attempts:
  description: How many times was asked.
  type: int
  returned: always
  sample: 3
successes:
  description: How many of the last answers in a row were the expected one.
  type: int
  returned: always
  sample: 5
rotation_id:
  description: The option of this name.
  type: str
  returned: always
token_url:
  description: The token endpoint that was asked, as it follows from the options.
  type: str
  returned: always
  sample: https://id.aritma.io/acme/connect/token
expires_in:
  description: Seconds that the token is valid for, if that was said.
  type: int
  returned: always
  sample: 3600
scope:
  description: The scope that the token was issued for, if that was said.
  type: str
  returned: always
  sample: services.banking
claims:
  description: The claims of the token if it is a JWT. They are decoded only, its signature is B(not) verified.
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
