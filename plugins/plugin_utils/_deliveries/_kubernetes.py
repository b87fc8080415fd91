# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a Secret of Kubernetes, and the restart of the workloads that read it."""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...module_utils._core.errors import StoreError
from ...module_utils._delivery.fence import Stamp
from ._kubernetes_client import CLUSTER_MEMBERS, Cluster, connect
from ._protocol import Delivery, Held, TargetType, remaining

KINDS: Mapping[str, str] = {"Deployment": "deployment", "StatefulSet": "stateful_set", "DaemonSet": "daemon_set"}
_PAUSE = 1.0
"""Seconds between two looks."""
_SETTLING = 10.0
"""Seconds that a workload gets before a rotation to be whole."""
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?")
_MEMBERS: dict[str, dict[str, Any]] = {
    "namespace": {"type": "str"},
    "name": {"type": "str"},
    "labels": {"type": "dict"},
    "rollout": {
        "type": "list",
        "elements": "dict",
        "options": {
            "kind": {"type": "str", "choices": list(KINDS), "default": "Deployment"},
            "name": {"type": "str", "required": True},
        },
    },
    "rollout_timeout": {"type": "int"},
    **CLUSTER_MEMBERS,
}
_LABEL = "label "
_TIMEOUT = 300
"""Seconds for each workload to roll out, unless the target says otherwise."""


def annotation(what: str, client_id: str = "") -> str:
    """A name on a Secret and on the pods that read it. What of the client id cannot stand in one is hashed."""
    if not client_id:
        return f"aritma.iam/{what}"
    own = client_id if _NAME.fullmatch(client_id) else hashlib.sha256(client_id.encode()).hexdigest()[:16]
    return f"aritma.iam/{what}.{own}"


@dataclass(frozen=True)
class Rollout:
    """One workload, and the seconds that its pods may take to be replaced; 0 for not waiting."""

    namespace: str
    kind: str
    name: str
    timeout: int
    connect: Callable[[], Cluster]

    @property
    def title(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"

    def require_ready(self, *, whole: bool) -> None:
        """One that is on its way gets a moment."""
        deadline = time.monotonic() + _SETTLING
        while self.timeout:
            found = self._read()
            self._require(found, held_back(found["spec"]))
            if not whole or rolled_out(found):
                return
            if given_up(found) or time.monotonic() > deadline:
                self._require(found, given_up(found) or "it is not whole as it is")
            time.sleep(_PAUSE)

    def outdated(self, delivery: Delivery) -> bool:
        found = self._read()
        has = (found["spec"]["template"].get("metadata") or {}).get("annotations") or {}
        if has.items() >= _rotation(delivery).items():
            return False
        self._require(found, held_back(found["spec"]))
        return True

    def start(self, delivery: Delivery) -> None:
        self._call("patch", body={"spec": {"template": {"metadata": {"annotations": _rotation(delivery)}}}})

    def wait(self) -> None:
        deadline = time.monotonic() + self.timeout
        while self.timeout:
            found = self._read()
            if rolled_out(found):
                return
            self._require(found, held_back(found["spec"]) or given_up(found))
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{self.title} has not rolled out within {self.timeout} s: {_progress(found)}.",
                    hint="Look at its pods (kubectl rollout status, kubectl describe), or raise rollout_timeout.",
                    where=self.title,
                )
            time.sleep(_PAUSE)

    def _require(self, found: Mapping[str, Any], reason: str) -> None:
        if reason and self.timeout:
            raise StoreError(
                f"{self.title} does not roll out: {reason} ({_progress(found)}).",
                hint="Mend that; or do not wait for it (rollout_timeout: 0), and let a probe prove the service.",
                where=self.title,
            )

    def _read(self) -> Any:
        found = self._call("read")
        if found is None:
            raise StoreError(
                f"There is no {self.title}.", hint="Correct rollout, or deploy it first.", where=self.title
            )
        return found

    def _call(self, verb: str, **arguments: Any) -> Any:
        method = f"{verb}_namespaced_{KINDS[self.kind]}"
        return self.connect().call("apps", method, self.title, namespace=self.namespace, name=self.name, **arguments)


def rolled_out(workload: Mapping[str, Any]) -> bool:
    """Whether every pod that a Deployment, StatefulSet or DaemonSet wants is of its newest template and available."""
    updated, available, wanted, there = _counts(workload["spec"], workload.get("status") or {})
    return _observed(workload) and updated >= wanted and available >= wanted and there <= wanted


def _observed(workload: Mapping[str, Any]) -> bool:
    """Whether the status is that of the newest template."""
    seen = (workload.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= workload["metadata"].get("generation", 0))


def held_back(spec: Mapping[str, Any]) -> str:
    """Why a workload keeps pods of its old template, by its own settings; empty where it does not."""
    strategy = spec.get("updateStrategy") or {}
    if spec.get("paused"):
        return "it is paused"
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete, so nobody replaces its pods"
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    return f"its partition {partition} keeps the old pods below" if partition else ""


def given_up(workload: Mapping[str, Any]) -> str:
    """Why the cluster has stopped trying, in its own words; empty where it has not."""
    for each in (workload.get("status") or {}).get("conditions") or () if _observed(workload) else ():
        if each.get("type") == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return str(each.get("message") or each["reason"])
    return ""


def _counts(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """Pods that are updated, available, wanted, and there at all."""
    if "desiredNumberScheduled" in status:
        wanted = status["desiredNumberScheduled"]
        return status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0), wanted, wanted
    replicas = spec.get("replicas")
    wanted = 1 if replicas is None else replicas
    # Old clusters do not count the available pods of a StatefulSet.
    available = status.get("availableReplicas", status.get("readyReplicas", 0))
    return status.get("updatedReplicas", 0), available, wanted, status.get("replicas", 0)


def _progress(workload: Mapping[str, Any]) -> str:
    updated, available, wanted, _there = _counts(workload["spec"], workload.get("status") or {})
    return f"{updated} of {wanted} pods are updated, {available} are available"


@dataclass(frozen=True)
class KubernetesTarget:
    """``token`` is the resourceVersion; rotation id and stamp stand in annotations that carry the client.

    So several clients can share a Secret, and a workload, without undoing what the others wrote.
    """

    namespace: str
    name: str
    connect: Callable[[], Cluster]
    labels: Mapping[str, str] = field(default_factory=dict)
    workloads: Sequence[Rollout] = ()

    @property
    def where(self) -> str:
        return f"The Kubernetes Secret {self.namespace}/{self.name}"

    def marks(self, delivery: Delivery) -> Mapping[str, str]:
        return {**_rotation(delivery), **{_LABEL + name: value for name, value in self.labels.items()}}

    def read(self, delivery: Delivery) -> Held:
        found = self._call("read", name=self.name)
        if found is None:
            return Held(None, "")
        metadata = found["metadata"]
        members = {name: _decoded(text) for name, text in (found.get("data") or {}).items()}
        annotations = metadata.get("annotations") or {}
        marks = {name: text for name, text in annotations.items() if name.startswith(annotation("rotation-id"))}
        marks |= {_LABEL + name: text for name, text in (metadata.get("labels") or {}).items()}
        stamp = Stamp.parse(annotations.get(annotation("generation", delivery.client_id), ""))
        return Held(members, str(metadata["resourceVersion"]), marks, stamp)

    def put(self, held: Held, delivery: Delivery) -> None:
        annotations = {**_rotation(delivery), **_stamped(delivery)}
        metadata: dict[str, Any] = {"annotations": annotations, "labels": dict(self.labels)}
        data = {name: base64.b64encode(value.encode()).decode() for name, value in delivery.members.items()}
        if held.members is None:
            metadata["name"] = self.name
            self._call("create", body={"type": "Opaque", "metadata": metadata, "data": data})
        else:
            metadata["resourceVersion"] = held.token
            self._call("patch", name=self.name, body={"metadata": metadata, "data": data})

    def restamp(self, held: Held, delivery: Delivery) -> None:
        metadata = {"resourceVersion": held.token, "annotations": _stamped(delivery)}
        self._call("patch", name=self.name, body={"metadata": metadata})

    def drop(self, held: Held, delivery: Delivery) -> None:
        if remaining(held, delivery.members):
            ours = [annotation(what, delivery.client_id) for what in ("rotation-id", "generation")]
            metadata = {"resourceVersion": held.token, "annotations": dict.fromkeys(ours)}
            gone = dict.fromkeys(set(held.members or ()) & set(delivery.members))
            self._call("patch", name=self.name, body={"metadata": metadata, "data": gone})
        else:
            self._call("delete", name=self.name, body={"preconditions": {"resourceVersion": held.token}})

    def _call(self, verb: str, **arguments: Any) -> Any:
        return self.connect().call(
            "core", f"{verb}_namespaced_secret", self.where, namespace=self.namespace, **arguments
        )


def _decoded(text: str) -> str:
    # What others keep there need not be text; it is only compared by its name.
    return base64.b64decode(text or "").decode(errors="replace")


def _rotation(delivery: Delivery) -> dict[str, str]:
    return {annotation("rotation-id", delivery.client_id): delivery.rotation_id} if delivery.rotation_id else {}


def _stamped(delivery: Delivery) -> dict[str, str]:
    return {annotation("generation", delivery.client_id): str(delivery.stamp)} if delivery.stamp else {}


def _open(options: Mapping[str, Any], loader: Any) -> KubernetesTarget:
    timeout = options.get("rollout_timeout", _TIMEOUT)
    namespace, connected = options["namespace"], connect(options, loader)
    return KubernetesTarget(
        namespace,
        options["name"],
        connected,
        {str(name): str(value) for name, value in (options.get("labels") or {}).items()},
        [Rollout(namespace, each["kind"], each["name"], timeout, connected) for each in options.get("rollout") or ()],
    )


KUBERNETES_SECRET = TargetType(_MEMBERS, ("namespace", "name"), _open)
