# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients are delivered to one place at the same time: each gets its turn, and no value is lost."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from doubles.aws import Aws
from doubles.kubernetes import running_cluster
from doubles.openbao import Bao

from .conftest import VALUE, perform
from .places import Place

Json = dict[str, Any]
WRITERS = pytest.mark.parametrize("writers", [25, pytest.param(200, marks=pytest.mark.torture)])
_LATENCY = 0.05


def deliver_all(target: Json, writers: int) -> dict[str, str]:
    """Deliver so many clients there at once, and return what must be there afterwards."""

    def deliver(number: int) -> Json:
        credential = {"client_id": f"c{number}", "client_secret": f"{VALUE}{number}", "rotation_id": "r1"}
        members = {f"id-{number}": "client_id", f"secret-{number}": "client_secret"}
        fence: Json = {"lineage": f"{number:06x}", "generation": 1}
        return perform(CREDENTIAL_DELIVERY, target=target, credential=credential, members=members, **fence)

    with ThreadPoolExecutor(writers) as pool:
        done = list(pool.map(deliver, range(writers)))
    assert [each.get("msg") for each in done if not each.get("verified")] == []
    ids = {f"id-{number}": f"c{number}" for number in range(writers)}
    return {**ids, **{f"secret-{number}": f"{VALUE}{number}" for number in range(writers)}}


@WRITERS
def test_many_clients_share_one_path_of_vault(bao: Bao, monkeypatch: pytest.MonkeyPatch, writers: int) -> None:
    """With the latency of a network."""
    send = requests.Session.send

    def slow(self: requests.Session, *given: Any, **named: Any) -> Any:
        time.sleep(_LATENCY)
        return send(self, *given, **named)

    monkeypatch.setattr(requests.Session, "send", slow)
    path = f"many/{writers}"
    expected = deliver_all({"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": path}, writers)
    monkeypatch.undo()
    assert bao.record(path) == expected


@WRITERS
def test_many_clients_share_one_secret_of_kubernetes(tmp_path: Path, writers: int) -> None:
    with running_cluster() as cluster:
        target = {"type": "kubernetes_secret", "namespace": "billing", "name": "aritma"}
        target["kubeconfig"] = cluster.kubeconfig(tmp_path / "kubeconfig")
        assert deliver_all(target, writers) == cluster.secret("aritma")


def test_many_clients_share_one_secret_of_aws(aws: Aws, aws_secretsmanager_place: Place) -> None:
    """Fewer, since the double takes a thread and a moment for each request."""
    options = aws_secretsmanager_place.options
    assert deliver_all(options, 8) == aws.held(options["path"])
