# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A KV version 2 secret of HashiCorp Vault or OpenBao, accessed from the controller."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from ansible.module_utils.parsing.convert_bool import boolean

from ...module_utils._core.deps import Retry, library, requests, require
from ...module_utils._core.errors import OptionError, StoreError
from ...module_utils._core.time import parse_timestamp
from ...module_utils._http.urls import checked_url, is_loopback
from ._place import Document, Held, UnknownOutcomeError, bad_certificate, changed_meanwhile, no_answer
from ._replaced import Replaced, Token

_TEXTS = ("path", "mount", "url", "role_id", "namespace", "ca_path")
MEMBERS: dict[str, dict[str, Any]] = {
    **{name: {"type": "str"} for name in _TEXTS},
    "token": {"type": "str", "no_log": True},
    "token_file": {"type": "str", "no_log": False},
    "auth_method": {"type": "str", "choices": ["token", "approle"]},
    "secret_id": {"type": "str", "no_log": True},
    "validate_certs": {"type": "bool"},
}
_TIMEOUT = 10
"""Seconds for one request."""
_RETRIES = 3
_AGAIN = (412, 429, 502, 503, 504)
"""Statuses after which a request is repeated. 412 comes from a standby that is behind."""
_NEEDED = frozenset({"create", "read", "update"})
_NOTHING = "0"
"""The token if there is no secret."""


@dataclass(frozen=True)
class VaultDocument(Document):
    """A secret of Vault. The token is the version and its time; ``0`` if there is no secret.

    The version alone is not enough, because it starts at 1 again after a removal.
    """

    mount: str
    path: str
    option: str
    connect: Callable[[], Any]
    """Returns a client that is logged in, always the same one."""

    @property
    def where(self) -> str:
        return f"The Vault secret {self.mount}/{self.path}"

    def stamp_note(self, _client_id: str, lineage: str) -> str:
        """See ``Place.stamp_note``. The stamp is in the custom metadata, because the data belongs to the service."""
        return f"aritma_iam_{lineage}" if lineage else ""

    def _note(self, notes: Mapping[str, str]) -> None:
        """See ``Document._note``. Vault has no compare-and-set for metadata, and not every token may write it.

        So a stamp helps against runs that were suspended, but it is not a guarantee.
        """
        with suppress(StoreError), self._errors("write the metadata"):
            # The library would reset another setting of the secret.
            path = f"/v1/{quote(self.mount)}/metadata/{quote(self.path)}"
            self.connect().adapter.post(path, json={"custom_metadata": dict(notes)})

    def _drop(self) -> Token:
        with self._errors("remove"):
            self._kv().delete_metadata_and_all_versions(self.path, mount_point=self.mount)
        return _NOTHING

    def check(self) -> None:
        self.read()
        secret = f"{self.mount}/data/{self.path}"
        with self._errors("check"):
            answer = self.connect().sys.get_capabilities(paths=[secret])
        granted = set(_json(answer, self.where, self.option).get("data", {}).get(secret, []))
        if "root" not in granted and not granted >= _NEEDED:
            raise StoreError(
                f"{self.where} cannot be written with this token: it lacks {', '.join(sorted(_NEEDED - granted))}.",
                hint=f"Grant create, read and update on {secret} in a policy of the token.",
                where=self.where,
            )

    def _kv(self) -> Any:
        return self.connect().secrets.kv.v2

    def _look(self) -> Held:
        """See ``Document._look``. A deleted or missing secret has no members. The notes are the custom metadata."""
        with self._errors("read"):
            answer = self._read_or_none()
            if answer is None:
                self._require_version_2()
                return Held(None, _NOTHING)
        found: Any = _json(answer, self.where, self.option).get("data")
        try:
            metadata = found["metadata"]
            return Held(found["data"] or None, _token_of(metadata), metadata.get("custom_metadata") or {})
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _not_version_2(self.mount, self.option) from None

    def _read_or_none(self) -> Any:
        from hvac.exceptions import InvalidPath

        try:
            return self._kv().read_secret(self.path, mount_point=self.mount, raise_on_deleted_version=False)
        except InvalidPath as missing:
            if missing.errors:
                raise  # "no handler for route": the mount is missing, not the secret
            return None

    def _require_version_2(self) -> None:
        """Check the mount before a first write. KV version 1 would write to a wrong path, without compare-and-set."""
        from hvac.exceptions import Forbidden

        try:
            answer = self.connect().adapter.get(f"/v1/sys/internal/ui/mounts/{quote(self.mount)}")
        except Forbidden:
            return  # the token may not read this, but the answer to a write also shows a wrong mount
        options = _json(answer, self.where, self.option).get("data", {}).get("options") or {}
        if options.get("version") != "2":
            raise _not_version_2(self.mount, self.option)

    def _put(self, data: Mapping[str, Any], expected: Token) -> Token:
        from hvac.exceptions import BadGateway, InternalServerError, InvalidRequest, VaultDown

        # The number of the version is not enough: see the class.
        self.require(expected)
        with self._errors("write"):
            try:
                answer = self._kv().create_or_update_secret(
                    self.path, secret=data, cas=int(expected.split(" ", 1)[0]), mount_point=self.mount
                )
                return _token_of(answer["data"])
            except (KeyError, TypeError, ValueError):
                raise UnknownOutcomeError("its answer cannot be read.") from None
            except InvalidRequest as error:
                if "check-and-set" not in str(error.errors):
                    raise
                raise changed_meanwhile(self.where) from None
            except (requests.RequestException, BadGateway, InternalServerError, VaultDown) as error:
                raise UnknownOutcomeError(f"its answer was lost ({type(error).__name__}).") from None

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return hvac_errors(doing, self.where, self.mount, self.option)


def _token_of(metadata: Mapping[str, Any]) -> Token:
    return f"{int(metadata['version'])} of {metadata.get('created_time')}"


def _is_older(one: Token, other: Token) -> bool:
    """Compare the times of two versions, because their numbers start again after a removal."""
    try:
        made, then = (parse_timestamp(token.split(" of ", 1)[1]) for token in (one, other))
    except (IndexError, ValueError):
        return False
    return made < then


def _json(answer: Any, where: str, option: str) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        return answer
    raise StoreError(
        f"{where}: the answer is not from a Vault server (status {getattr(answer, 'status_code', 'unknown')}).",
        hint=f"Check {option}.url: name the active node or a load balancer, because redirects are not followed.",
        where=where,
    )


def _not_version_2(mount: str, option: str) -> StoreError:
    return StoreError(
        f"The mount {mount!r} is not a KV version 2 engine, so it does not support compare-and-set.",
        hint=f"Name another mount in {option}.mount, or upgrade this one (kv enable-versioning).",
        mount=mount,
    )


def open_vault(options: Mapping[str, Any], path: str, loader: Any, option: str) -> VaultDocument:
    """Open the secret at ``path`` in the mount. Sends nothing. Raises ``OptionError``."""
    path = path.strip("/")
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
        raise OptionError(f"{option}: {path!r} is not the path of a secret.", option=option)
    mount = str(options.get("mount", "secret")).strip("/")
    replaced = Replaced(_url(options, option), _namespace(options), mount, path, older=_is_older)
    return VaultDocument(replaced, mount, path, option, connect(options, loader, option))


def connect(options: Mapping[str, Any], loader: Any, option: str) -> Callable[[], Any]:
    """Return a function that logs in once and returns the client. Raises ``OptionError`` for invalid options."""
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
    return str(options.get(member) or os.environ.get(variable) or "").strip()


def _missing(option: str, member: str, variable: str) -> OptionError:
    return OptionError(
        f"{option}: type hashi_vault needs {member}.", hint=f"Give it, or set {variable}.", option=option
    )


def _url(options: Mapping[str, Any], option: str) -> str:
    url = _given(options, "url", "VAULT_ADDR")
    if not url:
        raise _missing(option, "url", "VAULT_ADDR")
    return checked_url(url, option, f"Write {option}.url (VAULT_ADDR) as https://host:port.").rstrip("/")


def _namespace(options: Mapping[str, Any]) -> str:
    return _given(options, "namespace", "VAULT_NAMESPACE")


def _token(options: Mapping[str, Any], loader: Any, option: str) -> str:
    if options.get("token"):
        return str(options["token"]).strip()
    if options.get("token_file"):
        path = Path(loader.path_dwim(options["token_file"]))
        try:
            return path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = type(error).__name__
            raise OptionError(f"{option}: the token_file {path} cannot be read ({reason}).", option=option) from None
    token = os.environ.get("VAULT_TOKEN", "").strip() or _helper_token()
    if not token:
        raise _missing(option, "a token (token, token_file, or auth_method=approle)", "VAULT_TOKEN")
    return token


def _helper_token() -> str:
    """The token that ``vault login`` or ``bao login`` stored for this user."""
    try:
        return (Path.home() / ".vault-token").read_text(encoding="utf-8").strip()
    except (OSError, RuntimeError, UnicodeDecodeError):
        return ""


def _client(url: str, token: str, options: Mapping[str, Any]) -> Any:
    require(("requests",))
    hvac = library("hvac")
    session = requests.Session()
    session.trust_env = not is_loopback(urlsplit(url).hostname or "")  # never use a proxy for loopback addresses
    # A repeated write is safe: compare-and-set refuses it if the first one was carried out.
    again = Retry(_RETRIES, backoff_factor=0.2, status_forcelist=_AGAIN, allowed_methods=None, raise_on_status=False)
    adapter = requests.adapters.HTTPAdapter(max_retries=again)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    session.hooks["response"].append(_require_current)
    return hvac.Client(
        url=url,
        token=token,
        verify=_trust(options),
        timeout=_TIMEOUT,
        # requests would send the token to the target of a redirect.
        allow_redirects=False,
        session=session,
        namespace=_namespace(options) or None,
    )


def _require_current(answer: Any, **_how: Any) -> None:
    """Raise an error for status 412, for which hvac has no exception."""
    if answer.status_code == requests.codes.precondition_failed:
        raise library("hvac.exceptions").PreconditionFailed(errors=["a standby is behind"])


def _trust(options: Mapping[str, Any]) -> bool | str:
    """The argument ``verify`` of requests: a file or directory of certificates, or whether to verify at all."""
    wanted = options.get("validate_certs")
    if wanted is None:
        wanted = not boolean(os.environ.get("VAULT_SKIP_VERIFY") or "false", strict=False)
    return (_given(options, "ca_path", "VAULT_CACERT") or True) if wanted else False


@contextmanager
def hvac_errors(doing: str, where: str, mount: str, option: str) -> Iterator[None]:
    """Convert exceptions of hvac and requests to ``StoreError``, without texts that can repeat a request."""
    require(("requests",))
    exceptions = library("hvac.exceptions")
    try:
        yield
    except exceptions.VaultError as error:
        text = "; ".join(str(each).strip() for each in error.errors or ()) or "no reason given"
        kind = type(error).__name__
        raise StoreError(
            f"{where}: cannot {doing} ({kind}: {text}).", hint=_hint(kind, mount, option), where=where, reason=kind
        ) from None
    except requests.exceptions.SSLError:
        raise bad_certificate(where, option) from None
    except requests.RequestException as error:
        raise no_answer(where, doing, error, f"Check {option}.url and that the server runs.") from None


def _hint(kind: str, mount: str, option: str) -> str:
    return {
        "Forbidden": f"Check the token, its policy for {mount}, and {option}.namespace.",
        "Unauthorized": "Check the token.",
        "InvalidPath": f"Enable a KV version 2 engine at {mount!r}, or name its mount in {option}.mount.",
        "InvalidRequest": f"Check the members of {option}.",
        "VaultDown": "The server is sealed or in maintenance. Unseal it.",
        "VaultNotInitialized": "Initialize and unseal the server.",
        "PreconditionFailed": "Name the active node, or run again.",
        "RateLimitExceeded": "Run again later, or raise the quota.",
    }.get(kind, "Check the log of the server.")
