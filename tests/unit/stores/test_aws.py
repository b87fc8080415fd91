# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records in AWS Secrets Manager, over HTTP, against moto: compare-and-set, lost answers, refusals."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreConflictError, StoreError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.plugins.plugin_utils._documents import _aws, _replaced
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._aws import STAGED
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._aws import connect as connect_to_aws
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import Setting, Store
from doubles.aws import CREDENTIALS, Aws, reading
from doubles.proxy import Proxy, Rule

from .conftest import VALUE, Keep

Json = dict[str, Any]
WRITES = ["CreateSecret", "PutSecretValue", "UpdateSecretVersionStage"]


def opened(members: Json) -> Store:
    """The store itself."""
    return open_store(members, Setting("c1", dict, DataLoader()))


def record(number: int = 1) -> Record:
    """A record that can be told from others."""
    return Record(client_id="c1", version=number, current=Current(value=VALUE, rotation_id=f"r{number}"))


def is_current(aws: Aws, name: str) -> list[str]:
    """The current versions. There must never be more than one."""
    return [version for version, labels in aws.stages(name).items() if "AWSCURRENT" in labels]


@pytest.fixture
def proxy(aws: Aws, aws_members: Json, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    """A proxy before the double, which the store of this test uses, with one client for each endpoint."""
    started = Proxy(aws.url, reading)
    aws_members["endpoint_url"] = started.url
    clients: dict[str, Any] = {}

    def connect(options: Json, option: str) -> Any:
        return clients.setdefault(options["endpoint_url"], connect_to_aws(options, option))

    monkeypatch.setattr(_aws, "connect", connect)
    yield started
    started.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only two attempts, to save time."""
    monkeypatch.setattr(_aws, "_ATTEMPTS", 2)


def test_each_write_is_one_version_and_labels_do_not_pile_up(aws: Aws, aws_members: Json) -> None:
    """The newest has ours and AWSCURRENT, the one before AWSPREVIOUS, all others none: AWS removes those itself."""
    store = opened({**aws_members, "tags": {"team": "billing"}, "kms_key_id": "alias/ours"})
    for number in range(1, 5):
        store.write(record(number), store.read()[1])
    assert store.read()[0] == record(4)
    stages = aws.stages(aws_members["path"])
    assert sorted(sorted(each) for each in stages.values()) == [
        [],
        [],
        ["ARITMA_IAM_STAGED", "AWSCURRENT"],
        ["AWSPREVIOUS"],
    ]
    described = aws.client.describe_secret(SecretId=aws_members["path"])
    assert described["Tags"] == [{"Key": "team", "Value": "billing"}]
    assert described["KmsKeyId"] == "alias/ours"
    store.check()
    assert aws.stages(aws_members["path"]) == stages
    store.remove(store.read()[1])
    assert store.read() == (None, "")


def test_the_default_name_carries_the_client_id(keep: Keep, aws: Aws, aws_members: Json) -> None:
    """In the characters that a name may have."""
    del aws_members["path"]
    keep("written", store=aws_members, client_id="a/b ø~=")
    assert aws.held("aritma-iam/a=2Fb=20=C3=B8=7E=3D")["client_id"] == "a/b ø~="
    keep("absent", store=aws_members, client_id="a/b ø~=")


def test_a_write_over_another_write_is_a_conflict(aws: Aws, aws_members: Json) -> None:
    """Whether the other write was the first one, a later one or a removal. A refused version is never current."""
    one, two = opened(aws_members), opened(aws_members)
    nothing = one.read()[1]
    two.write(record(1), nothing)
    with pytest.raises(StoreConflictError, match="has changed since it was read"):
        one.write(record(2), nothing)
    first = one.read()[1]
    two.write(record(3), first)
    with pytest.raises(StoreConflictError):
        one.write(record(4), first)
    with pytest.raises(StoreConflictError):
        one.remove(first)
    assert one.read()[0] == record(3)
    two.remove(two.read()[1])
    with pytest.raises(StoreConflictError):
        one.write(record(5), first)
    assert aws.stages(aws_members["path"]) == {}


def test_of_many_writers_at_once_one_wins(aws: Aws, aws_members: Json) -> None:
    """All read the same and write at the same moment. The others get a conflict."""
    opened(aws_members).write(record(1), "")
    ready, told = threading.Barrier(6), []

    def write(number: int) -> None:
        store = opened(aws_members)
        token = store.read()[1]
        ready.wait()
        try:
            store.write(record(number), token)
        except StoreConflictError:
            told.append(0)
        else:
            told.append(number)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(2, 8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    (winner,) = [number for number in told if number]
    assert len(told) == 6
    assert opened(aws_members).read()[0] == record(winner)
    assert len(is_current(aws, aws_members["path"])) == 1


def test_a_secret_without_a_version_is_written_too(aws: Aws, aws_members: Json) -> None:
    """Terraform creates such secrets. The second of two writers gets a conflict."""
    aws.client.create_secret(Name=aws_members["path"])
    one, two = opened(aws_members), opened(aws_members)
    assert one.read() == two.read() == (None, "")
    one.check()
    one.write(record(1), "")
    with pytest.raises(StoreConflictError):
        two.write(record(2), "")
    assert two.read()[0] == record(1)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("operation", WRITES)
@pytest.mark.usefixtures("impatient")
def test_a_lost_answer_is_harmless(aws: Aws, aws_members: Json, proxy: Proxy, operation: str, times: int) -> None:
    """Each call of a write is carried out, but its connection is cut before the answer: once, or in all attempts."""
    store, name = opened(aws_members), aws_members["path"]
    if operation != "CreateSecret":
        store.write(record(1), store.read()[1])
    token = store.read()[1]
    rule = Rule(name, "drop", operation=operation, times=times)
    proxy.rules.append(rule)
    carried_out = operation != "PutSecretValue" or times == 1
    if carried_out:
        store.write(record(2), token)
    else:
        # The version was added, and nothing tells: it is not current, so nothing was changed for any reader.
        with pytest.raises(StoreError, match=r"was not written.*Nothing was changed"):
            store.write(record(2), token)
    assert rule.spent
    assert store.read()[0] == record(2 if carried_out else 1)
    store.write(record(3), store.read()[1])
    assert store.read()[0] == record(3)
    assert len(is_current(aws, name)) == 1
    assert sum(STAGED in labels for labels in aws.stages(name).values()) == 1


@pytest.mark.usefixtures("impatient")
def test_a_lost_answer_to_a_write_that_another_overtook_is_a_conflict(aws_members: Json, proxy: Proxy) -> None:
    """Somebody else wrote after us, before we looked. Their record is kept."""
    store, other = opened(aws_members), opened(aws_members)
    store.write(record(1), "")
    token = store.read()[1]
    rule = Rule(aws_members["path"], "pause", operation="UpdateSecretVersionStage")
    proxy.rules.append(rule)
    told: list[Exception] = []

    def write() -> None:
        try:
            store.write(record(2), token)
        except StoreError as error:
            told.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    assert rule.held.wait(10)
    other.write(record(3), other.read()[1])
    proxy.release(drop=True)
    thread.join()
    assert isinstance(told[0], StoreConflictError)
    assert other.read()[0] == record(3)


def denied(code: str, text: str) -> tuple[int, bytes, Json]:
    """An answer of AWS that refuses a request."""
    return 400, json.dumps({"__type": code, "message": text}).encode(), {}


@pytest.mark.parametrize(
    ("operation", "state"),
    [
        ("GetSecretValue", "read"),
        ("PutSecretValue", "checked"),
        ("UpdateSecretVersionStage", "checked"),
        ("PutSecretValue", "written"),
        ("UpdateSecretVersionStage", "written"),
        ("DeleteSecret", "absent"),
    ],
)
def test_a_missing_permission_is_named(keep: Keep, aws_members: Json, proxy: Proxy, operation: str, state: str) -> None:
    """A check finds it before anything is written; the record stays as it is."""
    keep("written", store=aws_members, value=VALUE)
    before = keep(store=aws_members)["record"]
    proxy.refusals[operation] = denied("AccessDeniedException", "User u is not authorized")
    failed = keep(state, store=aws_members)
    assert f"secretsmanager:{operation}) (AccessDeniedException: User u is not authorized)" in failed["msg"]
    assert "Grant that action" in failed["msg"]
    assert VALUE not in str(failed)
    proxy.refusals.clear()
    assert keep(store=aws_members)["record"] == before


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("LimitExceededException", "too many versions", "Run less often"),
        ("InvalidRequestException", "marked deleted", "Restore it, or delete it permanently"),
        ("InvalidRequestException", "You can't write to a secret replica", "This is a replica. Give the region"),
        ("InvalidRequestException", "something else", "Check the message of AWS"),
        ("InvalidRequestException", "Operation not permitted on a replica secret. Deleted or not", "This is a replica"),
        ("InvalidRequestException", "arn:aws:kms:eu-north-1:1:key/x is pending deletion", "Check that the KMS key"),
        ("ResourceNotFoundException", "KMS key alias/x is not found", "Check that the KMS key"),
        ("ResourceNotFoundException", "Invalid keyId 'x'", "Check that the KMS key"),
        ("KMSAccessDeniedException", "no key", "Check that the KMS key"),
        ("AccessDeniedException", "Access to KMS is not allowed", "Check that the KMS key"),
        (
            "AccessDeniedException",
            "may not perform: secretsmanager:DeleteSecret on replica",
            "Grant that action",
        ),
        ("ExpiredTokenException", "expired", "Log in again"),
        ("UnrecognizedClientException", "invalid", "Check the AWS credentials"),
        ("ValidationException", None, "Check the members"),
    ],
)
def test_each_refusal_of_aws_says_what_to_do(
    keep: Keep, aws_members: Json, proxy: Proxy, code: str, message: str | None, hint: str
) -> None:
    """The text of AWS is shown only if it is about names and permissions: any other may repeat what was sent."""
    proxy.refusals["PutSecretValue"] = denied(code, message or "Value 'what was sent' does not fit")
    failed = keep("written", store=aws_members, value=VALUE)
    assert hint in failed["msg"]
    assert (message or code) in failed["msg"]
    assert "what was sent" not in str(failed)


def test_a_server_that_is_gone_or_is_not_aws_is_an_error(
    keep: Keep, aws_members: Json, proxy: Proxy, impatient: None
) -> None:
    """The message says what to check."""
    failed = keep(store={**aws_members, "endpoint_url": "http://127.0.0.1:1"})
    assert "the server did not answer (EndpointConnectionError)" in failed["msg"]
    proxy.refusals["GetSecretValue"] = (502, b"<html>bad gateway</html>", {})
    assert keep(store=aws_members)["failure"]["kind"] == "store"
    proxy.refusals["GetSecretValue"] = (200, b"<html>hello</html>", {})
    assert keep(store=aws_members)["failed"]


def test_a_secret_that_holds_something_else_is_left_alone(keep: Keep, aws: Aws, aws_members: Json) -> None:
    """Text, bytes, a record of another client; one that somebody marked as deleted."""
    name = aws_members["path"]
    aws.client.create_secret(Name=name, SecretString="a password")
    assert "does not hold a JSON object" in keep("written", store=aws_members)["msg"]
    aws.client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    aws.client.create_secret(Name=name, SecretBinary=b"\x00")
    assert "does not hold a JSON object" in keep("absent", store=aws_members)["msg"]
    aws.client.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    aws.keep(name, {"schema": 1, "client_id": "c2"})
    assert "record of client c2, not of c1" in keep("written", store=aws_members)["msg"]
    aws.client.delete_secret(SecretId=name)
    assert "Restore it, or delete it permanently" in keep("written", store=aws_members)["msg"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"region": None}, "needs region"),
        ({"profile": "no-such"}, "cannot create an AWS client (ProfileNotFound)"),
        ({"endpoint_url": "http://secrets.example.com"}, "unencrypted"),
        ({"endpoint_url": "secrets.example.com"}, "is not an absolute http(s) URL"),
        ({"endpoint_url": "http://[::1"}, "is not an absolute http(s) URL"),
        ({"path": "arn:aws:secretsmanager:x"}, "An ARN is not a name"),
        ({"url": "https://v"}, "has no member url"),
    ],
)
def test_options_that_cannot_be_used(
    keep: Keep, aws_members: Json, monkeypatch: pytest.MonkeyPatch, change: Json, message: str
) -> None:
    """Nothing is sent."""
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    failed = keep(store={**aws_members, **change})
    assert failed["failure"]["kind"] == "option"
    assert message in failed["msg"]


def test_region_endpoint_and_credentials_come_from_the_environment(
    keep: Keep, aws: Aws, aws_members: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As other tools of AWS read them. An unsafe endpoint and missing credentials are errors."""
    store = {"type": "aws_secretsmanager", "path": aws_members["path"]}
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    assert keep("written", store=store)["changed"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://secrets.example.com")
    assert "unencrypted" in keep(store=store)["msg"]
    for name in CREDENTIALS:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    failed = keep(store=aws_members)
    assert re.search(r"NoCredentials.*Give AWS credentials the usual way", failed["msg"])


def test_without_the_library_it_says_what_to_install(
    keep: Keep, aws_members: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names boto3."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    failed = keep(store=aws_members)
    assert failed["failure"]["kind"] == "library"
    assert failed["failure"]["library"] == "boto3"


def test_check_mode_sends_no_write(keep: Keep, aws_members: Json, proxy: Proxy) -> None:
    """Only reads pass the proxy."""
    assert keep("written", store=aws_members, check_mode=True)["changed"]
    assert [each.operation for each in proxy.asked] == ["GetSecretValue"]


class Behind(Proxy):
    """Answers so many reads as if the last write had not happened, since reads are eventually consistent there."""

    times = 0
    old: tuple[int, bytes, str] | None = None

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes, str]:
        """See ``Proxy``."""
        if self.reading(method, path, headers, body).operation != "GetSecretValue":
            return super().forward(method, path, headers, body)
        if self.times > 0 and self.old is not None:
            self.times -= 1
            return self.old
        self.old = super().forward(method, path, headers, body)
        return self.old


@pytest.mark.parametrize("same", [True, False])
def test_a_read_that_is_older_than_our_own_write_is_repeated(aws: Aws, aws_members: Json, same: bool) -> None:
    """After a replacement and after the first write, in one process or by the next task."""
    proxy = Behind(aws.url, reading)
    aws_members["endpoint_url"] = proxy.url

    def next_task() -> Store:
        if not same:
            _replaced._process.clear()
        return opened(aws_members)

    with closing(proxy):
        assert next_task().read() == (None, "")
        next_task().write(record(1), "")
        proxy.times = 2
        assert (next_task().read()[0], proxy.times) == (record(1), 0)
        next_task().write(record(2), next_task().read()[1])
        proxy.times = 2
        found, token = next_task().read()
        assert (found, proxy.times) == (record(2), 0)
        next_task().write(record(3), token)
        assert next_task().read()[0] == record(3)
