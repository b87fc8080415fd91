# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A secret of AWS Secrets Manager that holds a JSON object, reached from the controller.

Compare-and-set is the staging label AWSCURRENT, which is attached to one version at a time. A write first adds a
version under a label of our own, which no reader looks at. Then it moves AWSCURRENT from the version that was read to
the new one; Secrets Manager refuses that when the label is not, or no longer, attached to the version that is named. A
first version gets AWSCURRENT by itself, and a secret is created only where there is none of its name.

The label of our own moves with every write. A version that was added and never became current loses it to the next
write, and Secrets Manager then removes that version by itself.
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
"""Our own label: on the version that was written last, current or not."""
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")
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


@dataclass(frozen=True)
class AwsDocument(Document):
    """``token`` is the id of the version that is AWSCURRENT; empty where there is none."""

    name: str
    option: str
    at_creation: Mapping[str, Any]
    """What only a new secret is given: its key and its tags."""
    connect: Callable[[], Any]
    """Gives a client; the same one every time."""

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
        """At once, without a recovery window."""
        with self._errors("delete the secret (secretsmanager:DeleteSecret)"):
            self.connect().delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)
        return ""

    def check(self) -> None:
        """Both calls of a write are made in a form that Secrets Manager documents to do nothing.

        Nothing short of creating a secret tells whether one may be created.
        """
        text, version = self._current()
        if not version:
            return
        with self._errors("write the secret (secretsmanager:PutSecretValue)"):
            # A version that there is already, with the same text: accepted and ignored.
            self._add(version, text)
        # To take AWSCURRENT from a version that does not have it is refused, to whoever may ask at all.
        self._moved(str(uuid4()), version)

    def _current(self) -> tuple[str, Token]:
        """The text and the id of the version that is current; empty ones where there is none."""
        with self._errors("read the secret (secretsmanager:GetSecretValue)"), _refused("ResourceNotFound"):
            answer = self.connect().get_secret_value(SecretId=self.name, VersionStage=CURRENT)
            return str(answer.get("SecretString", "")), str(answer["VersionId"])
        return "", ""

    def _begin(self, version: Token, text: str) -> None:
        """The first version: of a secret that has none, or of a new secret."""
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
        """Whether AWSCURRENT was on ``old``, and is on ``new`` now."""
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
    """Lets a refusal whose code begins so pass: what stands after the block says what it means.

    But not one that is about the key of the secret: some have the same codes.
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
        raise StoreError(
            f"{where} holds no JSON object.", hint="It is of something else: name another one in path.", where=where
        )
    return data


def open_aws(options: Mapping[str, Any], name: str, option: str) -> AwsDocument:
    """The secret of that name. Raises ``OptionError``; nothing is sent yet."""
    if not _NAME.fullmatch(name):
        raise OptionError(
            f"{option}: {name!r} is not the name of a secret.",
            hint="Use up to 512 letters, digits and /_+=.@- in path; an ARN is no name.",
            option=option,
        )
    tags = [{"Key": str(key), "Value": str(value)} for key, value in (options.get("tags") or {}).items()]
    key = options.get("kms_key_id")
    at_creation = {**({"Tags": tags} if tags else {}), **({"KmsKeyId": key} if key else {})}
    place = _region(options), *(options.get(member) for member in ("endpoint_url", "profile"))
    replaced = Replaced(name, *map(str, place))
    return AwsDocument(replaced, name, option, at_creation, connect(options, option))


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
    """What a ``ClientError`` says. It can repeat what was sent."""
    return str(error.response.get("Error", {}).get("Message", "")).strip()


def _refusal(error: Any, doing: str, where: str) -> StoreError:
    code = code_of(error)
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    text = text_of(error) if code.startswith(_TOLD) else ""
    message = f"{where}: cannot {doing} ({code}{': ' if text else ''}{text.rstrip('.')})."
    if status >= 500 or code in _LOST:
        return UnknownOutcomeError(message, hint="Run again later.", where=where, reason=code)
    return StoreError(message, hint=_hint(code, text), where=where, reason=code)


_ABOUT_KEY = re.compile(r"KMS|kms:|\b[Kk]ey ?[Ii]d\b|\balias/")
"""How texts speak of the key of a secret: their codes can be those of a missing secret, or of a conflict."""
_KEY_HINT = "Check the KMS key of this secret: that it exists, is enabled, and may be used."
_HINTS = (
    ("", _ABOUT_KEY, _KEY_HINT),
    ("AccessDenied", "", "Grant that action on this secret; the guide Stores and deliveries has the policy."),
    ("NoCredentials", "", "Give AWS credentials the usual way: environment, profile, or the role of the machine."),
    ("PartialCredentials", "", "The AWS credentials are not complete: a key id needs its secret key."),
    ("ExpiredToken", "", "Log in again, or renew the session token."),
    ("UnrecognizedClient", "", "Check the AWS credentials."),
    ("InvalidRequest", "replica", "This is a copy: name the region of the secret itself."),
    ("InvalidRequest", "delet", "A secret that is marked as deleted must be restored, or deleted for good, first."),
    ("InvalidRequest", "", "Look at what AWS says, and at the secret."),
    ("LimitExceeded", "", "The secret has too many versions of the last 24 hours: run less often, or later."),
    ("Throttling", "", "Run again later."),
    (("DecryptionFailure", "EncryptionFailure", "KMS"), "", _KEY_HINT),
    ("", "", "Check the members that name the secret, and the AWS credentials."),
)
"""How a code begins, what its text holds, and what to do: the first that fits."""


def _hint(code: str, text: str = "") -> str:
    return next(hint for begins, holds, hint in _HINTS if code.startswith(begins) and re.search(holds, text))
