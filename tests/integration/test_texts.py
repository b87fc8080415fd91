# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that look like numbers stay texts, whatever the core makes of templates."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_run import Ansible

from simulator.process import Simulator

NAME, ID, OTHER, VALUE = "1e5", "102e2", "0x1F", "12_345_678"

TASKS: list[dict[str, Any]] = [
    {"aritma.iam.oidc_client": {"name": "{{ name }}", "description": "{{ other }}"}, "register": "made"},
    {
        "aritma.iam.oidc_client": {
            "client_id": "{{ item.id }}",
            "name": "{{ name }}",
            "allowed_scopes": ["{{ other }}", "{{ 2 + 3 }}"],
        },
        "loop": [{"id": ID}],
    },
    {
        "aritma.iam.client_secret": {"client_id": "{{ id }}", "description": "{{ item }}", "state": "absent"},
        "loop": ["7_7"],
    },
    {
        "aritma.iam.token_exchange": {"client_id": "{{ id }}", "scope": "{{ other }}", "expect": "any"},
        "args": {"client_secret": "{{ value }}", "deadline": "{{ 1 + 1 }}"},
        "register": "asked",
    },
    {"ansible.builtin.assert": {"that": ["asked.verdict == 'accepted'"]}},
]


@pytest.mark.matrix
@pytest.mark.parametrize("native", ["true", pytest.param("false", marks=pytest.mark.torture)])
def test_texts_stay_texts(ansible: Ansible, simulator: Simulator, native: str) -> None:
    secrets = [{"value": VALUE, "description": "7_7"}, {"value": "other-value", "description": "b"}]
    simulator.admin.seed(clients=[{"name": NAME, "client_id": ID, "allowed_scopes": [OTHER], "secrets": secrets}])
    variables = {"name": "{{ [called] | first }}", "called": NAME, "id": ID, "other": OTHER, "value": VALUE}
    tasks = [TASKS[0], *TASKS[3:], *TASKS[1:3]]
    ansible.tasks(*tasks, variables=variables, ANSIBLE_JINJA2_NATIVE=native).ok()
    [client] = [each for each in simulator.admin.state()["clients"] if each["client_id"] == ID]
    assert (client["name"], client["description"]) == (NAME, OTHER)
    assert client["allowed_scopes"] == [OTHER, "5"]
    assert [each["description"] for each in client["secrets"]] == ["b"]
