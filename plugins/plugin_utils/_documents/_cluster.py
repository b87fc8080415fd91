# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a Kubernetes cluster, opened at its first use, and its error messages."""

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
_SHOWN = (401, 403, 404, 422)
"""Statuses with messages that may be shown: about names, permissions and rules."""


class Cluster:
    """Calls the API with JSON. The models of the library could drop members that they do not know."""

    def __init__(self, client: Any, server: str) -> None:
        kubernetes = library("kubernetes.client", "kubernetes")
        self._apis = {"core": kubernetes.CoreV1Api(client), "apps": kubernetes.AppsV1Api(client)}
        self._server = server

    def call(self, api: str, method: str, where: str, **arguments: Any) -> Any:
        """Call a method of the library. Returns None if the object does not exist.

        Raises ``StoreConflictError`` for 409, ``StoreError`` for other errors.
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
                f"{where}: the answer is not from a Kubernetes API.",
                hint=f"Check that {self._server} is a Kubernetes API server.",
                where=where,
            ) from None


def connect(options: Mapping[str, Any], loader: Any) -> Callable[[], Cluster]:
    """Return a function that connects once and returns the cluster. Raises ``OptionError`` for invalid options."""
    require(("requests",))
    given = options.get("kubeconfig")
    path = loader.path_dwim(given) if given else _kubeconfig()
    if path is None and "KUBERNETES_SERVICE_HOST" not in os.environ:
        raise OptionError(
            "target: type kubernetes_secret found no kubeconfig, and this is not a pod of a cluster.",
            hint="Give kubeconfig, or set KUBECONFIG.",
            option="target",
        )

    @cache
    def opened() -> Cluster:
        client = library("kubernetes.client", "kubernetes")
        configuration = client.Configuration()
        proxy = _load(configuration, path, options.get("context"))
        # A repetition is safe: a change names the version that it replaces, a second creation is refused, and an
        # existing mark changes nothing.
        configuration.retries = Retry(
            _RETRIES, backoff_factor=0.2, status_forcelist=_AGAIN, allowed_methods=None, raise_on_status=False
        )
        server = checked_url(configuration.host, "target", "Correct the server of the kubeconfig: https://host:port.")
        # Only some versions of the library use proxy-url and the environment variables.
        configuration.proxy, configuration.no_proxy = proxy or _proxy_of_environment(server), None
        try:
            return Cluster(client.ApiClient(configuration), server)
        except (ImportError, ValueError) as error:
            raise OptionError(
                f"target: the proxy of {server} cannot be used ({type(error).__name__}).",
                hint="Correct proxy-url of the kubeconfig or HTTPS_PROXY. A SOCKS proxy needs the library PySocks.",
                option="target",
            ) from None

    return opened


def _proxy_of_environment(server: str) -> str | None:
    """The proxy that requests would use; none for loopback addresses."""
    if is_loopback(urlsplit(server).hostname or ""):
        return None
    given = requests.utils.select_proxy(server, requests.utils.get_environ_proxies(server))
    return given if given is None or "://" in given else f"http://{given}"


def _proxy_url(path: str, context: str | None) -> str | None:
    """The ``proxy-url`` of the cluster of a context, from a kubeconfig that was already loaded."""
    config = library("kubernetes.config.kube_config", "kubernetes").KubeConfigMerger(path).config
    chosen = config["contexts"].get_with_name(context or config["current-context"])["context"]
    given: str | None = config["clusters"].get_with_name(chosen["cluster"])["cluster"].safe_get("proxy-url")
    return given


def _kubeconfig() -> str | None:
    """The kubeconfig of the environment, or of the user; None if there is none."""
    given = os.environ.get("KUBECONFIG")
    with suppress(OSError, RuntimeError):  # there is no home directory, or it is not readable
        usual = Path.home() / ".kube" / "config"
        return given or (str(usual) if usual.exists() else None)
    return given


def _load(configuration: Any, path: str | None, context: str | None) -> str | None:
    """Set the address and the credentials. Returns the proxy in the kubeconfig, if any."""
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
            # Certificates and keys in a kubeconfig are written to files here. Ansible removes this directory.
            temp_file_path=str(vars(constants)["DEFAULT_LOCAL_TMP"]),
        )
        return _proxy_url(path, context)
    except (config.ConfigException, OSError, ValueError, yaml_error) as error:
        # The text of a parser error can quote a line with a token.
        text = f": {error}" if isinstance(error, config.ConfigException) else ""
        raise OptionError(
            f"target: {path or 'the service account of this pod'} cannot be used ({type(error).__name__}{text}).",
            hint="Check kubeconfig and context.",
            option="target",
        ) from None


def _refusal(error: Any, failure: str, where: str) -> StoreError:
    """The error with the status and reason of the API, and its message unless that could repeat what was sent."""
    try:
        answer = dict(json.loads(error.body))
    except (TypeError, ValueError):
        answer = {}
    reason = str(answer.get("reason") or "no reason given")
    text = f": {str(answer.get('message') or '').rstrip('.')}" if error.status in _SHOWN else ""
    message = f"{failure} ({error.status}: {reason}{text[:500].rstrip(': ')})."
    return StoreError(message, hint=_hint(error.status), where=where, reason=reason)


def _hint(status: int) -> str:
    return {
        401: "Log in again, or check the token of the kubeconfig.",
        403: "Grant that verb in a Role. The guide Stores and deliveries has one.",
        404: "Create the namespace first, or correct it.",
        422: "The API does not accept this object. Check name, labels and members. A Secret that is immutable must be"
        " deleted first.",
    }.get(status, "Check the log of the API server.")
