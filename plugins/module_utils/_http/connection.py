# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options: addresses, certificates, the admin credential, timeouts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ansible.module_utils.basic import env_fallback
from ansible.module_utils.errors import AnsibleFallbackNotFound

from .._core.argspec import ArgumentSpec
from .._core.errors import OptionError
from .urls import checked_url


def _from_environment(variable: str) -> str:
    """``env_fallback`` that ignores empty variables. Job runners set them for fields that were left blank."""
    value: str = env_fallback(variable)
    if not value.strip():
        raise AnsibleFallbackNotFound
    return value


_OPTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "api_url": ("ARITMA_IAM_URL", {}),
    "token_url": ("ARITMA_TOKEN_URL", {"no_log": False}),
    "identity_url": ("ARITMA_IDENTITY_URL", {"default": "https://id.aritma.io"}),
    "tenant": ("ARITMA_TENANT", {}),
    "access_token": ("ARITMA_ACCESS_TOKEN", {"no_log": True}),
    "auth_client_id": ("ARITMA_CLIENT_ID", {}),
    "auth_client_secret": ("ARITMA_CLIENT_SECRET", {"no_log": True}),
    "auth_scope": ("ARITMA_AUTH_SCOPE", {"default": "services.iam"}),
    "validate_certs": ("ARITMA_VALIDATE_CERTS", {"type": "bool", "default": True}),
    "ca_path": ("ARITMA_CA_PATH", {"type": "path"}),
    "request_timeout": ("ARITMA_REQUEST_TIMEOUT", {"type": "float", "default": 10.0}),
    "retry_budget": ("ARITMA_RETRY_BUDGET", {"type": "float", "default": 60.0}),
    "run_on": ("ARITMA_RUN_ON", {"choices": ["controller", "target"], "default": "controller"}),
}

ENVIRONMENT = {name: variable for name, (variable, _rules) in _OPTIONS.items()}
"""The environment variable of each connection option."""

CONNECTION = ArgumentSpec(
    {
        name: {"type": "str", "fallback": (_from_environment, [variable]), **rules}
        for name, (variable, rules) in _OPTIONS.items()
    }
)


@dataclass(frozen=True)
class Connection:
    """The connection options, validated and completed. The ``repr`` shows no secret.

    ``api_url`` is the part before ``/v1``, without a trailing slash; empty if only tokens are exchanged. ``token_url``
    is the full token endpoint; empty if ``access_token`` is given. Either ``access_token`` is set, or
    ``auth_client_id`` and ``auth_client_secret``; none of them if no admin token is needed. ``request_timeout`` and
    ``retry_budget`` are seconds.
    """

    api_url: str = ""
    token_url: str = ""
    access_token: str = field(default="", repr=False)
    auth_client_id: str = ""
    auth_client_secret: str = field(default="", repr=False)
    auth_scope: str = ""
    validate_certs: bool = True
    ca_path: str = ""
    request_timeout: float = 10.0
    retry_budget: float = 60.0

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> Connection:
        """The connection to the API, from the options of a task. Raises ``OptionError``."""
        return replace(cls.for_tokens(params), api_url=_api_url(params))

    @classmethod
    def for_tokens(cls, params: Mapping[str, Any]) -> Connection:
        """The admin token, or what is needed to fetch one. Raises ``OptionError``."""
        access_token = _text(params, "access_token")
        if access_token:
            if not is_token_text(access_token):
                raise _unusable("access_token", " has characters that no token has, such as spaces or line breaks.")
            return cls(access_token=access_token, **_trust_and_timeouts(params))
        _require_credential(params)
        return replace(
            cls.for_token_endpoint(params),
            auth_client_id=_text(params, "auth_client_id"),
            auth_client_secret=one_line(str(params["auth_client_secret"])),
            auth_scope=_text(params, "auth_scope"),
        )

    @classmethod
    def for_token_endpoint(cls, params: Mapping[str, Any]) -> Connection:
        """A connection to the token endpoint only, without an admin credential. Raises ``OptionError``."""
        return cls(token_url=resolve_token_url(params), **_trust_and_timeouts(params))


def resolve_token_url(params: Mapping[str, Any]) -> str:
    """``token_url``, or the endpoint of ``tenant`` below ``identity_url``. Raises ``OptionError``."""
    given, tenant = _text(params, "token_url"), _text(params, "tenant")
    if given:
        return checked_url(given, "token_url", _see("token_url"))
    if not tenant:
        raise OptionError(
            "Neither tenant nor token_url is set. The default tenant would answer, and it would refuse a valid secret.",
            hint=f"Set tenant ({ENVIRONMENT['tenant']}) or token_url ({ENVIRONMENT['token_url']}).",
            option="tenant",
        )
    if tenant in (".", ".."):
        raise _unusable("tenant", f": {tenant!r} is not the name of a tenant.")
    identity_url = checked_url(_text(params, "identity_url"), "identity_url", _see("identity_url"))
    return f"{identity_url.rstrip('/')}/{quote(tenant, safe='')}/connect/token"


def one_line(secret: str) -> str:
    """A secret without the line break at its end, as in a value that was read from a file."""
    return secret.rstrip("\r\n")


def is_token_text(token: str) -> bool:
    """Whether a token can be sent in an Authorization header: one or more visible ASCII characters."""
    return bool(token) and all("!" <= character <= "~" for character in token)


def _api_url(params: Mapping[str, Any]) -> str:
    given = _text(params, "api_url")
    if not given:
        raise OptionError(
            "api_url, the address of the IAM API, is not set.",
            hint=f"Set api_url ({ENVIRONMENT['api_url']}) to the part before /v1, such as "
            "https://api.dev.aritma.io/core/iam.",
            option="api_url",
        )
    return checked_url(given, "api_url", _see("api_url")).rstrip("/").removesuffix("/v1").rstrip("/")


def _require_credential(params: Mapping[str, Any]) -> None:
    missing = [name for name in ("auth_client_id", "auth_client_secret") if not _text(params, name)]
    if not missing:
        return
    half = f"{missing[0]} is not set, so the admin credential is incomplete."
    raise OptionError(
        half if len(missing) == 1 else "No admin credential is set.",
        hint=f"Set access_token ({ENVIRONMENT['access_token']}), or both auth_client_id "
        f"({ENVIRONMENT['auth_client_id']}) and auth_client_secret ({ENVIRONMENT['auth_client_secret']}).",
        option=missing[0],
    )


def _trust_and_timeouts(params: Mapping[str, Any]) -> dict[str, Any]:
    ca_path, validate_certs = _text(params, "ca_path"), params.get("validate_certs")
    if ca_path and not Path(ca_path).exists():
        raise _unusable("ca_path", f": {ca_path} does not exist here.")
    return {
        "validate_certs": validate_certs is None or bool(validate_certs),
        "ca_path": ca_path,
        "request_timeout": _seconds(params, "request_timeout", zero=False),
        "retry_budget": _seconds(params, "retry_budget", zero=True),
    }


def _seconds(params: Mapping[str, Any], option: str, *, zero: bool) -> float:
    value = params.get(option)
    seconds = float(_OPTIONS[option][1]["default"] if value is None else value)
    if not math.isfinite(seconds) or seconds < 0 or not (zero or seconds):
        raise _unusable(option, f": {seconds:g} is not {'0 or more' if zero else 'more than 0'} seconds.")
    return seconds


def _text(params: Mapping[str, Any], option: str) -> str:
    return str(params.get(option) or "").strip() or str(_OPTIONS[option][1].get("default", ""))


def _unusable(option: str, why: str) -> OptionError:
    return OptionError(f"{option}{why}", hint=_see(option), option=option)


def _see(option: str) -> str:
    return f"Correct {option} ({ENVIRONMENT[option]})."
