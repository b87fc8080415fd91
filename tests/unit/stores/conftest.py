# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of the stores share: the operation in this process, real plays, a real OpenBao."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, carry_out
from ansible_collections.aritma.iam.plugins.plugin_utils._documents import _aws
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._aws import connect
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import files_here
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._operation import CREDENTIAL_STORE
from doubles.aws import CREDENTIALS, REGION, Aws, running_aws
from doubles.openbao import Bao, running_bao

from .places import Place, in_file
from .writer import writer

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
VALUE = "CanaryCanaryCanary0123456789Zz"

Keep = Callable[..., dict[str, Any]]
WRITER = writer(files_here(check_mode=False), DataLoader())


def perform(operation: Operation, *, check_mode: bool = False, diff: bool = True, **options: Any) -> dict[str, Any]:
    """Run an operation as its action does: validate, carry out."""
    # A copy: what is missing in a nested option is added to it.
    validation = ArgumentSpecValidator(**operation.spec.to_kwargs()).validate(deepcopy(options))
    if validation.error_messages:
        return {"failed": True, "msg": "; ".join(validation.error_messages)}
    return carry_out(operation, validation.validated_parameters, check_mode=check_mode, diff=diff)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The files that one task leaves for the next one are in a directory of this test."""
    monkeypatch.setenv("ARITMA_TOKEN_CACHE_DIR", str(tmp_path_factory.mktemp("cache") / "aritma-iam"))


@pytest.fixture
def keep(tmp_path: Path) -> Keep:
    """See ``keeping``: on a file store of this test unless ``store`` is given."""
    return keeping({"path": str(tmp_path / "c1.json")})


def keeping(store: Mapping[str, Any]) -> Keep:
    """``credential_store`` in this process; and, for ``written`` and ``checked``, what a rotation does with a store."""

    def run(state: str = "read", **options: Any) -> dict[str, Any]:
        operation = WRITER if state in ("written", "checked") else CREDENTIAL_STORE
        return perform(operation, **{"store": store, "client_id": "c1", "state": state, **options})

    return run


@dataclass(frozen=True)
class Played:
    """A finished play: exit code, whole output, and what its tasks registered."""

    code: int
    output: str
    results: list[dict[str, Any]]


@dataclass(frozen=True)
class Stage:
    """Runs plays in a directory of their own."""

    directory: Path

    def command(self, tasks: list[dict[str, Any]], connection: str, *arguments: str) -> list[str]:
        """The command line of a play with these tasks."""
        registered = [{**task, "register": f"r{number}"} for number, task in enumerate(tasks)]
        what = "{{ [" + ", ".join(f"r{number}" for number in range(len(tasks))) + "] }}"
        last = {"note": {"path": str(self.directory / "results.json"), "what": what}}
        play = {"hosts": "all", "gather_facts": False, "tasks": [*registered, last]}
        (self.directory / "play.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
        interpreter = f"ansible_python_interpreter={sys.executable}"
        fixed = ["-i", "h1,", "-e", f"ansible_connection={connection}", "-e", interpreter]
        return [str(BIN / "ansible-playbook"), *fixed, *arguments, str(self.directory / "play.yml")]

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment of a play."""
        paths = {
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE / "connection"),
            "ANSIBLE_ACTION_PLUGINS": str(HERE / "action"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "PYTHONPATH": str(HERE.parents[1]),
            "HOME": str(self.directory),
        }
        return {**os.environ, **paths, **(extra or {})}

    def play(
        self,
        tasks: list[dict[str, Any]],
        *arguments: str,
        connection: str = "local",
        environment: Mapping[str, str] | None = None,
    ) -> Played:
        """Run the tasks. One that may fail has ``ignore_errors``."""
        done = subprocess.run(
            self.command(tasks, connection, *arguments),
            env=self.environment(environment),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        noted = self.directory / "results.json"
        results = json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else []
        return Played(done.returncode, done.stdout + done.stderr, results)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Plays in a directory of this test."""
    directory = tmp_path / "stage"
    directory.mkdir()
    return Stage(directory)


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bao]:
    """OpenBao in dev mode, with KV version 2 at ``secret`` and version 1 at ``kv1``."""
    with running_bao(tmp_path_factory.mktemp("bao"), "root-dev") as server:
        server.call("POST", "sys/mounts/kv1", {"type": "kv", "options": {"version": "1"}})
        yield server


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """AWS Secrets Manager, played by moto."""
    with running_aws(tmp_path_factory.mktemp("aws")) as double:
        yield double


@pytest.fixture
def aws_members(aws: Aws, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A secret of this test there, and credentials in the environment."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    name = re.sub("[^a-z0-9_]", "-", request.node.name)
    return {"type": "aws_secretsmanager", "endpoint_url": aws.url, "region": REGION, "path": f"tests/{name}"}


@pytest.fixture
def file_place(tmp_path: Path) -> Place:
    """A file."""
    return in_file(tmp_path / "c1.json")


@pytest.fixture
def hashi_vault_place(bao: Bao, request: pytest.FixtureRequest) -> Place:
    """A secret of OpenBao."""
    path = "states/" + re.sub("[^a-z0-9_]", "-", request.node.name)
    store = {"type": "hashi_vault", "url": bao.url, "token": bao.token, "path": path}
    return Place(store, partial(bao.record, path), partial(bao.keep, path))


@pytest.fixture
def aws_secretsmanager_place(aws: Aws, aws_members: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Place:
    """A secret of AWS. The client is made once: that takes longer than the rest of a test."""
    opened = connect(aws_members, "store")
    monkeypatch.setattr(_aws, "connect", lambda _options, _option: opened)
    name = aws_members["path"]
    return Place(aws_members, lambda: aws.held(name), lambda data: aws.keep(name, data))
