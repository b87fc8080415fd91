# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Restarts the Kubernetes workloads that read a Secret. Every method raises ``StoreError``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import StoreError
from ._cluster import Cluster

KINDS: Mapping[str, str] = {"Deployment": "deployment", "StatefulSet": "stateful_set", "DaemonSet": "daemon_set"}
_PAUSE = 1.0
"""Seconds between two reads."""
_READY_WAIT = 10.0
"""Seconds for a workload to become complete before a rotation."""


@dataclass(frozen=True)
class Rollout:
    """One workload. ``timeout`` is in seconds for the replacement of its pods; 0 means not to wait."""

    namespace: str
    kind: str
    name: str
    timeout: int
    connect: Callable[[], Cluster]

    @property
    def title(self) -> str:
        """The workload in words, for messages and results."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def require_ready(self, *, whole: bool) -> None:
        """Raise if its pods would not be replaced; with ``whole``, also if not all pods run after a short wait."""
        found = self._read()
        self._require(found, held_back(found["spec"]))
        if whole:
            self._wait(_READY_WAIT, "does not roll out: not all of its pods are ready now")

    def outdated(self, mark: Mapping[str, str]) -> bool:
        """Whether its pods do not have ``mark`` yet. Raises if they would not be replaced."""
        found = self._read()
        has = (found["spec"]["template"].get("metadata") or {}).get("annotations") or {}
        if has.items() >= mark.items():
            return False
        self._require(found, held_back(found["spec"]))
        return True

    def start(self, mark: Mapping[str, str]) -> None:
        """Add ``mark`` to its pods, so that the cluster replaces them. Changes nothing if they have it."""
        self._call("patch", body={"spec": {"template": {"metadata": {"annotations": dict(mark)}}}})

    def wait(self) -> None:
        """Wait until all its pods are new."""
        self._wait(self.timeout, f"has not rolled out within {self.timeout} s")

    def _wait(self, seconds: float, late: str) -> None:
        deadline = time.monotonic() + seconds
        while self.timeout:
            found = self._read()
            if rolled_out(found):
                return
            self._require(found, held_back(found["spec"]) or given_up(found))
            if time.monotonic() > deadline:
                raise self._error(found, late)
            time.sleep(_PAUSE)

    def _require(self, found: Mapping[str, Any], reason: str) -> None:
        if reason and self.timeout:
            raise self._error(found, f"does not roll out: {reason}")

    def _error(self, found: Mapping[str, Any], what: str) -> StoreError:
        return StoreError(
            f"{self.title} {what} ({_progress(found)}).",
            hint="Check its pods (kubectl rollout status, kubectl describe), or set a longer rollout_timeout. With 0"
            " the run does not wait; then let a probe prove the service.",
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
    """Whether all wanted pods of a Deployment, StatefulSet or DaemonSet have its newest template and are available."""
    updated, available, wanted, there = _counts(workload["spec"], workload.get("status") or {})
    return _observed(workload) and updated >= wanted and available >= wanted and there <= wanted


def _observed(workload: Mapping[str, Any]) -> bool:
    """Whether the status is for the newest template."""
    seen = (workload.get("status") or {}).get("observedGeneration", 0)
    return bool(seen >= workload["metadata"].get("generation", 0))


def held_back(spec: Mapping[str, Any]) -> str:
    """The setting by which a workload keeps pods of its old template, in words; empty if there is none."""
    strategy = spec.get("updateStrategy") or {}
    if spec.get("paused"):
        return "it is paused"
    if strategy.get("type") == "OnDelete":
        return "its strategy is OnDelete, so its pods are not replaced"
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    return f"its partition {partition} keeps pods with a lower number" if partition else ""


def given_up(workload: Mapping[str, Any]) -> str:
    """The reason for which the cluster has stopped the rollout, in its words; empty if it has not."""
    for each in (workload.get("status") or {}).get("conditions") or () if _observed(workload) else ():
        if each.get("type") == "Progressing" and each.get("reason") == "ProgressDeadlineExceeded":
            return str(each.get("message") or each["reason"])
    return ""


def _counts(spec: Mapping[str, Any], status: Mapping[str, Any]) -> tuple[int, int, int, int]:
    """The numbers of updated, available, wanted and existing pods."""
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
