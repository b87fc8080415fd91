# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: ``aritma.iam.connection`` for modules, ``aritma.iam.connection.plugin`` for other plugins.

The options themselves are in ``module_utils/_http/connection.py``; a test compares the two.
"""

from __future__ import annotations

import json
from typing import Any

import yaml

from ..module_utils._http.connection import ENVIRONMENT

_TEXT = r"""
options:
  api_url:
    description:
      - >-
        Where the IAM API is: what stands before C(/v1), such as V(https://api.dev.aritma.io/core/iam).
      - Required by everything that calls the API, here or as an environment variable; exchanging a token alone does
        not need it.
      - V(http://) is refused except for this host itself (V(localhost), V(127.0.0.0/8), V(::1)). That holds for
        every URL here.
    type: str
  token_url:
    description:
      - The full URL of the token endpoint. Without it, it is V(connect/token) below O(identity_url) and O(tenant).
    type: str
  identity_url:
    description:
      - Where Aritma ID is. Used to build the token endpoint unless O(token_url) is set.
    type: str
    default: https://id.aritma.io
  tenant:
    description:
      - The tenant, as it stands in the path of the token endpoint.
      - Required unless O(token_url) is set, or O(access_token) makes a token endpoint needless. Without a tenant
        the default tenant would answer, and a good secret would look wrong.
    type: str
  access_token:
    description:
      - A ready admin token. It is used as it is and never cached or renewed.
      - Without it, O(auth_client_id) and O(auth_client_secret) are required by everything that calls the API.
    type: str
  auth_client_id:
    description:
      - The client id of the admin client, whose credential gets the admin tokens.
    type: str
  auth_client_secret:
    description:
      - The secret of the admin client.
      - The tokens that it gets are kept in memory and, from task to task, in files of mode V(0600) in a directory
        that nobody else can read, until shortly before they expire. That is E(ARITMA_TOKEN_CACHE_DIR), else
        C(aritma-iam) below E(XDG_RUNTIME_DIR), E(XDG_CACHE_HOME) or C(~/.cache). A directory that others can read
        is not used; V(/dev/null) in E(ARITMA_TOKEN_CACHE_DIR) turns the files off.
    type: str
  auth_scope:
    description:
      - The OAuth scope that the admin token is requested for.
    type: str
    default: services.iam
  validate_certs:
    description:
      - Whether the certificates of the servers are verified.
      - With V(false) anybody on the network path can read the credentials, without a warning. Use O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file (or a directory made by C(c_rehash)) with the certificates to trust, in PEM format, where the
        requests are made.
      - Without it, E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE) or the bundle of the Python library requests is used.
    type: path
  request_timeout:
    description:
      - Seconds that one request may take, from connecting to the last byte of the answer.
    type: float
    default: 10.0
  retry_budget:
    description:
      - Seconds that one call may take with all its repetitions; V(0) for no repetition. The first request always
        has its O(request_timeout).
      - Repeated are requests that got no answer or V(429), V(502), V(503) or V(504), with growing pauses and as
        C(Retry-After) asks. When C(Retry-After) does not fit in, the call fails at once. One that only reads is also
        repeated after V(500), twice.
      - >-
        A request that creates something is repeated only when it was not sent or got V(429): otherwise look first
        whether it was carried out.
    type: float
    default: 60.0
  run_on:
    description:
      - >-
        Where the requests are made: in the controller process, or on the task's host, to which the module and its
        options are then shipped.
      - With V(target) the Python libraries requests and pydantic must be installed on that host.
    type: str
    choices: [controller, target]
    default: controller

requirements:
  - requests
  - pydantic >= 2
notes:
  - Proxies are taken from the usual environment variables (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)).
  - A token is sent to the given hosts only; it follows no redirect elsewhere. C(~/.netrc) is not read.
"""

_MODULE: dict[str, Any] = yaml.safe_load(_TEXT)
for _name, _option in _MODULE["options"].items():
    _option["description"].append(
        f"If not set, the variable C(aritma_iam_{_name}) is used, then the environment variable E({ENVIRONMENT[_name]})."
    )

# Lookups and inventories always run on the controller.
_PLUGIN = {**_MODULE, "options": {name: option for name, option in _MODULE["options"].items() if name != "run_on"}}


def _sources(option: str) -> dict[str, list[dict[str, str]]]:
    return {
        "env": [{"name": ENVIRONMENT[option]}],
        "ini": [{"section": "aritma_iam", "key": option}],
        "vars": [{"name": f"aritma_iam_{option}"}],
    }


class ModuleDocFragment:
    """How to reach the API, and as whom. With types, since ansible-test takes every other assignment for a text."""

    DOCUMENTATION: str = json.dumps(_MODULE)

    PLUGIN: str = json.dumps(_PLUGIN)

    # Beside PLUGIN: where else its options come from.
    PLUGIN_SOURCES: str = json.dumps({"options": {option: _sources(option) for option in _PLUGIN["options"]}})
