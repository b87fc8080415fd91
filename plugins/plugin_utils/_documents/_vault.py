# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A KV version 2 secret of HashiCorp Vault or OpenBao, reached from the controller."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import requests
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreConflictError, StoreError
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import (
    Token,
    UnknownOutcomeError,
    changed_meanwhile,
    not_written,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._vault_client import (
    VAULT_MEMBERS,
    connect,
    hvac_errors,
)

MEMBERS: dict[str, dict[str, Any]] = {"path": {"type": "str"}, "mount": {"type": "str"}, **VAULT_MEMBERS}
_NEEDED = frozenset({"create", "read", "update"})


@dataclass(frozen=True)
class VaultDocument:
    """``token`` is the version of the secret and when it was made; ``0`` where there is none.

    The version alone would not do: it begins at 1 again after a removal.
    """

    mount: str
    path: str
    option: str
    connect: Callable[[], Any]
    """Gives a client that is logged in; the same one every time."""

    @property
    def where(self) -> str:
        """For messages."""
        return f"The Vault secret {self.mount}/{self.path}"

    def read(self) -> tuple[Mapping[str, Any] | None, Token]:
        """See ``Document``."""
        data, token = self._fetched()
        return data or None, token

    def write(self, data: Mapping[str, Any], expected: Token) -> None:
        """See ``Document``. Where the answer is lost or the write is refused, what is stored now tells whose it is."""
        if self._fetched()[1] != expected:
            raise changed_meanwhile(self.where)
        try:
            self._put(data, expected)
        except (StoreConflictError, UnknownOutcomeError) as error:
            stored, token = self._fetched()
            if stored == data:
                return
            if isinstance(error, UnknownOutcomeError) and token == expected:
                raise not_written(self.where, error.message) from None
            raise changed_meanwhile(self.where) from None

    def remove(self, expected: Token) -> None:
        """See ``Document``. All versions go, with the values in them."""
        if self._fetched()[1] != expected:
            raise changed_meanwhile(self.where)
        with self._errors("remove"):
            self._kv().delete_metadata_and_all_versions(self.path, mount_point=self.mount)

    def check(self) -> None:
        """See ``Document``."""
        self._fetched()
        secret = f"{self.mount}/data/{self.path}"
        with self._errors("check"):
            answer = self.connect().sys.get_capabilities(paths=[secret])
        granted = set(_json(answer, self.where, self.option).get("data", {}).get(secret, []))
        if "root" not in granted and not granted >= _NEEDED:
            raise StoreError(
                f"{self.where} may not be written by this token: it lacks {', '.join(sorted(_NEEDED - granted))}.",
                hint=f"Grant create, read and update on {secret} in a policy of the token.",
                where=self.where,
            )

    def _kv(self) -> Any:
        return self.connect().secrets.kv.v2

    def _fetched(self) -> tuple[Mapping[str, Any] | None, Token]:
        """Data and token; no data where the secret is deleted or does not exist."""
        with self._errors("read"):
            answer = self._read_or_none()
            if answer is None:
                self._require_version_2()
                return None, "0"
        found: Any = _json(answer, self.where, self.option).get("data")
        try:
            metadata = found["metadata"]
            return found["data"], f"{int(metadata['version'])} of {metadata.get('created_time')}"
        except (AttributeError, KeyError, TypeError, ValueError):
            raise _not_version_2(self.mount, self.option) from None

    def _read_or_none(self) -> Any:
        from hvac.exceptions import InvalidPath

        try:
            return self._kv().read_secret(self.path, mount_point=self.mount, raise_on_deleted_version=False)
        except InvalidPath as missing:
            if missing.errors:
                # "no handler for route": the mount is missing, not the secret.
                raise
            return None

    def _require_version_2(self) -> None:
        """Before a first write: version 1 of KV would store the record under a wrong name, without compare-and-set."""
        from hvac.exceptions import Forbidden

        try:
            answer = self.connect().adapter.get(f"/v1/sys/internal/ui/mounts/{quote(self.mount)}")
        except Forbidden:
            # Not every token may look; a write to a wrong mount is then refused by its answer.
            return
        options = _json(answer, self.where, self.option).get("data", {}).get("options") or {}
        if options.get("version") != "2":
            raise _not_version_2(self.mount, self.option)

    def _put(self, data: Mapping[str, Any], expected: Token) -> None:
        from hvac.exceptions import BadGateway, InternalServerError, InvalidRequest, VaultDown

        with self._errors("write"):
            try:
                self._kv().create_or_update_secret(
                    self.path, secret=data, cas=_version(expected), mount_point=self.mount
                )
            except InvalidRequest as error:
                if "check-and-set" not in str(error.errors):
                    raise
                raise changed_meanwhile(self.where) from None
            except (requests.RequestException, BadGateway, InternalServerError, VaultDown) as error:
                raise UnknownOutcomeError(f"its answer was lost ({type(error).__name__}).") from None

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        with hvac_errors(doing, self.where, self.mount, self.option):
            yield


def _version(token: Token) -> int:
    return int(token.split(" ", 1)[0])


def _json(answer: Any, where: str, option: str) -> Mapping[str, Any]:
    if isinstance(answer, Mapping):
        return answer
    raise StoreError(
        f"{where}: the answer is not that of a Vault server (status {getattr(answer, 'status_code', 'unknown')}).",
        hint=f"Check {option}.url: name the active node or a load balancer; redirects are not followed with a token.",
        where=where,
    )


def _not_version_2(mount: str, option: str) -> StoreError:
    return StoreError(
        f"The mount {mount!r} is no KV version 2 engine, so nothing there can be compared and set.",
        hint=f"Name such a mount in {option}.mount, or make it one (kv enable-versioning).",
        mount=mount,
    )


def open_vault(options: Mapping[str, Any], path: str, loader: Any, option: str) -> VaultDocument:
    """The secret at ``path`` below the mount. Raises ``OptionError``; nothing is sent yet."""
    path = path.strip("/")
    if not path or any(part in ("", ".", "..") for part in path.split("/")):
        raise OptionError(f"{option}: {path!r} is not the path of a secret.", option=option)
    mount = str(options.get("mount", "secret")).strip("/")
    return VaultDocument(mount, path, option, connect(options, loader, option))
