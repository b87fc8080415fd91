# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the model: store, server, token endpoint and targets, and every way in which an operation can go."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, TypeVar

from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import Target
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, description_for, lineage_of
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Delivered, Record
from ansible_collections.aritma.iam.tests.unit.rotation.play import (
    AWAY,
    CLIENT,
    FAIL,
    LINEAGE,
    LONG_AGO,
    LOST,
    REFUSED,
    Facts,
    HeldKey,
    Op,
    Play,
    Point,
    Role,
    read,
    rotation_id,
    text_of,
)

T = TypeVar("T")
OLD = "value-00"
"""The value in use before the first run."""


class Secret(NamedTuple):
    """One secret at the server. ``warm`` are the nodes of the token endpoint that know it by now, as bits."""

    secret_id: str
    description: str
    value: str
    ours: bool = True
    warm: int = 3
    kind: str | None = None


Secrets = tuple[Secret, ...]


class Place(NamedTuple):
    """One target: the value that was delivered, its generation and lineage, and the value that its consumer uses."""

    value: str | None = None
    generation: int = 0
    used: str | None = None
    lineage: str | None = None


class Budget(NamedTuple):
    """How often something may still go wrong."""

    kills: int = 0
    losses: int = 0
    sleeps: int = 0
    probe_failures: int = 0
    reload_failures: int = 0
    delivery_failures: int = 0
    further: int = 0
    drifts: int = 0
    growths: int = 0
    hours: int = 0
    days: int = 0
    added: int = 0
    removed: int = 0
    skips: int = 0
    ignored: int = 0
    refusals: int = 0


class World(NamedTuple):
    """Everything but the runs.

    ``fresh``: by run, whether nobody has written the record since it read it. ``lease``: who holds it, and whether that
    run is ``live``, past its end (``over``), or ``dead``. ``zombies`` are runs that slept past their lease. ``past`` is
    what LIST may still show, ``ghosts`` are deleted values that a node may still accept, ``late`` are requests of
    runs that were killed. ``leaked`` are the values known when a leak was reported, in generation
    ``leaked_at``; ``sealed`` are those of closed leaks.
    """

    text: str
    secrets: Secrets
    places: tuple[Place, ...] = ()
    budget: Budget = Budget()
    fresh: tuple[bool, ...] = ()
    lease: tuple[int, str] | None = None
    zombies: frozenset[int] = frozenset()
    next_id: int = 1
    minted: int = 0
    clock: int = 0
    starts: int = 0
    grown: bool = False
    past: tuple[Secrets, ...] = ()
    ghosts: frozenset[str] = frozenset()
    late: tuple[tuple[str, ...], ...] = ()
    leaked: frozenset[str] = frozenset()
    leaked_at: int = 0
    sealed: frozenset[str] = frozenset()


class State(NamedTuple):
    """The world and its runs; a run that has ended is None."""

    world: World
    runs: tuple[Run | None, ...]


Answers = Iterator[tuple[str, World, Any, str | None]]
"""Ways in which an operation goes: in words, the world after it, what the run is told, and what is wrong about it."""


class Run:
    """A run at one operation. Equal points are one object: see ``Machine.at``."""

    __slots__ = ("answers", "facts", "machine", "next", "op", "point")

    def __init__(self, machine: Machine, point: Point, facts: Facts, answers: tuple[Any, ...], op: Op) -> None:
        self.machine, self.point, self.facts, self.answers, self.op = machine, point, facts, answers, op
        self.next: dict[Any, Run | None] = {}

    def after(self, answer: Any) -> Run | None:
        """The point that the run is at after this answer to its operation."""
        try:
            return self.next[answer]
        except KeyError:
            machine = self.machine
            if answer == FAIL:
                run = machine.begin(machine.play.after_failure(self.point, self.facts))
            else:
                run = machine.at(self.point, self.facts, (*self.answers, answer))
            self.next[answer] = run
            return run

    def skipped(self) -> Run | None:
        """The point after this task, which did nothing, or failed without any consequence."""
        return self.machine.begin(self.machine.play.after(self.point, self.facts))

    @property
    def begins(self) -> bool:
        """Whether the task has done nothing yet; a look at the lease goes with the delivery after it."""
        return not self.answers or (len(self.answers) == 1 and self.op.kind == "deliver")

    @property
    def name(self) -> str:
        """Of the task."""
        return self.machine.play.task(self.point).name


class Machine:
    """The points of all runs of one role."""

    def __init__(self, play: Play, role: Role) -> None:
        self.play, self.role = play, role
        self.runs: dict[tuple[Point, Facts, tuple[Any, ...]], Run] = {}

    def begin(self, where: tuple[Point, Facts] | None) -> Run | None:
        return where and self.at(*where)

    def at(self, point: Point, facts: Facts, answers: tuple[Any, ...] = ()) -> Run | None:
        """The point after ``answers`` in a task, or None at the end of the run. A task that has ended is forgotten."""
        while True:
            key = (point, facts, answers)
            run = self.runs.get(key)
            if run is not None:
                return run
            doing = self.play.do(self.role, point, facts, _clock(answers))
            try:
                op = next(doing)
                for answer in answers:
                    op = doing.send(answer)
            except StopIteration as end:
                after = self.play.after(point, end.value)
            except self.play.failure as error:
                after = self.play.after_failure(point, getattr(error, "facts", facts))
            else:
                run = self.runs[key] = Run(self, point, facts, answers, op)
                return run
            if after is None:
                return None
            (point, facts), answers = after, ()


def _clock(answers: tuple[Any, ...]) -> int:
    """When a task began: what is told by its first answer. Those of LIST and of the store tell the time."""
    first = answers[0] if answers else None
    return int(first[0]) if isinstance(first, tuple) and isinstance(first[0], int) else 0


@dataclass(frozen=True)
class Scenario:
    """What may happen, and how often."""

    play: Play = field(default_factory=Play)
    roles: tuple[Role, ...] = ()
    """What each run is asked; the last holds for all that follow."""
    grown: tuple[Role, ...] = ()
    """The same once the configuration has grown."""
    calm: Role | None = None
    """What the further runs are asked; the first role when it is not given."""
    world: World | None = None
    runs: int = 1
    targets: int = 1
    reload: bool = True
    probe: bool = True
    budget: Budget = field(default_factory=Budget)
    nodes: int = 1
    fence: str = "generation"
    """How a target refuses what is late: ``generation``, ``deadline`` (by its clock), or ``look`` (not at all)."""
    post_fenced: bool = True
    """Whether ``client_secret`` looks at the end of the lease before it sends a POST."""
    slow: bool = False
    late: bool = False
    """Requests of killed runs may land later."""
    lags: int = 0
    """How many writes LIST may be behind."""
    rows_late: bool = False
    """LIST may lack a row that is not accepted yet."""
    ghosts: bool = False
    """Deletions become known late at the token endpoint."""
    shows: str = "exact"
    """Descriptions in LIST: ``exact``, ``hidden``, ``altered``."""
    ids: str = "serial"
    """Ids of secrets: ``serial``, ``reused``, ``positions``."""
    dead_unknown: bool = False
    """A run that was killed is not known to be dead: its lease runs out."""
    most: int = 2
    """How many managed values may live at once."""
    further_runs: int = 3
    converges: bool = True
    current_checked: bool = True
    delivery_checked: bool = True
    hold: bool = False
    """Whether nothing may be deleted at all."""
    states: int = 2_000_000
    """How many states may be visited at most."""


def target(number: int, scenario: Scenario) -> Target:
    """The n-th target as the role has it."""
    name = f"t{number}"
    proofs = [f"{kind} {name}" for kind in ("reload", "probe") if getattr(scenario, kind)]
    return Target(name, frozenset(proofs), fenced=scenario.fence != "look")


def live(secrets: Secrets, value: str | None, full: int) -> bool:
    """Whether every node of the token endpoint accepts ``value``."""
    known = 0
    for each in secrets:
        if each.value == value:
            known |= each.warm
    return known & full == full


def replaced(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def in_use(value: str, generation: int) -> Place:
    """A place of the model's first record."""
    return Place(value, generation, value, LINEAGE)


FOREIGN = (
    Secret("f1", "made by hand", "value-f1", ours=False),
    Secret("f2", description_for(rotation_id(1, "bbbbbb")), "value-f2", ours=False),
)
"""Secrets of others: one by hand, one of another record's lineage."""


def established(targets: Iterable[Target] = (), foreign: Secrets = FOREIGN, **known: Any) -> World:
    """A client in use for 61 days: delivered and proven, beside secrets of others."""
    tag = rotation_id(0)
    current = Current(**{"value": OLD, "rotation_id": tag, "secret_id": "1", "created_at": LONG_AGO, **known})
    entries = {
        each.name: Delivered(generation=1, at=LONG_AGO, proofs=sorted(each.proofs | each.steps)) for each in targets
    }
    record = Record(client_id=CLIENT, generation=1, current=current, targets=entries, last_rotated_at=LONG_AGO)
    places = (in_use(OLD, 1),) * len(entries)
    ours = Secret("1", description_for(tag), OLD)
    return World(text_of(record), (*foreign, ours), places, next_id=2)


class Operations:
    """What the operations of a run do to the world of one scenario. ``index`` is the number of the run."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.full = (1 << scenario.nodes) - 1
        self.handlers: dict[str, Any] = {}

    def answers(self, world: World, index: int, op: Op) -> Answers:
        """Every way in which an operation can go. The first is the good one."""
        handler = self.handlers.get(op.kind)
        if handler is None:
            handler = self.handlers[op.kind] = getattr(self, f"op_{op.kind}")
        ways: Answers = handler(world, index, *op.args)
        return ways

    def at_once(self, op: Op) -> bool:
        """Whether nobody else can see when the operation is made: it goes with the one before it."""
        return op.kind == "mint" or (op.kind == "in_time" and self.scenario.fence != "look")

    # ---- the server

    def rows(self, secrets: Secrets) -> tuple[Listed, ...]:
        """What LIST shows of these secrets."""
        return tuple(Listed(id_, self.shown(each), each.kind) for id_, each in self.numbered(secrets))

    def numbered(self, secrets: Secrets) -> Iterator[tuple[str, Secret]]:
        if self.scenario.ids == "positions":
            return ((str(number), each) for number, each in enumerate(secrets, 1))
        return ((each.secret_id, each) for each in secrets)

    def shown(self, secret: Secret) -> str | None:
        if self.scenario.shows == "hidden":
            return None
        if self.scenario.shows == "altered":
            return secret.description[:14]
        return secret.description

    def op_list(self, world: World, index: int) -> Answers:
        yield "LIST", world, (world.clock, self.rows(world.secrets)), None
        if self.scenario.rows_late:
            for each in world.secrets:
                if each.warm & self.full != self.full:
                    rest = tuple(other for other in world.secrets if other is not each)
                    yield f"LIST (without {each.secret_id}, too new)", world, (world.clock, self.rows(rest)), None
        for back, secrets in enumerate(reversed(world.past), 1):
            if secrets != world.secrets:
                yield f"LIST (lags {back} behind)", world, (world.clock, self.rows(secrets)), None

    def changed(self, world: World, secrets: Secrets) -> World:
        """The world with other secrets, which LIST may show late."""
        lags = self.scenario.lags
        return world._replace(secrets=secrets, past=(*world.past, world.secrets)[-lags:] if lags else ())

    def posted(self, world: World, value: str, description: str) -> tuple[World, str]:
        number = world.next_id
        if self.scenario.ids == "reused":
            used = {each.secret_id for each in world.secrets}
            number = next(each for each in range(1, 99) if str(each) not in used)
        warm = 0 if self.scenario.slow else self.full
        made = Secret(str(number), description, value, True, warm)
        after = self.changed(world, (*world.secrets, made))
        return after._replace(next_id=max(world.next_id, number + 1)), made.secret_id

    def refrains(self, world: World, index: int) -> bool:
        """Whether a run does not send its POST, because its lease is over."""
        return self.scenario.post_fenced and world.lease != (index, "live")

    def op_post(self, world: World, index: int, value: str, description: str) -> Answers:
        if self.refrains(world, index):
            yield f"POST {value} is not sent: the lease is over", world, FAIL, None
            return
        after, made = self.posted(world, value, description)
        yield f"POST {value} (id {made})", after, None, None
        if world.budget.refusals:
            left = world.budget._replace(refusals=world.budget.refusals - 1)
            yield f"POST {value} is refused", world._replace(budget=left), REFUSED, None
        if world.budget.losses:
            left = world.budget._replace(losses=world.budget.losses - 1)
            yield f"POST {value} lands (id {made}), answer lost", after._replace(budget=left), LOST, None
            yield f"POST {value} is lost", world._replace(budget=left), LOST, None
            if self.scenario.late:
                late = tuple(sorted((*world.late, ("post", value, description))))
                yield f"POST {value} times out, still under way", world._replace(budget=left, late=late), LOST, None

    def deleted(self, world: World, secret_id: str) -> tuple[World, str | None]:
        """The world after a DELETE, and what is wrong about it."""
        gone = [each for id_, each in self.numbered(world.secrets) if id_ == secret_id]
        if not gone:
            return world, None
        rest = tuple(each for each in world.secrets if each is not gone[0])
        after = self.changed(world, rest)
        if self.scenario.ghosts and gone[0].warm:
            after = after._replace(ghosts=world.ghosts | {gone[0].value})
        return after, self.wrong_deletion(world, gone[0], rest)

    def wrong_deletion(self, world: World, gone: Secret, rest: Secrets) -> str | None:
        if not gone.ours:
            return "a secret of somebody else was deleted"
        if self.scenario.hold:
            return "a secret was deleted in spite of hold"
        worked = live(world.secrets, gone.value, self.full)
        if worked and not any(each.ours and live(rest, each.value, self.full) for each in rest):
            return "the last secret that works was deleted"
        return None

    def op_delete(self, world: World, index: int, secret_id: str) -> Answers:
        after, wrong = self.deleted(world, secret_id)
        yield f"DELETE {secret_id}" + ("" if after is not world else " (404)"), after, "ok", wrong
        if world.budget.losses and after is not world:
            left = world.budget._replace(losses=world.budget.losses - 1)
            yield f"DELETE {secret_id} is lost", world._replace(budget=left), LOST, None

    def op_exchange(self, world: World, index: int, value: str) -> Answers:
        known = 0
        for each in world.secrets:
            if each.value == value:
                known |= each.warm
        known &= self.full
        if known == self.full:
            yield f"exchange {value}: accepted", world, "accepted", None
        else:
            if known or value in world.ghosts:
                yield f"exchange {value}: accepted by one node", world, "accepted", None
            yield f"exchange {value}: refused", world, "rejected", None
        if world.budget.losses:
            left = world.budget._replace(losses=world.budget.losses - 1)
            yield f"exchange {value}: no answer", world._replace(budget=left), "unknown", None

    def op_prove(self, world: World, index: int, value: str, successes: int) -> Answers:
        """Several successes in a row are given by all nodes, one by any of them."""
        known = 0
        for each in world.secrets:
            if each.value == value:
                known |= each.warm
        known &= self.full
        if known == self.full or (known and successes == 1):
            yield f"{value} is accepted {successes} times", world, "accepted", None
        else:
            yield f"{value} is not accepted in time", world, "rejected", None

    # ---- the store

    def op_read(self, world: World, index: int) -> Answers:
        lease = world.lease
        ours = lease is not None and lease[0] == index and lease[1] != "dead"
        others = lease is not None and not ours
        rival = "another run" if others and lease and lease[1] == "live" else None
        over = ("over", "dead") if self.scenario.dead_unknown else ("over",)
        silent = others and lease is not None and lease[1] in over
        after = world._replace(fresh=replaced(world.fresh, index, True))
        key = HeldKey(world.clock, world.text, ours, rival, silent, others)
        yield "read the store", after, key, None
        if world.budget.losses:
            left = world.budget._replace(losses=world.budget.losses - 1)
            yield "read the store: no answer", world._replace(budget=left), FAIL, None

    def op_mint(self, world: World, index: int, lineage: str | None) -> Answers:
        number = world.minted + 1
        rid = rotation_id(number, lineage or f"{number:06x}")
        yield "", world._replace(minted=number), (f"value-{number:02}", rid), None

    def op_write(self, world: World, index: int, text: str, end: bool, compromised: bool) -> Answers:
        what = outline(text, end)
        if not world.fresh[index]:
            yield f"{what}: conflict", world, FAIL, None
            return
        fresh = tuple(each == index for each in range(len(world.fresh)))
        lease = None if end else (index, "live")
        after = world._replace(text=text, fresh=fresh, lease=lease, zombies=world.zombies - {index})
        after = self.leak_noted(world, after, compromised)
        yield what, after, text, None
        if world.budget.losses:
            left = world.budget._replace(losses=world.budget.losses - 1)
            yield f"{what}: no answer", after._replace(budget=left), FAIL, None

    def leak_noted(self, before: World, after: World, compromised: bool) -> World:
        """What is known when a run that was told of a leak writes for the first time, and when the leak is closed."""
        old, new = read(before.text), read(after.text)
        if old is None or new is None:
            return after
        if old.leak and not new.leak:
            return after._replace(sealed=after.sealed | {each.value for each in old.leak.burnt})
        if compromised and not old.leak and new.pending:
            return after._replace(leaked=before.leaked | old.values(), leaked_at=old.generation)
        return after

    # ---- the targets

    def op_compare(self, world: World, index: int, name: str, value: str) -> Answers:
        same = world.places[int(name[1:])].value == value
        yield f"look at {name}: " + ("same" if same else "differs"), world, same, None

    def op_in_time(self, world: World, index: int) -> Answers:
        good = self.scenario.fence == "generation" or world.lease == (index, "live")
        yield "look at the lease: " + ("ours" if good else "over"), world, good, None

    def op_deliver(self, world: World, index: int, name: str, value: str, rid: str, generation: int) -> Answers:
        number, lineage = int(name[1:]), lineage_of(rid)
        place = world.places[number]
        late = generation < place.generation and lineage == place.lineage
        if self.scenario.fence == "generation" and late:
            yield f"deliver {value} to {name}: refused, older generation", world, False, None
            return
        if self.scenario.fence == "deadline" and world.lease != (index, "live"):
            yield f"deliver {value} to {name}: refused, too late", world, False, None
            return
        places = replaced(world.places, number, Place(value, generation, place.used, lineage))
        yield f"deliver {value} to {name}", world._replace(places=places), True, None
        if world.budget.delivery_failures:
            left = world.budget._replace(delivery_failures=world.budget.delivery_failures - 1)
            yield f"deliver {value} to {name}: fails", world._replace(budget=left), False, None
            yield f"deliver {value} to {name}: told to fail", world._replace(budget=left, places=places), False, None

    def op_reload(self, world: World, index: int, name: str, value: str) -> Answers:
        number = int(name[1:])
        place = world.places[number]
        places = replaced(world.places, number, place._replace(used=place.value))
        yield f"{name} is reloaded ({place.value})", world._replace(places=places), True, None
        if world.budget.reload_failures:
            left = world.budget._replace(reload_failures=world.budget.reload_failures - 1)
            yield f"the reload of {name} is lost", world._replace(budget=left), False, None
            yield f"the reload of {name} is told to fail", world._replace(budget=left, places=places), False, None
            yield f"the host of {name} is away", world._replace(budget=left), AWAY, None

    def op_probe(self, world: World, index: int, name: str, value: str) -> Answers:
        number = int(name[1:])
        if not self.scenario.reload:
            place = world.places[number]
            world = world._replace(places=replaced(world.places, number, place._replace(used=place.value)))
        good = world.places[number].used == value and live(world.secrets, value, self.full)
        yield f"probe of {name}: " + ("works" if good else "fails"), world, good, None
        if good and world.budget.probe_failures:
            left = world.budget._replace(probe_failures=world.budget.probe_failures - 1)
            yield f"probe of {name} fails with {value}", world._replace(budget=left), False, None
            yield f"the host of {name} is away", world._replace(budget=left), AWAY, None


@cache
def outline(text: str, end: bool) -> str:
    """A record in a few words."""
    record = read(text)
    assert record is not None
    parts = ((name, getattr(record, name)) for name in ("current", "pending", "previous"))
    words = [
        f"{name} {part.value}" + (" (doomed)" if getattr(part, "doomed", None) else "") for name, part in parts if part
    ]
    words += ["leak"] if record.leak else []
    known = [f"{name}:{each.generation}{'+' * len(each.proofs)}" for name, each in record.targets.items()]
    return f"write {', '.join(words)} [{' '.join(known)}]" + (" and end the lease" if end else "")
