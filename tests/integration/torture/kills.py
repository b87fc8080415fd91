# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are killed at chosen points: while a request or a write of the store is in flight, or between two tasks.

One run holds many clients, each at a point of its own, and the kill hits them all.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ansible_run import Run
from torture.processes import kill_all, send
from torture.world import HERE, Client, World, ours

from doubles.proxy import Rule

OURS = "^/(acme|core)/"
"""Paths that our runs use; the consumer uses others."""
_CHANGING = ("createClientSecret", "deleteClientSecret")
_TURNS = ("Guard |", "Reload | Run the command", "Probe | Run the command")
"""Tasks before which a credential is at two places at once, or not yet used."""


@dataclass(frozen=True)
class Point:
    """``kind`` is task (before the ``number``-th begins), call or store (while the ``number``-th is in flight).

    ``phase`` says whether the server has committed what is in flight. With ``operation`` only such calls count, or
    tasks whose name has it.
    """

    kind: str
    number: int = 1
    phase: str = "before"
    operation: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.kind, str(self.number), self.phase, self.operation)))


@dataclass(frozen=True)
class Course:
    """What an undisturbed run of one client consists of."""

    tasks: list[str]
    calls: list[str]
    writes: int

    def points(self) -> list[Point]:
        """Every point at which a run can be killed."""
        tasks = [Point("task", number + 1) for number in range(len(self.tasks))]
        flying = {"call": len(self.calls), "store": self.writes}
        phases = ("before", "after")
        return tasks + [
            Point(kind, n + 1, phase) for kind, count in flying.items() for n in range(count) for phase in phases
        ]

    def sample(self, count: int, seed: int) -> list[Point]:
        """Some of the points, the same ones for a seed: first those while POST and DELETE are in flight, or before
        a credential is used or retired."""
        changing = [number + 1 for number, name in enumerate(self.calls) if name in _CHANGING]
        turns = [number + 1 for number, name in enumerate(self.tasks) if any(each in name for each in _TURNS)]
        wanted = {"call": changing, "task": turns}
        points = self.points()
        random.Random(seed).shuffle(points)
        return sorted(points, key=lambda each: each.number not in wanted.get(each.kind, []))[:count]


class Holding:
    """A run whose hosts stop at their points."""

    def __init__(
        self, world: World, playbook: str, clients: Sequence[Client], points: Mapping[str, Point], **variables: Any
    ) -> None:
        self.world, self.playbook, self.clients, self.points = world, playbook, clients, points
        self._variables = world.variables(**variables)
        self._folder = world.home / ".run"
        self._holds = self._folder / "holds.json"

    def start(self) -> subprocess.Popen[str]:
        """Start it, with everything in place that stops it."""
        self._place_rules()
        ansible = self.world.ansible()
        self._holds.with_suffix(".log").unlink(missing_ok=True)
        self._holds.with_suffix(".go").unlink(missing_ok=True)
        at = {name: (point.number, point.operation) for name, point in self.points.items() if point.kind == "task"}
        self._holds.write_text(json.dumps(at), encoding="utf-8")
        return ansible.start(
            self.playbook,
            "-f",
            str(len(self.clients) + 1),
            variables=self._variables,
            hosts=self.world.hosts(*self.clients),
            ANSIBLE_STRATEGY="held",
            ANSIBLE_STRATEGY_PLUGINS=str(HERE / "strategy"),
            ANSIBLE_DEPRECATION_WARNINGS="0",
            HOLD_FILE=str(self._holds),
            # Nobody gives up what is held before the last one has arrived.
            ARITMA_REQUEST_TIMEOUT="200",
        )

    def _place_rules(self) -> None:
        by_name = {each.name: each for each in self.clients}
        for name, point in self.points.items():
            client = by_name[name]
            if point.kind == "call":
                match = {"path_regex": OURS}
                # A client that is still to be made has no id: any of them may be the one that is held.
                match |= {"client_id": client.client_id} if client.client_id else {}
                match |= {"operation": point.operation} if point.operation else {}
                rule = {"match": match, "action": "pause", "phase": point.phase, "name": name}
                self.world.simulator.admin.add_faults({**rule, "after_skip": point.number - 1, "times": 1})
            if point.kind == "store" and client.server:
                client.server.proxy.rules.append(Rule(client.store_path, "pause", point.phase, point.number - 1))

    def tasks(self) -> list[dict[str, Any]]:
        """The tasks that were begun or held."""
        log = self._holds.with_suffix(".log")
        whole = log.read_text(encoding="utf-8").rpartition("\n")[0] if log.exists() else ""
        return [json.loads(line) for line in whole.splitlines()]  # without a line that is only written in part

    def arrived(self) -> int:
        """How many clients stand at their points."""
        between = sum(1 for each in self.tasks() if each["held"])
        writing = sum(rule.held.is_set() for rule in self.world.server.proxy.rules) if self.world.server else 0
        return between + writing + len(self.world.simulator.admin.paused())

    def wait(self, process: subprocess.Popen[str]) -> None:
        """Wait until all stand at their points."""
        deadline = time.monotonic() + 300 + 10 * len(self.points)
        while self.arrived() < len(self.points):
            if process.poll() is not None or time.monotonic() > deadline:
                kill_all(process.pid)
                which = ", ".join(f"{name[-3:]}: {point}" for name, point in self.points.items())
                raise AssertionError(f"{self.arrived()} arrived of {which}:\n{process.communicate()[0]}")
            time.sleep(0.1)

    def kill(self) -> None:
        """Run until all stand at their points, then kill everything. What had not been committed never is."""
        process = self.start()
        self.wait(process)
        kill_all(process.pid)
        process.communicate()
        self.release(drop=True)

    @contextmanager
    def standing(self) -> Iterator[Run]:
        """Look around while all stand at their points; then let them go on. The run is complete after that."""
        process = self.start()
        self.wait(process)
        run = Run(0, "", [])
        try:
            yield run
        finally:
            self.release(drop=False)
            self._complete(run, process)

    @contextmanager
    def sleeping(self) -> Iterator[Run]:
        """Stop the whole run while all stand at their points; wake it at the end. The run is complete after that."""
        process = self.start()
        self.wait(process)
        send(process.pid, signal.SIGSTOP)
        run = Run(0, "", [])
        try:
            yield run
        finally:
            self._holds.with_suffix(".go").touch()
            send(process.pid, signal.SIGCONT)
            self.release(drop=False)
            self._complete(run, process)

    def _complete(self, run: Run, process: subprocess.Popen[str]) -> None:
        done = self.world.ansible().finish(process)
        object.__setattr__(run, "code", done.code)
        object.__setattr__(run, "output", done.output)
        run.events.extend(done.events)

    def release(self, *, drop: bool) -> None:
        """Let go what is in flight, or cut it off: it is never committed then."""
        self.world.simulator.admin.resume(drop=drop)
        self.world.simulator.admin.clear_faults()
        if self.world.server:
            self.world.server.proxy.release(drop=drop)


def course(world: World, playbook: str, client: Client, **variables: Any) -> Course:
    """Run one client to its end, undisturbed."""
    mark = world.simulator.admin.log()[-1:] or [{"seq": 0}]
    writes = len(world.server.proxy.writes) if world.server else 0
    holding = Holding(world, playbook, [client], {}, **variables)
    process = holding.start()
    output, _unused = process.communicate(timeout=300)
    assert process.returncode == 0, output
    log = ours(world.simulator.admin.log(mark[0]["seq"]))
    done = len(world.server.proxy.writes) - writes if world.server else 0
    tasks = [each["task"] for each in holding.tasks()]
    # The summary is a play of its own: it begins only when no client is held in the first.
    of_role = [name for name in tasks if "Summary" not in name]
    return Course(of_role, [str(each["operation"]) for each in log], done)
