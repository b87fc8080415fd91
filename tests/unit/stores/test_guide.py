# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rights that the guide prints are enough, and none is too much."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._spec import read_deliveries
from doubles.aws import Aws, reading
from doubles.kubernetes import running_cluster
from doubles.openbao import Bao
from doubles.proxy import Proxy

from .conftest import VALUE, Keep, perform

GUIDE = Path(__file__).parents[3] / "docs" / "stores-and-deliveries.md"
CREDENTIAL = {"client_id": "c1", "client_secret": VALUE, "rotation_id": "r1"}


def printed(language: str) -> list[str]:
    """The blocks of the guide in that language."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)


def delivered_and_removed(target: dict[str, Any]) -> list[dict[str, Any]]:
    """The whole life of a delivery."""
    steps: list[dict[str, Any]] = [
        {},
        {"credential": {**CREDENTIAL, "rotation_id": "r2"}},
        {"state": "absent"},
    ]
    return [perform(CREDENTIAL_DELIVERY, **{"target": target, "credential": CREDENTIAL, **step}) for step in steps]


def test_the_policy_of_vault_is_enough(keep: Keep, bao: Bao) -> None:
    """For a store and for a delivery, and for no other path."""
    (policy,) = printed("hcl")
    store = {"type": "hashi_vault", "url": bao.url, "token": bao.token_for("guide", policy), "path": "services/record"}
    for state in ("checked", "written", "read", "absent"):
        assert "failed" not in keep(state, store=store), state
    assert [each["changed"] for each in delivered_and_removed({**store, "path": "services/billing"})] == [True] * 3
    assert "Forbidden" in keep("written", store={**store, "path": "other/record"})["msg"]


def test_the_policy_of_aws_names_what_is_called(keep: Keep, aws: Aws, aws_members: dict[str, Any]) -> None:
    """Each action, and no other."""
    (policy,) = printed("json")
    proxy = Proxy(aws.url, reading)
    try:
        store = {**aws_members, "endpoint_url": proxy.url}
        for state in ("written", "checked", "written", "absent"):
            assert "failed" not in keep(state, store=store), state
        assert [each["changed"] for each in delivered_and_removed(store)] == [True] * 3
        called = {f"secretsmanager:{each.operation}" for each in proxy.asked}
    finally:
        proxy.close()
    (statement,) = json.loads(policy)["Statement"]
    assert set(statement["Action"]) == called


def test_the_role_of_kubernetes_names_what_is_asked(tmp_path: Path) -> None:
    """Each verb on each kind, and no other."""
    with running_cluster() as cluster:
        target = {"type": "kubernetes_secret", "namespace": "billing", "name": "aritma", "rollout_timeout": 0}
        target["kubeconfig"] = cluster.kubeconfig(tmp_path / "kubeconfig")
        kinds = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
        for resource in kinds:
            cluster.deploy(resource, "web")
        target["rollout"] = [{"kind": kind, "name": "web"} for kind in kinds.values()]
        assert [each["changed"] for each in delivered_and_removed(target)] == [True] * 3
        asked = set(cluster.seen)
    role = next(each for each in printed("yaml") if "kind: Role" in each)
    rules = yaml.safe_load(role)["rules"]
    granted = {f"{verb} {kind}" for rule in rules for kind in rule["resources"] for verb in rule["verbs"]}
    assert granted == asked


def test_the_deliveries_of_the_guide_are_valid() -> None:
    """The module takes them as options."""
    example = yaml.safe_load(next(each for each in printed("yaml") if "service_client_deliveries" in each))
    kubernetes = read_deliveries(example["service_client_deliveries"], "here")[0]
    assert kubernetes.name == "kubernetes_secret billing/aritma"
    assert kubernetes.options["target"]["rollout"] == [{"kind": "Deployment", "name": "billing-web"}]
