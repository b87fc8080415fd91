# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a Kubernetes Secret, over HTTP, against a double with optimistic concurrency."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries import _operation, open_target
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from ansible_collections.aritma.iam.plugins.plugin_utils._documents import _rollout
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._cluster import connect
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._rollout import rolled_out
from doubles.kubernetes import TOKEN, Cluster, merged, running_cluster

from .conftest import VALUE, perform

Json = dict[str, Any]
Deliver = Callable[..., Json]
ANNOTATION = "aritma.iam/rotation-id.c1"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A cluster of this test."""
    with running_cluster() as started:
        yield started


@pytest.fixture
def deliver(cluster: Cluster, tmp_path: Path) -> Deliver:
    """``credential_delivery`` to the Secret ``aritma`` in this process."""
    kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")

    def run(rotation_id: str = "r1", state: str = "present", **options: Any) -> Json:
        target = {"type": "kubernetes_secret", "kubeconfig": kubeconfig, "namespace": "billing", "name": "aritma"}
        how = {name: options.pop(name) for name in ("members", "check_mode") if name in options}
        credential = {"client_id": "c1", "client_secret": VALUE + rotation_id, "rotation_id": rotation_id}
        return perform(CREDENTIAL_DELIVERY, target={**target, **options}, credential=credential, state=state, **how)

    return run


def test_a_secret_is_made_kept_mended_and_removed(cluster: Cluster, deliver: Deliver) -> None:
    """It has labels, and the rotation in an annotation. A second delivery writes nothing."""
    predicted = deliver(check_mode=True, labels={"app": "billing"})
    assert (predicted["changed"], predicted["verified"], cluster.objects) == (True, False, {})
    done = deliver(labels={"app": "billing"})
    assert (done["changed"], done["verified"], done["rotation_id"]) == (True, True, "r1")
    assert VALUE not in str(done)
    made = cluster.objects["secrets", "billing", "aritma"]
    assert made["type"] == "Opaque"
    assert made["metadata"]["labels"] == {"app": "billing"}
    assert made["metadata"]["annotations"] == {ANNOTATION: "r1"}
    assert cluster.secret("aritma") == {"client_id": "c1", "client_secret": VALUE + "r1", "rotation_id": "r1"}
    cluster.seen.clear()
    assert not deliver(labels={"app": "billing"})["changed"]
    assert cluster.seen == ["get secrets"]
    cluster.keep("aritma", {"client_secret": "by hand"})
    assert deliver(check_mode=True)["changed"]
    assert deliver()["changed"]
    assert cluster.secret("aritma")["client_secret"] == VALUE + "r1"
    assert deliver(state="absent", check_mode=True)["changed"]
    assert deliver(state="absent")["changed"]
    assert not deliver(state="absent")["changed"]
    assert cluster.objects == {}


def test_what_others_keep_in_the_same_secret_stays(cluster: Cluster, deliver: Deliver) -> None:
    """Binary values too. An absent delivery removes its own members and no others."""
    cluster.keep("aritma", {"other": "theirs"}, metadata={"name": "aritma", "labels": {"helm": "yes"}})
    cluster.objects["secrets", "billing", "aritma"]["data"]["binary"] = "/w=="
    assert deliver(members={"user": "client_id", "password": "client_secret"})["changed"]
    found = cluster.objects["secrets", "billing", "aritma"]
    assert sorted(found["data"]) == ["binary", "other", "password", "user"]
    assert found["data"]["binary"] == "/w=="
    assert found["metadata"]["labels"] == {"helm": "yes"}
    assert deliver(state="absent", members={"user": "client_id", "password": "client_secret"})["changed"]
    found = cluster.objects["secrets", "billing", "aritma"]
    assert sorted(found["data"]) == ["binary", "other"]
    assert ANNOTATION not in found["metadata"]["annotations"]


@pytest.mark.parametrize("lost", [["POST"], ["PATCH"], ["DELETE"]])
def test_a_lost_answer_is_harmless(cluster: Cluster, deliver: Deliver, lost: list[str]) -> None:
    """The Secret is read before the change counts as failed."""
    cluster.lost = ["POST"] if lost == ["POST"] else []
    assert deliver()["verified"]
    cluster.lost = list(lost)
    done = deliver("r2")
    assert done["verified"]
    assert cluster.secret("aritma")["client_secret"] == VALUE + "r2"
    assert deliver("r2", state="absent").get("failed") is None
    assert cluster.objects == {}


def test_a_change_by_somebody_else_at_the_same_time_is_not_lost(
    cluster: Cluster, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resourceVersion refuses the write, and it is repeated on the new content. In the end it is an error."""
    deliver()
    others = iter(range(1))

    def interfere(method: str) -> None:
        if method == "PATCH":
            for number in others:
                cluster.keep("aritma", {"other": str(number)})

    cluster.before = interfere
    assert deliver("r2")["changed"]
    assert cluster.secret("aritma")["other"] == "0"
    monkeypatch.setattr(_operation, "_CONFLICT_TIME", 0.5)
    others = iter(range(1, 1000))
    cluster.before = lambda method: cluster.keep("aritma", {"other": str(next(others))}) if method == "PATCH" else None
    failed = deliver("r3")
    assert failed["failure"]["kind"] == "delivery"
    assert "has changed since it was read" in failed["msg"]
    assert cluster.secret("aritma")["client_secret"] == VALUE + "r2"


def test_a_delivery_that_an_operator_reverts_at_once_is_an_error(cluster: Cluster, deliver: Deliver) -> None:
    """The delivery is read back after the write."""
    deliver()
    cluster.before = lambda method: cluster.keep("aritma", {"client_secret": "operator"}) if method == "GET" else None
    failed = deliver("r2")
    assert "does not hold what was just written" in failed["msg"]
    assert VALUE not in str(failed)


@pytest.mark.parametrize(
    ("resource", "kind"), [("deployments", "Deployment"), ("statefulsets", "StatefulSet"), ("daemonsets", "DaemonSet")]
)
def test_a_workload_rolls_out_once_for_each_rotation(
    cluster: Cluster, deliver: Deliver, monkeypatch: pytest.MonkeyPatch, resource: str, kind: str
) -> None:
    """The delivery waits for the rollout. So does the next run, if a run was killed in between."""
    monkeypatch.setattr(_rollout, "_PAUSE", 0.01)
    cluster.deploy(resource, "web")
    rollout = [{"kind": kind, "name": "web"}]
    predicted = deliver(rollout=rollout, check_mode=True)
    assert predicted["rolled_out"] == [f"{kind} billing/web"]
    assert cluster.annotation(resource, "web") is None
    assert deliver(rollout=rollout)["rolled_out"] == [f"{kind} billing/web"]
    assert cluster.annotation(resource, "web") == "r1"
    assert rolled_out(cluster.objects[resource, "billing", "web"])
    again = deliver(rollout=rollout)
    assert (again["changed"], again["rolled_out"]) == (False, [])
    cluster.looks = -1
    failed = deliver("r2", rollout=rollout, rollout_timeout=1)
    assert f"{kind} billing/web has not rolled out within 1 s" in failed["msg"]
    assert "has not rolled out" in deliver("r2", rollout=rollout, rollout_timeout=1)["msg"]
    assert deliver("r2", rollout=rollout, rollout_timeout=0)["changed"] is False
    cluster.objects[resource, "billing", "web"]["looks"] = 1
    assert deliver("r2", rollout=rollout)["changed"] is False
    assert "There is no Deployment billing/gone" in deliver(rollout=[{"name": "gone"}])["msg"]


@pytest.mark.parametrize(
    ("resource", "spec", "message"),
    [
        ("deployments", {"paused": True}, "it is paused"),
        ("statefulsets", {"updateStrategy": {"type": "OnDelete"}}, "its strategy is OnDelete"),
        ("daemonsets", {"updateStrategy": {"type": "OnDelete"}}, "its strategy is OnDelete"),
        (
            "statefulsets",
            {"updateStrategy": {"rollingUpdate": {"partition": 2}}},
            "its partition 2 keeps pods",
        ),
    ],
)
def test_a_workload_that_would_keep_old_pods_is_refused_before_anything_is_changed(
    cluster: Cluster, deliver: Deliver, resource: str, spec: Json, message: str
) -> None:
    """In check mode too. It is accepted where the rollout is not waited for."""
    cluster.deploy(resource, "web")
    cluster.objects[resource, "billing", "web"]["spec"].update(spec)
    kind = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}[resource]
    rollout = [{"kind": kind, "name": "web"}]
    for check_mode in (True, False):
        failed = deliver(rollout=rollout, check_mode=check_mode)
        assert f"{kind} billing/web does not roll out: {message}" in failed["msg"]
        assert cluster.annotation(resource, "web") is None
        assert cluster.secret("aritma") == {}
    assert deliver(rollout=rollout, rollout_timeout=0)["rolled_out"] == [f"{kind} billing/web"]


GIVEN_UP = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out"}


def test_a_workload_that_the_cluster_has_given_up_is_not_waited_for(
    cluster: Cluster, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is that of the cluster. Its message about the template before does not count."""
    monkeypatch.setattr(_rollout, "_PAUSE", 0.01)
    cluster.deploy("deployments", "web")
    cluster.objects["deployments", "billing", "web"]["status"]["conditions"] = [GIVEN_UP]
    assert deliver(rollout=[{"name": "web"}])["rolled_out"] == ["Deployment billing/web"]
    cluster.looks = -1
    cluster.objects["deployments", "billing", "web"]["status"].update(observedGeneration=9, updatedReplicas=1)
    assert "billing/web does not roll out: timed out (1 of 3" in deliver("r2", rollout=[{"name": "web"}])["msg"]


def test_a_workload_that_is_paused_meanwhile_is_not_waited_for(cluster: Cluster, deliver: Deliver) -> None:
    """The wait would be in vain."""
    cluster.deploy("deployments", "web")
    cluster.looks = -1
    spec = cluster.objects["deployments", "billing", "web"]["spec"]
    cluster.before = lambda method: spec.update(paused=True) if method == "PATCH" else None
    assert "does not roll out: it is paused" in deliver(rollout=[{"name": "web"}])["msg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, ""),
        ({"spec": {"replicas": 0}, "status": {"replicas": 0, "updatedReplicas": 0, "availableReplicas": 0}}, ""),
        ({"spec": {"paused": True}}, "it is paused"),
        ({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}}, "its partition 1 keeps"),
        (
            {"status": {"availableReplicas": 2}},
            "ready now (3 of 3 pods are updated, 2 are available)",
        ),
        ({"status": {"availableReplicas": 2, "conditions": [GIVEN_UP]}}, "timed out"),
        (
            {"status": {"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberAvailable": 2}},
            "not all of its pods",
        ),
    ],
)
def test_whether_a_workload_would_start_anew_is_known_before_a_rotation(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Json, message: str
) -> None:
    """Settings that hold it back. If all pods have to run, a node that is away counts too."""
    monkeypatch.setattr(_rollout, "_PAUSE", 0.01)
    monkeypatch.setattr(_rollout, "_READY_WAIT", 0.05)
    cluster.deploy("deployments", "web")
    found = merged(cluster.objects["deployments", "billing", "web"], change)
    cluster.objects["deployments", "billing", "web"] = found
    target: Json = {"type": "kubernetes_secret", "kubeconfig": cluster.kubeconfig(tmp_path / "kubeconfig")}
    target |= {"namespace": "billing", "name": "aritma", "rollout": [{"kind": "Deployment", "name": "web"}]}
    (workload,) = open_target(target, DataLoader()).workloads
    for whole in (True, False):
        if message and (whole or "spec" in change):
            with pytest.raises(StoreError, match=re.escape(message)):
                workload.require_ready(whole=whole)
        else:
            workload.require_ready(whole=whole)
    (workload,) = open_target({**target, "rollout_timeout": 0}, DataLoader()).workloads
    workload.require_ready(whole=True)
    assert set(cluster.seen) <= {"get deployments"}


@pytest.mark.parametrize(
    ("server", "named", "variables", "expected"),
    [
        ("https://k.example.com", None, {"HTTPS_PROXY": "http://p.example.com:1"}, "http://p.example.com:1"),
        ("https://k.example.com", None, {"https_proxy": "p.example.com:1"}, "http://p.example.com:1"),
        (
            "https://k.example.com",
            None,
            {"ALL_PROXY": "http://p.example.com:1", "NO_PROXY": "a,.example.com"},
            None,
        ),
        ("https://k.example.com:6443", None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "k.example.com:6443"}, None),
        ("https://10.1.2.3", None, {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "10.0.0.0/8"}, None),
        ("https://127.0.0.1:6443", None, {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://[::1]:6443", None, {"HTTPS_PROXY": "http://p:1"}, None),
        ("https://k.example.com", "http://n.example.com:2", {}, "http://n.example.com:2"),
        (
            "https://k.example.com",
            "http://n:2",
            {"HTTPS_PROXY": "http://p:1", "NO_PROXY": "k.example.com"},
            "http://n:2",
        ),
        ("https://k.example.com", "socks4://n:2", {}, OptionError),
        ("https://k.example.com", "gopher://n:2", {}, OptionError),
    ],
)
def test_the_proxy_is_that_of_the_kubeconfig_or_of_the_environment(
    cluster: Cluster,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    named: Any,
    variables: Json,
    expected: Any,
) -> None:
    """In every version of the library. Never for loopback."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "urllib3.contrib.socks", None)
    cluster.url = server
    path = cluster.kubeconfig(tmp_path / "kubeconfig")
    if named:
        config = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        config["clusters"][0]["cluster"]["proxy-url"] = named
        Path(path).write_text(yaml.safe_dump(config), encoding="utf-8")
    opened = connect({"kubeconfig": path}, DataLoader())
    if expected is OptionError:
        with pytest.raises(OptionError, match=re.escape(f"the proxy of {server} cannot be used")):
            opened()
    else:
        used = opened()._apis["core"].api_client.rest_client.pool_manager.proxy
        assert (used and str(used)) == expected


@pytest.mark.parametrize(
    ("status", "spec", "done"),
    [
        ({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, {}, True),
        ({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}, {}, False),
        ({"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "availableReplicas": 2}, {}, False),
        ({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1}, {}, False),
        ({"observedGeneration": 2, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1}, {}, True),
        ({"observedGeneration": 2}, {"replicas": 0}, True),
        ({"observedGeneration": 2, "replicas": 3}, {"updateStrategy": {"type": "OnDelete"}}, False),
        ({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2}, {}, False),
        (
            {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 2, "availableReplicas": 3},
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}},
            False,
        ),
        ({}, {}, False),
    ],
)
def test_when_a_workload_has_rolled_out(status: Json, spec: Json, done: bool) -> None:
    """Every pod that is wanted is of the newest template and available, and no old one is left."""
    assert rolled_out({"metadata": {"generation": 2}, "spec": spec, "status": status}) is done


@pytest.mark.parametrize(
    ("denied", "change", "message"),
    [
        (
            "get secrets",
            {},
            r"cannot read namespaced secret \(403: Forbidden: .* cannot get resource.*\). Grant that verb in a Role",
        ),
        ("create secrets", {}, r"cannot create namespaced secret \(403: Forbidden"),
        ("", {"namespace": "gone"}, r"\(404: NotFound: .*\). Create the namespace first"),
        ("", {"members": {"a/b": "client_id"}}, r"\(422: Invalid: .*\)"),
        ("get deployments", {"rollout": [{"name": "web"}]}, r"Deployment billing/web: cannot read .*403"),
        ("patch deployments", {"rollout": [{"name": "web"}]}, r"Deployment billing/web: cannot patch .*403"),
        ("", {"context": "other"}, "kubeconfig cannot be used"),
        ("", {"name": None}, "type kubernetes_secret needs name"),
        ("", {"path": "x"}, "type kubernetes_secret has no member path"),
    ],
)
def test_each_refusal_of_the_cluster_says_what_to_do(
    cluster: Cluster, deliver: Deliver, denied: str, change: Json, message: str
) -> None:
    """Without a secret."""
    cluster.deploy("deployments", "web")
    cluster.denied = {denied}
    failed = deliver(**change)
    assert failed["failed"]
    assert re.search(message, failed["msg"]), failed["msg"]
    assert VALUE not in str(failed)
    assert TOKEN not in str(failed)


def test_where_the_kubeconfig_comes_from_and_what_may_be_wrong_with_it(
    cluster: Cluster, deliver: Deliver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From an option, KUBECONFIG or the home directory. It may be missing, broken, or name a wrong token or server."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    assert "found no kubeconfig" in deliver(kubeconfig=None)["msg"]
    (tmp_path / ".kube").mkdir()
    cluster.kubeconfig(tmp_path / ".kube" / "config")
    assert deliver(kubeconfig=None)["changed"]
    monkeypatch.setenv("KUBECONFIG", cluster.kubeconfig(tmp_path / "other", token="wrong-token"))
    failed = deliver(kubeconfig=None)
    assert "(401: Unauthorized: Unauthorized). Log in again" in failed["msg"]
    assert "wrong-token" not in str(failed)
    url, cluster.url = cluster.url, "http://127.0.0.1:1"
    assert "the server did not answer" in deliver(kubeconfig=cluster.kubeconfig(tmp_path / "gone"))["msg"]
    cluster.url = "http://kubernetes.example.com"
    assert "unencrypted" in deliver(kubeconfig=cluster.kubeconfig(tmp_path / "plain"))["msg"]
    cluster.url = url + "/nothing"
    assert "cannot" in deliver(kubeconfig=cluster.kubeconfig(tmp_path / "nothing"))["msg"]
    (tmp_path / "broken").write_text(f"users: [{{token: {TOKEN}", encoding="utf-8")
    failed = deliver(kubeconfig=str(tmp_path / "broken"))
    assert "cannot be used" in failed["msg"]
    assert TOKEN not in str(failed)


def test_an_immutable_secret_is_refused(cluster: Cluster, deliver: Deliver) -> None:
    """It must be deleted first."""
    cluster.keep("aritma", {"client_secret": "old"}, immutable=True)
    assert "immutable must be deleted first" in deliver()["msg"]
