# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An exhaustive model of a rotation: store, server, token endpoint, targets, and runs that are killed at any point.

``explore`` visits every state that a scenario can reach: all interleavings of its runs, with kills, lost answers, runs
that sleep past their lease, requests that land late, as far as the scenario's budget goes. In each state it checks
what must hold always, and that a few further runs, left alone, bring everything in order.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation import evidence, ids, plan, record, rounds
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Wish
from ansible_collections.aritma.iam.tests.unit.rotation.play import DAY, HOURS, NOW, Role, read
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    Budget,
    Machine,
    Operations,
    Place,
    Run,
    Scenario,
    State,
    World,
    established,
    live,
    replaced,
    target,
)


@dataclass
class Finding:
    """What a search found: ``violation`` in words, with the operations that lead there."""

    states: int = 0
    most: int = 0
    further: int = 0
    violation: str | None = None
    trace: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        words = self.violation or "holds"
        return "\n".join(
            [f"{words} ({self.states} states, most {self.most}, further runs {self.further})", *self.trace]
        )


class Search(Operations):
    """A breadth-first search through all states of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        super().__init__(scenario)
        targets = tuple(target(number, scenario) for number in range(scenario.targets))
        self.usual = Role(Wish("c1", "run", NOW, targets=targets))
        self.machines: dict[tuple[bool, int, int], Machine] = {}
        self.calm_machine = Machine(scenario.play, scenario.calm or self.usual)
        forced = replace(self.calm_machine.role.wish, force=True, hold=False, due=True)
        self.next_machine = Machine(scenario.play, self.calm_machine.role._replace(wish=forced))
        self.judged: dict[World, str | None] = {}
        self.converged: dict[World, str | None] = {}
        self.found = Finding()
        budget = scenario.budget
        self.hindered = bool(budget.losses or budget.skips or budget.ignored)

    # ---- runs

    def fresh(self, world: World, index: int) -> tuple[World, Run | None]:
        """A new run in a slot. Where ids are told by what is new, runs are told apart by name."""
        starts = world.starts + (self.scenario.shows != "exact")
        key = (world.grown, index, starts)
        machine = self.machines.get(key)
        if machine is None:
            roles = (self.scenario.grown if world.grown else self.scenario.roles) or (self.usual,)
            role = roles[min(index, len(roles) - 1)]
            named = replace(role.wish, me=f"run-{index}.{starts}")
            machine = self.machines[key] = Machine(self.scenario.play, role._replace(wish=named))
        unread = replaced(world.fresh, index, False)
        return world._replace(starts=starts, fresh=unread), machine.begin(machine.play.begun())

    def first(self) -> State:
        scenario = self.scenario
        world = scenario.world or established(self.usual.wish.targets)
        world = world._replace(budget=scenario.budget, fresh=(False,) * scenario.runs)
        runs: tuple[Run | None, ...] = ()
        for index in range(scenario.runs):
            world, run = self.fresh(world, index)
            runs += (run,)
        return State(world, runs)

    def ended(self, world: World, index: int) -> World:
        """The world when a run has ended: a lease that it still held is that of a dead run."""
        lease = (index, "dead") if world.lease and world.lease[0] == index else world.lease
        fresh = replaced(world.fresh, index, False) if world.fresh[index] else world.fresh
        return world._replace(lease=lease, fresh=fresh, zombies=world.zombies - {index})

    # ---- the search

    def explore(self) -> Finding:
        found, first = self.found, self.first()
        came: dict[State, tuple[State | None, str]] = {first: (None, "")}
        queue = deque([first])
        found.violation = self.fault(first)
        while queue and found.violation is None:
            state = queue.popleft()
            found.states += 1
            if found.states > self.scenario.states:
                found.violation = f"not finished: {len(queue)} states are waiting"
                return found
            for label, after, wrong in self.moves(state):
                if after in came and not wrong:
                    continue
                found.violation = wrong or self.fault(after)
                if found.violation:
                    found.trace = [*trace(came, state), label]
                    return found
                came[after] = (state, label)
                queue.append(after)
        return found

    def moves(self, state: State) -> Iterator[tuple[str, State, str | None]]:
        """Every next state, with what happens in words."""
        world, runs = state
        for index, run in enumerate(runs):
            if run is None:
                if world.budget.further:
                    left = world.budget._replace(further=world.budget.further - 1)
                    after, new = self.fresh(world._replace(budget=left), index)
                    yield f"run {index}: a further run starts", State(after, replaced(runs, index, new)), None
                continue
            for label, then, answer, wrong in self.answers(world, index, run.op):
                gone_on = self.onward(State(then, runs), index, run.after(answer))
                yield f"run {index}: {label}", gone_on, wrong or self.kept(then, index, gone_on)
            yield from self.stopped(state, index, run)
        yield from self.elsewhere(state)

    def onward(self, state: State, index: int, run: Run | None) -> State:
        """The state in which a run has got that far, and as far as nobody else can see a difference."""
        world = state.world
        while run is not None and self.at_once(run.op):
            _label, world, answer, _wrong = next(self.answers(world, index, run.op))
            run = run.after(answer)
        if run is None:
            world = self.ended(world, index)
        return State(world, replaced(state.runs, index, run))

    def kept(self, world: World, index: int, then: State) -> str | None:
        """Whether a run has ended and kept its lease, although nothing kept it from ending that."""
        held = then.runs[index] is None and world.lease == (index, "live")
        return "a run has ended, and not its lease" if held and not self.hindered else None

    def stopped(self, state: State, index: int, run: Run) -> Iterator[tuple[str, State, str | None]]:
        """A run is killed before an operation, or while the server still has its request; or it sleeps."""
        world, runs = state
        budget = world.budget
        if budget.skips and run.begins:
            left = world._replace(budget=budget._replace(skips=budget.skips - 1))
            yield f"run {index}: {run.name} is skipped", self.onward(State(left, runs), index, run.skipped()), None
        if budget.ignored:
            left = world._replace(budget=budget._replace(ignored=budget.ignored - 1))
            failed = self.onward(State(left, runs), index, run.skipped())
            yield f"run {index}: {run.name} fails, which is ignored", failed, None
        if budget.kills:
            before = self.ended(world._replace(budget=budget._replace(kills=budget.kills - 1)), index)
            after, new = self.fresh(before, index)
            then = replaced(runs, index, new)
            yield f"run {index} is killed before {run.op.kind}, another starts", State(after, then), None
            sent = run.op.kind == "delete" or (run.op.kind == "post" and not self.refrains(world, index))
            if self.scenario.late and sent:
                late = tuple(sorted((*world.late, (run.op.kind, *run.op.args))))
                under_way = f"run {index} is killed while its {run.op.kind} is under way, another starts"
                yield under_way, State(after._replace(late=late), then), None
        if budget.sleeps and world.lease == (index, "live"):
            slept = world._replace(
                budget=budget._replace(sleeps=budget.sleeps - 1),
                lease=(index, "over"),
                zombies=world.zombies | {index},
            )
            yield f"run {index} sleeps past its lease before {run.op.kind}", State(slept, runs), None

    def elsewhere(self, state: State) -> Iterator[tuple[str, State, str | None]]:
        """What happens at the server, and to the targets, whoever runs."""
        world, runs = state
        if self.scenario.slow:
            for number, secret in enumerate(world.secrets):
                for node in range(self.scenario.nodes):
                    if not secret.warm & 1 << node:
                        warmed = replaced(world.secrets, number, secret._replace(warm=secret.warm | 1 << node))
                        label = f"{secret.secret_id} is accepted from now on (node {node})"
                        yield label, State(world._replace(secrets=warmed), runs), None
        for value in world.ghosts:
            heard = world._replace(ghosts=world.ghosts - {value})
            yield f"the deletion of {value} is known everywhere", State(heard, runs), None
        for request in world.late:
            after, wrong = self.landed(world, request)
            yield f"a late {' '.join(request)} lands", State(after, runs), wrong
        for label, after in self.surroundings(world):
            yield label, State(after, runs), None
        # A step takes the time when it begins. That it takes hours is not looked at.
        if not any(run and run.answers for run in runs):
            for label, after in self.later(world):
                yield label, State(after, runs), None

    def landed(self, world: World, request: tuple[str, ...]) -> tuple[World, str | None]:
        kind, *args = request
        rest = list(world.late)
        rest.remove(request)
        world = world._replace(late=tuple(rest))
        return (self.posted(world, *args)[0], None) if kind == "post" else self.deleted(world, *args)

    def surroundings(self, world: World) -> Iterator[tuple[str, World]]:
        """Others, and time."""
        budget = world.budget
        if budget.growths:
            grown = world._replace(grown=True, budget=budget._replace(growths=budget.growths - 1))
            yield "the configuration grows", grown
        record = read(world.text)
        previous = record and record.previous
        if budget.drifts and previous and not previous.doomed and (world.lease is None or world.lease[1] == "dead"):
            left = budget._replace(drifts=budget.drifts - 1)
            for number, place in enumerate(world.places):
                back = place._replace(value=previous.value, used=previous.value)
                yield (
                    f"t{number} is restored from a backup, with {previous.value}",
                    world._replace(places=replaced(world.places, number, back), budget=left),
                )
        if not self.scenario.reload and not self.scenario.probe:
            for number, place in enumerate(world.places):
                if place.used != place.value:
                    picked = place._replace(used=place.value)
                    yield f"t{number} reads its file", world._replace(places=replaced(world.places, number, picked))
        yield from self.strangers(world)

    def later(self, world: World) -> Iterator[tuple[str, World]]:
        """Time goes by, where nobody holds the lease for so long."""
        budget = world.budget
        if world.late or (world.lease and world.lease[1] == "live"):
            return
        # Requests have landed by then.
        if budget.hours:
            left = budget._replace(hours=budget.hours - 1)
            yield "hours go by", self.settled(world)._replace(clock=world.clock + HOURS, budget=left)
        # No run sleeps longer than is feared.
        if budget.days and not world.zombies:
            yield "a day goes by", self.next_day(world._replace(budget=budget._replace(days=budget.days - 1)))

    def strangers(self, world: World) -> Iterator[tuple[str, World]]:
        """Somebody else adds or deletes a secret of theirs."""
        budget = world.budget
        if budget.added:
            world_with, number = self.posted(world, f"value-x{budget.added}", "")
            *rest, made = world_with.secrets
            theirs = made._replace(description=f"made by hand, {budget.added}", ours=False, warm=self.full)
            left = budget._replace(added=budget.added - 1)
            yield f"somebody adds secret {number}", world_with._replace(secrets=(*rest, theirs), budget=left)
        if budget.removed:
            left = budget._replace(removed=budget.removed - 1)
            for each in world.secrets:
                if not each.ours:
                    rest = [other for other in world.secrets if other is not each]
                    gone = self.changed(world, tuple(rest))._replace(budget=left)
                    yield f"somebody deletes secret {each.secret_id} of theirs", gone

    def next_day(self, world: World) -> World:
        """By then everything is known everywhere, and who reads a file by himself has done so."""
        places = world.places
        if not self.scenario.reload and not self.scenario.probe:
            places = tuple(each._replace(used=each.value) for each in places)
        return self.settled(world)._replace(clock=world.clock + DAY, places=places)

    def settled(self, world: World) -> World:
        """The world when LIST shows the truth, and the token endpoint knows it."""
        secrets = tuple(
            each if each.warm & self.full == self.full else each._replace(warm=self.full) for each in world.secrets
        )
        return world._replace(secrets=secrets, past=(), ghosts=frozenset())

    # ---- what must hold

    def fault(self, state: State) -> str | None:
        """What must hold in every state, in words where it does not."""
        world = state.world
        if world not in self.judged:
            self.judged[world] = self.wrong(world)
        return self.judged[world]

    def wrong(self, world: World) -> str | None:
        record = read(world.text)
        current = record.current if record else None
        if self.scenario.current_checked and current and not live(world.secrets, current.value, self.full):
            return f"the store's current value {current.value} is not accepted"
        if self.scenario.delivery_checked:
            for number, place in enumerate(world.places):
                for value in {place.value, place.used} - {None} - world.leaked:
                    if not live(world.secrets, value, self.full):
                        return f"t{number} holds or uses {value}, which is not accepted"
        managed = len({each.value for each in world.secrets if each.ours})
        self.found.most = max(self.found.most, managed)
        if managed > self.scenario.most:
            return f"{managed} managed values live at once"
        return self.leak_fault(world) or (self.unconverged(world) if self.scenario.converges else None)

    def leak_fault(self, world: World) -> str | None:
        record = read(world.text)
        current = record.current if record else None
        again = world.leaked if record and record.generation > world.leaked_at else world.sealed
        if current and current.value in again:
            return f"{current.value} was leaked, and is current again"
        alive = world.sealed & {each.value for each in world.secrets}
        return f"{min(alive)} was leaked, the leak is closed, and it is accepted" if alive else None

    def unconverged(self, world: World) -> str | None:
        """All runs are killed here, and a few more are made: what is not in order after them."""
        calm = world._replace(budget=Budget(), zombies=frozenset(), fresh=(False,), starts=0, grown=True)
        if calm.lease:
            calm = calm._replace(lease=(-1, "dead"))
        wrong = None
        while calm.late and not wrong:
            calm, wrong = self.landed(calm, calm.late[0])
        calm = self.settled(calm)
        if calm not in self.converged:
            self.converged[calm] = wrong or self.left_alone(calm)
        return self.converged[calm]

    def left_alone(self, world: World) -> str | None:
        wrong: str | None = None
        for number in range(self.scenario.further_runs):
            world, wrong = self.run_alone(world, self.calm_machine)
            if wrong:
                return f"in a further run: {wrong}"
            wrong = self.disorder(world)
            if wrong is None:
                self.found.further = max(self.found.further, number + 1)
                break
            world = self.next_day(world)
        if wrong:
            return f"after {self.scenario.further_runs} further runs: {wrong}"
        for machine in (self.next_machine, self.calm_machine):
            world, wrong = self.run_alone(self.next_day(world), machine)
            if wrong:
                return f"in the next rotation: {wrong}"
        managed = [each.secret_id for each in world.secrets if each.ours]
        return None if len(managed) == 1 else f"after the next rotation: {len(managed)} managed secrets"

    def run_alone(self, world: World, machine: Machine) -> tuple[World, str | None]:
        run = machine.begin(machine.play.begun())
        while run is not None:
            _label, world, answer, wrong = next(self.answers(world, 0, run.op))
            if wrong:
                return world, wrong
            world, run = self.settled(world), run.after(answer)
        return self.ended(world, 0), None

    def disorder(self, world: World) -> str | None:
        record = read(world.text)
        if record is None or record.current is None:
            return "nothing is stored"
        if record.pending or record.previous or record.leak:
            return "a pending, previous or leaked secret is left"
        managed = {each.value for each in world.secrets if each.ours}
        if managed != {record.current.value}:
            return f"{sorted(managed)} are managed, {record.current.value} is stored"
        if world.lease and world.lease[1] == "live":
            return "a lease is left"
        wanted = Place(record.current.value, used=record.current.value)
        wrong = [place for place in world.places if place._replace(generation=0, lineage=None) != wanted]
        return f"{len(wrong)} targets do not work with the stored value" if wrong else None


def trace(came: dict[State, tuple[State | None, str]], state: State | None) -> list[str]:
    """The operations that lead to a state."""
    labels: list[str] = []
    while state is not None:
        before, label = came[state]
        labels.append(label)
        state = before
    return [each for each in reversed(labels) if each]


@contextmanager
def remembering() -> Iterator[None]:
    """Let the functions that only look at ids and descriptions remember their answers: the same is asked many times."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("carries", "lineage_of", "shared", "tag_in"):
            shipped = getattr(ids, name)
            quick = cache(shipped)
            for module in (evidence, ids, plan, record, rounds):
                if getattr(module, name, None) is shipped:
                    patch.setattr(module, name, quick)
        yield


def explore(scenario: Scenario) -> Finding:
    """Visit every state of a scenario, or stop at the first that is wrong."""
    with remembering():
        return Search(scenario).explore()
