# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules document is what the table of attributes and the argument specs say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.doc_fragments import subject
from ansible_collections.aritma.iam.plugins.inventory import service_clients
from ansible_collections.aritma.iam.plugins.module_utils._clients.attributes import ATTRIBUTES, StringSet
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, fold
from ansible_collections.aritma.iam.plugins.modules import (
    client_secret,
    client_secret_info,
    client_subject_info,
    doctor,
    iam_policies,
    iam_policy,
    iam_policy_info,
    oidc_client,
    oidc_client_info,
    subject_group,
    subject_group_info,
    subject_group_members,
    subject_memberships,
    subject_memberships_info,
    subject_permissions_info,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.client_hosts import client_variables
from unit.api.driver import OPERATIONS, Driver

MODULES = {
    each.__name__.rpartition(".")[2]: each
    for each in (
        *(client_secret, client_secret_info, client_subject_info, iam_policies, iam_policy, iam_policy_info),
        *(doctor, oidc_client, oidc_client_info, subject_permissions_info),
        *(subject_group, subject_group_info, subject_group_members, subject_memberships, subject_memberships_info),
    )
}
SUBJECT = yaml.safe_load(subject.ModuleDocFragment.DOCUMENTATION)["options"]
SHARED = ("type", "required", "default", "choices", "elements")


def shape(options: Mapping[str, Mapping[str, Any]], inner: str) -> dict[str, Any]:
    """The facts of options that documentation and argument spec share."""
    return {
        name: {
            **{fact: option[fact] for fact in SHARED if option.get(fact) not in (None, False)},
            **({"options": shape(option[inner], inner)} if inner in option else {}),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=OPERATIONS)
def test_documentation_and_argument_spec_agree(operation: Operation) -> None:
    document = yaml.safe_load(MODULES[operation.name].DOCUMENTATION)
    by_subject = "aritma.iam.subject" in document["extends_documentation_fragment"]
    documented = {**document.get("options", {}), **(SUBJECT if by_subject else {})}
    own = {name: each for name, each in operation.spec.argument_spec.items() if name not in CONNECTION.argument_spec}
    assert shape(documented, "suboptions") == shape(own, "options")


@pytest.mark.parametrize("name", ATTRIBUTES)
def test_each_attribute_is_documented(name: str) -> None:
    """As an option, as a return value of both modules, as a variable of hosts and of the role."""
    attribute = ATTRIBUTES[name]
    option = yaml.safe_load(oidc_client.DOCUMENTATION)["options"][name]
    assert "default" not in option
    if isinstance(attribute, StringSet):
        gets = " and ".join(f"C({each})" for each in attribute.default) or "none"
        assert f"If not given, they are not changed. A new client gets {gets}." in option["description"]
    shown = yaml.safe_load(oidc_client.RETURN)["client"]["contains"][name]
    listed = yaml.safe_load(oidc_client_info.RETURN)["clients"]["contains"][name]
    for returned in (shown, listed):
        assert {fact: returned[fact] for fact in ("type", "elements") if fact in returned} == attribute.option
    variable = f"service_client_{name}"
    assert f"C({variable})" in service_clients.DOCUMENTATION
    root = Path(oidc_client.__file__).parents[2]
    role = yaml.safe_load((root / "roles/service_client/meta/argument_specs.yml").read_text(encoding="utf-8"))
    spec = role["argument_specs"]["main"]["options"][variable]
    # What has a default cannot be null for Ansible itself, so the role reads it by itself.
    assert "default" in spec or {fact: spec[fact] for fact in ("type", "elements") if fact in spec} == attribute.option


def test_the_wire_model_knows_each_attribute() -> None:
    assert {*ATTRIBUTES, "client_id", "document", "in_full"} == set(Client.model_fields)
    assert all(fold(each.wire) in Client.NAMES[name] for name, each in ATTRIBUTES.items())
    full = Client.model_validate({"clientId": "c", **{each.wire: "" for each in ATTRIBUTES.values()}})
    assert set(client_variables(full)) == {f"service_client_{name}" for name in ("client_id", *ATTRIBUTES)}


def test_what_is_returned_is_documented(iam: Driver) -> None:
    made = iam.ok("oidc_client", name="billing")["client"]
    assert made.keys() == yaml.safe_load(oidc_client.RETURN)["client"]["contains"].keys()
    added = iam.ok("client_secret", client_id=made["client_id"], description="d")["secret"]
    assert added.keys() == yaml.safe_load(client_secret.RETURN)["secret"]["contains"].keys()
    [listed] = iam.ok("client_secret_info", client_id=made["client_id"])["secrets"]
    assert listed.keys() == yaml.safe_load(client_secret_info.RETURN)["secrets"]["contains"].keys()


def test_the_contract_names_what_an_update_takes() -> None:
    """The schema of the OpenAPI file has the attributes, and the id."""
    text = (Path(__file__).parents[2] / "contract" / "aritma-iam.openapi.yaml").read_text(encoding="utf-8")
    schemas = yaml.safe_load(text)["components"]["schemas"]
    wires = {each.wire for each in ATTRIBUTES.values()}
    assert set(schemas["CreateClientRequest"]["properties"]) == wires
    assert set(schemas["UpdateClientRequest"]["properties"]) == wires | {"clientId"}
    assert re.match(r"(?s).*type", str(schemas["ClientSecretDto"]["properties"]))
