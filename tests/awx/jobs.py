# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a job template as AWX does: with a project from git, answers to the survey, and an injected credential."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from awx.data import FOLDER, load
from awx.rules import answer_complaints


def injected(inputs: Mapping[str, Any], folder: Path) -> dict[str, str]:
    """The environment of a job with this credential. Writes the files of the credential into ``folder``.

    AWX leaves blank inputs undefined, and renders undefined variables as empty text.
    """
    injectors = load("credential_type")["injectors"]
    environment = ImmutableSandboxedEnvironment()
    known: dict[str, Any] = {name: value for name, value in inputs.items() if value}
    files = SimpleNamespace()
    for name, template in injectors["file"].items():
        path = folder / name.replace(".", "_")
        path.touch(0o600)
        path.write_text(environment.from_string(template).render(known), encoding="utf-8")
        setattr(files, name.partition(".")[2], str(path))
    known["tower"] = SimpleNamespace(filename=files)
    return {name: environment.from_string(text).render(known) for name, text in injectors["env"].items()}


def answers(template: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The extra variables of a job: the given answers, and the defaults that the page of AWX fills in. Checks them.

    An answer left blank is an empty text or null, depending on how the job was launched.
    """
    spec = template["survey"]["spec"]
    assert set(given) <= {question["variable"] for question in spec}
    defaults = {question["variable"]: question["default"] for question in spec if "default" in question}
    assert [text for question in spec for text in answer_complaints(question, defaults | dict(given))] == []
    blank = {question["variable"]: "" if number % 2 else None for number, question in enumerate(spec)}
    return blank | defaults | dict(given)


def hosts(inventory: Mapping[str, Any]) -> list[str]:
    """All hosts of an inventory in the order in which AWX slices them: by name."""
    groups = [inventory["all"], *inventory["all"].get("children", {}).values()]
    return sorted({name for group in groups for name in group.get("hosts", {})})


def slice_of(inventory: Mapping[str, Any], number: int, count: int) -> dict[str, Any]:
    """The inventory of a slice, counted from 0, with empty groups: awx/main/models/inventory.py, get_script_data."""
    mine = hosts(inventory)[number::count]

    def cut(group: Mapping[str, Any]) -> dict[str, Any]:
        return {**group, "hosts": {name: own for name, own in group.get("hosts", {}).items() if name in mine}}

    whole = inventory["all"]
    return {"all": {**cut(whole), "children": {name: cut(group) for name, group in whole["children"].items()}}}


@dataclass(frozen=True)
class Job:
    """A finished job: its status, its artifacts, and the folder with all output of ansible-runner."""

    status: str
    artifacts: dict[str, Any]
    folder: Path

    @property
    def output(self) -> str:
        """What the job printed."""
        return (self.folder / "stdout").read_text(encoding="utf-8")


class Jobs:
    """Runs jobs of one project with one inventory and one credential. Each job has its own folder."""

    def __init__(self, home: Path, inventory: Mapping[str, Any], credential: Mapping[str, Any]) -> None:
        self._home = home
        self._inventory, self._credential = inventory, credential
        self._repository = home / "repository"
        self._count, self._counting = 0, threading.Lock()
        _git("clone", "--quiet", _committed(home / "origin"), str(self._repository))

    def run(self, template: Mapping[str, Any], environment: Mapping[str, str], **given: Any) -> Job:
        """Run a job template at verbosity 4. ``environment`` replaces the execution environment."""
        return self._job(template, environment, self._inventory, given, {})

    def run_sliced(
        self, template: Mapping[str, Any], environment: Mapping[str, str], count: int, **given: Any
    ) -> list[Job]:
        """Run ``count`` slices at the same time: awx/main/models/jobs.py, JobTemplate.create_unified_job.

        There are at most as many slices as hosts. They are the jobs of one workflow.
        """
        workflow = {"awx_workflow_job_id": 1, "tower_workflow_job_id": 1}
        slices = [slice_of(self._inventory, number, count) for number in range(min(count, len(hosts(self._inventory))))]
        homes = [{**environment, "RECORDER_FILE": f"{environment['RECORDER_FILE']}.{each}"} for each in range(count)]
        with ThreadPoolExecutor(count) as threads:
            jobs = [
                threads.submit(self._job, template, home, inventory, given, workflow)
                for home, inventory in zip(homes, slices, strict=False)
            ]
            return [job.result() for job in jobs]

    def _job(
        self,
        template: Mapping[str, Any],
        environment: Mapping[str, str],
        inventory: Mapping[str, Any],
        given: Mapping[str, Any],
        meta: Mapping[str, Any],
    ) -> Job:
        """``meta`` are variables that AWX adds: awx/main/models/unified_jobs.py, awx_meta_vars."""
        with self._counting:
            self._count += 1
            folder = self._home / f"job{self._count}"
        (folder / "env").mkdir(parents=True)
        _git("clone", "--quiet", str(self._repository), str(folder / "project"))
        (folder / "inventory").mkdir()
        shutil.copytree(folder / "project" / "inventory" / "group_vars", folder / "inventory" / "group_vars")
        _keep(folder / "inventory" / "hosts.json", json.dumps(inventory))
        _keep(folder / "env" / "extravars", json.dumps(answers(template, given) | dict(meta)))
        # Without a machine credential, AWX sets the user: awx/main/tasks/jobs.py, RunJob.build_args.
        _keep(folder / "env" / "cmdline", "-u root -vvvv")
        _keep(folder / "env" / "settings", json.dumps({"process_isolation": False, "suppress_ansible_output": True}))
        wanted = {
            "private_data_dir": str(folder),
            "playbook": template["playbook"],
            "ident": "job",
            "envvars": injected(self._credential, folder / "env"),
            # AWX sets this too: the environment is not written to files.
            "suppress_env_files": True,
        }
        run = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps(wanted),
            env=dict(environment),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        kept = folder / "artifacts" / "job"
        return Job(run.stdout.split()[-1], _artifacts(kept), kept)


_RUN = "import ansible_runner, json, sys; print(ansible_runner.run(**json.load(sys.stdin)).status)"


def _artifacts(folder: Path) -> dict[str, Any]:
    """The artifacts of a job, from its statistics event, as in AWX."""
    found: dict[str, Any] = {}
    for path in (folder / "job_events").glob("*.json"):
        event = json.loads(path.read_text(encoding="utf-8"))
        found |= event["event_data"].get("artifact_data", {}) if event["event"] == "playbook_on_stats" else {}
    return found


def _committed(origin: Path) -> str:
    """Create a git repository with the example project. Returns its path."""
    shutil.copytree(FOLDER / "project", origin)
    _git("-C", str(origin), "init", "--quiet")
    _git("-C", str(origin), "add", ".")
    _git("-C", str(origin), "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "Project")
    return str(origin)


def _git(*arguments: str) -> None:
    subprocess.run(["git", *arguments], check=True, capture_output=True)


def _keep(path: Path, content: str) -> None:
    path.touch(0o600)
    path.write_text(content, encoding="utf-8")
