# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: ``aritma.iam.connection`` for modules, ``aritma.iam.connection.plugin`` for other plugins.

``module_utils/_http/connection.py`` has the argument spec of the options. A test compares the two.
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
        The URL of the IAM API without C(/v1), such as V(https://api.dev.aritma.io/core/iam).
      - It is required, except for a token exchange.
      - V(http://) is refused in every URL, except for the local host (V(localhost), V(127.0.0.0/8), V(::1)).
    type: str
  token_url:
    description:
      - The full URL of the token endpoint. The default is V(connect/token) below O(identity_url) and O(tenant).
    type: str
  identity_url:
    description:
      - The URL of Aritma ID. It is used to build the URL of the token endpoint, unless O(token_url) is set.
    type: str
    default: https://id.aritma.io
  tenant:
    description:
      - The tenant, as in the path of the token endpoint.
      - It is required, unless O(token_url) is set, or O(access_token) is set and no other token is needed. Without a
        tenant the default tenant would answer, and a correct secret would look wrong.
    type: str
  access_token:
    description:
      - An admin token. It is used as given, and never cached or renewed.
      - Without it, O(auth_client_id) and O(auth_client_secret) are required to call the API.
    type: str
  auth_client_id:
    description:
      - The client id of the admin client, which gets the admin tokens.
    type: str
  auth_client_secret:
    description:
      - The secret of the admin client.
      - Admin tokens are cached in memory and in files of mode V(0600), until shortly before they expire. The directory
        of the files is E(ARITMA_TOKEN_CACHE_DIR), or C(aritma-iam) below E(XDG_RUNTIME_DIR), E(XDG_CACHE_HOME) or
        C(~/.cache). A directory that others can read is not used. V(/dev/null) turns the files off.
    type: str
  auth_scope:
    description:
      - The OAuth scope of the admin token.
    type: str
    default: services.iam
  validate_certs:
    description:
      - Whether to verify the certificates of the servers.
      - With V(false) anyone on the network path can read the credentials. Use O(ca_path) instead.
    type: bool
    default: true
  ca_path:
    description:
      - A file (or a directory prepared with C(c_rehash)) of trusted certificates in PEM format, on the host that makes
        the requests.
      - The default is E(REQUESTS_CA_BUNDLE), E(CURL_CA_BUNDLE), or the bundle of the Python library requests.
    type: path
  request_timeout:
    description:
      - The seconds that one request may take, from the connection to the last byte of the answer.
    type: float
    default: 10.0
  retry_budget:
    description:
      - The seconds that one call may take with all its repetitions. V(0) means no repetition. The first request always
        has its O(request_timeout).
      - A request is repeated if it got no answer, or V(429), V(502), V(503) or V(504). The pauses grow and follow
        C(Retry-After). If C(Retry-After) exceeds the budget, the call fails at once. A read is also repeated after
        V(500), twice.
      - >-
        A request that creates something is repeated only if it was not sent or got V(429). In all other cases it may
        have been carried out.
    type: float
    default: 60.0
  run_on:
    description:
      - >-
        Where to make the requests: in the controller process, or on the task's host. With V(target) the module and its
        options are sent to that host.
      - With V(target) the Python libraries requests and pydantic must be installed on that host.
    type: str
    choices: [controller, target]
    default: controller

requirements:
  - requests
  - pydantic >= 2
notes:
  - Proxies are taken from the usual environment variables (E(HTTPS_PROXY), E(HTTP_PROXY), E(NO_PROXY)).
  - A token is sent only to the given hosts. It never follows a redirect to another host. C(~/.netrc) is not read.
"""

_MODULE: dict[str, Any] = yaml.safe_load(_TEXT)
for _name, _option in _MODULE["options"].items():
    _option["description"].append(
        f"If not set, the variable C(aritma_iam_{_name}) or the environment variable E({ENVIRONMENT[_name]}) is used."
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
    """The connection to the API. The types are for ansible-test, which would read the assignments as texts."""

    DOCUMENTATION: str = json.dumps(_MODULE)

    PLUGIN: str = json.dumps(_PLUGIN)

    # The other sources of the options of PLUGIN.
    PLUGIN_SOURCES: str = json.dumps({"options": {option: _sources(option) for option in _PLUGIN["options"]}})
