# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks up the current credential of a service client."""

from __future__ import annotations

DOCUMENTATION = r"""
name: service_credential
short_description: Get the current credential of a service client from its store
version_added: 0.1.0
description:
  - Reads the record of a client and returns its current credential. It changes nothing.
  - It runs on the controller, so a store of type V(file) is a file B(on the controller). For a file on another host use
    M(aritma.iam.credential_store).
  - The value is a secret. Use it in tasks with C(no_log=true), or pass it to an option that hides its value.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - aritma.iam.store
options:
  _terms: {description: OAuth client ids. Use them instead of O(client_id)., type: list, elements: str}
  client_id: {description: The OAuth client id., type: str}
seealso:
  - module: aritma.iam.credential_store
"""

EXAMPLES = r"""
- name: Call the service with its own credential
  ansible.builtin.uri:
    url: https://billing.example.com/health
    url_username: "{{ credential.client_id }}"
    url_password: "{{ credential.client_secret }}"
  no_log: true
  vars:
    credential: "{{ lookup('aritma.iam.service_credential', 'c1', store={'path': '/var/lib/aritma-iam/c1.json'}) }}"
"""

RETURN = r"""
_list:
  description: One credential for each client.
  type: list
  elements: dict
  contains:
    client_id:
      description: The OAuth client id.
      type: str
    client_secret:
      description: The current secret.
      type: str
    rotation_id:
      description: The rotation id of the secret.
      type: str
    secret_id:
      description: The id of the secret on the server, if it is known.
      type: str
    created_at:
      description: When the secret was created.
      type: str
    expires_at:
      description: When the secret expires, or null for never.
      type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.plugins.lookup import LookupBase

from ..module_utils._core.deps import require
from ..module_utils._core.errors import IamError, OptionError, StoreError
from ..module_utils._core.operation import unexpected
from ..plugin_utils._file_access import files_here
from ..plugin_utils._stores import open_store, store_option
from ..plugin_utils._stores._protocol import Setting


class LookupModule(LookupBase):
    """See DOCUMENTATION."""

    def run(self, terms: list[str], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return one credential for each client id."""
        self.set_options(var_options=variables, direct=kwargs)
        wanted = terms or [self.get_option("client_id")]
        try:
            require(("pydantic",))
            options = _validated(self.get_option("store"))
            return [self._credential(str(client_id or ""), options) for client_id in wanted]
        except IamError as error:
            raise AnsibleError(f"service_credential: {error}") from None
        except Exception as error:
            raise AnsibleError(str(unexpected("service_credential", error))) from None

    def _credential(self, client_id: str, options: dict[str, Any]) -> dict[str, Any]:
        if not client_id:
            raise OptionError("client_id is missing.", hint="Give it, or use it as a term.", option="client_id")
        store = open_store(options, Setting(client_id, files_here(check_mode=False), self._loader))
        record, _token = store.read()
        if record is None or record.current is None:
            raise StoreError(
                f"The store holds no current secret of client {client_id}.", hint="Provision the client first."
            )
        data = record.to_data()["current"]
        return {
            "client_id": client_id,
            "client_secret": data["value"],
            **{name: data.get(name) for name in ("rotation_id", "secret_id", "created_at", "expires_at")},
        }


def _validated(store: object) -> dict[str, Any]:
    """The members of ``store`` with their types. Raises ``OptionError``."""
    # Copied, because validation makes a deep copy, and a dict from a template refers to the whole template engine.
    given = dict(store) if isinstance(store, Mapping) else store
    validation = ArgumentSpecValidator({"store": store_option()}).validate({"store": given})
    if validation.error_messages:
        raise OptionError("; ".join(validation.error_messages), option="store")
    return dict(validation.validated_parameters["store"])
