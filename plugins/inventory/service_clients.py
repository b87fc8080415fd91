# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OIDC clients of a tenant as inventory hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: service_clients
short_description: The OIDC clients of a tenant as inventory hosts
version_added: 0.1.0
description:
  - Adds one host for each OIDC client of the tenant. Its variables are those of the role
    P(aritma.iam.service_client#role), so the role and the playbook C(aritma.iam.rotate) can run on it, and the list of
    the client's secrets. The values of secrets are never read.
  - The name of the source must end in C(aritma.yml) or C(aritma.yaml), such as C(due.aritma.yml).
  - A host has the name of its client. Characters other than letters, digits, V(_), V(.) and V(-) become V(_). If the
    name is not unique in the tenant, or has another meaning in Ansible (V(localhost), V(all), the name of a group of
    this source), V(_) and the client id are appended. Filters do not change the name.
  - The variables of the client are C(service_client_name), C(service_client_client_id), C(service_client_description),
    C(service_client_allowed_scopes), C(service_client_allowed_grant_types) and C(service_client_redirect_uris), as far
    as the server shows them. As host variables they override C(group_vars).
  - C(service_client_secrets) lists the secrets of the client, with the newest first. Each has C(secret_id),
    C(description), C(rotation_id), C(managed) (whether the role created it; null if the server shows no descriptions),
    C(created_at), C(expires_at), C(age_days), C(state) and C(reason). The state is V(fresh), V(too_old),
    V(expires_soon), V(expired), V(superseded) (by a newer one of the same lineage) or V(unknown). Unknown values are
    null.
  - C(service_client_managed) is true if the role created one of the secrets. C(service_client_secret_age_days) and
    C(service_client_secret_expires_at) are those of the newest secret of the role, or else of the newest secret.
  - C(service_client_due) is true if a rotation has something to do, as far as the list of secrets shows. This means
    that a secret of the role is due, or a rotation is not finished. C(service_client_due_reason) has the reason.
    C(service_client_due_known) is false if the list does not show enough. The role always checks again.
  - Values from the server are never evaluated as templates.
  - The server does not know the store, the deliveries and the probe of a client. Set them in C(group_vars).
  - The plugin makes one request for each page of clients, and one for each wanted client if O(secrets) is true.
author:
  - the aritma.iam contributors (@aritma-iam)
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
  - aritma.iam.connection.plugin
  - aritma.iam.connection.plugin_sources
options:
  plugin: {description: The name of this plugin., type: str, required: true, choices: [aritma.iam.service_clients]}
  names:
    description:
      - Patterns of client names. A client is included if its whole name matches a pattern. By default all are included.
      - V(*) matches any text, V(?) one character, V([ab]) one of these characters, and V([!ab]) any other character.
        Patterns are case-sensitive. They are those of C(fnmatch.fnmatchcase) in Python.
    type: list
    elements: str
    default: []
  exclude_names:
    description: Patterns, as in O(names), of client names to exclude.
    type: list
    elements: str
    default: []
  scopes:
    description: Include only clients that may request at least one of these OAuth scopes, compared exactly.
    type: list
    elements: str
    default: []
  grant_types:
    description: Include only clients that may use at least one of these OAuth grants, compared exactly.
    type: list
    elements: str
    default: []
  details:
    description:
      - Whether to read each client that O(names) includes, if the list of clients does not show scopes and grants. This
        makes one more request for each of them.
      - With V(false) such a host does not have the variables C(service_client_allowed_scopes),
        C(service_client_allowed_grant_types) and C(service_client_redirect_uris), and O(scopes) and O(grant_types)
        cannot be used. Then set C(service_client_verify_scope) in C(group_vars).
    type: bool
    default: false
  secrets: {description: Whether to list the secrets of each included client., type: bool, default: true}
  older_than:
    description:
      - Include only clients whose newest secret is at least this old, such as V(60d). It is the newest secret of the
        role, or else the newest of all.
      - A client without a secret is excluded. A client with a newest secret of unknown age is excluded with a warning.
    type: str
  expires_within:
    description: Include only clients whose newest secret, as in O(older_than), expires within this time or has expired.
    type: str
  only_due:
    description:
      - Whether to include only clients with a true C(service_client_due). A client for which it is not known is
        excluded with a warning.
    type: bool
    default: false
  rotate_after:
    description: The age at which a secret is due, or V(never) for no limit. Use the same value as in the role, which
      decides.
    type: str
    default: 60d
  expiry_margin:
    description: How long before its expiration a secret is due. Use the same value as in the role, which decides.
    type: str
    default: 14d
  group:
    description: The group of all hosts of this source. The playbooks use the default.
    type: str
    default: service_clients
  local:
    description:
      - Whether to set C(ansible_connection=local) and the Python of Ansible. A host of this inventory is a client and
        not a machine. Deliveries name the machines.
      - With V(false) nothing is set. If the host is also the machine, set C(ansible_host) with O(compose).
    type: bool
    default: true
  connections: {description: "The number of concurrent requests, from 1 to 10.", type: int, default: 8}
notes:
  - If a source cannot be read, Ansible only warns. The play then finds no hosts and succeeds. To make this a failure,
    set E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to V(true).
  - Connection options in the source may be templates, for example with a lookup.
  - The cache (O(cache)) never contains a token or the value of a secret. Ages, and whether a secret is due, are
    computed each time. Different connections and filters have separate caches. With O(access_token), set O(tenant),
    too.
seealso:
  - module: aritma.iam.oidc_client_info
  - module: aritma.iam.secret_audit_info
"""

EXAMPLES = r"""
# clients.aritma.yml: all clients of the tenant. Those that are due are also in the group "due".
plugin: aritma.iam.service_clients
groups:
  due: service_client_due

---
# due.aritma.yml: only clients that are due.
plugin: aritma.iam.service_clients
names: ["billing-*", "*-nightly"]
exclude_names: ["*-test"]
only_due: true
rotate_after: 30d

---
# old.aritma.yml: clients without a new secret for 90 days. Those that the role does not manage are in a group.
plugin: aritma.iam.service_clients
older_than: 90d
groups:
  strangers: not service_client_managed

---
# scopes.aritma.yml: groups by OAuth scope, for a server whose list of clients does not show scopes. Cached for an hour.
plugin: aritma.iam.service_clients
details: true
scopes: [services.banking]
keyed_groups:
  - {key: service_client_allowed_scopes, prefix: scope}
compose:
  service_client_verify_scope: "'services.banking'"
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/aritma-iam-inventory
cache_timeout: 3600
"""

from collections.abc import Mapping
from typing import Any

import ansible.template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ..module_utils._audit.tenant import Tenant, read_tenant
from ..module_utils._core.deps import require
from ..module_utils._core.errors import IamError, OptionError
from ..module_utils._core.operation import unexpected
from ..module_utils._core.time import now
from ..module_utils._http.connection import ENVIRONMENT, Connection
from ..plugin_utils._environment import without_empty_variables
from ..plugin_utils._inventory.client_hosts import Host, hosts
from ..plugin_utils._inventory.wish import Wish, cache_key

# In ansible-core 2.19 and newer, a string is a template only if marked as trusted; before, unless marked as unsafe.
_template = getattr(ansible.template, "trust_as_template", str)

_SECRETS = ("access_token", "auth_client_secret")
_LOCAL = {
    "ansible_connection": _template("local"),
    "ansible_python_interpreter": _template("{{ ansible_playbook_python }}"),
}


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """See DOCUMENTATION."""

    NAME = "aritma.iam.service_clients"

    def verify_file(self, path: str) -> bool:
        """Whether the name of ``path`` ends like a source of this plugin."""
        return bool(BaseInventoryPlugin.verify_file(self, path)) and path.endswith(("aritma.yml", "aritma.yaml"))

    def parse(self, inventory: InventoryData, loader: DataLoader, path: str, cache: bool = True) -> None:
        """Add the hosts of one source. Raises ``AnsibleParserError``."""
        super().parse(inventory, loader, path, cache)
        try:
            with without_empty_variables():
                self._read_options(path)
            self._add(inventory, path, cache)
        except IamError as error:
            raise AnsibleParserError(str(error)) from None
        except AnsibleError:
            raise
        except Exception as error:
            raise AnsibleParserError(str(unexpected(self.NAME, error))) from None

    def _read_options(self, path: str) -> None:
        try:
            config: Mapping[str, Any] = self._read_config_data(path)
        except AnsibleError as error:
            # The message of Ansible for a wrong type shows the value.
            secret = next((option for option in _SECRETS if option in str(error)), None)
            if secret is None:
                raise
            hint = f"Correct {secret} ({ENVIRONMENT[secret]})."
            raise OptionError(f"{secret} is not text.", hint=hint, option=secret) from None
        unknown = sorted(map(str, config.keys() - self.get_options().keys()))
        if unknown:
            raise OptionError(
                f"{', '.join(unknown)}: {self.NAME} has no such option.",
                hint=f"See ansible-doc -t inventory {self.NAME}.",
                option=unknown[0],
            )
        for name in ENVIRONMENT.keys() & config.keys():
            if isinstance(config[name], str) and self.templar.is_template(config[name]):
                self.set_option(name, self.templar.template(config[name]))

    def _add(self, inventory: InventoryData, path: str, cache: bool) -> None:
        require(("requests", "pydantic"))
        options = self.get_options()
        connection, wish = Connection.from_params(options), Wish.from_options(options)
        key = f"{self.get_cache_key(path)}_{cache_key(connection, str(options['tenant']), wish)}"
        tenant = Tenant.from_cache(self._cache.get(key)) if cache and options["cache"] else None
        if tenant is None:
            tenant = read_tenant(connection, wish.by_name, wish.connections, read=wish.read)
            if options["cache"]:
                self._cache[key] = tenant.to_cache()
        group = str(inventory.add_group(options["group"]))
        for each in options["groups"] or {}:
            inventory.add_group(self._sanitize_group_name(each))  # also without a host, because a playbook may name it
        found, warnings = hosts(tenant, wish, now(), {group, *(options["groups"] or {})})
        for warning in warnings:
            self.display.warning(f"{path}: {warning}")
        for each in found:
            self._add_host(inventory, each, group, options)

    def _add_host(self, inventory: InventoryData, host: Host, group: str, options: Mapping[str, Any]) -> None:
        inventory.add_host(host.name, group=group)
        local = _LOCAL if options["local"] else {}
        variables = {**local, **wrap_var(dict(host.variables))}
        for name, value in variables.items():
            inventory.set_variable(host.name, name, value)
        strict = options["strict"]
        self._set_composite_vars(options["compose"], variables, host.name, strict=strict)
        self._add_host_to_composed_groups(options["groups"], variables, host.name, strict=strict)
        self._add_host_to_keyed_groups(options["keyed_groups"], variables, host.name, strict=strict)
