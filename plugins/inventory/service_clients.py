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
  - Makes one host of each OIDC client of the tenant, with the variables of the role P(aritma.iam.service_client#role),
    so that the playbook C(aritma.iam.rotate) and the role can be run on it, and with what the server lists of the
    client's secrets. A secret's value is never read.
  - The name of the source ends in C(aritma.yml) or C(aritma.yaml), such as C(due.aritma.yml).
  - A host has the name of its client, with V(_) in place of everything but letters, digits, V(_), V(.) and V(-). Where
    that is not unique in the tenant, or means something else to Ansible (V(localhost), V(all), the name of a group of
    this source), V(_) and the client id follow. Filters do not change it.
  - Variables of the client, each where the server shows it, are C(service_client_name), C(service_client_client_id),
    C(service_client_description), C(service_client_allowed_scopes), C(service_client_allowed_grant_types) and
    C(service_client_redirect_uris). As variables of a host they win over C(group_vars).
  - C(service_client_secrets) is the list of its secrets, the newest first. Each has C(secret_id), C(description),
    C(rotation_id) (of a secret that the role made, else null), C(managed) (whether the role made it; null where the
    server shows no descriptions), C(created_at), C(expires_at), C(age_days), C(state) (V(fresh), V(too_old),
    V(expires_soon), V(expired), V(superseded) by a newer one of the same rotation, or V(unknown)) and C(reason).
    What is not known is null.
  - C(service_client_managed) says whether a secret of the role is among them. C(service_client_secret_age_days) and
    C(service_client_secret_expires_at) are those of the newest secret, which is the newest one that the role made, or
    else the newest of all.
  - C(service_client_due) says whether a rotation has something to do, as far as the list of secrets tells. One of the
    role's secrets is due, or a rotation is not finished. C(service_client_due_reason) says why or why not, and
    C(service_client_due_known) is false where the list does not tell enough. The role always looks for itself.
  - What the server says is never evaluated as a template, whatever it holds.
  - The store, the deliveries and the probe of a client are not known to the server. They come from C(group_vars).
  - Reading costs one request for each page of clients, and one for each wanted client where O(secrets) is true.
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
      - Patterns of names; a client is wanted when its whole name matches one of them. All are wanted without any.
      - V(*) stands for any text, V(?) for one character, V([ab]) for one of these, V([!ab]) for one that is none of
        these. Case matters. These are the patterns of C(fnmatch.fnmatchcase) of Python.
    type: list
    elements: str
    default: []
  exclude_names:
    description: Patterns, as in O(names), of names that are not wanted.
    type: list
    elements: str
    default: []
  scopes:
    description: Only clients that may request at least one of these OAuth scopes, compared exactly.
    type: list
    elements: str
    default: []
  grant_types:
    description: Only clients that may use at least one of these OAuth grants, compared exactly.
    type: list
    elements: str
    default: []
  details:
    description:
      - Ask for each client that O(names) wants where the list of clients does not show its scopes and grants. That is
        one more request for each of them.
      - Without it such a host has none of the variables C(service_client_allowed_scopes),
        C(service_client_allowed_grant_types) and C(service_client_redirect_uris), and O(scopes) and O(grant_types)
        cannot be used. Give C(service_client_verify_scope) in C(group_vars) then.
    type: bool
    default: false
  secrets: {description: Whether the list of secrets of each wanted client is asked for., type: bool, default: true}
  older_than:
    description:
      - Only clients whose newest secret is at least that old, such as V(60d). It is the newest one that the role made,
        or else the newest of all.
      - A client without a secret has no newest one and is left out. One whose newest secret has no known age is left
        out with a warning.
    type: str
  expires_within:
    description: Only clients whose newest secret, as in O(older_than), expires within that time, or has expired.
    type: str
  only_due:
    description:
      - Only clients for which C(service_client_due) is true. A client for which that is not known is left out with a
        warning.
    type: bool
    default: false
  rotate_after:
    description: The age at which a secret is due; V(never) for no limit. Say the same to the role, which decides.
    type: str
    default: 60d
  expiry_margin:
    description: How long before its expiration a secret is due. Say the same to the role, which decides.
    type: str
    default: 14d
  group:
    description: The group that all hosts of this source are in. The default is the one that the playbooks work on.
    type: str
    default: service_clients
  local:
    description:
      - Whether C(ansible_connection=local) and the Python of Ansible are set, since a host of this inventory stands for
        a client and not for a machine. Deliveries name the machines.
      - With V(false) nothing is set. Set C(ansible_host) with O(compose) where the host is also the machine.
    type: bool
    default: true
  connections: {description: "How many requests are under way at a time, from 1 to 10.", type: int, default: 8}
notes:
  - A source that cannot be read is a warning to Ansible, and the play then finds no hosts and ends well. Set
    E(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) to V(true) to make it a failure.
  - Values of connection options that are written in the source may be templates, such as a lookup.
  - The cache (O(cache)) never holds a token or the value of a secret. Ages, and whether a secret is due, are worked out
    anew each time. Caches of different connections and filters are kept apart; with O(access_token), set O(tenant) too.
seealso:
  - module: aritma.iam.oidc_client_info
  - module: aritma.iam.secret_audit_info
"""

EXAMPLES = r"""
# clients.aritma.yml: all clients of the tenant; those that are due are in a group, too.
plugin: aritma.iam.service_clients
groups:
  due: service_client_due

---
# due.aritma.yml: nothing but the clients that are due.
plugin: aritma.iam.service_clients
names: ["billing-*", "*-nightly"]
exclude_names: ["*-test"]
only_due: true
rotate_after: 30d

---
# old.aritma.yml: whatever has no new secret since 90 days or expires soon, also what nobody rotates with Ansible.
plugin: aritma.iam.service_clients
older_than: 90d
groups:
  strangers: not service_client_managed

---
# scopes.aritma.yml: groups by OAuth scope, of a server whose list of clients does not show scopes; kept for an hour.
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

# Since ansible-core 2.19 a string is a template only when it is marked as one; before, unless it is marked as unsafe.
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
        """Whether ``path`` is a source of this plugin, by the end of its name."""
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
        except Exception as error:  # a bug: say where, hide what
            raise AnsibleParserError(str(unexpected(self.NAME, error))) from None

    def _read_options(self, path: str) -> None:
        try:
            config: Mapping[str, Any] = self._read_config_data(path)
        except AnsibleError as error:
            # Of a value of the wrong type, Ansible shows the value.
            secret = next((option for option in _SECRETS if option in str(error)), None)
            if secret is None:
                raise
            hint = f"Correct {secret} ({ENVIRONMENT[secret]})."
            raise OptionError(f"{secret} is not a text.", hint=hint, option=secret) from None
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
