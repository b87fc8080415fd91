# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks of a run as the role has them, each with what it does: the one description that drives the model.

``ROUND``, ``RESTORE`` and ``GIVE_UP`` are the order; ``test_sequence`` compares it with the task files. What decides
are the functions of ``rounds`` that ship. A task is a generator that yields what it does to the world (an ``Op``) and
is sent the answer. It ends with what the run knows after it, or raises ``Failed``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, NamedTuple, TypeVar

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import AmbiguousError, ApiError, IamError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Secret
from ansible_collections.aritma.iam.plugins.module_utils._rotation import rounds
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import (
    Exchanged,
    Shown,
    Target,
    read_deliveries,
    read_exchanges,
    unsettled,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, description_for, lineage_of
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    BLOCKED,
    BURN,
    CLAIM,
    FAILED,
    STAGE,
    TRY,
    UNCHANGED,
    Plan,
    Seen,
    Wish,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Pending,
    Record,
    decode_record,
    encode_record,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.rounds import ROUNDS
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import SecretKey, plan_present
from ansible_collections.aritma.iam.plugins.module_utils._secrets.steps import add, delete

T = TypeVar("T")

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)
LONG_AGO = NOW - timedelta(days=61)
HOURS, DAY = 120, 1500
"""How far the model's clock goes at once, in minutes: longer than a request and a lease; than every grace and fear."""

LEASE = timedelta(hours=1)
CLIENT = "c1"
LINEAGE = "aaaaaa"
LOST = "lost"
"""The answer to a request was lost: it may have been carried out."""

REFUSED = "refused"
"""The server does not carry out the request, and says so."""

FAIL = "fail"
"""The task fails here."""

AWAY = "away"
"""The host of an item could not be reached: the loop goes on without its result."""


class Failed(Exception):
    """A task has failed."""


def rotation_id(number: int, lineage: str = LINEAGE) -> str:
    """The rotation id of the model's n-th rotation."""
    return f"{lineage}-20261124T100000Z-{number:06x}"


def at(clock: int) -> datetime:
    """The moment that the model's clock shows."""
    return NOW + timedelta(minutes=clock)


_TEXTS: dict[str, str] = {}
"""The texts of records, by what pydantic makes of them, which is quicker than to encode them as the store has them."""


def text_of(record: Record) -> str:
    """The record without version and lease, which the world of the model keeps apart. Equal texts are one object."""
    bare = record.model_copy(update={"version": 0, "lease": None})
    key = bare.model_dump_json()
    if key not in _TEXTS:
        _TEXTS[key] = encode_record(bare)
    return _TEXTS[key]


@cache
def read(text: str) -> Record | None:
    """The record that a store holds as ``text``."""
    return decode_record(text, client_id=CLIENT, where="The model's store") if text else None


class Op(NamedTuple):
    """One operation on the world: its kind, and what it is given."""

    kind: str
    args: tuple[Any, ...] = ()


class HeldKey(NamedTuple):
    """The answer to a ``Read``, in a form that can be remembered."""

    clock: int
    text: str
    ours: bool
    rival: str | None
    silent: bool
    ends: bool


class Credential(NamedTuple):
    """What is delivered."""

    value: str
    rotation_id: str
    generation: int


class Delivery(NamedTuple):
    """One result of a delivery (``target``; ``verified``), or of a reload or a probe (``proof``)."""

    generation: int
    rotation_id: str
    target: str | None = None
    proof: str | None = None
    verified: bool = True


class Facts(NamedTuple):
    """What a run holds between two tasks: what the last step handed on, and the registered results since Begin."""

    plan: Plan = Plan(UNCHANGED, "")
    pending: tuple[str, str] | None = None
    first_probes: tuple[str, ...] = ()
    tried: bool = False
    credential: Credential | None = None
    settled: tuple[str, ...] = ()
    deliver: bool = False
    retire: bool = False
    delete: tuple[str, ...] = ()
    dead: tuple[tuple[str, str], ...] = ()
    told: str | None = None
    refused: bool = False
    deliveries: tuple[Delivery, ...] = ()
    exchanges: tuple[tuple[str, str, int], ...] = ()


Doing = Generator[Op, Any, Facts]


class Role(NamedTuple):
    """What is asked of the runs of one slot."""

    wish: Wish = Wish(client_id=CLIENT, me="run", now=NOW)
    known_value: str | None = None

    def targets(self, clock: int) -> Wish:
        """The wish at that time."""
        return replace(self.wish, now=at(clock))


class Task(NamedTuple):
    """One task of the role, or a loop of them. ``module`` and ``state`` are those of its module, where it is ours.

    ``when`` is the member of ``Facts`` that it needs.
    """

    name: str
    module: str | None = None
    state: str | None = None
    when: str | None = None


DELIVERY = (
    Task("deliver", "credential_file"),
    Task("hand_over", "credential_delivery"),
    Task("reload", when="deliver"),
    Task("probe", when="deliver"),
)
RETIREMENT = (
    Task("guard", "rotation", "guarded", "retire"),
    Task("delete", "client_secret", "absent"),
    Task("confirm", "token_exchange", "rejected"),
)
ROUND = (
    Task("begin", "rotation", "begun"),
    Task("create", "client_secret", "present", "pending"),
    Task("prove", "token_exchange", "accepted", "pending"),
    Task("promote", "rotation", "promoted", "pending"),
    *DELIVERY,
    Task("probe_first", when="first_probes"),
    *RETIREMENT,
    Task("close", "rotation", "closed"),
)
RESTORE = (
    Task("abandon", "rotation", "abandoned"),
    *(each._replace(when="deliver") for each in DELIVERY),
    Task("write_down", "rotation", "delivered", "deliver"),
    *RETIREMENT,
    Task("close", "rotation", "closed"),
)
GIVE_UP = (Task("abandon", "rotation", "abandoned"),)


class Point(NamedTuple):
    """Where a run is: a part of the play, the task, and which round it is."""

    part: str
    number: int = 0
    round: int = 1


class Play:
    """The order of tasks, and what each does. Wrong variants are subclasses that alter one thing."""

    failure = Failed
    parts: Mapping[str, tuple[Task, ...]] = {"round": ROUND, "restore": RESTORE, "give_up": GIVE_UP}

    # ---- the order

    def task(self, point: Point) -> Task:
        return self.parts[point.part][point.number]

    def begun(self) -> tuple[Point, Facts]:
        return Point("round"), Facts()

    def after(self, point: Point, facts: Facts) -> tuple[Point, Facts] | None:
        """The task that follows one that went well; None at the end of the run."""
        if self.task(point).name == "abandon" and not (facts.deliver or facts.retire):
            return None
        tasks = self.parts[point.part]
        for index in range(point.number + 1, len(tasks)):
            if self.wanted(tasks[index], facts):
                return point._replace(number=index), facts
        if point.part == "round" and facts.plan.again and point.round < ROUNDS:
            tried = facts.tried or facts.plan.act == TRY or point.round + 1 == ROUNDS
            return Point("round", round=point.round + 1), Facts(tried=tried)
        return None

    def wanted(self, task: Task, facts: Facts) -> bool:
        return task.when is None or bool(getattr(facts, task.when))

    def after_failure(self, point: Point, facts: Facts) -> tuple[Point, Facts] | None:
        """The task that follows one that has failed. What a failed step registers takes the place of what was told."""
        if self.task(point).module == "rotation" and (point.part == "round" or self.task(point).name == "guard"):
            facts = Facts(deliveries=facts.deliveries, exchanges=facts.exchanges)
        if point.part == "round":
            return Point("restore"), facts
        return (Point("give_up"), facts) if point.part == "restore" and point.number else None

    def do(self, role: Role, point: Point, facts: Facts, clock: int) -> Doing:
        doing: Doing = getattr(self, f"do_{self.task(point).name}")(role, facts, clock)
        return doing

    # ---- the steps

    def step(self, steps: rounds.Steps[rounds.Round], facts: Facts, wish: Wish) -> Doing:
        """Drive a step that ships. What it raises is the failure of its task."""
        reply = None
        try:
            while True:
                reply = yield from self.asked(steps.send(reply), wish)
        except StopIteration as end:
            return self.handed(facts, end.value, wish)
        except IamError as error:
            raise Failed(str(error)) from None

    def asked(self, ask: rounds.Ask, wish: Wish) -> Generator[Op, Any, Any]:
        """The answer of the world to what a step asks."""
        match ask:
            case rounds.List():
                return (yield Op("list"))[1]
            case rounds.Read():
                key: HeldKey = yield Op("read")
                ends = at(key.clock) + LEASE if key.ends else None
                return rounds.Held(read(key.text), key.ours, key.rival, key.silent, ends)
            case rounds.Exchange():
                return (yield Op("exchange", (ask.value,)))
            case rounds.Mint():
                held = ask.base and (ask.base.current or ask.base.pending)
                value, rid = yield Op("mint", (lineage_of(held.rotation_id) if held else None,))
                return Pending(value=value, rotation_id=rid, created_at=NOW)
            case rounds.Write():
                return read((yield Op("write", (text_of(ask.record), ask.end, wish.compromised))))

    def handed(self, facts: Facts, end: rounds.Round, wish: Wish) -> Facts:
        record, pending = end.record or Record(client_id=CLIENT), end.pending
        current, known = record.current, record.targets
        settled = tuple(each.name for each in wish.targets if each.settled(known.get(each.name), record.generation))
        asked = current is not None and end.plan.act == TRY
        return facts._replace(
            plan=replace(end.plan, reason="", left=()),
            pending=(pending.value, pending.rotation_id) if pending else None,
            first_probes=tuple(each.name for each in wish.targets if asked and probe(each)),
            credential=Credential(current.value, current.rotation_id, record.generation) if current else None,
            settled=settled,
            deliver=end.deliver and not pending,
            retire=end.retire,
            delete=end.delete,
            dead=tuple(end.dead.items()),
        )

    def unless_blocked(self, facts: Facts) -> Facts:
        """A step that is blocked fails."""
        if facts.plan.state == BLOCKED:
            raise Failed("blocked")
        return facts

    def do_begin(self, role: Role, facts: Facts, clock: int) -> Doing:
        wish = role.targets(clock)

        def tries(plan: Plan, seen: Seen) -> bool:
            """A service that was proven to work is probed before its secret is replaced. Targets are not tried here."""
            record = seen.record
            if record is None or seen.current != "accepted" or record.leak or plan.act == BURN or facts.tried:
                return False
            rotates = plan.act == STAGE or record.pending is not None
            return rotates and not unsettled(record, wish.targets) and any(probe(each) for each in wish.targets)

        begin = rounds.begin(wish, role.known_value, tries)
        return self.unless_blocked((yield from self.step(begin, Facts(tried=facts.tried), wish)))

    def do_promote(self, role: Role, facts: Facts, clock: int) -> Doing:
        wish = role.targets(clock)
        return self.step(rounds.promote(wish, facts.plan, exchanged(facts), facts.told), facts, wish)

    def do_write_down(self, role: Role, facts: Facts, clock: int) -> Doing:
        """What it tells is not registered."""
        wish = role.targets(clock)
        yield from self.step(rounds.deliver(wish, facts.plan, shown(facts)), facts, wish)
        return facts

    def do_guard(self, role: Role, facts: Facts, clock: int) -> Doing:
        wish = role.targets(clock)
        return self.unless_blocked((yield from self.step(rounds.guard(wish, facts.plan, shown(facts)), facts, wish)))

    def do_close(self, role: Role, facts: Facts, clock: int) -> Doing:
        wish = role.targets(clock)
        steps = rounds.close(wish, facts.plan, shown(facts), exchanged(facts))
        return self.unless_blocked((yield from self.step(steps, facts, wish)))

    def do_abandon(self, role: Role, facts: Facts, clock: int) -> Doing:
        wish, failure = role.targets(clock), Plan(FAILED, "a task failed")
        steps = rounds.abandon(wish, facts.plan, shown(facts), failure, refused=facts.refused)
        return self.step(steps, facts._replace(refused=False, deliveries=(), exchanges=()), wish)

    # ---- the modules, as the world sees them

    def do_probe_first(self, role: Role, facts: Facts, clock: int) -> Doing:
        assert facts.credential
        for name in facts.first_probes:
            if (yield Op("probe", (name, facts.credential.value))) is not True:
                raise Failed("the service does not work before the rotation")
        return facts

    def do_create(self, role: Role, facts: Facts, clock: int) -> Doing:
        """``client_secret``: what may be there already is looked for before the POST."""
        assert facts.pending
        value, rid = facts.pending
        description = description_for(rid)

        def create(api: Replayed) -> str | None:
            witness: Any = Witness(api, value)
            if facts.plan.act == CLAIM:
                listed = api.list_secrets(CLIENT)
                found = plan_present(SecretKey(description, None), None, listed)
                if found and found.existing:
                    return found.existing.secret_id
                accepted = False if found else witness()
                if accepted is None:
                    raise AmbiguousError("It cannot be told whether the secret is there.")
                if accepted:
                    return None
            shipped: Any = api
            return add(shipped, CLIENT, {"value": value, "description": description}, None, witness).secret_id

        try:
            told = yield from replayed(create)
        except IamError as error:
            refused = isinstance(error, ApiError) and not error.details.get("repeated")
            raise FailedWith(facts._replace(refused=refused)) from None
        return facts._replace(told=told)

    def do_prove(self, role: Role, facts: Facts, clock: int) -> Doing:
        assert facts.pending
        value, rid = facts.pending
        verdict = yield Op("prove", (value, role.wish.successes))
        if verdict != "accepted":
            raise Failed("the new secret is not accepted")
        return facts._replace(exchanges=(*facts.exchanges, (rid, verdict, role.wish.successes)))

    def do_deliver(self, role: Role, facts: Facts, clock: int) -> Doing:
        """What is settled is only compared, and all of it in a round that delivers nothing.

        The target that refuses nothing is one of own tasks: these are not made to look.
        """
        if facts.credential is None or facts.plan.act == TRY:
            return facts
        value, rid, generation = facts.credential
        failed = False
        for target in role.wish.targets:
            if facts.deliver and target.name not in facts.settled:
                good, same = (yield from self.write(target, facts.credential)), True
            elif target.fenced:
                good, same = True, (yield Op("compare", (target.name, value)))
            else:
                continue
            failed = failed or not good
            if good:
                done = Delivery(generation, rid, target.name, verified=same)
                facts = facts._replace(deliveries=(*facts.deliveries, done))
        return self.ended(facts, failed)

    def write(self, target: Target, credential: Credential) -> Generator[Op, Any, bool]:
        """A delivery looks whether the lease is over, and the target, where it can, whether it is late."""
        if not (yield Op("in_time")):
            return False
        return (yield Op("deliver", (target.name, *credential))) is True

    def do_hand_over(self, role: Role, facts: Facts, clock: int) -> Doing:
        """Targets of both modules are the same here: the task before has seen to all."""
        return facts
        yield

    def do_reload(self, role: Role, facts: Facts, clock: int) -> Doing:
        return self.proven(role, facts, "reload")

    def do_probe(self, role: Role, facts: Facts, clock: int) -> Doing:
        return self.proven(role, facts, "probe")

    def proven(self, role: Role, facts: Facts, kind: str) -> Doing:
        """A loop over what was written: it goes on after an item that fails, and then fails."""
        if facts.credential is None:
            return facts
        value, rid, generation = facts.credential
        failed = False
        for target in role.wish.targets:
            name = f"{kind} {target.name}"
            if name in target.proofs | target.steps and target.name not in facts.settled:
                good = yield Op(kind, (target.name, value))
                failed = failed or not good
                if good is True:
                    facts = facts._replace(deliveries=(*facts.deliveries, Delivery(generation, rid, proof=name)))
        return self.ended(facts, failed)

    def ended(self, facts: Facts, failed: bool) -> Facts:
        if failed:
            raise FailedWith(facts)
        return facts

    def do_delete(self, role: Role, facts: Facts, clock: int) -> Doing:
        """``client_secret`` by id: a lost answer is settled by the list."""
        for secret_id in facts.delete:

            def remove(api: Replayed, each: str = secret_id) -> bool:
                shipped: Any = api
                return delete(shipped, CLIENT, each)

            try:
                yield from replayed(remove)
            except IamError as error:
                raise Failed(str(error)) from None
        return facts

    def do_confirm(self, role: Role, facts: Facts, clock: int) -> Doing:
        """An exchange that must be refused. One that is not is told by Close."""
        for rid, value in facts.dead:
            verdict = yield Op("exchange", (value,))
            facts = facts._replace(exchanges=(*facts.exchanges, (rid, verdict, 1)))
        return facts


class FailedWith(Failed):
    """A task has failed after it had registered something: a loop, some of whose items went well."""

    def __init__(self, facts: Facts) -> None:
        super().__init__("failed in part")
        self.facts = facts


# ---- the steps of modules, which ask when they are called: they are called again with one answer more


class Asked(Exception):
    """No answer is known yet."""

    def __init__(self, op: Op) -> None:
        super().__init__()
        self.op = op


class Replayed:
    """The API as the steps of a module use it, out of recorded answers."""

    patient = True

    def __init__(self, answers: Sequence[Any]) -> None:
        self._left = iter(answers)

    def answer(self, kind: str, *args: Any) -> Any:
        for each in self._left:
            return each
        raise Asked(Op(kind, args))

    def list_secrets(self, _client_id: str) -> list[Secret]:
        return _secrets(self.answer("list")[1])

    def create_secret(self, _client_id: str, body: Mapping[str, str]) -> str | None:
        told: str | None = _sent(self.answer("post", body["value"], body["description"]))
        return told

    def delete_secret(self, _client_id: str, secret_id: str) -> bool:
        return bool(_sent(self.answer("delete", secret_id)) == "ok")

    def settle(self, look: Callable[[], Any]) -> Any:
        return look()


class Witness:
    """An exchange of the value, as ``client_secret`` asks for it."""

    detail = ""

    def __init__(self, api: Replayed, value: str) -> None:
        self._api, self._value = api, value

    def __call__(self) -> bool | None:
        return {"accepted": True, "rejected": False}.get(self._api.answer("exchange", self._value))


@cache
def _secrets(rows: tuple[Listed, ...]) -> list[Secret]:
    return [Secret(secret_id=row.secret_id, description=row.description, type=row.kind) for row in rows]


def _sent(answer: Any) -> Any:
    if answer == LOST:
        raise AmbiguousError("The answer was lost.")
    if answer == REFUSED:
        raise ApiError("The server refused it.", status=400)
    return answer


def replayed(call: Callable[[Replayed], T]) -> Generator[Op, Any, T]:
    """Call a function that asks, as often as it asks."""
    answers: list[Any] = []
    while True:
        try:
            return call(Replayed(answers))
        except Asked as asked:
            answers.append((yield asked.op))


# ---- evidence


def probe(target: Target) -> bool:
    """Whether the target's consumer is probed."""
    return f"probe {target.name}" in target.proofs


def exchanged(facts: Facts) -> Exchanged:
    """What the registered results of ``token_exchange`` tell."""
    return _exchanged(facts.exchanges)


@cache
def _exchanged(exchanges: tuple[tuple[str, str, int], ...]) -> Exchanged:
    return read_exchanges(
        {"rotation_id": rid, "verdict": verdict, "successes": streak, "changed": False}
        for rid, verdict, streak in exchanges
    )


def shown(facts: Facts) -> Shown:
    """What the registered results of deliveries, reloads and probes tell."""
    credential = facts.credential or Credential("", "", 0)
    return _shown(facts.deliveries, credential.generation, credential.rotation_id)


@cache
def _shown(deliveries: tuple[Delivery, ...], generation: int, rid: str) -> Shown:
    return read_deliveries([{"results": [result(each) for each in deliveries]}], generation, rid)


def result(each: Delivery) -> dict[str, Any]:
    """The registered result of one item of a loop."""
    item = {"generation": each.generation, "rotation_id": each.rotation_id}
    if each.proof:
        return {"ansible_loop_var": "item", "item": {**item, "proof": each.proof}, "changed": True, "rc": 0}
    done = {"changed": False, "verified": each.verified}
    return {"ansible_loop_var": "item", "item": {**item, "target": each.target}, **done}
