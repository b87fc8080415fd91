# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world of the model: store, server, token endpoint and consumer, and every way in which an operation can go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Listed
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Lease,
    Pending,
    Record,
    claim,
    encode_record,
    stage,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import (
    CLIENT,
    LONG_AGO,
    NOW,
    Op,
    Phase,
    Role,
    known,
    read,
    rotation_id,
)

T = TypeVar("T")
OLD = "value-00"
"""The value in use before the first run."""


class Secret(NamedTuple):
    """One secret at the server. ``warm``: the token endpoint knows it by now."""

    secret_id: str
    description: str
    value: str
    ours: bool
    warm: bool = True


class World(NamedTuple):
    """Everything but the runs. ``stale`` is what LIST still shows; None when it shows the truth."""

    text: str
    secrets: tuple[Secret, ...]
    delivered: str | None = None
    next_id: int = 1
    rotations: int = 0
    stale: tuple[Secret, ...] | None = None
    late: tuple[tuple[str, str], ...] = ()
    kills: int = 0
    losses: int = 0
    probe_failures: int = 0


class State(NamedTuple):
    """The world and its runs; a run that has ended is None."""

    world: World
    runs: tuple[Run | None, ...]
    names: tuple[str, ...]


class Turn(NamedTuple):
    """A state in which one run makes its next operation."""

    world: World
    runs: tuple[Run | None, ...]
    names: tuple[str, ...]
    number: int


Answers = Iterator[tuple[str, World, Any, str | None]]
"""Ways in which an operation goes: in words, the world after it, what the run is told, and what is wrong about it."""


class Run:
    """A run at one point. Equal points are one object: see ``Machine.at``."""

    def __init__(self, machine: Machine, phase: Phase, answers: tuple[Any, ...]) -> None:
        self.machine, self.phase, self.answers = machine, phase, answers
        self.op: Op = Op("none")
        self.next: dict[Any, Run | None] = {}

    def after(self, answer: Any) -> Run | None:
        """The point that the run is at after this answer to its operation."""
        if answer not in self.next:
            self.next[answer] = self.machine.at(self.phase, (*self.answers, answer))
        return self.next[answer]


class Machine:
    """The points of all runs of one role."""

    def __init__(self, role: Role) -> None:
        self.role = role
        self.points: dict[tuple[Phase, tuple[Any, ...]], Run] = {}

    def at(self, phase: Phase | None, answers: tuple[Any, ...] = ()) -> Run | None:
        """The point after ``answers`` in ``phase``, or None at the end of the run. A finished phase is forgotten."""
        while phase is not None:
            point = self.points.get((phase, answers))
            if point is not None:
                return point
            run = getattr(self.role, phase.name)(*phase.args)
            try:
                op = next(run)
                for answer in answers:
                    op = run.send(answer)
            except StopIteration as end:
                phase, answers = end.value, ()
                continue
            point = self.points[phase, answers] = Run(self, phase, answers)
            point.op = op
            return point
        return None


@dataclass(frozen=True)
class Scenario:
    """What may happen, and how often."""

    role: Role
    world: World
    runs: int = 1
    kills: int = 0
    losses: int = 0
    probe_failures: int = 0
    lease: bool = True
    late_posts: bool = False
    slow_tokens: bool = False
    stale_lists: bool = False
    descriptions: bool = True
    cap: int | None = None
    most: int = 2
    further_runs: int = 1
    converges: bool = True
    current_checked: bool = True
    delivery_checked: bool = True
    hold: bool = False
    """Whether nothing may be deleted at all."""
    begins: Phase | None = None
    """Where the runs begin, when not at their start."""
    second: Role | None = None
    """The role of the second run, where it differs."""


def live(world: World, value: str | None) -> bool:
    """Whether the token endpoint accepts ``value``."""
    return any(each.value == value and each.warm for each in world.secrets)


def established(secret_id: str | None = "1") -> World:
    """A client in use for 61 days, beside two secrets of others: one by hand, one of another record's lineage."""
    tag = rotation_id(0)
    current = Current(value=OLD, rotation_id=tag, secret_id=secret_id, created_at=LONG_AGO)
    record = Record(client_id=CLIENT, version=1, current=current)
    foreign = (
        Secret("f1", "made by hand", "value-f1", False),
        Secret("f2", description_for(rotation_id(1, "bbbbbb")), "value-f2", False),
    )
    ours = Secret("1", description_for(tag), OLD, True)
    return World(encode_record(record), (*foreign, ours), delivered=OLD, next_id=2)


class Operations:
    """What the operations of a run do to the world of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario

    def answers(self, turn: Turn, op: Op) -> Answers:
        """Every way in which an operation can go. The first is the good one."""
        yield from getattr(self, f"op_{op.kind}")(turn, *op.args)

    def op_list(self, turn: Turn) -> Answers:
        world = turn.world
        shown = world.secrets if world.stale is None else world.stale
        described = self.scenario.descriptions
        yield (
            "LIST",
            world,
            tuple(Listed(each.secret_id, each.description if described else None) for each in shown),
            None,
        )

    def op_read(self, turn: Turn) -> Answers:
        yield "read the store", turn.world, (turn.world.text, self.other_run(turn)), None

    def other_run(self, turn: Turn) -> str | None:
        """Who holds a lease that others must believe: a run that has neither ended nor been killed."""
        record = read(turn.world.text)
        owner = record.lease.owner if record and record.lease else None
        if not self.scenario.lease or owner is None or owner == turn.names[turn.number]:
            return None
        alive = {name for name, run in zip(turn.names, turn.runs, strict=True) if run is not None}
        return owner if owner in alive else None

    def op_exchange(self, turn: Turn, value: str) -> Answers:
        world = turn.world
        yield f"exchange {value}", world, "accepted" if live(world, value) else "rejected", None
        if world.losses:
            yield f"exchange {value} (answer lost)", world._replace(losses=world.losses - 1), "unknown", None

    def op_post(self, turn: Turn, value: str, description: str) -> Answers:
        world = turn.world
        cap = self.scenario.cap
        if cap is not None and sum(each.ours for each in world.secrets) >= cap:
            yield f"POST {value} (refused: too many)", world, "refused", None
            return
        landed = self.seen_late(world, post(world, value, description, not self.scenario.slow_tokens))
        yield f"POST {value}", landed, "ok", None
        if world.losses:
            yield f"POST {value} (answer lost)", landed._replace(losses=world.losses - 1), "lost", None
            yield f"POST {value} (lost)", world._replace(losses=world.losses - 1), "lost", None

    def seen_late(self, before: World, after: World) -> World:
        if not self.scenario.stale_lists:
            return after
        return after._replace(stale=before.secrets if before.stale is None else before.stale)

    def op_delete(self, turn: Turn, secret_id: str) -> Answers:
        world = turn.world
        gone = world._replace(secrets=tuple(each for each in world.secrets if each.secret_id != secret_id))
        yield f"DELETE {secret_id}", gone, "ok", self.wrong_deletion(world, gone)
        if world.losses:
            yield f"DELETE {secret_id} (answer lost)", gone._replace(losses=world.losses - 1), "lost", None
            yield f"DELETE {secret_id} (lost)", world._replace(losses=world.losses - 1), "lost", None

    def wrong_deletion(self, before: World, after: World) -> str | None:
        """What is wrong with a deletion, in words."""
        lost = set(before.secrets) - set(after.secrets)
        if any(not each.ours for each in lost):
            return "a secret of somebody else was deleted"
        if any(each.ours and each.warm for each in lost) and not any(each.ours and each.warm for each in after.secrets):
            return "the last secret that works was deleted"
        return "a secret was deleted in spite of hold" if lost and self.scenario.hold else None

    def op_stage(
        self, turn: Turn, base: str, me: str, ids: tuple[str, ...] | None, value: str | None, back: str | None
    ) -> Answers:
        world = turn.world
        before = read(base)
        number = world.rotations + (not (before and before.pending))
        pending = Pending(
            value=value or f"value-{number:02}",
            rotation_id=rotation_id(number),
            created_at=NOW,
            listed_before=None if ids is None else list(ids),
            restores=back,
        )
        lease = Lease(owner=me, expires_at=NOW)
        text = encode_record(stage(before, client_id=CLIENT, client_name=None, pending=pending, lease=lease))
        if version(world.text) != version(base) or self.other_run(turn):
            yield "write ahead (conflict)", world, None, None
        else:
            yield "write ahead", world._replace(text=text, rotations=number), text, None

    def op_write(self, turn: Turn, base: str, text: str) -> Answers:
        world = turn.world
        if version(world.text) != version(base):
            yield "write the store (conflict)", world, None, None
        else:
            yield f"write the store: {outline(text)}", world._replace(text=text), text, None

    def op_claim(self, turn: Turn, base: str, me: str) -> Answers:
        text = encode_record(claim(known(base), Lease(owner=me, expires_at=NOW)))
        if self.other_run(turn):
            yield "take the lease (conflict)", turn.world, None, None
        else:
            yield from self.op_write(turn, base, text)

    def op_compare(self, turn: Turn, value: str) -> Answers:
        yield "look at the target", turn.world, turn.world.delivered == value, None

    def op_deliver(self, turn: Turn, value: str) -> Answers:
        yield f"deliver {value}", turn.world._replace(delivered=value), "ok", None

    def op_probe(self, turn: Turn, value: str) -> Answers:
        world = turn.world
        yield "probe", world, world.delivered == value and live(world, value), None
        if world.probe_failures:
            yield "probe fails", world._replace(probe_failures=world.probe_failures - 1), False, None


def post(world: World, value: str, description: str, warm: bool) -> World:
    """The world after a POST that landed."""
    made = Secret(str(world.next_id), description, value, True, warm)
    return world._replace(secrets=(*world.secrets, made), next_id=world.next_id + 1)


def settled(world: World) -> World:
    """The world when LIST shows the truth and the token endpoint knows every secret."""
    return world._replace(stale=None, secrets=tuple(each._replace(warm=True) for each in world.secrets))


def replaced(items: tuple[T, ...], index: int, item: T) -> tuple[T, ...]:
    return (*items[:index], item, *items[index + 1 :])


def version(text: str) -> int:
    """What compare-and-set compares; 0 where nothing is stored."""
    record = read(text)
    return record.version if record else 0


def outline(text: str) -> str:
    """A record in a few words."""
    record = known(text)
    parts = ((name, getattr(record, name)) for name in ("current", "pending", "previous"))
    return ", ".join(f"{name} {part.value}" for name, part in parts if part)
