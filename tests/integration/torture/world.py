# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that have been at work for a while, the runs that rotate them, and the service that must not notice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Protocol

from ansible_run import Ansible, Run

from doubles.proxy import Proxy
from simulator.call import TENANTS
from simulator.process import Simulator

HERE = Path(__file__).resolve().parent
CONNECTIONS = HERE.parent.parent / "unit" / "stores" / "connection"
"""Plugins of connections that are none to this host, as far as Ansible knows."""
SCOPE = "services.banking"
CONSUMER_SCOPE = "services.documents"
FOREIGN = "made-by-somebody-else-0"
"""A secret that every client has beside ours, and that nobody here may touch."""
LINEAGE = "0a1b2c"


def managed(secret: Mapping[str, Any]) -> bool:
    """Whether a secret of the simulator's state is one of ours."""
    return str(secret["description"]).startswith("aritma.iam rotation ")


def first_record(name: str, client_id: str, number: int, secret_id: str | None = None) -> dict[str, Any]:
    """The record of a client that was provisioned an hour ago."""
    at = datetime.fromtimestamp(time.time() - 3600, timezone.utc)
    rotation_id = f"{LINEAGE}-{at:%Y%m%dT%H%M%SZ}-{number:06x}"
    current = {
        "value": f"First{number:027d}",
        "rotation_id": rotation_id,
        "secret_id": secret_id,
        "description": f"aritma.iam rotation {rotation_id}",
        "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "expires_at": None,
    }
    empty = {"pending": None, "previous": None, "last_rotated_at": None, "last_verified_at": None}
    return {"schema": 1, "client_id": client_id, "client_name": name, "version": 3, "current": current, **empty}


class Server(Protocol):
    """A server that keeps records, and the proxy before it. Without one they are in files."""

    @property
    def proxy(self) -> Proxy:
        """What the runs reach it through."""

    def store(self, path: str) -> dict[str, Any]:
        """The variable ``service_client_store`` of a record there."""

    def source(self, path: str) -> dict[str, str]:
        """Where the consumer reads the record, past the proxy."""

    def record(self, path: str) -> Any:
        """What it holds; None where there is nothing."""

    def keep(self, path: str, record: Mapping[str, Any]) -> None:
        """Write it, as somebody else would."""


@dataclass
class Client:
    """One service client and its inventory host."""

    name: str
    client_id: str
    home: Path
    simulator: Simulator
    server: Server | None = None
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def store_path(self) -> str:
        """Where its record lives: a file, or a secret below the mount."""
        return f"torture/{self.home.parent.name}/{self.name}" if self.server else str(self.home / "record.json")

    def host(self) -> dict[str, Any]:
        """The variables of its inventory host."""
        store: dict[str, Any] = {"type": "file", "path": self.store_path}
        if self.server:
            store = self.server.store(self.store_path)
        named = {"service_client_client_id": self.client_id} if self.server and self.client_id else {}
        return {
            "service_client_name": self.name,
            "service_client_allowed_scopes": [SCOPE, CONSUMER_SCOPE],
            "service_client_store": store,
            "service_client_rotation_grace": "0s",
            "service_client_deliveries": [{"type": "file", "path": str(self.home / "delivered.env"), "format": "env"}],
            **named,
            **self.variables,
        }

    def record(self) -> dict[str, Any]:
        """The record in the store; empty where there is none."""
        if self.server:
            return self.server.record(self.store_path) or {}
        path = Path(self.store_path)
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def keep(self, record: Mapping[str, Any]) -> None:
        """Put a record into the store, as a restore from a backup does."""
        if self.server:
            self.server.keep(self.store_path, record)
        else:
            # At once, as a store does it: a service that reads meanwhile finds the one or the other.
            path = Path(self.store_path)
            new = path.with_suffix(".new")
            new.write_text(json.dumps(record), encoding="utf-8")
            new.chmod(0o600)
            new.replace(path)

    def lease_elsewhere(self, seconds: float = 600) -> None:
        """A run on another machine holds the record for this long."""
        until = datetime.now(timezone.utc) + timedelta(seconds=seconds)
        lease = {"owner": "elsewhere/boot/1/1/1/h", "expires_at": f"{until:%Y-%m-%dT%H:%M:%SZ}"}
        self.keep({**self.record(), "lease": lease})

    def delivered(self, name: str = "delivered.env") -> dict[str, str]:
        """The members of a delivered file."""
        lines = (self.home / name).read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def secrets(self) -> list[dict[str, Any]]:
        """Its live secrets on the server."""
        clients = self.simulator.admin.state(self.client_id)["clients"]
        return list(clients[0]["secrets"]) if clients else []

    def peak(self) -> int:
        """The most managed secrets that were live at once; the foreign one is not counted."""
        foreign = sum(not managed(each) for each in self.secrets())
        peaks = self.simulator.admin.state(self.client_id)["counters"]["peak_live_secrets"]
        return int(peaks[self.client_id]) - foreign

    def lives(self, value: str) -> bool:
        """Whether a live secret has this value."""
        return bool(self.simulator.admin.check(self.client_id, value)["live"])

    def learn_id(self) -> None:
        """A client that was just made: its id stands in the record."""
        self.client_id = self.record()["client_id"]

    def complaints(self, *, foreign: bool = True) -> list[str]:
        """What is not as it must be at the end: one managed secret, stored and delivered, nothing half done."""
        record = self.record()
        current = record.get("current") or {}
        ours = [str(each["id"]) for each in self.secrets() if managed(each)]
        matching = [str(each) for each in self.simulator.admin.check(self.client_id, current.get("value", "-"))["live"]]
        delivered = self.delivered() if (self.home / "delivered.env").exists() else {}
        found = {
            "pending": record.get("pending"),
            "previous": record.get("previous"),
            "lease": record.get("lease"),
            f"managed secrets {ours}": len(ours) != 1,
            f"the stored value is that of {matching}, managed are {ours}": matching != ours,
            f"secret_id {current.get('secret_id')} is not in {ours}": current.get("secret_id") not in [None, *ours],
            "delivered another value": delivered.get("CLIENT_SECRET") != current.get("value"),
            "delivered another rotation id": delivered.get("ROTATION_ID") != current.get("rotation_id"),
            "foreign secret gone": foreign and not self.lives(FOREIGN),
        }
        return [f"{self.name}: {what}" for what, wrong in found.items() if wrong]


class World:
    """A simulator, clients with a record an hour old, and Ansible."""

    def __init__(self, home: Path, simulator: Simulator, server: Server | None = None) -> None:
        self.home, self.simulator, self.server = home, simulator, server
        self.clients: list[Client] = []
        self.report = home / "report.json"

    def add(
        self, *names: str, seeded: bool = True, secrets: Sequence[Mapping[str, Any]] = (), **variables: Any
    ) -> list[Client]:
        """Clients with one secret of ours and one of somebody else, and ``secrets``; unseeded ones do not exist yet."""
        added = [self._client(name, seeded, secrets, variables) for name in names]
        self.clients += added
        return added

    def _client(
        self, name: str, seeded: bool, secrets: Sequence[Mapping[str, Any]], variables: Mapping[str, Any]
    ) -> Client:
        named = str(variables.get("service_client_client_id", f"id-{name}"))
        client = Client(name, named if seeded else "", self.home / name, self.simulator, self.server, dict(variables))
        client.home.mkdir()
        if seeded:
            record = first_record(name, client.client_id, len(list(self.home.iterdir())))
            ours = {"value": record["current"]["value"], "description": record["current"]["description"]}
            theirs = {"value": FOREIGN, "description": "portal"}
            scopes = [SCOPE, CONSUMER_SCOPE]
            self.simulator.admin.seed(
                clients=[
                    {
                        "name": name,
                        "client_id": client.client_id,
                        "allowed_scopes": scopes,
                        "secrets": [ours, theirs, *secrets],
                    }
                ]
            )
            secret_id = self.simulator.admin.check(client.client_id, ours["value"])["live"][0]
            record["current"]["secret_id"] = str(secret_id)
            client.keep(record)
        return client

    def ansible(self, name: str = "run") -> Ansible:
        """Ansible in a folder of its own, so that several can run at once."""
        folder = self.home / f".{name}"
        folder.mkdir(exist_ok=True)
        return Ansible(folder, self.simulator)

    def variables(self, **variables: Any) -> dict[str, Any]:
        """Variables of a run: forced, all clients in one batch, with a report."""
        return {
            "rotation_force": True,
            "rotation_batch": "100%",
            "rotation_max_fail_percentage": 100,
            "rotation_report": str(self.report),
            **variables,
        }

    def hosts(self, *clients: Client) -> dict[str, dict[str, Any]]:
        """The inventory: some clients, or all."""
        return {each.name: each.host() for each in clients or self.clients}

    def rotate(self, *clients: Client, arguments: Sequence[str] = (), **variables: Any) -> Run:
        """Run aritma.iam.rotate for some clients, or for all."""
        told, hosts = self.variables(**variables), self.hosts(*clients)
        return self.ansible().run("aritma.iam.rotate", "-f", "10", *arguments, variables=told, hosts=hosts)

    def reported(self) -> dict[str, dict[str, Any]]:
        """The entries of the report, by the name of the client."""
        return self.entries(self.report)

    def states(self) -> dict[str, str]:
        """What the report says of each client, in one word."""
        return {name: str(entry["state"]) for name, entry in self.reported().items()}

    @staticmethod
    def entries(report: Path) -> dict[str, dict[str, Any]]:
        """Those of any report; none where nothing was reported."""
        if not report.exists():
            return {}
        return {each["client_name"]: each for each in json.loads(report.read_text(encoding="utf-8"))["clients"]}

    def complaints(self, **how: Any) -> list[str]:
        """Those of all clients."""
        return [each for client in self.clients for each in client.complaints(**how)]

    @contextmanager
    def consumed(self) -> Iterator[Exchanges]:
        """Run the consumer of all clients; on leaving, not one exchange may have been refused."""
        config, log = self.home / ".consumer.json", self.home / ".consumer.jsonl"
        config.write_text(json.dumps([_target(each) for each in self.clients]), encoding="utf-8")
        command = [sys.executable, "-m", "torture.consumer", str(config), str(log)]
        environment = {**os.environ, "PYTHONPATH": f"{HERE.parent}{os.pathsep}{HERE.parent.parent}"}
        exchanges = Exchanges(log)
        with (self.home / ".consumer.out").open("wb") as output:
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            exchanges.wait(len(self.clients))
            yield exchanges
            exchanges.wait(exchanges.count() + 2 * len(self.clients))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)
        exchanges.check()


@dataclass(frozen=True)
class Exchanges:
    """What the consumer has seen."""

    log: Path

    def lines(self) -> list[dict[str, Any]]:
        """Every exchange so far."""
        if not self.log.exists():
            return []
        return [
            json.loads(line)
            for line in self.log.read_text(encoding="utf-8").splitlines(keepends=True)
            if line[-1] == "\n"
        ]

    def count(self) -> int:
        """How many exchanges so far."""
        return len(self.lines())

    def verdicts(self) -> Counter[str]:
        """How many exchanges ended how."""
        return Counter(each["verdict"] for each in self.lines())

    def wait(self, count: int, seconds: float = 300) -> None:
        """Wait for so many exchanges."""
        deadline = time.monotonic() + seconds
        while self.count() < count:
            assert time.monotonic() < deadline, "the consumer does not work"
            time.sleep(0.05)

    def check(self) -> None:
        """Fail when any exchange was refused, or was not made at all."""
        verdicts = self.verdicts()
        wrong = {name: number for name, number in verdicts.items() if name not in ("accepted", "absent", "raced")}
        assert wrong == {}, verdicts
        assert verdicts["accepted"] > 0, verdicts


def _target(client: Client) -> dict[str, Any]:
    path = client.store_path
    store = client.server.source(path) if client.server else {"path": path}
    # The tenant by its id: requests of the consumer are told apart by their path.
    token_url = client.simulator.token_url(TENANTS["acme"])
    return {
        "name": client.name,
        "client_id": client.client_id,
        "token_url": token_url,
        "scope": CONSUMER_SCOPE,
        "store": store,
    }


def ours(log: Sequence[Mapping[str, Any]], client: Client | None = None) -> list[Mapping[str, Any]]:
    """The logged requests of our own runs: those of the consumer and of the admin token left out."""
    return [
        each
        for each in log
        if each.get("operation")
        and not str(each["path"]).startswith(f"/{TENANTS['acme']}/")
        and not (str(each["operation"]).startswith("token") and each["client_id"] == "admin")
        and (client is None or each["client_id"] == client.client_id)
    ]
