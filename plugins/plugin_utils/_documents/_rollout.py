# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The restart of the workloads of Kubernetes that read a Secret. Every method raises ``StoreError``."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...module_utils._core.errors import StoreError
from ._cluster import Cluster

KINDS: Mapping[str, str] = {"Deployment": "deployment", "StatefulSet": "stateful_set", "DaemonSet": "daemon_set"}
_PAUSE = 1.0
"""Seconds between two looks."""
_SETTLING = 10.0
"""Seconds that a workload gets before a rotation to be whole."""


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
        """For messages and results."""
        return f"{self.kind} {self.namespace}/{self.name}"

    def require_ready(self, *, whole: bool) -> None:
        """Return when it would start anew; with ``whole``, when all of it runs as well. It gets a moment for that."""
        found = self._read()
        self._require(found, held_back(found["spec"]))
        if whole:
            self._wait(_SETTLING, "does not roll out: it is not whole as it is")

    def outdated(self, mark: Mapping[str, str]) -> bool:
        """Whether its pods do not carry ``mark`` yet; an error where they would not be replaced."""
        found = self._read()
        has = (found["spec"]["template"].get("metadata") or {}).get("annotations") or {}
        if has.items() >= mark.items():
            return False
        self._require(found, held_back(found["spec"]))
        return True

    def start(self, mark: Mapping[str, str]) -> None:
        """Give its pods ``mark``, so that the cluster replaces them; nothing happens where they have it."""
        self._call("patch", body={"spec": {"template": {"metadata": {"annotations": dict(mark)}}}})

    def wait(self) -> None:
        """Return when all its pods are new."""
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
            hint="Look at its pods (kubectl rollout status, kubectl describe), or raise rollout_timeout. With 0 it is"
            " not waited for; then let a probe prove the service.",
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
