# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for stores and deliveries document is what their argument specs say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.doc_fragments import delivery, store
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_file import CREDENTIAL_FILE
from ansible_collections.aritma.iam.plugins.module_utils._files.store_file import STORE_FILE
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION
from ansible_collections.aritma.iam.plugins.modules import (
    credential_delivery,
    credential_file,
    credential_store,
    store_file,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._operation import CREDENTIAL_STORE

FRAGMENTS = {
    name: yaml.safe_load(fragment)["options"]
    for name, fragment in (
        ("aritma.iam.store", store.ModuleDocFragment.DOCUMENTATION),
        ("aritma.iam.store.to", store.ModuleDocFragment.TO),
        ("aritma.iam.delivery", delivery.ModuleDocFragment.DOCUMENTATION),
        ("aritma.iam.delivery.target", delivery.ModuleDocFragment.TARGET),
    )
}


def shape(options: Mapping[str, Mapping[str, Any]], inner: str) -> dict[str, Any]:
    """The facts of options that documentation and argument spec share."""
    shared = ("type", "required", "default", "choices", "elements")
    return {
        name: {
            **{fact: option[fact] for fact in shared if option.get(fact) not in (None, False)},
            **({"options": shape(option[inner], inner)} if inner in option else {}),
        }
        for name, option in options.items()
    }


@pytest.mark.parametrize(
    ("operation", "module"),
    [
        (CREDENTIAL_STORE, credential_store),
        (CREDENTIAL_FILE, credential_file),
        (CREDENTIAL_DELIVERY, credential_delivery),
        (STORE_FILE, store_file),
    ],
)
def test_documentation_and_argument_spec_agree(operation: Operation, module: Any) -> None:
    """Names, types, defaults and choices."""
    text = yaml.safe_load(module.DOCUMENTATION)
    documented = text.get("options", {})
    for name in text["extends_documentation_fragment"]:
        documented |= FRAGMENTS.get(name, {})
    # The connection options stand in their own fragment.
    own = {
        name: option for name, option in operation.spec.argument_spec.items() if name not in CONNECTION.argument_spec
    }
    assert shape(documented, "suboptions") == shape(own, "options")
    assert yaml.safe_load(module.EXAMPLES)
    assert yaml.safe_load(module.RETURN)


def test_options_of_a_back_end_name_its_type_and_refer_to_their_own_option() -> None:
    """The options ``store`` and ``to`` share their texts, but each refers to its own members."""
    fragments = {**FRAGMENTS["aritma.iam.store"], **FRAGMENTS["aritma.iam.store.to"]}
    for name in ("store", "to"):
        members = fragments[name]["suboptions"]
        assert members["token"]["description"][0].startswith("For V(hashi_vault): A token.")
        assert f"O({name}.token_file)" in members["token"]["description"][0]
        assert [each.partition(":")[0] for each in members["ca_path"]["description"]] == [
            "For V(hashi_vault)",
            "For V(aws_secretsmanager)",
        ]
