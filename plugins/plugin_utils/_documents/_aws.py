# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
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
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreConflictError, StoreError
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._aws_client import (
    AWS_MEMBERS,
    aws_errors,
    code_of,
    connect,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import (
    Token,
    UnknownOutcomeError,
    changed_meanwhile,
    not_written,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._libraries import library

MEMBERS: dict[str, dict[str, Any]] = {
    "path": {"type": "str"},
    "kms_key_id": {"type": "str", "no_log": False},
    "tags": {"type": "dict"},
    **AWS_MEMBERS,
}
CURRENT = "AWSCURRENT"
STAGED = "ARITMA_IAM_STAGED"
"""Our own label: on the version that was written last, current or not."""
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]{1,512}")


@dataclass(frozen=True)
class AwsDocument:
    """``token`` is the id of the version that is AWSCURRENT; empty where there is none."""

    name: str
    option: str
    at_creation: Mapping[str, Any]
    """What only a new secret is given: its key and its tags."""
    connect: Callable[[], Any]
    """Gives a client; the same one every time."""

    @property
    def where(self) -> str:
        """For messages."""
        return f"The AWS secret {self.name}"

    def read(self) -> tuple[Mapping[str, Any] | None, Token]:
        """See ``Document``."""
        text, token = self._current()
        return (_object(text, self.where) if token else None), token

    def write(self, data: Mapping[str, Any], expected: Token) -> None:
        """See ``Document``. Where an answer is lost or a step refused, what is current now tells whose it is."""
        version = str(uuid4())
        text = json.dumps(data, ensure_ascii=False, sort_keys=True)
        try:
            self._replace(version, text, expected) if expected else self._begin(version, text)
        except (StoreConflictError, UnknownOutcomeError) as error:
            found = self._current()[1]
            if found == version:
                return
            if isinstance(error, UnknownOutcomeError) and found == expected:
                raise not_written(self.where, error.message) from None
            raise changed_meanwhile(self.where) from None

    def remove(self, expected: Token) -> None:
        """See ``Document``. The secret is deleted at once, without a recovery window."""
        if self._current()[1] != expected:
            raise changed_meanwhile(self.where)
        with self._errors("delete the secret (secretsmanager:DeleteSecret)"):
            self.connect().delete_secret(SecretId=self.name, ForceDeleteWithoutRecovery=True)

    def check(self) -> None:
        """See ``Document``. Both calls of a write are made in a form that Secrets Manager documents to do nothing.

        Nothing short of creating a secret tells whether one may be created.
        """
        text, version = self._current()
        if not version:
            return
        with self._errors("write the secret (secretsmanager:PutSecretValue)"):
            # A version that there is already, with the same text: accepted and ignored.
            self._put(version, text)
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
            if CURRENT not in self._put(version, text)["VersionStages"]:
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
            self._put(version, text)
            if self._moved(expected, version):
                return
        raise changed_meanwhile(self.where)

    def _put(self, version: Token, text: str) -> Any:
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

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        with aws_errors(doing, self.where, self.option):
            yield


@contextmanager
def _refused(*beginnings: str) -> Iterator[None]:
    """Lets a refusal whose code begins so pass: what stands after the block says what it means."""
    exceptions = library("botocore.exceptions", "boto3")
    try:
        yield
    except exceptions.ClientError as error:
        if not code_of(error).startswith(beginnings):
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
    return AwsDocument(name, option, at_creation, connect(options, option))
