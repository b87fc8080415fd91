# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real ``ansible-playbook`` processes against a simulator, and says what came of them."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from simulator.process import Server

HERE = Path(__file__).resolve().parent
VENV = Path(os.environ.get("ANSIBLE_VENV") or sys.prefix)
"""The environment whose ansible-playbook is used: each core version has one."""

_RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Run:
    """One finished run: exit code, everything it printed, and its task results in their order."""

    code: int
    output: str
    events: list[dict[str, Any]] = field(repr=False)

    @property
    def changed(self) -> int:
        """Changed tasks over all hosts, by the recap."""
        return sum(int(match[3]) for match in _RECAP.finditer(self.output))

    @property
    def messages(self) -> str:
        """The messages of all failed tasks."""
        return "\n".join(_messages(each["result"]) for each in self.events if each["event"] == "failed")

    def results(self, task: str) -> list[dict[str, Any]]:
        """The results of the tasks whose name contains ``task``."""
        return [each["result"] for each in self.events if task in each["task"] and each["event"] != "skipped"]

    def ok(self) -> Run:
        """This run; an assertion error with its output when it failed."""
        assert self.code == 0, self.output
        return self


def _messages(result: Mapping[str, Any]) -> str:
    texts = [str(result.get("msg", ""))]
    texts += [str(each.get("msg", "")) for each in result.get("results", []) if each.get("failed")]
    return " ".join(texts)


_PIPE = 1 << 20
"""Bytes of output that a run can write before somebody reads it: the most that Linux allows every user."""


class Ansible:
    """Runs playbooks in a folder of their own, with the connection to a simulator in the environment."""

    def __init__(self, home: Path, simulator: Server | None = None) -> None:
        self.home = home
        self.environment = {**_clean(os.environ), **_settings(home)}
        if simulator is not None:
            self.environment |= {
                "ARITMA_IAM_URL": simulator.api_url,
                "ARITMA_IDENTITY_URL": simulator.identity_url,
                "ARITMA_TENANT": simulator.tenant,
                "ARITMA_CLIENT_ID": simulator.admin_client_id,
                "ARITMA_CLIENT_SECRET": simulator.admin_client_secret,
            }

    def start(
        self,
        playbook: str | Sequence[Mapping[str, Any]],
        *arguments: str,
        variables: Mapping[str, Any] | None = None,
        hosts: Mapping[str, Mapping[str, Any]] | None = None,
        **environment: str,
    ) -> subprocess.Popen[str]:
        """Start a playbook (a name such as aritma.iam.rotate, or plays as data) in a process group of its own."""
        command = ["ansible-playbook", "-i", self._inventory(hosts), *arguments]
        if variables:
            command += ["-e", "@" + self._file("variables.json", variables)]
        command.append(playbook if isinstance(playbook, str) else self._file("playbook.yml", playbook))
        return self.launch(*command, **environment)

    def launch(self, program: str, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a program of Ansible with just these arguments; a relative path is one below ``home``."""
        process = subprocess.Popen(
            [str(VENV / "bin" / program), *arguments],
            cwd=self.home,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert process.stdout
        # Nobody reads the output of a run that is held at a point, and a full pipe would stop it before.
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, _PIPE)
        return process

    def run(
        self, playbook: str | Sequence[Mapping[str, Any]], *arguments: str, timeout: float = 500, **how: Any
    ) -> Run:
        """Run a playbook to its end."""
        recorded = Path(self.environment["RECORDER_FILE"])
        recorded.unlink(missing_ok=True)
        return self.finish(self.start(playbook, *arguments, **how), timeout)

    def finish(self, process: subprocess.Popen[str], timeout: float = 500) -> Run:
        """Wait for a started playbook."""
        try:
            output, _unused = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _unused = process.communicate()
            raise AssertionError(f"still running after {timeout} s:\n{output}") from None
        return Run(process.returncode, output, self._events())

    def tasks(self, *tasks: Mapping[str, Any], arguments: Sequence[str] = (), **how: Any) -> Run:
        """Run tasks on localhost."""
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}
        return self.run([play], *arguments, **how)

    def _events(self) -> list[dict[str, Any]]:
        recorded = Path(self.environment["RECORDER_FILE"])
        if not recorded.exists():
            return []
        return [json.loads(line) for line in recorded.read_text(encoding="utf-8").splitlines()]

    def _inventory(self, hosts: Mapping[str, Mapping[str, Any]] | None) -> str:
        local = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "bin" / "python")}
        groups = {"service_clients": {"hosts": {name: {**local, **own} for name, own in (hosts or {}).items()}}}
        return self._file("inventory.yml", {"all": {"hosts": {"localhost": local}, "children": groups}})

    def _file(self, name: str, content: object) -> str:
        path = self.home / name
        # JSON is YAML; it never folds or retypes a string.
        path.write_text(json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content, sort_keys=False))
        path.chmod(0o600)
        return str(path)


def _clean(environment: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in environment.items() if not name.startswith(("ANSIBLE_", "ARITMA_"))}
    return kept | {"PATH": f"{VENV / 'bin'}{os.pathsep}{environment['PATH']}"}


def _settings(home: Path) -> dict[str, str]:
    return {
        "HOME": str(home),
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(home / ".ansible" / "tmp"),
        "ANSIBLE_REMOTE_TEMP": str(home / ".ansible" / "tmp"),
        "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback_plugins"),
        "ANSIBLE_CALLBACKS_ENABLED": "recorder",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEVEL_WARNING": "0",
        "ANSIBLE_COLLECTIONS_ON_ANSIBLE_VERSION_MISMATCH": "error",
        "ARITMA_TOKEN_CACHE_DIR": str(home / "tokens"),
        "RECORDER_FILE": str(home / "events.jsonl"),
    }
