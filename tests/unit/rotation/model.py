# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exhaustive model of a rotation: store, server, token endpoint, consumer, and runs that are killed at any point.

``explore`` visits every state that a scenario can reach: all interleavings of its runs, with kills, lost answers,
failing probes and slow propagation, as far as the scenario's budget goes. In each state it checks what must hold
always, and that one further run, left alone, brings everything in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from ansible_collections.aritma.iam.tests.unit.rotation.role import Op, Phase, read
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    Machine,
    Operations,
    Run,
    Scenario,
    State,
    Turn,
    World,
    live,
    post,
    replaced,
    settled,
)


@dataclass
class Finding:
    """What a search found: ``violation`` in words, with the operations that lead there."""

    states: int = 0
    most: int = 0
    violation: str | None = None
    trace: list[str] = field(default_factory=list)


class Search(Operations):
    """A breadth-first search through all states of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        self.machine = Machine(scenario.role)
        self.second = self.machine if scenario.second is None else Machine(scenario.second)
        self.converged: dict[World, str | None] = {}

    def fresh(self, index: int, name: str) -> Run | None:
        return (self.second if index else self.machine).at(Phase("start", (name,)))

    def explore(self) -> Finding:
        limits = self.scenario
        world = limits.world._replace(kills=limits.kills, losses=limits.losses, probe_failures=limits.probe_failures)
        names = tuple(f"run-{index}" for index in range(limits.runs))
        runs = tuple(self.fresh(index, name) for index, name in enumerate(names))
        if limits.begins:
            runs = (self.machine.at(limits.begins), *runs[1:])
        first = State(world, runs, names)
        came: dict[State, tuple[State | None, str]] = {first: (None, "")}
        queue, found = deque([first]), Finding()
        while queue:
            state = queue.popleft()
            found.states += 1
            found.most = max(found.most, sum(each.ours for each in state.world.secrets))
            found.violation = self.fault(state)
            if found.violation is None:
                for label, after, broken in self.moves(state):
                    if broken:
                        found.violation, found.trace = broken, [*trace(came, state), label]
                        return found
                    if after not in came:
                        came[after] = (state, label)
                        queue.append(after)
                continue
            found.trace = trace(came, state)
            return found
        return found

    def fault(self, state: State) -> str | None:
        """What must hold in every state, in words where it does not."""
        world = state.world
        record = read(world.text)
        if self.scenario.current_checked and record and record.current and not live(world, record.current.value):
            return "the store's current value is not accepted"
        if self.scenario.delivery_checked and world.delivered and not live(world, world.delivered):
            return "the delivered value is not accepted"
        managed = sum(each.ours for each in world.secrets)
        rolling_back = record is not None and record.pending is not None and record.pending.restores is not None
        if managed > self.scenario.most + rolling_back:
            return f"{managed} managed secrets live at once"
        return self.unconverged(world) if self.scenario.converges else None

    def unconverged(self, world: World) -> str | None:
        """All runs are killed here, and one more (``further_runs``) is made: what is not in order after it."""
        calm = world._replace(kills=0, losses=0, probe_failures=0, late=())
        for value, description in world.late:
            calm = post(calm, value, description, True)
        calm = settled(calm)
        if calm not in self.converged:
            after, broken = calm, None
            for _unused in range(self.scenario.further_runs):
                after, broken = (after, broken) if broken else self.run_alone(after)
            self.converged[calm] = broken or self.disorder(after)
        return self.converged[calm]

    def run_alone(self, world: World) -> tuple[World, str | None]:
        run = self.machine.at(Phase("start", ("alone",)))
        while run is not None:
            _label, world, answer, broken = next(self.answers(Turn(world, (run,), ("alone",), 0), run.op))
            if broken:
                return world, broken
            world, run = settled(world), run.after(answer)
        return world, None

    def disorder(self, world: World) -> str | None:
        record = read(world.text)
        managed = [each for each in world.secrets if each.ours]
        if record is None or record.current is None:
            return "after a further run: nothing is stored"
        if record.pending or record.previous:
            return "after a further run: a pending or previous secret is left"
        if [each.value for each in managed] != [record.current.value]:
            return f"after a further run: {len(managed)} managed secrets, or not the stored one"
        if record.lease:
            return "after a further run: a lease is left"
        if world.delivered != record.current.value:
            return "after a further run: the stored value is not delivered"
        return None

    def moves(self, state: State) -> Iterator[tuple[str, State, str | None]]:
        """Every next state, with what happens in words."""
        world, runs, names = state
        for index, run in enumerate(runs):
            if run is None:
                continue
            for label, after, answer, broken in self.answers(Turn(world, runs, names, index), run.op):
                yield f"{names[index]}: {label}", State(after, replaced(runs, index, run.after(answer)), names), broken
            if world.kills:
                yield from self.killed(state, index, run.op)
        for secret in world.secrets:
            if not secret.warm:
                warmed = tuple(each._replace(warm=each.warm or each == secret) for each in world.secrets)
                yield (
                    f"{secret.secret_id} is accepted from now on",
                    State(world._replace(secrets=warmed), runs, names),
                    None,
                )
        if world.stale is not None:
            yield "LIST shows the truth", State(world._replace(stale=None), runs, names), None
        for value, description in world.late:
            landed = post(world, value, description, self.scenario.slow_tokens)
            rest = tuple(each for each in world.late if each != (value, description))
            yield "a late POST lands", State(landed._replace(late=rest), runs, names), None

    def killed(self, state: State, index: int, op: Op) -> Iterator[tuple[str, State, str | None]]:
        """A run dies before an operation or, where the request is under way, while the server still has it."""
        world = state.world._replace(kills=state.world.kills - 1)
        dead, name = state.names[index], f"run-{index}.{state.world.kills}"
        runs, names = replaced(state.runs, index, self.fresh(index, name)), replaced(state.names, index, name)
        yield f"{dead} is killed before {op.kind}; {name} starts", State(world, runs, names), None
        if op.kind == "post" and self.scenario.late_posts:
            late = world._replace(late=(*world.late, (op.args[0], op.args[1])))
            yield f"{dead} is killed while its POST is under way; {name} starts", State(late, runs, names), None


def trace(came: dict[State, tuple[State | None, str]], state: State | None) -> list[str]:
    """The operations that lead to a state."""
    labels: list[str] = []
    while state is not None:
        before, label = came[state]
        labels.append(label)
        state = before
    return [each for each in reversed(labels) if each]


def explore(scenario: Scenario) -> Finding:
    """Visit every state of a scenario, or stop at the first that is wrong."""
    return Search(scenario).explore()
