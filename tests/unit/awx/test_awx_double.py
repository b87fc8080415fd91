# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The double of AWX, where it has to be as AWX: links and credentials without an id, and slices."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from awx.controller import TOKEN, Controller, Row, running_controller
from awx.jobs import hosts, slice_of


@pytest.fixture
def controller() -> Iterator[Controller]:
    """One with a workflow of one node."""
    with running_controller() as running:
        workflow = running.create("workflow_job_templates", {"name": "W"})
        running.child("workflow_nodes", workflow, {"identifier": "first"})
        yield running


def _post(controller: Controller, path: str, body: Row) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = requests.post(f"{controller.url}/api/v2/{path}", json=body, headers=headers, timeout=10)
    return answer.status_code, answer.json() if answer.content else None


def test_a_link_without_an_id_makes_a_node_of_the_same_workflow(controller: Controller) -> None:
    """awx/api/generics.py, SubListCreateAttachDetachAPIView; awx/api/views, EnforceParentRelationshipMixin."""
    first = controller.one("workflow_job_template_nodes", "first")
    place = f"workflow_job_template_nodes/{first['id']}/success_nodes/"
    status, made = _post(controller, place, {"identifier": "second", "workflow_job_template": 99})
    assert (status, made["workflow_job_template"]) == (201, first["workflow_job_template"])
    assert first["success_nodes"] == [made["id"]]
    assert _post(controller, place, {"identifier": "second"})[0] == 400
    assert _post(controller, place, {"id": "2"}) == (400, {"msg": '"id" field must be an integer.'})
    assert _post(controller, place, {"disassociate": True}) == (400, {"msg": '"id" is required to disassociate'})
    assert _post(controller, place, {"id": made["id"], "disassociate": False}) == (204, None)
    assert first["success_nodes"] == []


def test_slices_are_every_so_many_th_host_by_name() -> None:
    """awx/main/models/inventory.py, get_sliced_hosts. Groups and their variables stay."""
    inventory = {"all": {"hosts": {"d": {}}, "children": {"g": {"hosts": {"c": {}, "a": {"x": 1}}, "vars": {"y": 2}}}}}
    assert hosts(inventory) == ["a", "c", "d"]
    assert slice_of(inventory, 0, 2) == {
        "all": {"hosts": {"d": {}}, "children": {"g": {"hosts": {"a": {"x": 1}}, "vars": {"y": 2}}}}
    }
    assert slice_of(inventory, 1, 2) == {
        "all": {"hosts": {}, "children": {"g": {"hosts": {"c": {}}, "vars": {"y": 2}}}}
    }
