# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A double of AWS Secrets Manager: moto in its own process.

Moto moves a staging label in two steps. Between them there is no current version, which never happens in the real
Secrets Manager. Moto does not check permissions, so they are not tested here.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import boto3

from doubles.attached import ATTACHED
from doubles.ports import free_port
from doubles.proxy import Asked

REGION = "eu-north-1"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAOFTHEDOUBLE00000", "AWS_SECRET_ACCESS_KEY": "key-of-the-double"}
"""The environment variables that boto3 needs. Moto does not check them."""

_WRITES = frozenset({"CreateSecret", "PutSecretValue", "UpdateSecretVersionStage", "DeleteSecret"})


def reading(_method: str, _path: str, headers: Mapping[str, str], body: bytes) -> Asked:
    """Describe a request to Secrets Manager for ``doubles.proxy``."""
    operation = headers.get("X-Amz-Target", "").rpartition(".")[2]
    given = json.loads(body or b"{}")
    return Asked(operation, given.get("SecretId") or given.get("Name", ""), operation in _WRITES)


def client(url: str) -> Any:
    """A client of Secrets Manager at ``url``."""
    return boto3.Session("AKIAOFTHETEST0000000", "key-of-the-test", region_name=REGION).client(
        "secretsmanager", endpoint_url=url
    )


def held(secrets: Any, name: str) -> Any:
    """The current JSON of a secret, read with a client of Secrets Manager. None if the secret does not exist."""
    try:
        answer = secrets.get_secret_value(SecretId=name, VersionStage="AWSCURRENT")
    except secrets.exceptions.ResourceNotFoundException:
        return None
    return json.loads(answer["SecretString"])


@dataclass
class Aws:
    """The running double."""

    url: str
    process: subprocess.Popen[bytes]

    def __post_init__(self) -> None:
        self.client = client(self.url)

    def held(self, name: str) -> Any:
        """The current JSON of a secret. None if it does not exist."""
        return held(self.client, name)

    def keep(self, name: str, data: Mapping[str, Any]) -> None:
        """Make the data current, as another program would."""
        text, version = json.dumps(data), str(uuid4())
        stages = self.stages(name)
        if not stages:
            self.client.create_secret(Name=name, SecretString=text)
            return
        current = next(each for each, labels in stages.items() if "AWSCURRENT" in labels)
        self.client.put_secret_value(
            SecretId=name, ClientRequestToken=version, SecretString=text, VersionStages=["BY_HAND"]
        )
        self.client.update_secret_version_stage(
            SecretId=name, VersionStage="AWSCURRENT", RemoveFromVersionId=current, MoveToVersionId=version
        )

    def stages(self, name: str) -> dict[str, list[str]]:
        """The labels of each version. Empty if the secret does not exist."""
        try:
            answer = self.client.describe_secret(SecretId=name)
        except self.client.exceptions.ResourceNotFoundException:
            return {}
        return dict(answer.get("VersionIdsToStages", {}))


@contextmanager
def running_aws(home: Path) -> Iterator[Aws]:
    """Run the double on a free port of loopback."""
    port = free_port()
    command = [*ATTACHED, sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (home / "moto.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "HOME": str(home)})
    try:
        _wait(port, process, home / "moto.log")
        yield Aws(f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(log.read_text(encoding="utf-8")) from None
            time.sleep(0.05)
