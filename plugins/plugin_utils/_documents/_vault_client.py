# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of HashiCorp Vault or OpenBao, logged in at its first use, and its errors in words.

``option`` is what the members were given in (``store``, ``target``): messages name it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import Retry, requests
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import require
from ansible_collections.aritma.iam.plugins.module_utils._http.urls import checked_url
from ansible_collections.aritma.iam.plugins.plugin_utils._libraries import library

VAULT_MEMBERS: dict[str, dict[str, Any]] = {
    "url": {"type": "str"},
    "token": {"type": "str", "no_log": True},
    "token_file": {"type": "str", "no_log": False},
    "auth_method": {"type": "str", "choices": ["token", "approle"]},
    "role_id": {"type": "str"},
    "secret_id": {"type": "str", "no_log": True},
    "namespace": {"type": "str"},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "str"},
}

_TIMEOUT = 10
"""Seconds for one request."""
_RETRIES = 3
_AGAIN = (429, 502, 503, 504)


def connect(options: Mapping[str, Any], loader: Any, option: str) -> Callable[[], Any]:
    """A function that logs in once and gives that client. Raises ``OptionError`` at once for what cannot work."""
    url = _url(options, option)
    method = options.get("auth_method", "token")
    token = _token(options, loader, option) if method == "token" else ""
    role_id, secret_id = (_given(options, name, f"VAULT_{name.upper()}") for name in ("role_id", "secret_id"))
    if method == "approle" and not (role_id and secret_id):
        raise _missing(option, "role_id and secret_id", "VAULT_ROLE_ID and VAULT_SECRET_ID")

    @cache
    def opened() -> Any:
        client = _client(url, token, options)
        if method == "approle":
            with hvac_errors("log in", f"The Vault server {url}", "auth/approle", option):
                client.auth.approle.login(role_id=role_id, secret_id=secret_id)
        return client

    return opened


def _given(options: Mapping[str, Any], member: str, variable: str) -> str:
    return str(options.get(member) or os.environ.get(variable) or "")


def _missing(option: str, member: str, variable: str) -> OptionError:
    return OptionError(
        f"{option}: type hashi_vault needs {member}.", hint=f"Give it, or set {variable}.", option=option
    )


def _url(options: Mapping[str, Any], option: str) -> str:
    url = _given(options, "url", "VAULT_ADDR")
    if not url:
        raise _missing(option, "url", "VAULT_ADDR")
    return checked_url(url, option, f"Write {option}.url (VAULT_ADDR) as https://host:port.").rstrip("/")


def _token(options: Mapping[str, Any], loader: Any, option: str) -> str:
    if options.get("token"):
        return str(options["token"])
    if options.get("token_file"):
        path = Path(loader.path_dwim(options["token_file"]))
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = type(error).__name__
            raise OptionError(f"{option}: the token_file {path} cannot be read ({reason}).", option=option) from None
    token = os.environ.get("VAULT_TOKEN") or _helper_token()
    if not token:
        raise _missing(option, "a token (token, token_file, or auth_method=approle)", "VAULT_TOKEN")
    return token


def _helper_token() -> str:
    """What ``vault login`` and ``bao login`` left for their user."""
    try:
        return (Path.home() / ".vault-token").read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError):
        return ""


def _client(url: str, token: str, options: Mapping[str, Any]) -> Any:
    require(("requests",))
    hvac = library("hvac")
    session = requests.Session()
    # Repeating a write is safe here: compare-and-set refuses it when the first one was carried out.
    again = Retry(_RETRIES, backoff_factor=0.2, status_forcelist=_AGAIN, allowed_methods=None, raise_on_status=False)
    adapter = requests.adapters.HTTPAdapter(max_retries=again)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return hvac.Client(
        url=url,
        token=token,
        verify=_trust(options),
        timeout=_TIMEOUT,
        # requests would carry the token to any other origin.
        allow_redirects=False,
        session=session,
        namespace=_given(options, "namespace", "VAULT_NAMESPACE") or None,
    )


def _trust(options: Mapping[str, Any]) -> bool | str:
    """What requests calls ``verify``: a file or directory of certificates, or whether to check them at all."""
    wanted = options.get("validate_certs")
    if wanted is None:
        wanted = not boolean(os.environ.get("VAULT_SKIP_VERIFY") or "false", strict=False)
    return (_given(options, "ca_path", "VAULT_CACERT") or True) if wanted else False


@contextmanager
def hvac_errors(doing: str, where: str, mount: str, option: str) -> Iterator[None]:
    """Turns the exceptions of hvac and requests into ``StoreError``, without their texts about requests."""
    require(("requests",))
    exceptions = library("hvac.exceptions")
    try:
        yield
    except exceptions.VaultError as error:
        said = "; ".join(str(each).strip() for each in error.errors or ()) or "no reason given"
        kind = type(error).__name__
        raise StoreError(
            f"{where}: cannot {doing} ({kind}: {said}).", hint=_hint(kind, mount, option), where=where, reason=kind
        ) from None
    except requests.exceptions.SSLError:
        raise StoreError(
            f"{where}: the certificate of the server does not verify.",
            hint=f"Name the certificate authority in {option}.ca_path.",
            where=where,
            reason="SSLError",
        ) from None
    except requests.RequestException as error:
        raise StoreError(
            f"{where}: cannot {doing}: the server did not answer ({type(error).__name__}).",
            hint=f"Check {option}.url and that the server runs.",
            where=where,
            reason=type(error).__name__,
        ) from None


def _hint(kind: str, mount: str, option: str) -> str:
    return {
        "Forbidden": f"Check the token, its policy for {mount}, and {option}.namespace.",
        "Unauthorized": "Check the token.",
        "InvalidPath": f"Enable a KV version 2 engine at {mount!r}, or name its mount in {option}.mount.",
        "InvalidRequest": f"Check the members of {option}.",
        "VaultDown": "The server is sealed or in maintenance: unseal it.",
        "VaultNotInitialized": "Initialize and unseal the server.",
        "RateLimitExceeded": "Run again later, or raise the quota.",
    }.get(kind, "Look into the log of the server.")
