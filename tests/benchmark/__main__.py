# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python -m benchmark`` compares the collection with a hand-written uri playbook and with an empty play.

For each size it runs all of them, with 10 forks and a new simulator each, in alternating order. The empty play has as
many action tasks as the collection runs for a client, and they do nothing: it measures the cost of Ansible itself. CPU
seconds are those of ansible-playbook and its children, without the simulator.

Then it runs ``benchmark.writers``: many clients are delivered to one path of OpenBao at the same time.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from benchmark import writers
from simulator.process import Simulator, running

HERE = Path(__file__).resolve().parent
FORKS = 10
RECORDER = HERE.parent / "integration" / "callback_plugins"
NOTHING = {"ansible.builtin.assert": {"that": True, "quiet": True}}
"""An action task that does nothing. It runs in a worker like any other."""


@dataclass(frozen=True)
class Cost:
    """The cost of one run: seconds of wall clock and CPU, requests, and the peak memory of a process in MiB."""

    wall: float
    cpu: float
    requests: int
    peak: float


def action_tasks() -> int:
    """The number of action tasks that our playbook runs for a client, without skipped tasks and includes."""
    with tempfile.TemporaryDirectory(prefix="aritma-iam-bench-") as name, running() as simulator:
        home = Path(name)
        recorder = {"ANSIBLE_CALLBACK_PLUGINS": str(RECORDER), "ANSIBLE_CALLBACKS_ENABLED": "recorder"}
        _play(home, simulator, HERE / "aritma.yml", 1, RECORDER_FILE=str(home / "events"), **recorder)
        events = [json.loads(line) for line in (home / "events").read_text(encoding="utf-8").splitlines()]
    return sum(each["event"] == "ok" and "include" not in each["action"] for each in events)


def empty_play(tasks: int) -> list[dict[str, Any]]:
    """A play with this many tasks that do nothing."""
    named = [{"name": f"Nothing {number}", **NOTHING} for number in range(tasks)]
    return [{"name": "Nothing", "hosts": "service_clients", "gather_facts": False, "tasks": named}]


def measure(playbook: Path, clients: int) -> Cost:
    """Run one playbook for this many clients against its own simulator."""
    with tempfile.TemporaryDirectory(prefix="aritma-iam-bench-") as name, running() as simulator:
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        _play(Path(name), simulator, playbook, clients)
        wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        requests = [each for each in simulator.admin.log() if each.get("operation")]
        return Cost(wall, cpu, len(requests), after.ru_maxrss / 1024)


def _play(home: Path, simulator: Simulator, playbook: Path, clients: int, **environment: str) -> None:
    (home / "inventory.yml").write_text(yaml.safe_dump(_inventory(home, clients)), encoding="utf-8")
    ansible = Path(sys.executable).with_name("ansible-playbook")
    command = [str(ansible), "-i", str(home / "inventory.yml"), "-f", str(FORKS), str(playbook)]
    known = {**_environment(home, simulator), **environment}
    with (home / "output").open("w") as output:
        finished = subprocess.run(command, env=known, stdout=output, stderr=output, check=False)
    if finished.returncode:
        sys.exit((home / "output").read_text(encoding="utf-8"))


def _inventory(home: Path, clients: int) -> dict[str, Any]:
    hosts = {f"bench-{number:03}": _client(home, f"bench-{number:03}") for number in range(clients)}
    return {"service_clients": {"hosts": hosts}}


def _client(home: Path, name: str) -> dict[str, Any]:
    return {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "credential_path": str(home / f"{name}.env"),
        "service_client_name": name,
        "service_client_description": "benchmark",
        "service_client_allowed_scopes": ["services.banking"],
        "service_client_policies": [{"action": "banking.ais.read", "scope": f"/subscriptions/{name}"}],
        "service_client_store": {"type": "file", "path": str(home / "store" / f"{name}.json")},
        # The uri playbook also deletes the old secret at once.
        "service_client_rotation_grace": "0s",
        "service_client_deliveries": [{"type": "file", "path": str(home / f"{name}.env"), "format": "env"}],
    }


def _environment(home: Path, simulator: Simulator) -> Mapping[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "ARITMA_"))},
        "HOME": str(home),
        "ARITMA_IAM_URL": simulator.api_url,
        "ARITMA_IDENTITY_URL": simulator.identity_url,
        "ARITMA_TENANT": simulator.tenant,
        "ARITMA_CLIENT_ID": simulator.admin_client_id,
        "ARITMA_CLIENT_SECRET": simulator.admin_client_secret,
        "ARITMA_TOKEN_CACHE_DIR": str(home / "tokens"),
    }


def main() -> None:
    """Print one line for each size and playbook, and the ratios."""
    parser = argparse.ArgumentParser(prog="benchmark", description=__doc__)
    parser.add_argument("--clients", type=int, nargs="*", default=[1, 10, 50])
    parser.add_argument("--only-ours", action="store_true", help="do not run the uri playbook; useful for many clients")
    parser.add_argument("--writers", type=int, nargs="*", default=[10, 50, 200], help="no number: skip this table")
    options = parser.parse_args()
    print(
        f"{'clients':>7} {'way':>10} {'wall s/client':>14} {'CPU s/client':>13} {'requests/client':>16} {'peak MiB':>9}"
    )
    tasks = action_tasks()
    with tempfile.TemporaryDirectory(prefix="aritma-iam-bench-") as folder:
        empty = Path(folder) / "empty.yml"
        empty.write_text(yaml.safe_dump(empty_play(tasks)), encoding="utf-8")
        ways = {"aritma": HERE / "aritma.yml", "uri": HERE / "uri.yml", "empty": empty}
        if options.only_ours:
            del ways["uri"]
        for number, clients in enumerate(options.clients):
            _compare(dict(list(ways.items())[:: -1 if number % 2 else 1]), clients)
    print(f"The empty play has {tasks} action tasks, as many as the collection ran for a client.")
    writers.report(options.writers)


def _compare(ways: Mapping[str, Path], clients: int) -> None:
    """Print the rows of one size, and the ratio of the collection to each other playbook."""
    costs = {way: measure(playbook, clients) for way, playbook in ways.items()}
    for way, cost in costs.items():
        print(
            f"{clients:>7} {way:>10} {cost.wall / clients:>14.3f} {cost.cpu / clients:>13.3f}"
            f" {cost.requests / clients:>16.1f} {cost.peak:>9.0f}"
        )
    ours = costs.pop("aritma")
    for way, cost in costs.items():
        print(f"{clients:>7} {f'to {way}':>10} {ours.wall / cost.wall:>14.3f} {ours.cpu / cost.cpu:>13.3f}")


if __name__ == "__main__":
    main()
