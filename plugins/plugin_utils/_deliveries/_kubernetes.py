# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a Secret of Kubernetes, and the restart of the workloads that read it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._kubernetes_client import (
    CLUSTER_MEMBERS,
    Cluster,
    connect,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._protocol import Held, TargetType
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._rollout import (
    ANNOTATION,
    KINDS,
    Rollout,
)

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


@dataclass(frozen=True)
class KubernetesTarget:
    """``token`` is the resourceVersion; the rotation id stands in an annotation."""

    namespace: str
    name: str
    connect: Callable[[], Cluster]
    labels: Mapping[str, str] = field(default_factory=dict)
    rollouts: Sequence[Rollout] = ()

    @property
    def where(self) -> str:
        """See ``Target``."""
        return f"The Kubernetes Secret {self.namespace}/{self.name}"

    def marks(self, rotation_id: str) -> Mapping[str, str]:
        """See ``Target``."""
        annotation = {ANNOTATION: rotation_id} if rotation_id else {}
        return {**annotation, **{_LABEL + name: value for name, value in self.labels.items()}}

    def read(self) -> Held:
        """See ``Target``."""
        found = self._call("read", name=self.name)
        if found is None:
            return Held(None, "")
        metadata = found["metadata"]
        members = {name: _decoded(text) for name, text in (found.get("data") or {}).items()}
        return Held(members, str(metadata["resourceVersion"]), _marks_of(metadata))

    def put(self, held: Held, members: Mapping[str, str], marks: Mapping[str, str]) -> None:
        """See ``Target``."""
        labels = {name.removeprefix(_LABEL): text for name, text in marks.items() if name.startswith(_LABEL)}
        annotations = {name: text for name, text in marks.items() if name == ANNOTATION}
        metadata: dict[str, Any] = {"annotations": annotations, "labels": labels}
        data = {name: base64.b64encode(value.encode()).decode() for name, value in members.items()}
        if held.members is None:
            metadata["name"] = self.name
            self._call("create", body={"type": "Opaque", "metadata": metadata, "data": data})
        else:
            metadata["resourceVersion"] = held.token
            self._call("patch", name=self.name, body={"metadata": metadata, "data": data})

    def drop(self, held: Held, names: Collection[str]) -> None:
        """See ``Target``."""
        if set(held.members or ()) - set(names):
            metadata = {"resourceVersion": held.token, "annotations": {ANNOTATION: None}}
            gone = dict.fromkeys(set(held.members or ()) & set(names))
            self._call("patch", name=self.name, body={"metadata": metadata, "data": gone})
        else:
            self._call("delete", name=self.name, body={"preconditions": {"resourceVersion": held.token}})

    def outdated(self, rotation_id: str) -> Sequence[str]:
        """See ``Target``."""
        if self.rollouts and not rotation_id:
            raise OptionError("rollout needs a credential with a rotation_id.", option="credential")
        return [each.title for each in self.rollouts if each.outdated(self.connect(), rotation_id)]

    def roll_out(self, rotation_id: str) -> None:
        """See ``Target``. All are started before the first one is waited for."""
        for each in self.rollouts:
            each.start(self.connect(), rotation_id)
        for each in self.rollouts:
            each.wait(self.connect())

    def _call(self, verb: str, **arguments: Any) -> Any:
        return self.connect().call(
            "core", f"{verb}_namespaced_secret", self.where, namespace=self.namespace, **arguments
        )


def _decoded(text: str) -> str:
    # What others keep there need not be text; it is only compared by its name.
    return base64.b64decode(text or "").decode(errors="replace")


def _marks_of(metadata: Mapping[str, Any]) -> dict[str, str]:
    annotations = metadata.get("annotations") or {}
    ours = {ANNOTATION: annotations[ANNOTATION]} if ANNOTATION in annotations else {}
    return {**ours, **{_LABEL + name: text for name, text in (metadata.get("labels") or {}).items()}}


def _open(options: Mapping[str, Any], loader: Any) -> KubernetesTarget:
    timeout = options.get("rollout_timeout", _TIMEOUT)
    namespace = options["namespace"]
    return KubernetesTarget(
        namespace,
        options["name"],
        connect(options, loader),
        {str(name): str(value) for name, value in (options.get("labels") or {}).items()},
        [Rollout(namespace, each["kind"], each["name"], timeout) for each in options.get("rollout") or ()],
    )


KUBERNETES_SECRET = TargetType(_MEMBERS, ("namespace", "name"), _open)
