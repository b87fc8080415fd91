# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a Kubernetes cluster, made at its first use, and its errors in words."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ansible import constants

from ...module_utils._core.deps import Retry, library, requests, require
from ...module_utils._core.errors import OptionError, StoreError
from ...module_utils._http.urls import checked_url, is_loopback
from ._place import changed_meanwhile, no_answer

CLUSTER_MEMBERS: dict[str, dict[str, Any]] = {"kubeconfig": {"type": "str"}, "context": {"type": "str"}}

_TIMEOUTS = (5, 10)
"""Seconds to connect, and for an answer."""
_RETRIES = 3
_AGAIN = (429, 502, 503, 504)
_TOLD = (401, 403, 404, 422)
"""Statuses whose messages speak of names, rights and rules."""


class Cluster:
    """Calls the API; JSON in and out. The library's own models could drop members that they do not know."""

    def __init__(self, client: Any, server: str) -> None:
        kubernetes = library("kubernetes.client", "kubernetes")
        self._apis = {"core": kubernetes.CoreV1Api(client), "apps": kubernetes.AppsV1Api(client)}
        self._server = server

    def call(self, api: str, method: str, where: str, **arguments: Any) -> Any:
        """One call of the library's method; None where the object does not exist.

        Raises ``StoreConflictError`` for 409, ``StoreError`` for all else.
        """
        exceptions = library("kubernetes.client.exceptions", "kubernetes")
        http_error = library("urllib3.exceptions").HTTPError
        doing = method.replace("_", " ")
        try:
            answer = getattr(self._apis[api], method)(**arguments, _preload_content=False, _request_timeout=_TIMEOUTS)
            return json.loads(answer.data)
        except exceptions.ApiException as error:
            if error.status == 404 and method.startswith(("read", "delete")):
                return None
            if error.status == 409:
                raise changed_meanwhile(where) from None
            raise _refusal(error, f"{where}: cannot {doing}", where) from None
        except http_error as error:
            hint = f"Check that {self._server} can be reached, and its certificate authority in the kubeconfig."
            raise no_answer(where, doing, getattr(error, "reason", None) or error, hint) from None
        except ValueError:
            raise StoreError(
                f"{where}: the answer is not that of a Kubernetes API.",
                hint=f"Check that {self._server} is one.",
                where=where,
            ) from None


def connect(options: Mapping[str, Any], loader: Any) -> Callable[[], Cluster]:
    """A function that connects once and gives that cluster. Raises ``OptionError`` for what cannot work."""
    require(("requests",))
    given = options.get("kubeconfig")
    path = loader.path_dwim(given) if given else _kubeconfig()
    if path is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise OptionError(
            "target: type kubernetes_secret found no kubeconfig, and this is no pod of a cluster.",
            hint="Give kubeconfig, or set KUBECONFIG.",
            option="target",
        )

    @cache
    def opened() -> Cluster:
        client = library("kubernetes.client", "kubernetes")
        configuration = client.Configuration()
        proxy = _load(configuration, path, options.get("context"))
        # Repeating is safe: a change names the version it is of, a creation is refused the second time, and a mark
        # that is there already changes nothing.
        configuration.retries = Retry(
            _RETRIES, backoff_factor=0.2, status_forcelist=_AGAIN, allowed_methods=None, raise_on_status=False
        )
        server = checked_url(configuration.host, "target", "Correct the server of the kubeconfig: https://host:port.")
        # Versions of the library differ in whether they look at proxy-url and at the variables.
        configuration.proxy, configuration.no_proxy = proxy or _proxy_of_environment(server), None
        try:
            return Cluster(client.ApiClient(configuration), server)
        except (ImportError, ValueError) as error:
            raise OptionError(
                f"target: the proxy of {server} cannot be used ({type(error).__name__}).",
                hint="Correct proxy-url of the kubeconfig or HTTPS_PROXY; a SOCKS proxy needs the library PySocks.",
                option="target",
            ) from None

    return opened


def _proxy_of_environment(server: str) -> str | None:
    """As requests finds it; none for this host itself."""
    if is_loopback(urlsplit(server).hostname or ""):
        return None
    given = requests.utils.select_proxy(server, requests.utils.get_environ_proxies(server))
    return given if given is None or "://" in given else f"http://{given}"


def _proxy_url(path: str, context: str | None) -> str | None:
    """What the cluster of a context says in a kubeconfig that was loaded before."""
    config = library("kubernetes.config.kube_config", "kubernetes").KubeConfigMerger(path).config
    chosen = config["contexts"].get_with_name(context or config["current-context"])["context"]
    given: str | None = config["clusters"].get_with_name(chosen["cluster"])["cluster"].safe_get("proxy-url")
    return given


def _kubeconfig() -> str | None:
    """That of the environment, or of the user; None where there is none."""
    given = os.environ.get("KUBECONFIG")
    with suppress(OSError, RuntimeError):  # there is no home, or one of somebody else
        usual = Path.home() / ".kube" / "config"
        return given or (str(usual) if usual.exists() else None)
    return given


def _load(configuration: Any, path: str | None, context: str | None) -> str | None:
    """Set address and credentials; the proxy that is named beside them."""
    config = library("kubernetes.config", "kubernetes")
    yaml_error = library("yaml").YAMLError
    try:
        if path is None:
            config.load_incluster_config(client_configuration=configuration)
            return None
        config.load_kube_config(
            config_file=path,
            context=context,
            client_configuration=configuration,
            persist_config=False,
            # Certificates and keys that stand in a kubeconfig become files. Ansible removes this directory itself.
            temp_file_path=str(vars(constants)["DEFAULT_LOCAL_TMP"]),
        )
        return _proxy_url(path, context)
    except (config.ConfigException, OSError, ValueError, yaml_error) as error:
        # The text of a parser can show the line, and with it a token.
        said = f": {error}" if isinstance(error, config.ConfigException) else ""
        raise OptionError(
            f"target: {path or 'the service account of this pod'} cannot be used ({type(error).__name__}{said}).",
            hint="Check kubeconfig and context.",
            option="target",
        ) from None


def _refusal(error: Any, failure: str, where: str) -> StoreError:
    """The status and the words of the API; without its message where that could repeat what was sent."""
    try:
        said = dict(json.loads(error.body))
    except (TypeError, ValueError):
        said = {}
    reason = str(said.get("reason") or "no reason given")
    text = f": {str(said.get('message') or '').rstrip('.')}" if error.status in _TOLD else ""
    message = f"{failure} ({error.status}: {reason}{text[:500].rstrip(': ')})."
    return StoreError(message, hint=_hint(error.status), where=where, reason=reason)


def _hint(status: int) -> str:
    return {
        401: "Log in again, or check the token of the kubeconfig.",
        403: "Grant that verb in a Role; the guide Stores and deliveries has one.",
        404: "Create the namespace first, or correct it.",
        422: "The API does not take such an object: check name, labels and members. A Secret that is immutable must be"
        " deleted first.",
    }.get(status, "Look into the log of the API server.")
