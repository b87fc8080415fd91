# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of AWS Secrets Manager, made at its first use, and its errors in words.

Credentials come from boto3's own chain (environment, shared files, single sign-on, the role of the instance or
container); none is taken as an option and none is put anywhere. ``option`` is what the members were given in
(``store``, ``target``): messages name it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreError
from ansible_collections.aritma.iam.plugins.module_utils._http.urls import checked_url
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import UnknownOutcomeError
from ansible_collections.aritma.iam.plugins.plugin_utils._libraries import library

AWS_MEMBERS: dict[str, dict[str, Any]] = {
    "region": {"type": "str"},
    "profile": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "validate_certs": {"type": "bool"},
    "ca_path": {"type": "str"},
}

_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 10
"""Seconds for one request."""
_ATTEMPTS = 4

_LOST = ("InternalServiceError", "InternalServiceErrorException", "InternalFailure", "ServiceUnavailable")
_TOLD = (
    "AccessDenied",
    "DecryptionFailure",
    "EncryptionFailure",
    "ExpiredToken",
    "InvalidRequest",
    "KMS",
    "LimitExceeded",
    "ResourceNotFound",
    "Throttling",
    "UnrecognizedClient",
)
"""How the codes begin whose texts are shown: they speak of names and permissions, never of what was sent."""


def connect(options: Mapping[str, Any], option: str) -> Callable[[], Any]:
    """A function that makes a client once and gives it. Raises ``OptionError`` at once for what cannot work."""
    hint = f"Write {option}.endpoint_url as https://host:port."
    if options.get("endpoint_url"):
        checked_url(options["endpoint_url"], option, hint)

    @cache
    def opened() -> Any:
        with _option_errors(option):
            session = library("boto3").Session(profile_name=options.get("profile"), region_name=_region(options))
            client = session.client(
                "secretsmanager",
                endpoint_url=options.get("endpoint_url"),
                verify=_trust(options),
                config=library("botocore.config").Config(
                    connect_timeout=_CONNECT_TIMEOUT,
                    read_timeout=_READ_TIMEOUT,
                    # Repeating is safe: every write carries the id of its version, or names what it replaces.
                    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                ),
            )
        # It may also come from the environment, or from a profile.
        checked_url(client.meta.endpoint_url, option, hint)
        return client

    return opened


def _region(options: Mapping[str, Any]) -> str | None:
    """None leaves it to boto3, which does not look at AWS_REGION as the other tools of AWS do."""
    return options.get("region") or os.environ.get("AWS_REGION") or None


def _trust(options: Mapping[str, Any]) -> bool | str | None:
    """What boto3 calls ``verify``; None leaves it to E(AWS_CA_BUNDLE) and the profile."""
    if options.get("validate_certs") is False:
        return False
    return options.get("ca_path") or None


@contextmanager
def _option_errors(option: str) -> Iterator[None]:
    exceptions = library("botocore.exceptions", "boto3")
    try:
        yield
    except exceptions.NoRegionError:
        raise OptionError(
            f"{option}: type aws_secretsmanager needs region.", hint="Give it, or set AWS_REGION.", option=option
        ) from None
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        raise OptionError(
            f"{option}: no client of AWS can be made ({kind}).",
            hint=f"Check {option}.profile, {option}.region and the files that AWS_CONFIG_FILE and"
            " AWS_SHARED_CREDENTIALS_FILE name.",
            option=option,
            reason=kind,
        ) from None


@contextmanager
def aws_errors(doing: str, where: str, option: str) -> Iterator[None]:
    """Turns the exceptions of boto3 into ``StoreError``, ``UnknownOutcomeError`` where no answer came.

    Their texts can repeat what was sent, so only those about names and permissions are shown.
    """
    exceptions = library("botocore.exceptions", "boto3")
    try:
        yield
    except exceptions.ClientError as error:
        raise _refusal(error, doing, where) from None
    except exceptions.SSLError:
        raise StoreError(
            f"{where}: the certificate of the server does not verify.",
            hint=f"Name the certificate authority in {option}.ca_path.",
            where=where,
            reason="SSLError",
        ) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        kind = type(error).__name__
        raise UnknownOutcomeError(
            f"{where}: cannot {doing}: the server did not answer ({kind}).",
            hint=f"Check {option}.region, {option}.endpoint_url and the network.",
            where=where,
            reason=kind,
        ) from None
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        raise StoreError(f"{where}: cannot {doing} ({kind}).", hint=_hint(kind), where=where, reason=kind) from None


def code_of(error: Any) -> str:
    """The code of a ``ClientError``, such as ResourceNotFoundException."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def _refusal(error: Any, doing: str, where: str) -> StoreError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = str(error.response.get("Error", {}).get("Message", "")) if code.startswith(_TOLD) else ""
    message = f"{where}: cannot {doing} ({code}{': ' if text else ''}{text.strip()})."
    if status >= 500 or code in _LOST:
        return UnknownOutcomeError(message, hint="Run again later.", where=where, reason=code)
    return StoreError(message, hint=_hint(code), where=where, reason=code)


def _hint(kind: str) -> str:
    for beginning, hint in {
        "AccessDenied": "Grant that action on this secret; the guide Stores and deliveries has the policy.",
        "NoCredentials": "Give AWS credentials the usual way: environment, profile, or the role of the machine.",
        "PartialCredentials": "The AWS credentials are not complete: a key id needs its secret key.",
        "ExpiredToken": "Log in again, or renew the session token.",
        "UnrecognizedClient": "Check the AWS credentials.",
        "InvalidRequest": "A secret that is marked as deleted must be restored, or deleted for good, first.",
        "LimitExceeded": "The secret has too many versions of the last 24 hours: run less often, or later.",
        "Throttling": "Run again later.",
        "DecryptionFailure": "Grant the use of the KMS key of this secret.",
        "EncryptionFailure": "Grant the use of the KMS key of this secret.",
        "KMS": "Grant the use of the KMS key of this secret.",
    }.items():
        if kind.startswith(beginning):
            return hint
    return "Check the members that name the secret, and the AWS credentials."
