# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples of the guides and of the plugins, as they are written, and what stands here for what they name."""

from __future__ import annotations

import ast
import getpass
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from ansible_run import Ansible

from simulator.process import Server

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [
    str(path.relative_to(ROOT))
    for pattern in ("README.md", "SECURITY.md", "roles/*/README.md", "docs/*.md")
    for path in sorted(ROOT.glob(pattern))
]
KINDS = ("modules", "lookup", "inventory")
SUBSTITUTES = {
    "https://api.dev.aritma.io/core/iam": "{api_url}",
    "tenant: my-tenant": "tenant: {tenant}",
    "the-secret-of-the-admin-client": "{admin_secret}",
    "ansible_host: app1.example.com": "ansible_connection: local",
    "ansible.builtin.systemd_service: {name: billing, state: reloaded}": "ansible.builtin.debug: {{msg: reloaded}}",
    "https://billing.example.com/health": "{url}/_sim/health",
    "https://vault.example.com:8200": "{vault}",
    "https://bao.example.com:8200": "{vault}",
    "owner: billing": "owner: {owner}",
    "/usr/local/bin/": "{root}/usr/local/bin/",
    "/var/lib/": "{root}/var/lib/",
    "/etc/": "{root}/etc/",
    "/srv/": "{root}/srv/",
}
"""What examples name, and what stands for it here: servers, hosts, users and folders of this test."""

FOLDERS = (
    "etc/billing",
    "etc/reports",
    "usr/local/bin",
    "var/lib/aritma-iam",
    "var/lib/prometheus/node-exporter",
    "srv/audit",
)
SERVICE = """\
#!/bin/sh
# The service: it works when it was given a credential.
test "$1" = --check-credentials && grep -q '^CLIENT_SECRET=.' "$(dirname "$0")/../../../etc/billing/aritma.env"
"""
VAULT_PASSWORD = "password-of-the-examples"

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NAMED_WITHIN = re.compile(r"# ([\w./-]+\.ya?ml)\b")
_NAMED_BEFORE = re.compile(r"`([\w./-]+\.ya?ml)`:$")


class Loader(yaml.SafeLoader):
    """YAML with values that ansible-vault encrypted."""


def _encrypted(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> Any:
    return loader.construct_scalar(node)


Loader.add_constructor("!vault", _encrypted)


@dataclass(frozen=True)
class Block:
    """A fenced block: language, text, where it stands, and the name of the file that the guide says it is."""

    language: str
    text: str
    place: str
    file: str | None


def blocks(guide: str, text: str) -> list[Block]:
    """The blocks of a guide in their order."""
    found = []
    for match in _FENCED.finditer(text):
        before = text[: match.start()]
        named = _NAMED_WITHIN.match(match[2]) or _NAMED_BEFORE.search(before.rstrip())
        place = f"{guide}:{before.count(chr(10)) + 1}"
        found.append(Block(match[1], match[2], place, named[1] if named else None))
    assert len(found) == len(re.findall("^```", text, re.MULTILINE)) / 2, f"{guide}: a block does not end"
    return found


def read_guide(guide: str) -> list[Block]:
    """The blocks of a file of this project."""
    return blocks(guide, (ROOT / guide).read_text(encoding="utf-8"))


def plugin_examples(kind: str) -> dict[str, str]:
    """The text EXAMPLES of each plugin of a kind."""
    found = {}
    for path in sorted((ROOT / "plugins" / kind).glob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        values = [
            each.value
            for each in tree.body
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "EXAMPLES"
        ]
        assert len(values) == 1, f"{path.name} has no examples"
        found[path.stem] = str(ast.literal_eval(values[0]))
    return found


class Machine:
    """A machine as the examples suppose it: folders below ``home / "root"``, a service, a simulator, Ansible."""

    def __init__(self, home: Path, simulator: Server, vault: str = "") -> None:
        self.home, self.simulator = home, simulator
        self.root = home / "root"
        self.ansible = Ansible(home, simulator)
        self.environment = self.ansible.environment
        # Found once, and not by each play.
        self.environment["ANSIBLE_PYTHON_INTERPRETER"] = "{{ ansible_playbook_python }}"
        words = {
            "api_url": simulator.api_url,
            "url": simulator.url,
            "tenant": simulator.tenant,
            "admin_secret": simulator.admin_client_secret,
            "vault": vault,
            "owner": getpass.getuser(),
            "root": str(self.root),
        }
        self.substitutes = {example: here.format(**words) for example, here in SUBSTITUTES.items()}
        for folder in FOLDERS:
            (self.root / folder).mkdir(parents=True)
        service = self.root / "usr" / "local" / "bin" / "billing"
        service.write_text(SERVICE, encoding="utf-8")
        service.chmod(0o700)
        self.file(".vault-pass", VAULT_PASSWORD)

    def file(self, name: str, text: str) -> Path:
        """A file below the home folder, as it is."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def text(self, example: str) -> str:
        """An example for this machine."""
        for words, here in self.substitutes.items():
            example = example.replace(words, here)
        return example

    def data(self, example: str) -> Any:
        """An example for this machine, read as YAML."""
        loader = Loader(self.text(example))
        try:
            return loader.get_single_data()
        finally:
            loader.dispose()
