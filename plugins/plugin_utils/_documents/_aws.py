# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret of AWS Secrets Manager that holds a JSON object, accessed from the controller.

Compare-and-set uses the staging label AWSCURRENT, which is attached to one version at a time. A write first adds a
version under a label of our own, which readers ignore. Then it moves AWSCURRENT from the version that was read to the
new one. Secrets Manager refuses that if the label is not attached to the given version. A first version gets AWSCURRENT
automatically, and a secret is created only if there is none with its name.

Each write moves our label. So a version that was added but never became current loses the label at the next write, and
Secrets Manager then removes the version.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import uuid4

from ...module_utils._core.deps import library
from ...module_utils._core.errors import OptionError, StoreError
from ...module_utils._http.urls import checked_url
from ._place import Document, Held, UnknownOutcomeError, bad_certificate, changed_meanwhile, no_answer
from ._replaced import Replaced, Token

MEMBERS: dict[str, dict[str, Any]] = {
    **{name: {"type": "str"} for name in ("path", "region", "profile", "endpoint_url", "ca_path")},
    "kms_key_id": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
    "validate_certs": {"type": "bool"},
}
CURRENT = "AWSCURRENT"
STAGED = "ARITMA_IAM_STAGED"
"""Our label. The version that was written last has it, whether it is current or not."""
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
_CONNECT_TIMEOUT, _READ_TIMEOUT = 5, 10
"""Seconds for one request."""
_ATTEMPTS = 4

_LOST = ("InternalServiceError", "InternalServiceErrorException", "InternalFailure", "ServiceUnavailable")
_SHOWN = (
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
"""Prefixes of error codes with texts that may be shown: about names and permissions, never about what was sent."""


@dataclass(frozen=True)
class AwsDocument(Document):
    """A secret of AWS. The token is the id of the version with AWSCURRENT; empty if there is none."""

    name: str
    option: str
    at_creation: Mapping[str, Any]
    """The settings of a new secret only: its key and its tags."""
    connect: Callable[[], Any]
    """Returns the client, always the same one."""

    @property
    def where(self) -> str:
        return f"The AWS secret {self.name}"

    def _look(self) -> Held:
        text, token = self._current()
        return Held(_object(text, self.where) if token else None, token)

    def _put(self, data: Mapping[str, Any], expected: Token) -> Token:
        version, text = str(uuid4()), json.dumps(data, ensure_ascii=False, sort_keys=True)
        self._replace(version, text, expected) if expected else self._begin(version, text)
        return version

    def _drop(self) -> Token:
        """Delete the secret immediately, without a recovery window."""
        with self._errors("delete the secret (secretsmanager:DeleteSecret)"):
            self.connect().delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
        return ""

    def check(self) -> None:
        """Make both calls of a write in a form that does nothing, according to the documentation of Secrets Manager.

        There is no such check for the creation of a secret.
        """
        text, version = self._current()
        if not version:
            return
        with self._errors("write the secret (secretsmanager:PutSecretValue)"):
            # An existing version with the same text is accepted and ignored.
            self._add(version, text)
        # Moving AWSCURRENT from a version that does not have it is refused, but only to users with the permission.
        self._moved(str(uuid4()), version)

    def _current(self) -> tuple[str, Token]:
        """The text and the id of the current version; both empty if there is none."""
        with self._errors("read the secret (secretsmanager:GetSecretValue)"), _refused("ResourceNotFound"):
            answer = self.connect().get_secret_value(SecretId=self.name, VersionStage=CURRENT)
            return str(answer.get("SecretString", "")), str(answer["VersionId"])
        return "", ""

    def _begin(self, version: Token, text: str) -> None:
        """Write the first version of a new secret, or of a secret without versions."""
        with self._errors("write the secret (secretsmanager:PutSecretValue)"), _refused("ResourceNotFound"):
            if CURRENT not in self._add(version, text)["VersionStages"]:
                raise changed_meanwhile(self.where)
            return
        with self._errors("create the secret (secretsmanager:CreateSecret)"), _refused("ResourceExists"):
            self.connect().create_secret(
                Name=self.name,
                ClientRequestToken=version,
                SecretString=text,
                Description="Written by aritma.iam.",
                **self.at_creation,
            )
            return
        raise changed_meanwhile(self.where)

    def _replace(self, version: Token, text: str, expected: Token) -> None:
        with self._errors("write the secret (secretsmanager:PutSecretValue)"), _refused("ResourceNotFound"):
            self._add(version, text)
            if self._moved(expected, version):
                return
        raise changed_meanwhile(self.where)

    def _add(self, version: Token, text: str) -> Any:
        return self.connect().put_secret_value(
            SecretId=self.name, ClientRequestToken=version, SecretString=text, VersionStages=[STAGED]
        )

    def _moved(self, old: Token, new: Token) -> bool:
        """Move AWSCURRENT from ``old`` to ``new``. Returns False if ``old`` does not have it."""
        refused = _refused("InvalidParameter", "ResourceNotFound")
        with self._errors("write the secret (secretsmanager:UpdateSecretVersionStage)"), refused:
            self.connect().update_secret_version_stage(
                SecretId=self.name, VersionStage=CURRENT, RemoveFromVersionId=old, MoveToVersionId=new
            )
            return True
        return False

    def _errors(self, doing: str) -> AbstractContextManager[None]:
        return aws_errors(doing, self.where, self.option)


@contextmanager
def _refused(*beginnings: str) -> Iterator[None]:
    """Suppress errors whose code has one of these prefixes. The code after the block handles them.

    Errors about the key of the secret can have the same codes. They are not suppressed.
    """
    exceptions = library("botocore.exceptions", "boto3")
    try:
        yield
    except exceptions.ClientError as error:
        if not code_of(error).startswith(beginnings) or _ABOUT_KEY.search(text_of(error)):
            raise


def _object(text: str, where: str) -> Mapping[str, Any]:
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise StoreError(f"{where} does not hold a JSON object.", hint="Name another secret in path.", where=where)
    return data


def open_aws(options: Mapping[str, Any], name: str, option: str) -> AwsDocument:
    """Open the secret with this name. Sends nothing. Raises ``OptionError``."""
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"{option}: {name!r} is not the name of a secret.",
            hint="Use up to 512 letters, digits and /_+=.@- in path. An ARN is not a name.",
            option=option,
        )
    tags = [{"Key": str(key), "Value": str(value)} for key, value in (options.get("tags") or {}).items()]
    key = options.get("kms_key_id")
    at_creation = {**({"Tags": tags} if tags else {}), **({"KmsKeyId": key} if key else {})}
    place = _region(options), *(options.get(member) for member in ("endpoint_url", "profile"))
    replaced = Replaced(name, *map(str, place))
    return AwsDocument(replaced, name, option, at_creation, connect(options, option))


def connect(options: Mapping[str, Any], option: str) -> Callable[[], Any]:
    """Return a function that creates a client once and returns it. Raises ``OptionError`` for invalid options."""
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
                    # A repetition is safe: every write has the id of its version, or of the one that it replaces.
                    retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                ),
            )
        # The URL may also come from the environment or a profile.
        checked_url(client.meta.endpoint_url, option, hint)
        return client

    return opened


def _region(options: Mapping[str, Any]) -> str | None:
    """The region. boto3 does not read AWS_REGION, unlike other tools of AWS. None lets boto3 choose."""
    return options.get("region") or os.environ.get("AWS_REGION") or None


def _trust(options: Mapping[str, Any]) -> bool | str | None:
    """The argument ``verify`` of boto3. None lets boto3 use AWS_CA_BUNDLE and the profile."""
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
            f"{option}: cannot create an AWS client ({kind}).",
            hint=f"Check {option}.profile, {option}.region and the files that AWS_CONFIG_FILE and"
            " AWS_SHARED_CREDENTIALS_FILE name.",
            option=option,
            reason=kind,
        ) from None


@contextmanager
def aws_errors(doing: str, where: str, option: str) -> Iterator[None]:
    """Convert exceptions of boto3 to ``StoreError``, or ``UnknownOutcomeError`` if no answer came.

    Their texts can repeat what was sent, so only texts about names and permissions are shown.
    """
    exceptions = library("botocore.exceptions", "boto3")
    try:
        yield
    except exceptions.ClientError as error:
        raise _refusal(error, doing, where) from None
    except exceptions.SSLError:
        raise bad_certificate(where, option) from None
    except (exceptions.HTTPClientError, exceptions.ConnectionError) as error:
        hint = f"Check {option}.region, {option}.endpoint_url and the network."
        raise no_answer(where, doing, error, hint, UnknownOutcomeError) from None
    except exceptions.BotoCoreError as error:
        kind = type(error).__name__
        raise StoreError(f"{where}: cannot {doing} ({kind}).", hint=_hint(kind), where=where, reason=kind) from None


def code_of(error: Any) -> str:
    """The code of a ``ClientError``, such as ResourceNotFoundException."""
    return str(error.response.get("Error", {}).get("Code", "unknown"))


def text_of(error: Any) -> str:
    """The text of a ``ClientError``. It can repeat what was sent."""
    return str(error.response.get("Error", {}).get("Message", "")).strip()


def _refusal(error: Any, doing: str, where: str) -> StoreError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = text_of(error) if code.startswith(_SHOWN) else ""
    message = f"{where}: cannot {doing} ({code}{': ' if text else ''}{text.rstrip('.')})."
    if status >= 500 or code in _LOST:
        return UnknownOutcomeError(message, hint="Run again later.", where=where, reason=code)
    return StoreError(message, hint=_hint(code, text), where=where, reason=code)


_ABOUT_KEY = re.compile(r"KMS|kms:|\b[Kk]ey ?[Ii]d\b|\balias/")
"""Matches texts about the key of a secret. Their codes can be those of a missing secret or of a conflict."""
_KEY_HINT = "Check that the KMS key of this secret exists, is enabled, and may be used."
_HINTS = (
    ("", _ABOUT_KEY, _KEY_HINT),
    ("AccessDenied", "", "Grant that action on this secret. The guide Stores and deliveries has the policy."),
    ("NoCredentials", "", "Give AWS credentials the usual way: environment, profile, or the role of the machine."),
    ("PartialCredentials", "", "The AWS credentials are incomplete: a key id needs its secret key."),
    ("ExpiredToken", "", "Log in again, or renew the session token."),
    ("UnrecognizedClient", "", "Check the AWS credentials."),
    ("InvalidRequest", "replica", "This is a replica. Give the region of the primary secret."),
    ("InvalidRequest", "delet", "The secret is scheduled for deletion. Restore it, or delete it permanently, first."),
    ("InvalidRequest", "", "Check the message of AWS, and the secret."),
    ("LimitExceeded", "", "The secret has too many versions from the last 24 hours. Run less often, or later."),
    ("Throttling", "", "Run again later."),
    (("DecryptionFailure", "EncryptionFailure", "KMS"), "", _KEY_HINT),
    ("", "", "Check the members that name the secret, and the AWS credentials."),
)
"""A prefix of the code, a pattern for the text, and the hint. The first match counts."""


def _hint(code: str, text: str = "") -> str:
    return next(hint for begins, holds, hint in _HINTS if code.startswith(begins) and re.search(holds, text))
