# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of a workload of Kubernetes: a changed annotation of its pods makes the cluster replace them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._kubernetes_client import Cluster

ANNOTATION = "aritma.iam/rotation-id"
"""On the Secret and on the pods that read it: the rotation whose secret they have."""

KINDS: Mapping[str, str] = {"Deployment": "deployment", "StatefulSet": "stateful_set", "DaemonSet": "daemon_set"}
_PAUSE = 1.0
"""Seconds between two looks."""


@dataclass(frozen=True)
class Rollout:
    """One workload, and the seconds that its pods may take to be replaced; 0 for not waiting."""

    namespace: str
    kind: str
    name: str
    timeout: int

    @property
    def title(self) -> str:
        """For messages and results."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def outdated(self, cluster: Cluster, rotation_id: str) -> bool:
        """Whether its pods are not annotated with this rotation."""
        template = self._read(cluster)["spec"]["template"]
        return bool(((template.get("metadata") or {}).get("annotations") or {}).get(ANNOTATION) != rotation_id)

    def start(self, cluster: Cluster, rotation_id: str) -> None:
        """Annotate its pods with this rotation; nothing happens where they are already."""
        annotated = {"metadata": {"annotations": {ANNOTATION: rotation_id}}}
        self._call(cluster, "patch", body={"spec": {"template": annotated}})

    def wait(self, cluster: Cluster) -> None:
        """Return when every pod is a new one that is available. Raises ``StoreError`` after ``timeout``."""
        deadline = time.monotonic() + self.timeout
        while self.timeout:
            found = self._read(cluster)
            if rolled_out(found):
                return
            if time.monotonic() > deadline:
                raise StoreError(
                    f"{self.title} has not rolled out within {self.timeout} s: {_progress(found)}.",
                    hint="Look at its pods (kubectl rollout status, kubectl describe), or raise rollout_timeout.",
                    where=self.title,
                )
            time.sleep(_PAUSE)

    def _read(self, cluster: Cluster) -> Any:
        found = self._call(cluster, "read")
        if found is None:
            raise StoreError(
                f"There is no {self.title}.", hint="Correct rollout, or deploy it first.", where=self.title
            )
        return found

    def _call(self, cluster: Cluster, verb: str, **arguments: Any) -> Any:
        method = f"{verb}_namespaced_{KINDS[self.kind]}"
        return cluster.call("apps", method, self.title, namespace=self.namespace, name=self.name, **arguments)


def rolled_out(workload: Mapping[str, Any]) -> bool:
    """Whether every pod that a Deployment, StatefulSet or DaemonSet wants is of its newest template and available."""
    spec, status = workload["spec"], workload.get("status") or {}
    if status.get("observedGeneration", 0) < workload["metadata"].get("generation", 0):
        return False
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        # Whoever set that replaces the pods himself.
        return True
    updated, available, wanted, there = _counts(spec, status)
    return updated >= wanted and available >= wanted and there <= wanted


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
