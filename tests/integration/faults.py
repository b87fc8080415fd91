# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Services that read a delivered file when they are reloaded, each with a fault of its own that can be switched on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_run import Ansible, Run
from meanwhile import meanwhile
from torture.world import HERE, SCOPE, Client, World

from simulator.caller import Caller

FAULTS = ("probe", "sick", "reload", "folder", "away", "parting")
"""What can be wrong: the service does not work with a new secret, or is broken before; a reload that fails; a folder of
a second file that is missing; a host that is away, or goes away after it was reloaded."""

_RELOAD = """
test ! -e {home}/reload.fault || exit 1
test ! -e {home}/parting.fault || touch {away}
cp {home}/delivered.env {home}/loaded.env
"""
_PROBE = """
test ! -e {home}/probe.fault || grep -q "$(cat {home}/probe.fault)" {home}/loaded.env || exit 1
test ! -e {home}/sick.fault || exit 1
cmp {home}/delivered.env {home}/loaded.env
"""


def leaving(host: str) -> dict[str, Any]:
    """The variables of a host that can be away."""
    return {"ansible_connection": "leaving", "ansible_host": host}


@dataclass
class Services:
    """The services of a world's clients. ``kinds`` is the fault of each, by the client's name."""

    world: World
    kinds: Mapping[str, str]
    known: dict[str, str] = field(default_factory=dict)
    """The current values when the faults were switched on."""

    @property
    def away(self) -> Path:
        """The folder with a file for each host that is away."""
        return self.world.home / ".away"

    def hosts(self) -> dict[str, dict[str, Any]]:
        """The inventory: the clients, and the hosts where the services of some of them are."""
        others = [name for name, kind in self.kinds.items() if kind in ("away", "parting")]
        return {**self.world.hosts(), **{f"at-{name}": leaving(f"at-{name}") for name in others}}

    def ansible(self, name: str = "run") -> Ansible:
        """Ansible that knows these hosts."""
        made = self.world.ansible(name)
        made.environment |= {
            "AWAY": str(self.away),
            "ANSIBLE_CONNECTION_PLUGINS": str(HERE.parent / "connection_plugins"),
        }
        return made

    def run(self, play: Mapping[str, Any] | None, *arguments: str, **how: Any) -> Run:
        """Run a play of its own, or the playbook, with these clients."""
        variables = self.world.variables(rotation_hosts="service_clients:!at-*", **how.pop("variables", {}))
        told = {"variables": variables, "hosts": self.hosts(), **how}
        return self.ansible().run([play] if play else "aritma.iam.rotate", "-f", "10", *arguments, **told)

    def break_(self) -> None:
        """Switch every fault on."""
        self.known = {each.name: each.record()["current"]["value"] for each in self.world.clients}
        for client in self.world.clients:
            kind = self.kinds[client.name]
            (client.home / f"{kind}.fault").write_text(self.known[client.name], encoding="utf-8")
            if kind == "folder":
                (client.home / "etc").rename(client.home / "away")
            if kind == "away":
                (self.away / f"at-{client.name}").touch()

    def mend(self) -> None:
        """Switch every fault off."""
        for client in self.world.clients:
            kind = self.kinds[client.name]
            (client.home / f"{kind}.fault").unlink()
            if kind == "folder":
                (client.home / "away").rename(client.home / "etc")
            (self.away / f"at-{client.name}").unlink(missing_ok=True)

    def unharmed(self) -> list[str]:
        """What was done that must not be: values that do not work, an old one that is gone without proof."""
        wrong = []
        for client in self.world.clients:
            held = {
                "stored": client.record()["current"]["value"],
                "delivered": client.delivered()["CLIENT_SECRET"],
                "loaded": client.delivered("loaded.env")["CLIENT_SECRET"],
            }
            if self.kinds[client.name] != "none":
                held["old"] = self.known[client.name]
            wrong += [
                f"{client.name}: the {what} value is dead" for what, value in held.items() if not client.lives(value)
            ]
        return wrong

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let every service work with what it has loaded; on leaving, not one exchange may have been refused."""
        caller, refused = Caller(self.world.simulator), list[str]()

        def work() -> None:
            for client in self.world.clients:
                value = _loaded(client)
                if value and not caller.accepts(client.client_id, value, SCOPE) and _loaded(client) == value:
                    refused.append(client.name)

        with meanwhile(work, 0.2):
            yield
        assert refused == []


def _loaded(client: Client) -> str | None:
    path = client.home / "loaded.env"
    return client.delivered(path.name).get("CLIENT_SECRET") if path.exists() else None


def services(world: World, kinds: Sequence[str]) -> Services:
    """Clients with such services, one for each fault; delivered, reloaded and proven. ``none`` is no fault."""
    made = Services(world, dict(zip(kinds, kinds, strict=True)))
    made.away.mkdir()
    for client in world.add(*kinds):
        home, away = client.home, made.away / f"at-{client.name}"
        for name, text in (("reload.sh", _RELOAD), ("probe.sh", _PROBE)):
            (home / name).write_text("set -e" + text.format(home=home, away=away), encoding="utf-8")
        (home / "etc").mkdir()
        where = {"hosts": [f"at-{client.name}"]} if client.name in ("away", "parting") else {}
        first = {"path": str(home / "delivered.env"), "reload": {"command": ["sh", str(home / "reload.sh")]}, **where}
        second = {"path": str(home / "etc" / "second.env"), **where}
        client.variables |= {
            "service_client_rotation_grace": "auto",
            "service_client_deliveries": [first, second] if client.name == "folder" else [first],
            "service_client_probe": {"command": ["sh", str(home / "probe.sh")], "retries": 0},
        }
    made.run(None, variables={"rotation_force": False}).ok()
    return made
