# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in every guide and plugin is run, or at least read by what it is meant for."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml
from examples import GUIDES, KINDS, ROOT, SUBSTITUTES, Machine, plugin_examples, read_guide
from fleet import managed_secret, planted_record
from guide_walk import ELSEWHERE, NOT_RUN, Walk, check_rulebook, commands
from plugin_plays import BEFORE, SECRET, VARIABLES, named, run_plays
from torture.openbao import TOKEN, running_bao_records

from awx.controller import TOKEN as CONTROLLER_TOKEN
from awx.controller import running_controller
from doubles.aws import CREDENTIALS, running_aws
from doubles.kubernetes import running_cluster
from simulator.caller import Caller
from simulator.process import Simulator

ON_SERVERS = ("credential_delivery", "credential_store")
"""Plugins whose examples need Vault, AWS or Kubernetes."""

LISTED = ("invoices", "reports")
"""Clients in the list of the guide on porting."""

DAYS = {"billing-a": 61, "billing-b": 10, "billing-nightly": 70, "billing-web": 1}


LONG = {
    "README.md",
    "docs/audit.md",
    "docs/fleets.md",
    "docs/groups.md",
    "docs/leak.md",
    "docs/porting.md",
    "docs/rotation.md",
    "roles/service_client/README.md",
}
"""Guides with many runs, which `make test` leaves out."""

ELSEWHERE_WALKED = ("docs/awx.md", "docs/quickstart.md")
"""Guides with tests of their own: here, and in test_quick_start.py."""


def _client(name: str, *secrets: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "client_id": f"id-{name}", "allowed_scopes": ["services.banking"], "secrets": secrets}


def _clients(walk: Walk, name: str) -> list[dict[str, Any]]:
    return [each for each in walk.machine.simulator.admin.state()["clients"] if each["name"] == name]


def _many_clients(walk: Walk) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Clients that somebody rotated, some of them long ago: what was planted, and what the simulator made of it."""
    planted = [_client(name, managed_secret(number, days)) for number, (name, days) in enumerate(DAYS.items())]
    made = walk.machine.simulator.admin.seed(clients=planted)["clients"]
    return list(zip(planted, made, strict=True))


def _fleet(walk: Walk) -> None:
    """Such clients, each with its record and the folder of its service."""
    store = walk.machine.root / "var/lib/aritma"
    store.mkdir()
    for planted, made in _many_clients(walk):
        (walk.machine.root / "etc" / planted["name"]).mkdir()
        record = store / f"{planted['name']}.json"
        record.write_text(json.dumps(planted_record(made, planted["secrets"][0])), encoding="utf-8")
        record.chmod(0o600)


def _quick_start(walk: Walk) -> None:
    """The inventory of the quick start."""
    (shown,) = (block for block in read_guide("docs/quickstart.md") if block.file == "inventory.yml")
    walk.write("inventory.yml", shown.text)


def _client_in_use(walk: Walk) -> None:
    """A client with one secret, whose value is in a vault."""
    _quick_start(walk)
    walk.machine.simulator.admin.seed(clients=[_client("billing", {"value": SECRET, "description": "by hand"})])
    walk.write("group_vars/all.yml", yaml.safe_dump({"vault_billing_secret": SECRET}))
    known = [_client(name, {"value": f"the-secret-of-{name}", "description": "by hand"}) for name in LISTED]
    walk.machine.simulator.admin.seed(clients=known)
    _password(walk)


def _lost_secret(walk: Walk) -> None:
    """A client whose only secret somebody deleted."""
    _quick_start(walk)
    walk.run("ansible-playbook -i inventory.yml aritma.iam.provision", "before")
    (client,) = _clients(walk, "billing")
    path = f"/v1/clients/{client['client_id']}/secrets/{client['secrets'][0]['id']}"
    assert Caller(walk.machine.simulator).iam("DELETE", path).ok


def _provisioned(walk: Walk) -> None:
    """The quick start, walked."""
    _quick_start(walk)
    walk.run("ansible-playbook -i inventory.yml aritma.iam.provision", "before")


def _leaked(walk: Walk) -> None:
    (client,) = _clients(walk, "billing")
    known = {each["id"] for each in client["history"]} - {each["id"] for each in client["secrets"]}
    assert len(client["secrets"]) == 1 and known, client


def _password(walk: Walk) -> None:
    """A password for ansible-vault."""
    walk.machine.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(walk.machine.home / ".vault-pass")


def _host(walk: Walk) -> None:
    """An inventory with one host."""
    walk.write("inventory.yml", "service_clients: {hosts: {app1: {ansible_connection: local}}}")


SITUATIONS: dict[str, Callable[[Walk], object]] = {
    "README.md": _password,
    "docs/audit.md": _many_clients,
    "docs/eda.md": _many_clients,
    "SECURITY.md": _provisioned,
    "docs/fleets.md": _fleet,
    "docs/leak.md": _provisioned,
    "docs/porting.md": _client_in_use,
    "docs/rotation.md": _lost_secret,
    "docs/schedule.md": _provisioned,
    "docs/stores-and-deliveries.md": _provisioned,
    "roles/service_client/README.md": _host,
}
"""What a guide supposes that there is."""


def _those_that_are_due(walk: Walk) -> None:
    clients = json.loads((walk.folder / "secrets.json").read_text(encoding="utf-8"))["clients"]
    assert {each["name"] for each in clients if each["due"]} == {name for name, days in DAYS.items() if days > 60}


def _rotated_where_due(walk: Walk) -> None:
    """What was due, and what the guide forces by name; each record names a secret that is there."""
    for name, days in DAYS.items():
        (client,) = _clients(walk, name)
        record = json.loads((walk.machine.root / f"var/lib/aritma/{name}.json").read_text(encoding="utf-8"))
        current = record["current"]["rotation_id"]
        assert any(each["description"].endswith(current) for each in client["secrets"]), name
        rotated = any(not each["description"].endswith(current) for each in client["history"])
        assert rotated == (days > 60 or name == "billing-b"), (name, client)


def _adopted(walk: Walk) -> None:
    for name in ("billing", *LISTED):
        (client,) = _clients(walk, name)
        assert [each["description"] for each in client["secrets"]] == ["by hand"], name
    assert (walk.folder / "known_secrets.yml").read_text(encoding="utf-8").startswith("$ANSIBLE_VAULT")
    records = walk.machine.root / "var/lib/aritma-iam"
    assert all(json.loads((records / f"{name}.json").read_text())["current"]["adopted"] for name in LISTED)


def _recovered(walk: Walk) -> None:
    (client,) = _clients(walk, "billing")
    assert len(client["secrets"]) == 1


def _one_is_left(walk: Walk) -> None:
    state = walk.machine.simulator.admin.state()
    (group,), (client,) = state["groups"], _clients(walk, "billing")
    assert (group["members"], _clients(walk, "nightly")) == ([client["subject_id"]], [])


ENDS: dict[str, Callable[[Walk], None]] = {
    "docs/audit.md": _those_that_are_due,
    "docs/fleets.md": _rotated_where_due,
    "docs/groups.md": _one_is_left,
    "SECURITY.md": _leaked,
    "docs/leak.md": _leaked,
    "docs/porting.md": _adopted,
    "docs/rotation.md": _recovered,
}
"""What a guide says that there is at its end."""


def _plugins() -> dict[str, str]:
    return {name: text for kind in KINDS[:2] for name, text in plugin_examples(kind).items()}


@pytest.mark.parametrize(
    "guide",
    [
        pytest.param(guide, marks=pytest.mark.torture if guide in LONG else ())
        for guide in GUIDES
        if guide not in ELSEWHERE_WALKED
    ],
)
def test_a_guide(guide: str, simulator: Simulator, tmp_path: Path) -> None:
    """Its files, plays and commands, in an empty folder."""
    walk = Walk(guide, Machine(tmp_path, simulator))
    if guide in SITUATIONS:
        SITUATIONS[guide](walk)
    walk.go()
    if guide in ENDS:
        ENDS[guide](walk)


@pytest.mark.torture
def test_the_guide_of_awx(simulator: Simulator, tmp_path: Path) -> None:
    """Against a double of AWX, with a secret that ansible-vault has encrypted."""
    machine = Machine(tmp_path, simulator)
    with running_controller() as controller:
        controller.add("execution_environments", name="aritma-iam-ee")
        machine.environment |= {
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": CONTROLLER_TOKEN,
            "ANSIBLE_VAULT_PASSWORD_FILE": str(tmp_path / ".vault-pass"),
        }
        walk, secret = Walk("docs/awx.md", machine), machine.file("secret", SECRET)
        walk.run(f"ansible-vault encrypt {secret}", "before")
        lines = secret.read_text(encoding="utf-8").splitlines()
        machine.substitutes["    ...\n"] = "".join(f"    {line}\n" for line in lines)
        walk.go()
        assert controller.one("credentials", "Aritma IAM")["inputs"]["client_secret"] == SECRET


def test_the_examples_of_plugins(simulator: Simulator, tmp_path: Path) -> None:
    """Modules and lookups, each against a simulator that has forgotten all."""
    texts = {name: text for name, text in _plugins().items() if name not in ON_SERVERS}
    run_plays(texts, Machine(tmp_path, simulator))


def test_the_examples_of_the_role(simulator: Simulator, tmp_path: Path) -> None:
    """A client is made, rotated and revoked, as ``ansible-doc -t role`` shows it."""
    walk = Walk("roles/service_client/README.md", Machine(tmp_path, simulator))
    _host(walk)
    path = ROOT / "roles" / "service_client" / "meta" / "argument_specs.yml"
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    (make, revoke), (rotate,) = (yaml.safe_load(specs[entry]["examples"]) for entry in ("main", "rotate"))
    walk.write("play.yml", json.dumps([make, rotate, revoke]))
    walk.run("ansible-playbook -i inventory.yml play.yml", "examples of the role")
    assert _clients(walk, "billing") == [] and not (walk.machine.root / "etc/billing/aritma.env").exists()


@pytest.mark.torture
def test_the_examples_on_servers(simulator: Simulator, tmp_path: Path) -> None:
    """OpenBao itself, and doubles of AWS and Kubernetes."""
    with ExitStack() as stack:
        bao, aws = stack.enter_context(running_bao_records(tmp_path)), stack.enter_context(running_aws(tmp_path))
        cluster = stack.enter_context(running_cluster())
        cluster.deploy("deployments", "billing-web")
        machine = Machine(tmp_path, simulator, vault=bao.url)
        machine.environment |= {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.url,
            "KUBECONFIG": cluster.kubeconfig(tmp_path / "kubeconfig"),
            "VAULT_ADDR": bao.url,
            "VAULT_TOKEN": TOKEN,
        }
        run_plays({name: text for name, text in _plugins().items() if name in ON_SERVERS}, machine)


def test_the_examples_of_sources(simulator: Simulator, tmp_path: Path) -> None:
    """Inventory sources, each by the name that its comment gives it; and the event source."""
    machine = Machine(tmp_path, simulator)
    walk = Walk("plugins/inventory", machine)
    _many_clients(walk)
    simulator.admin.seed(clients=[_client("portal", managed_secret(9, 100, description="of somebody else"))])
    sources = []
    for text in plugin_examples("inventory")["service_clients"].split("---\n"):
        match = re.match(r"\s*# (\S+\.yml):", text)
        assert match, text
        walk.write(match[1], text)
        sources.append(match[1])
    listed = walk.run(f"ansible-inventory --graph -i {' -i '.join(sources)}", "service_clients")
    for group in ("@due:", "@strangers:", "@scope_services_banking:"):
        assert group in listed
    events = machine.data(plugin_examples("../extensions/eda/plugins/event_source")["secret_expiry"])
    rule = {"name": "any", "condition": "true", "action": {"debug": {}}}
    check_rulebook([{"name": "any", "hosts": "all", "sources": events, "rules": [rule]}], machine)


def test_the_tables_hold_nothing_that_is_gone() -> None:
    """Every substitute, command that is not run, variable and preparation is for an example that there is."""
    texts = {guide: (ROOT / guide).read_text(encoding="utf-8") for guide in GUIDES}
    plugins = _plugins()
    everything = "\n".join([*texts.values(), *plugins.values()])
    assert [words for words in SUBSTITUTES if words not in everything] == []
    shown = {
        guide: {line for block in read_guide(guide) if block.language == "console" for line in commands(block.text)}
        for guide in GUIDES
    }
    assert [line for guide, lines in NOT_RUN.items() for line in lines if line not in shown[guide]] == []
    languages = {(guide, block.language) for guide in GUIDES for block in read_guide(guide)}
    assert ELSEWHERE.keys() <= languages
    assert set(VARIABLES) == {name for text in plugins.values() for name in named(text)}
    assert {*BEFORE, *ON_SERVERS} <= plugins.keys()
    assert {*SITUATIONS, *ENDS, *LONG} <= texts.keys()
