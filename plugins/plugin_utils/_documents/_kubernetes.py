# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Secret of Kubernetes, accessed from the controller."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ._cluster import CLUSTER_MEMBERS, Cluster, connect
from ._place import Held, Place
from ._replaced import Token
from ._rollout import KINDS, Rollout

MEMBERS: dict[str, dict[str, Any]] = {
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
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,48}[A-Za-z0-9])?")
_OURS = "aritma.iam/"
_LABEL = "label "
"""The prefix for names of labels in the notes. The other notes are annotations."""
_TIMEOUT = 300
"""Default of ``rollout_timeout``: seconds for each workload to roll out."""


@dataclass(frozen=True)
class KubernetesSecret(Place):
    """A Secret of Kubernetes. The token is the resourceVersion.

    The names of our annotations contain the client id, so that several clients can share a Secret and a workload.
    """

    namespace: str
    name: str
    connect: Callable[[], Cluster]
    labels: Mapping[str, str] = field(default_factory=dict)
    workloads: Sequence[Rollout] = ()

    @property
    def where(self) -> str:
        return f"The Kubernetes Secret {self.namespace}/{self.name}"

    def rotation_note(self, client_id: str) -> str:
        """See ``Place.rotation_note``."""
        return _annotation("rotation-id", client_id)

    def stamp_note(self, client_id: str, _lineage: str) -> str:
        """See ``Place.stamp_note``."""
        return _annotation("generation", client_id)

    def read(self) -> Held:
        """See ``Place.read``. Notes are our annotations, and the labels."""
        found = self._call("read", name=self.name)
        if found is None:
            return Held(None, "")
        metadata = found["metadata"]
        members = {name: _decoded(text) for name, text in (found.get("data") or {}).items()}
        annotations = (metadata.get("annotations") or {}).items()
        notes = {name: text for name, text in annotations if name.startswith(_OURS)}
        labels = {_LABEL + name: text for name, text in (metadata.get("labels") or {}).items()}
        return Held(members, str(metadata["resourceVersion"]), {**notes, **labels})

    def change(self, held: Held, members: Mapping[str, Any], notes: Mapping[str, str | None]) -> None:
        """See ``Place.change``."""
        data = {name: value if value is None else _encoded(value) for name, value in members.items()}
        labels = {name.removeprefix(_LABEL): text for name, text in notes.items() if name.startswith(_LABEL)}
        annotations = {name: text for name, text in notes.items() if not name.startswith(_LABEL)}
        metadata: dict[str, Any] = {"annotations": annotations, "labels": labels}
        if held.members is None:
            metadata["name"] = self.name
            self._call("create", body={"type": "Opaque", "metadata": metadata, "data": data})
        else:
            metadata["resourceVersion"] = held.token
            self._call("patch", name=self.name, body={"metadata": metadata, "data": data})

    def remove(self, expected: Token) -> None:
        """See ``Place.remove``."""
        self._call("delete", name=self.name, body={"preconditions": {"resourceVersion": expected}})

    def _call(self, verb: str, **arguments: Any) -> Any:
        return self.connect().call(
            "core", f"{verb}_namespaced_secret", self.where, namespace=self.namespace, **arguments
        )


def _annotation(what: str, client_id: str) -> str:
    """The name of an annotation. A client id with characters that it may not have is hashed."""
    if not client_id:
        return _OURS + what
    own = client_id if _NAME.fullmatch(client_id) else hashlib.sha256(client_id.encode()).hexdigest()[:16]
    return f"{_OURS}{what}.{own}"


def _encoded(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def _decoded(text: str) -> str:
    # Members of others may not be text. Only their names are used.
    return base64.b64decode(text or "").decode(errors="replace")


def open_kubernetes(options: Mapping[str, Any], loader: Any) -> KubernetesSecret:
    """Open the Secret with this name. Sends nothing. Raises ``OptionError``."""
    timeout = options.get("rollout_timeout", _TIMEOUT)
    namespace, connected = options["namespace"], connect(options, loader)
    return KubernetesSecret(
        namespace,
        options["name"],
        connected,
        {_LABEL + str(name): str(value) for name, value in (options.get("labels") or {}).items()},
        [Rollout(namespace, each["kind"], each["name"], timeout, connected) for each in options.get("rollout") or ()],
    )
