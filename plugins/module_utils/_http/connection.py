# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the API and its token endpoint are, whom to trust, who asks, and how long it may take."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._http.urls import checked_url

IDENTITY_URL = "https://id.aritma.io"
AUTH_SCOPE = "services.iam"

ENVIRONMENT = {
    "api_url": "ARITMA_IAM_URL",
    "token_url": "ARITMA_TOKEN_URL",
    "identity_url": "ARITMA_IDENTITY_URL",
    "tenant": "ARITMA_TENANT",
    "access_token": "ARITMA_ACCESS_TOKEN",
    "auth_client_id": "ARITMA_CLIENT_ID",
    "auth_client_secret": "ARITMA_CLIENT_SECRET",
    "auth_scope": "ARITMA_AUTH_SCOPE",
    "validate_certs": "ARITMA_VALIDATE_CERTS",
    "ca_path": "ARITMA_CA_PATH",
    "request_timeout": "ARITMA_REQUEST_TIMEOUT",
    "retry_budget": "ARITMA_RETRY_BUDGET",
    "run_on": "ARITMA_RUN_ON",
}
"""The environment variable that each connection option falls back to."""


def _from_environment(variable: str) -> str:
    """``env_fallback``, but an empty variable counts as none: job runners set those for what was left blank."""
    value: str = env_fallback(variable)
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


def _option(name: str, **rules: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (_from_environment, [ENVIRONMENT[name]]), **rules}


CONNECTION = ArgumentSpec(
    {
        "api_url": _option("api_url"),
        "token_url": _option("token_url", no_log=False),
        "identity_url": _option("identity_url", default=IDENTITY_URL),
        "tenant": _option("tenant"),
        "access_token": _option("access_token", no_log=True),
        "auth_client_id": _option("auth_client_id"),
        "auth_client_secret": _option("auth_client_secret", no_log=True),
        "auth_scope": _option("auth_scope", default=AUTH_SCOPE),
        "validate_certs": _option("validate_certs", type="bool", default=True),
        "ca_path": _option("ca_path", type="path"),
        "request_timeout": _option("request_timeout", type="float", default=10.0),
        "retry_budget": _option("retry_budget", type="float", default=60.0),
        "run_on": _option("run_on", choices=["controller", "target"], default="controller"),
    }
)


@dataclass(frozen=True)
class Connection:
    """The connection options, checked and completed. Its ``repr`` shows no secret.

    ``api_url`` is what stands before ``/v1``, without a trailing slash; it is empty where only tokens are exchanged.
    ``token_url`` is the full token endpoint; it is empty where ``access_token`` makes it needless. Set is either
    ``access_token``, or ``auth_client_id`` and ``auth_client_secret``, or neither where no admin token is needed.
    ``request_timeout`` and ``retry_budget`` are seconds.
    """

    api_url: str = ""
    token_url: str = ""
    access_token: str = field(default="", repr=False)
    auth_client_id: str = ""
    auth_client_secret: str = field(default="", repr=False)
    auth_scope: str = AUTH_SCOPE
    validate_certs: bool = True
    ca_path: str = ""
    request_timeout: float = 10.0
    retry_budget: float = 60.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Connection:
        """The connection to the API, out of a task's options. Raises ``OptionError``."""
        return replace(cls.for_tokens(params), api_url=_api_url(params))

    @classmethod
    def for_tokens(cls, params: Mapping[str, Any]) -> Connection:
        """What it takes to have an admin token. Raises ``OptionError``."""
        _require_credential(params)
        access_token = _text(params, "access_token")
        if not access_token:
            return replace(
                cls.for_token_endpoint(params),
                auth_client_id=_text(params, "auth_client_id"),
                auth_client_secret=str(params["auth_client_secret"]),
                auth_scope=_text(params, "auth_scope") or AUTH_SCOPE,
            )
        if not is_token_text(access_token):
            raise OptionError(
                "access_token holds characters that no token has, such as blanks or line breaks.",
                hint=_see("access_token"),
                option="access_token",
            )
        return cls(access_token=access_token, **_trust_and_patience(params))

    @classmethod
    def for_token_endpoint(cls, params: Mapping[str, Any]) -> Connection:
        """The way to the token endpoint alone, without any admin credential. Raises ``OptionError``."""
        return cls(token_url=resolve_token_url(params), **_trust_and_patience(params))


def resolve_token_url(params: Mapping[str, Any]) -> str:
    """``token_url``, or the endpoint of ``tenant`` below ``identity_url``. Raises ``OptionError``."""
    given = _text(params, "token_url")
    if given:
        return checked_url(given, "token_url", _see("token_url"))
    tenant = _text(params, "tenant")
    if not tenant:
        raise OptionError(
            "Neither tenant nor token_url is set, so the default tenant would answer, and a good secret would look "
            "wrong.",
            hint=f"Set tenant ({ENVIRONMENT['tenant']}) or token_url ({ENVIRONMENT['token_url']}).",
            option="tenant",
        )
    if tenant in (".", ".."):
        raise OptionError(f"tenant: {tenant!r} is not the name of a tenant.", hint=_see("tenant"), option="tenant")
    identity_url = checked_url(_text(params, "identity_url") or IDENTITY_URL, "identity_url", _see("identity_url"))
    return f"{identity_url.rstrip('/')}/{quote(tenant, safe='')}/connect/token"


def is_token_text(token: str) -> bool:
    """Whether a token can stand in an Authorization header: visible ASCII characters, at least one."""
    return bool(token) and all("!" <= character <= "~" for character in token)


def _api_url(params: Mapping[str, Any]) -> str:
    given = _text(params, "api_url")
    if not given:
        raise OptionError(
            "api_url is not set: it says where the IAM API is.",
            hint=f"Set api_url ({ENVIRONMENT['api_url']}) to what stands before /v1, such as "
            "https://api.dev.aritma.io/core/iam.",
            option="api_url",
        )
    return checked_url(given, "api_url", _see("api_url")).rstrip("/").removesuffix("/v1").rstrip("/")


def _require_credential(params: Mapping[str, Any]) -> None:
    if _text(params, "access_token"):
        return
    missing = [name for name in ("auth_client_id", "auth_client_secret") if not _text(params, name)]
    if not missing:
        return
    if len(missing) == 1:
        message = f"{missing[0]} is not set, but its counterpart is: half a credential cannot be used."
    else:
        message = "No admin credential is set."
    raise OptionError(
        message,
        hint=f"Set access_token ({ENVIRONMENT['access_token']}), or both auth_client_id "
        f"({ENVIRONMENT['auth_client_id']}) and auth_client_secret ({ENVIRONMENT['auth_client_secret']}).",
        option=missing[0],
    )


def _trust_and_patience(params: Mapping[str, Any]) -> dict[str, Any]:
    ca_path = _text(params, "ca_path")
    if ca_path and not Path(ca_path).exists():
        raise OptionError(f"ca_path: {ca_path} does not exist here.", hint=_see("ca_path"), option="ca_path")
    validate_certs = params.get("validate_certs")
    return {
        "validate_certs": True if validate_certs is None else bool(validate_certs),
        "ca_path": ca_path,
        "request_timeout": _seconds(params, "request_timeout", 10.0, above=True),
        "retry_budget": _seconds(params, "retry_budget", 60.0, above=False),
    }


def _seconds(params: Mapping[str, Any], option: str, default: float, *, above: bool) -> float:
    value = params.get(option)
    seconds = default if value is None else float(value)
    if not math.isfinite(seconds) or seconds < 0 or (above and not seconds):
        wanted = "more than 0" if above else "0 or more"
        raise OptionError(f"{option}: {seconds:g} is not {wanted} seconds.", hint=_see(option), option=option)
    return seconds


def _text(params: Mapping[str, Any], name: str) -> str:
    return str(params.get(name) or "").strip()


def _see(option: str) -> str:
    return f"Correct {option} ({ENVIRONMENT[option]})."
