# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of a rotation as a small step machine: the steps of the role, with the real planner and record steps.

A phase is a generator that yields what it does to the world (``Op``) and is sent the answer. It ends with the next
phase, or with None. Wrong variants are subclasses that alter one phase or one guard.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import datetime, timedelta, timezone
from functools import cache
from typing import Any, NamedTuple

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    PROBE,
    Evidence,
    Listed,
    Plan,
    Retirement,
    Settings,
    find,
    plan_retirement,
    plan_start,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Previous,
    Record,
    adopt,
    decode_record,
    discard,
    encode_record,
    promote,
    release,
    retire,
)

NOW = datetime(2026, 11, 24, 10, 0, tzinfo=timezone.utc)
LONG_AGO = NOW - timedelta(days=61)
CLIENT = "c1"
NO_GRACE = timedelta()


class Op(NamedTuple):
    """One operation on the world: its kind, and what it is given."""

    kind: str
    args: tuple[Any, ...] = ()


class Phase(NamedTuple):
    """What a run goes on with: the name of a method of ``Role``, and its arguments (all of them hashable)."""

    name: str
    args: tuple[Any, ...] = ()


Steps = Generator[Op, Any, Phase | None]
Step = Generator[Op, Any, Any]
"""One step of the plan. It returns the record that the run holds after it, as text, or None to end the run."""
ListedIds = tuple[Listed, ...]


@cache
def read(text: str) -> Record | None:
    """The record that a store holds as ``text``."""
    return decode_record(text, client_id=CLIENT, where="The model's store") if text else None


def known(text: str) -> Record:
    """The record in ``text``, which is there."""
    record = read(text)
    assert record is not None
    return record


def rotation_id(number: int, lineage: str = "aaaaaa") -> str:
    """The rotation id of the model's n-th rotation."""
    return f"{lineage}-20261124T100000Z-{number:06x}"


def snapshot(listed: ListedIds) -> tuple[str, ...] | None:
    """The ids listed before a POST: kept only where LIST shows no descriptions."""
    if Evidence(NOW, listed).descriptions_shown:
        return None
    return tuple(each.secret_id for each in listed)


class Held(NamedTuple):
    """What a run holds between two steps: what it listed, the record as it knows it, and the steps that are left.

    ``proven`` is the rotation id that the consumer was proven to use.
    """

    me: str
    listed: ListedIds
    text: str
    steps: tuple[str, ...]
    secret_id: str | None = None
    sweep: tuple[str, ...] = ()
    proven: str | None = None
    rolling_back: bool = False


class Role:
    """The steps of one run. ``me`` is the name of the run in the lease."""

    wish = Settings()
    known_value: str | None = None
    polls = 2

    def plan_start(self, seen: Evidence) -> Plan:
        return plan_start(seen, self.wish)

    def plan_retirement(self, seen: Evidence, consumer_proven: bool) -> Retirement:
        return plan_retirement(seen, self.wish, consumer_proven=consumer_proven)

    def start(self, me: str) -> Steps:
        """LIST, then the store, then one exchange of each stored value; then the plan."""
        listed, text, owner = yield from self.look()
        record = read(text)
        verdicts: dict[str, str | None] = {"current": None, "pending": None, "known": None}
        if record is None and self.known_value:
            verdicts["known"] = yield Op("exchange", (self.known_value,))
        for part in ("current", "pending"):
            stored: Current | None = getattr(record, part) if record else None
            if stored and not owner:
                verdicts[part] = yield Op("exchange", (stored.value,))
        plan = self.plan_start(Evidence(NOW, listed, record, in_progress=owner, **verdicts))
        # Whatever goes on with a pending secret takes the lease as well: staging keeps the value that is there.
        steps = plan.steps
        if "stage" not in steps and {"create", "prove", "discard"} & set(steps):
            steps = ("stage", *("create_again" if name == "create" else name for name in steps))
        elif plan.state == "rotate" and record and "stage" not in steps:
            steps = ("claim", *steps)
        if plan.sweep:
            steps = (*self.sweeping, *steps)
        return Phase("steps", (Held(me, listed, text, steps, plan.secret_id, plan.sweep),))

    # A store that was restored from a backup may name an older secret that still works: deliver it before others go.
    sweeping: tuple[str, ...] = ("deliver", "sweep")

    def look(self) -> Generator[Op, Any, tuple[ListedIds, str, str | None]]:
        """LIST before the store: what was listed and is not recorded afterwards was not written ahead either."""
        listed = yield Op("list")
        text, owner = yield Op("read")
        return listed, text, owner

    def delete(self, secret_id: str) -> Generator[Op, Any, bool]:
        """DELETE, once more when the answer was lost. A 404 is as good as a 204."""
        for _unused in range(2):
            if (yield Op("delete", (secret_id,))) != "lost":
                return True
        return False

    def steps(self, held: Held) -> Steps:
        """Take the first step that is left, then go on with the others."""
        if not held.steps:
            return self.after_steps(held)
        name, *rest = held.steps
        if name == PROBE:
            return (yield from self.probe(held))
        try:
            text = yield from getattr(self, f"do_{name}")(held)
        except StoreError:
            text = None
        if text is None:
            return (yield from self.hand_back(held)) if held.rolling_back else None
        return Phase("steps", (held._replace(text=text, steps=tuple(rest)),))

    def hand_back(self, held: Held) -> Steps:
        """A roll-back that fails hands over the previous value, when it is still accepted."""
        previous = known(held.text).previous
        if previous and not previous.rolled_back and (yield Op("exchange", (previous.value,))) == "accepted":
            yield Op("deliver", (previous.value,))
        return None

    def give_up(self, held: Held) -> Step:
        """The server has no room for a copy of the previous secret: forget the copy; the next run asks the consumer."""
        yield from self.hand_back(held)
        yield Op("write", (held.text, encode_record(discard(known(held.text)))))
        return None

    def after_steps(self, held: Held) -> Phase | None:
        record = read(held.text)
        begun = record is not None and (record.previous is not None or record.lease is not None)
        return Phase("retirement", (held.proven,)) if begun else None

    def do_sweep(self, held: Held) -> Step:
        for secret_id in held.sweep:
            if not (yield from self.delete(secret_id)):
                return None
        return held.text

    def do_stage(self, held: Held) -> Step:
        return (yield Op("stage", (held.text, held.me, snapshot(held.listed), None, None)))

    def do_claim(self, held: Held) -> Step:
        """Take the lease where there is nothing to write ahead."""
        return (yield Op("claim", (held.text, held.me)))

    def do_create(self, held: Held) -> Step:
        """POST. When the answer is lost: look, and POST again only what is neither listed nor accepted."""
        pending = known(held.text).pending
        assert pending is not None
        for _unused in range(2):
            answer = yield Op("post", (pending.value, description_for(pending.rotation_id)))
            if answer == "ok":
                return held.text
            if answer == "refused":
                return (yield from self.give_up(held)) if pending.restores else None
            landed = yield from self.landed(held.text)
            if landed != "no":
                return held.text if landed else None
        return None

    def do_create_again(self, held: Held) -> Step:
        """To go on with a pending secret: the LIST of the plan may be older than another run's POST, so look again."""
        landed = yield from self.landed(held.text)
        if landed != "no":
            return held.text if landed else None
        return (yield from self.do_create(held))

    def landed(self, text: str) -> Generator[Op, Any, str | None]:
        """Whether the pending secret was made: ``yes``, ``no``, or None where that cannot be told."""
        record = known(text)
        assert record.pending is not None
        listed = yield Op("list")
        if find(Evidence(NOW, listed, record), record, record.pending):
            return "yes"
        # In a roll-back the value is accepted anyway, through the secret that it came from.
        if record.pending.restores:
            return "no"
        verdict: str = yield Op("exchange", (record.pending.value,))
        return {"accepted": "yes", "rejected": "no"}.get(verdict)

    def do_prove(self, held: Held) -> Step:
        pending = known(held.text).pending
        assert pending is not None
        for _unused in range(self.polls):
            if (yield Op("exchange", (pending.value,))) == "accepted":
                return held.text
        return None

    def do_promote(self, held: Held) -> Step:
        promoted = promote(known(held.text), at=NOW, grace=NO_GRACE, secret_id=held.secret_id)
        return (yield Op("write", (held.text, encode_record(promoted))))

    def do_deliver(self, held: Held) -> Step:
        """A target that holds the value already is left alone. To change one, the lease is needed."""
        record = read(held.text)
        if record is None or record.current is None or (yield Op("compare", (record.current.value,))):
            return held.text
        if not self.holds_lease(held.me, record):
            claimed: str | None = yield Op("claim", (held.text, held.me))
            if claimed is None:
                return None
            held = held._replace(text=claimed)
        yield Op("deliver", (record.current.value,))
        return held.text

    def holds_lease(self, me: str, record: Record) -> bool:
        return record.lease is not None and record.lease.owner == me

    def do_discard(self, held: Held) -> Step:
        assert held.secret_id is not None
        if not (yield from self.delete(held.secret_id)):
            return None
        return (yield Op("write", (held.text, encode_record(discard(known(held.text))))))

    def do_forget(self, held: Held) -> Step:
        return (yield Op("write", (held.text, encode_record(retire(known(held.text), at=NOW)))))

    def do_adopt(self, held: Held) -> Step:
        assert self.known_value is not None
        ids = [each.secret_id for each in held.listed]
        record = adopt(CLIENT, None, value=self.known_value, rotation_id=rotation_id(0), listed=ids, at=NOW)
        return (yield Op("write", (held.text, encode_record(record))))

    def do_make_room(self, _held: Held) -> Step:
        """In a roll-back: retire the secret whose value lives on in the pending one."""
        # No proof by a consumer is claimed: only the pending secret of this roll-back lets the old id go.
        text, plan = yield from self.retirement_plan(None)
        if plan.state != "retire":
            return None
        if plan.delete and not (yield from self.delete(plan.delete)):
            return None
        return (yield Op("write", (text, encode_record(retire(known(text), at=NOW, secret_id=plan.current_id)))))

    def probe(self, held: Held) -> Steps:
        """The proof by the consumer. One that fails is rolled back: the old value is added again under a new id."""
        record = known(held.text)
        assert record.current is not None
        if (yield Op("probe", (record.current.value,))):
            return Phase("steps", (held._replace(steps=(), proven=record.current.rotation_id, rolling_back=False),))
        if record.previous is None or record.previous.rolled_back:
            return None
        return (yield from self.roll_back(held, record.previous, record.current.rotation_id))

    def roll_back(self, held: Held, old: Previous, failed: str) -> Steps:
        listed = yield Op("list")
        text = yield Op("stage", (held.text, held.me, snapshot(listed), old.value, failed))
        # Another run is at work on this record: it sees to the consumer.
        if text is None:
            return None
        return Phase("steps", (Held(held.me, listed, text, self.back, rolling_back=True),))

    back: tuple[str, ...] = ("create", "make_room", "prove", "promote", "deliver", "probe")

    def retirement_plan(self, proven: str | None) -> Generator[Op, Any, tuple[str, Retirement]]:
        """The guards: LIST, the store read back, and the value read back exchanged."""
        listed, text, _owner = yield from self.look()
        record = known(text)
        verdict = (yield Op("exchange", (record.current.value,))) if record.current else None
        seen = Evidence(NOW, listed, record, current=verdict)
        return text, self.plan_retirement(seen, self.is_proven(record, proven))

    def is_proven(self, record: Record, proven: str | None) -> bool:
        """The consumer proved one rotation: not another one that was promoted since."""
        return record.current is not None and record.current.rotation_id == proven

    def retirement(self, proven: str | None) -> Steps:
        """Delete the previous secret behind its guards, and see that it is refused now."""
        text, plan = yield from self.retirement_plan(proven)
        record = known(text)
        over = encode_record(release(record, secret_id=plan.current_id))
        if plan.state == "retire":
            assert record.previous is not None
            if plan.delete and not (yield from self.delete(plan.delete)):
                return None
            if (yield Op("exchange", (record.previous.value,))) == "rejected":
                over = encode_record(retire(record, at=NOW, secret_id=plan.current_id))
        yield Op("write", (text, over))
        return None
