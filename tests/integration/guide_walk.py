# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks through a guide as a reader does: writes the files that it shows, and runs its plays and commands in order."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from contextlib import ExitStack
from importlib.resources import files
from typing import Any
from unittest import mock

import jsonschema_rs
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from examples import ROOT, Block, Machine, read_guide

from ansible_collections.aritma.iam.plugins.plugin_utils._audit._secret_watch import SecretWatch, read_settings
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.consumers import read_consumers
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.variables import require_known

SOURCE = "aritma.iam.secret_expiry"
NOT_RUN = {
    "README.md": {
        "pip install 'requests>=2.31' 'pydantic>=2.5'": "the environment of the tests has both",
        "ansible-galaxy collection install .": "the tests run the checkout itself",
    },
    "docs/audit.md": {
        "jq -r '.clients[] | select(.due) | .name' secrets.json": "no library of ours; the members are looked at here",
    },
    "docs/doctor.md": {
        "python tests/simulator --play --profile aritma-iam-doctor.json": "never ends; see test_doctor.py",
    },
    "docs/eda.md": {
        "ansible-rulebook --rulebook aritma.iam.rotate_due -i inventory.yml": "never ends; see test_rulebook.py",
    },
    "docs/quickstart.md": {
        "git clone <this repository> aritma.iam && cd aritma.iam": "this is a checkout",
        "python3 -m venv ~/aritma-venv && . ~/aritma-venv/bin/activate": "the environment of the tests is there",
        ". ~/aritma-venv/bin/activate": "the environment of the tests is there",
        "pip install 'ansible-core>=2.18' 'requests>=2.31' 'pydantic>=2.5'": "the environment of the tests has them",
        "pip install starlette uvicorn joserfc jsonschema-rs": "the environment of the tests has them",
        "ansible-galaxy collection install .": "test_quick_start.py installs it, or runs the checkout itself",
        "python tests/simulator --play": "never ends; test_quick_start.py runs it, and the guide with what it prints",
        "mkdir -p ~/quickstart": "the folder of the walk",
        "cd ~/quickstart": "the folder of the walk",
    },
}
"""Commands that are not run here, each with the reason."""

STARTED = {"docs/quickstart.md": "python tests/demo/consumer.py"}
"""How a command begins that a guide leaves running in another terminal, in the folder of the collection."""

ELSEWHERE = {
    ("docs/rotation.md", "mermaid"): "a drawing",
    ("docs/diagrams.md", "mermaid"): "drawings",
    ("docs/schedule.md", "ini"): "units of systemd",
    ("docs/stores-and-deliveries.md", "hcl"): "tests/unit/stores/test_guide.py gives it to OpenBao",
    ("docs/stores-and-deliveries.md", "json"): "tests/unit/stores/test_guide.py compares it with what is called",
}
"""Blocks that are no YAML and no commands."""

_COMMAND = re.compile(
    r"(?:[A-Z_]+=\S+ )?ansible-(?:doc|inventory|playbook|vault) .+|wait"
    r"|curl -s \S+|cut \S+ \S+ \S+|until grep -q .+; do sleep \S+; done|kill -9 \$!|sed .+|cat .+"
)
_ASKS = re.compile(r"read -rs (\w+); export \1")
"""Asks somebody for a secret. The environment has it here."""

_DOCUMENTED = re.compile(r"`(ansible-doc [^`]+)`")
_CHANGING = {
    r"\b[0-9a-f]{6}-\d{8}T\d{6}Z-[0-9a-f]{6}\b": "ROTATION",
    r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b": "ID",
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ": "TIME",
    r"http://127\.0\.0\.1:\d+": "URL",
    r"resume: [^|]+": "resume: WHERE ",
    r"\b\d+m?s old\b": "AGE old",
    r"(?m)\| \d+ s$": "| N s",
    r'"(exchanges|seconds)": [\d.]+': r'"\1": N',
    r"\S+/ansible_collections/": "COLLECTIONS/",
    r"\*{3,}": "***",
    r" {2,}": " ",
}
"""What is printed and another each time, and what stands for it in a comparison."""

_SHELL = """\
set -eu
# A job that failed in the background fails the block, which the wait of a shell does not.
wait() { for job in $(jobs -p); do builtin wait "$job"; done; }
"""


def commands(text: str) -> list[str]:
    """The commands of a console block, each on one line."""
    return [line for line in re.sub(r"\\\n\s*", "", text).splitlines() if line.strip()]


class Walk:
    """One walk through a guide. ``folder`` is where the reader is."""

    def __init__(self, guide: str, machine: Machine) -> None:
        self.guide, self.machine = guide, machine
        self.folder = machine.home / "guide"
        self.folder.mkdir()
        self.collection = ROOT
        self.printed = ""
        self._programs = ExitStack()
        self._shapes: dict[str, Callable[[Block, Any], None]] = {
            "plays": self._play,
            "rulebook": lambda _block, data: check_rulebook(data, machine),
            "alerts": self._alerts,
            "event": self._event,
            "role variables": lambda block, data: check_role_variables(data, block.place),
            "image": self._image,
            "rights": lambda block, data: check_rights(data, block.place),
        }

    def go(self) -> None:
        """From the first line to the last, as a reader goes."""
        with self._programs:
            for block in read_guide(self.guide):
                self._step(block)
            for command in sorted(set(_DOCUMENTED.findall((ROOT / self.guide).read_text(encoding="utf-8")))):
                self.run(command, self.guide)

    def _step(self, block: Block) -> None:
        if not self._wrote(block):
            if block.language == "console":
                self._console(block)
            elif block.language == "text":
                check_printed(self.machine.text(block.text), self.printed, block.place)
            elif block.language == "yaml":
                data = self.machine.data(block.text)
                self._shapes[shape(data, block.place)](block, data)
            else:
                assert (self.guide, block.language) in ELSEWHERE, f"{block.place}: what is {block.language}?"

    def write(self, name: str, text: str) -> None:
        """A file where the reader is. Two with one name would be a mistake of the guide."""
        path = self.folder / name
        assert not path.exists(), f"{self.guide} shows {name} twice"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.machine.text(text), encoding="utf-8")

    def run(self, script: str, place: str) -> str:
        """Run commands as a shell does; what they printed."""
        done = subprocess.run(
            ["bash", "-c", _SHELL + script],
            cwd=self.folder,
            env=self.machine.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == 0, f"{place}: exit code {done.returncode} of\n{script}\n{output}"
        # A source that cannot be read is a warning to Ansible, and the play ends well without hosts.
        assert "Unable to parse" not in output, f"{place}: {output}"
        return output

    def _wrote(self, block: Block) -> bool:
        if block.language != "yaml":
            return False
        name = block.file or ("inventory.yml" if "service_clients" in self.machine.data(block.text) else None)
        if name:
            self.write(name, block.text)
        return name is not None

    def _console(self, block: Block) -> None:
        left_out = NOT_RUN.get(self.guide, {})
        kept = []
        for shown in commands(block.text):
            command = self.machine.text(shown)
            asked = _ASKS.fullmatch(command)
            if asked or command.startswith("export "):
                unknown = set([asked[1]] if asked else re.findall(r"(\w+)=", command)) - self.machine.environment.keys()
                assert not unknown, f"{block.place}: nothing reads {unknown}"
            elif self.guide in STARTED and command.startswith(STARTED[self.guide]):
                self._start(command)
            elif shown not in left_out:
                assert _COMMAND.fullmatch(command), f"{block.place}: what is {command}?"
                kept.append(command)
        if kept:
            self.printed = self.run("\n".join(kept), block.place)

    def _start(self, command: str) -> None:
        """Run a program until the walk ends."""
        program = subprocess.Popen(
            ["bash", "-c", f"exec {command}"],
            cwd=self.collection,
            env=self.machine.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        self._programs.callback(program.wait)
        self._programs.callback(program.terminate)

    def _play(self, block: Block, _data: Any) -> None:
        self.write("play.yml", block.text)
        inventory = "-i inventory.yml " if (self.folder / "inventory.yml").exists() else ""
        self.run(f"ansible-playbook {inventory}play.yml", block.place)

    def _alerts(self, block: Block, data: Any) -> None:
        """Each metric that a rule names is one that the audit of this guide has written."""
        (written,) = self.machine.root.rglob("*.prom")
        known = set(re.findall(r"^# TYPE (\w+)", written.read_text(encoding="utf-8"), re.MULTILINE))
        for rule in data["groups"][0]["rules"]:
            asked = set(re.findall(r"aritma_iam_\w+", rule["expr"]))
            assert asked and asked <= known, f"{block.place}: {asked - known} is not written"

    def _event(self, block: Block, data: Any) -> None:
        """It has the members of a real one."""
        with mock.patch.dict(os.environ, _connection(self.machine)):
            real = SecretWatch(read_settings({})).look()[0]
        assert data["secret_expiry"].keys() == real["secret_expiry"].keys(), f"{block.place}: {real}"

    def _image(self, block: Block, data: Any) -> None:
        """ansible-builder makes a context of it in which the collection is where its requirement says."""
        definition = yaml.safe_load((ROOT / "extensions" / "ee" / "execution-environment.yml").read_text("utf-8"))
        merged = {**definition, **data, "dependencies": {**definition["dependencies"], **data["dependencies"]}}
        self.write("extensions/ee/execution-environment.yml", json.dumps(merged))
        for each in data["additional_build_files"]:
            source = (self.folder / "extensions" / "ee" / each["src"]).resolve()
            source.parent.mkdir(parents=True, exist_ok=True)
            source.touch()
        self.run("ansible-builder create -f extensions/ee/execution-environment.yml -c context", block.place)
        for each in data["dependencies"]["galaxy"]["collections"]:
            # The build copies _build to /build, and installs from there.
            assert (self.folder / "context" / "_build" / each["name"]).exists(), f"{block.place}: {each['name']}"


def shape(data: Any, place: str) -> str:
    """What a YAML block is, by its members."""
    if isinstance(data, list):
        return "rulebook" if "sources" in data[0] else "plays"
    members = {
        "groups": "alerts",
        "secret_expiry": "event",
        "service_client_deliveries": "role variables",
        "service_client_store": "role variables",
        "dependencies": "image",
        "apiVersion": "rights",
    }
    found = {name for member, name in members.items() if member in data}
    assert len(found) == 1, f"{place}: what is this?"
    return found.pop()


def check_rulebook(rulesets: Any, machine: Machine) -> None:
    """ansible-rulebook takes it, and the event source its options."""
    schema = files("ansible_rulebook") / "schema" / "ruleset_schema.json"
    jsonschema_rs.validator_for(json.loads(schema.read_text("utf-8"))).validate(rulesets)
    with mock.patch.dict(os.environ, _connection(machine)):
        for source in (each for ruleset in rulesets for each in ruleset["sources"]):
            read_settings(source[SOURCE])


def check_printed(shown: str, printed: str, place: str) -> None:
    """What a guide shows is what was printed, but for what is another each time. A line ``...`` leaves lines out."""
    lines = steady(printed)
    at = 0
    for part in re.split(r"^\.\.\.\n", shown, flags=re.MULTILINE):
        wanted = steady(part)
        found = [n for n in range(at, len(lines) - len(wanted) + 1) if lines[n : n + len(wanted)] == wanted]
        assert found, f"{place}: this was not printed:\n{part}\nThis was:\n{printed}"
        at = found[0] + len(wanted)


def steady(text: str) -> list[str]:
    """Its lines, without what is another each time: ids, times, amounts, folders of a collection, blank lines."""
    for pattern, name in _CHANGING.items():
        text = re.sub(pattern, name, text)
    return [line.strip() for line in text.splitlines() if line.strip()]


def check_role_variables(variables: dict[str, Any], place: str) -> None:
    """The role takes them."""
    path = ROOT / "roles" / "service_client" / "meta" / "argument_specs.yml"
    options = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    result = ArgumentSpecValidator(options).validate({"service_client_name": "billing", **variables})
    assert not result.error_messages, f"{place}: {result.error_messages}"
    require_known(variables)
    read_consumers(variables.get("service_client_deliveries", []), variables.get("service_client_probe"), "billing")


def check_rights(role: dict[str, Any], place: str) -> None:
    """A role of Kubernetes; tests/unit/stores/test_guide.py compares it with what is asked."""
    assert role["kind"] == "Role" and role["rules"], place


def _connection(machine: Machine) -> dict[str, str]:
    return {name: value for name, value in machine.environment.items() if name.startswith("ARITMA_")}
