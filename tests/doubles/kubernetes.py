# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of the Kubernetes API: Secrets with optimistic concurrency, and workloads that roll out.

Every change gives an object a new resourceVersion. A change that names an older one is refused with 409, as the
documentation of the API says.
"""

from __future__ import annotations

import asyncio
import base64
import copy
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

TOKEN = "token-of-the-service-account"
_PATCHES = ("application/strategic-merge-patch+json", "application/merge-patch+json")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_ANNOTATION = re.compile(r"([a-z0-9.-]+/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_KINDS = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}

Json = dict[str, Any]


class Refusal(Exception):
    """An answer with an error status."""

    def __init__(self, status: int, reason: str, message: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason, self.message = status, reason, message or reason

    def answer(self) -> Response:
        """The answer in the format of the API."""
        body = {"kind": "Status", "status": "Failure", "reason": self.reason, "code": self.status}
        return JSONResponse({**body, "message": self.message}, self.status)


@dataclass
class Cluster:
    """The objects of a cluster, and its faults: denied requests, lost answers and concurrent writes."""

    namespaces: set[str] = field(default_factory=lambda: {"default", "billing"})
    objects: dict[tuple[str, str, str], Json] = field(default_factory=dict)
    """The key is the resource (secrets, deployments ...), the namespace and the name."""
    denied: set[str] = field(default_factory=set)
    """Verbs and resources that are refused with 403, such as ``patch secrets``."""
    lost: list[str] = field(default_factory=list)
    """Methods. The next answer to each is lost after the change."""
    before: Callable[[str], None] = lambda _method: None
    """Called before each request."""
    looks: int = 2
    """A rollout is complete after this many reads of the workload; with -1 it never is."""
    seen: list[str] = field(default_factory=list)
    url: str = ""
    _version: int = 100

    def secret(self, name: str, namespace: str = "billing") -> dict[str, str]:
        """The decoded members of a Secret. Empty if it does not exist."""
        found = self.objects.get(("secrets", namespace, name), {})
        return {key: base64.b64decode(text).decode() for key, text in found.get("data", {}).items()}

    def keep(self, name: str, members: dict[str, str], namespace: str = "billing", **more: Any) -> None:
        """Create or change a Secret, as another program would."""
        data = {key: base64.b64encode(value.encode()).decode() for key, value in members.items()}
        found = self.objects.get(("secrets", namespace, name), {"metadata": {"name": name}})
        self.store("secrets", namespace, name, merged(found, {"data": data, **more}))

    def deploy(self, resource: str, name: str, replicas: int = 3, namespace: str = "billing") -> None:
        """Add a workload whose rollout is complete."""
        counts = {"replicas": replicas, "updatedReplicas": replicas, "availableReplicas": replicas}
        if resource == "daemonsets":
            counts = {
                "desiredNumberScheduled": replicas,
                "updatedNumberScheduled": replicas,
                "numberAvailable": replicas,
            }
        self.objects[resource, namespace, name] = {
            "kind": _KINDS[resource],
            "metadata": {"name": name, "namespace": namespace, "generation": 1, "resourceVersion": "1"},
            "spec": {"replicas": replicas, "template": {"metadata": {"labels": {"app": name}}}},
            "status": {"observedGeneration": 1, **counts},
        }

    def annotation(self, resource: str, name: str, namespace: str = "billing") -> str | None:
        """The rotation id in the annotation of the pods of a workload that uses one client."""
        annotations = self.objects[resource, namespace, name]["spec"]["template"]["metadata"].get("annotations", {})
        return next((text for key, text in annotations.items() if key.startswith("aritma.iam/rotation-id")), None)

    def store(self, resource: str, namespace: str, name: str, changed: Json) -> Json:
        """Store an object with a new version, unless it did not change."""
        before = self.objects.get((resource, namespace, name))
        if before != changed:
            self._version += 1
            changed["metadata"] = {**changed["metadata"], "resourceVersion": str(self._version)}
            if before and changed.get("spec") != before.get("spec"):
                changed["metadata"]["generation"] += 1
                changed["looks"] = self.looks
        self.objects[resource, namespace, name] = changed
        return changed

    def look(self, found: Json) -> Json:
        """Count a read of an object, and complete its rollout after enough reads."""
        if "looks" in found:
            found["looks"] -= 1
            if found["looks"] == 0:
                del found["looks"]
                found["status"]["observedGeneration"] = found["metadata"]["generation"]
        return found

    def kubeconfig(self, path: Path, token: str = TOKEN) -> str:
        """Write a kubeconfig for this cluster with the context ``double``. Returns its path."""
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": "double",
            "clusters": [{"name": "double", "cluster": {"server": self.url}}],
            "users": [{"name": "writer", "user": {"token": token}}],
            "contexts": [{"name": "double", "context": {"cluster": "double", "user": "writer"}}],
        }
        path.write_text(yaml.safe_dump(config), encoding="utf-8")
        path.chmod(0o600)
        return str(path)


def merged(base: Any, patch: Any) -> Any:
    """Apply a merge patch (RFC 7386). For maps, a strategic merge patch has the same effect."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


class _Api:
    """The endpoints."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

    async def handle(self, request: Request) -> Response:
        """Answer a request for one object, or for the objects of a resource."""
        cluster, method = self.cluster, request.method
        resource, namespace = request.path_params["resource"], request.path_params["namespace"]
        verb = {"POST": "create", "GET": "get", "PATCH": "patch", "DELETE": "delete"}[method]
        cluster.seen.append(f"{verb} {resource}")
        body = await request.json() if await request.body() else {}
        cluster.before(method)
        try:
            self._authorize(request, f"{verb} {resource}")
            name = request.path_params.get("name") or body.get("metadata", {}).get("name", "")
            answer = JSONResponse(getattr(self, verb)((resource, namespace, name), body, request))
        except Refusal as refusal:
            return refusal.answer()
        if method in cluster.lost:
            cluster.lost.remove(method)
            return Response("the connection to the server was lost", 504)
        return answer

    def _authorize(self, request: Request, wanted: str) -> None:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refusal(401, "Unauthorized")
        if wanted in self.cluster.denied:
            verb, _blank, resource = wanted.partition(" ")
            raise Refusal(403, "Forbidden", f'User "writer" cannot {verb} resource "{resource}" in API group ""')

    def get(self, key: tuple[str, str, str], _body: Json, _request: Request) -> Json:
        """Read an object."""
        return copy.deepcopy(self.cluster.look(self._found(key)))

    def create(self, key: tuple[str, str, str], body: Json, _request: Request) -> Json:
        """Create an object."""
        if key[1] not in self.cluster.namespaces:
            raise Refusal(404, "NotFound")
        if key in self.cluster.objects:
            raise Refusal(409, "AlreadyExists")
        return self.cluster.store(*key, self._valid(key, body))

    def patch(self, key: tuple[str, str, str], body: Json, request: Request) -> Json:
        """Change a part of an object."""
        if request.headers.get("content-type") not in _PATCHES:
            raise Refusal(415, "UnsupportedMediaType")
        found = self._found(key)
        self._same_version(found, body.get("metadata", {}))
        changed = merged(copy.deepcopy(found), body)
        if found.get("immutable") and changed.get("data") != found.get("data"):
            raise Refusal(422, "Invalid")
        return self.cluster.store(*key, self._valid(key, changed))

    def delete(self, key: tuple[str, str, str], body: Json, _request: Request) -> Json:
        """Delete an object."""
        self._same_version(self._found(key), body.get("preconditions") or {})
        del self.cluster.objects[key]
        return {"kind": "Status", "status": "Success"}

    def _found(self, key: tuple[str, str, str]) -> Json:
        if key not in self.cluster.objects:
            raise Refusal(404, "NotFound")
        return self.cluster.objects[key]

    @staticmethod
    def _same_version(found: Json, named: Json) -> None:
        if named.get("resourceVersion", found["metadata"]["resourceVersion"]) != found["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict")

    @staticmethod
    def _valid(key: tuple[str, str, str], body: Json) -> Json:
        data = body.get("data") or {}
        template = (body.get("spec") or {}).get("template") or {}
        for each in (body, template):
            names = ((each.get("metadata") or {}).get("annotations") or {}).keys()
            if not all(_ANNOTATION.fullmatch(name) for name in names):
                raise Refusal(422, "Invalid")
        if not _NAME.fullmatch(key[2]) or not all(_KEY.fullmatch(each) for each in data):
            raise Refusal(422, "Invalid")
        return body


def application(cluster: Cluster) -> Starlette:
    """The API of a cluster."""
    api = _Api(cluster)
    methods = ["GET", "POST", "PATCH", "DELETE"]
    group = {"secrets": "/api/v1", "apps": "/apis/apps/v1"}
    paths = [f"{prefix}/namespaces/{{namespace}}/{{resource}}" for prefix in group.values()]
    return Starlette(
        routes=[Route(path + end, api.handle, methods=methods) for path in paths for end in ("", "/{name}")]
    )


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run the API on a free port of loopback, in a thread."""
    cluster = Cluster()
    config = uvicorn.Config(
        application(cluster), host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none"
    )
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    cluster.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])), daemon=True)
    thread.start()
    try:
        yield cluster
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
