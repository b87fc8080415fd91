# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gets an access token from Aritma ID."""

from __future__ import annotations

DOCUMENTATION = r"""
name: access_token
short_description: Get an access token from Aritma ID
version_added: 0.1.0
description:
  - Returns an access token from the OAuth client-credentials grant (RFC 6749, section 4.4).
  - By default it is the admin token that the modules of this collection use. You can pass it on, for example to
    M(ansible.builtin.uri). With O(client_id), O(client_secret) and O(scope) it is the token of that client.
  - Tokens are cached as described for O(auth_client_secret), and renewed before they expire.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.connection.plugin
  - aritma.iam.connection.plugin_sources
options:
  _terms:
    description: The lookup takes no terms.
  client_id:
    description: The client to get a token for, instead of the admin client. Requires O(client_secret) and O(scope).
    type: str
  client_secret: {description: The secret of O(client_id)., type: str}
  scope: {description: The scope to request for O(client_id)., type: str}
notes:
  - Ansible does not hide the result of a lookup. Use it in tasks with C(no_log), or for an option that hides its value.
seealso:
  - module: aritma.iam.token_exchange
"""

EXAMPLES = r"""
- name: Call an operation that has no module yet
  ansible.builtin.uri:
    url: https://api.dev.aritma.io/core/iam/v1/subjects/groups
    headers:
      Authorization: "Bearer {{ lookup('aritma.iam.access_token', tenant='acme') }}"
  no_log: true

- name: Read the clients with a given token
  aritma.iam.oidc_client_info:
    api_url: https://api.dev.aritma.io/core/iam
    access_token: "{{ lookup('aritma.iam.access_token', tenant='acme') }}"
"""

RETURN = r"""
_raw:
  description: One access token.
  type: list
  elements: str
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase

from ..module_utils._core.deps import require
from ..module_utils._core.errors import IamError, OptionError
from ..module_utils._core.operation import unexpected
from ..module_utils._http.admin_token import AdminTokens
from ..module_utils._http.connection import Connection
from ..plugin_utils._environment import without_empty_variables


class LookupModule(LookupBase):
    """See ``DOCUMENTATION``."""

    def run(self, terms: Sequence[Any], variables: Mapping[str, Any] | None = None, **kwargs: Any) -> list[str]:
        """Return one token, in a list."""
        with without_empty_variables():
            self.set_options(var_options=self._ours(variables or {}), direct=kwargs)
        try:
            require(("requests",))
            connection = Connection.for_tokens(_credential_options(terms, self.get_options()))
            return [AdminTokens(connection, Counter()).get()]
        except IamError as error:
            raise AnsibleError(str(error)) from None
        except Exception as error:
            raise AnsibleError(str(unexpected("access_token", error))) from None

    def _ours(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The variables that set options, rendered. A lookup gets variables as unrendered templates."""
        ours = {name: value for name, value in variables.items() if name.startswith("aritma_iam_")}
        templar = self._templar
        return ours if templar is None else {name: templar.template(value) for name, value in ours.items()}


def _credential_options(terms: Sequence[Any], options: Mapping[str, Any]) -> Mapping[str, Any]:
    """The options, with the credential of the client instead of the admin credential if it is given."""
    if terms:
        raise OptionError("aritma.iam.access_token takes no terms.", hint="Give options by name.")
    client = {name: options.get(name) for name in ("client_id", "client_secret", "scope")}
    missing = [name for name, value in client.items() if not value]
    if len(missing) == len(client):
        return options
    if missing:
        raise OptionError(
            f"{' and '.join(missing)} of the client is missing.",
            hint="Set client_id, client_secret and scope together, or none of them for the admin token.",
            option=missing[0],
        )
    return {**options, "access_token": None, **{f"auth_{name}": value for name, value in client.items()}}
