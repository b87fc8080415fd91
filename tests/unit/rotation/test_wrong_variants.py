# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model finds what is wrong: each rule is broken once, by a patch of one function that ships or of one task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation import evidence, ids, plan, rounds
from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import Objection, Shown, Target
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, carries
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Seen, Wish
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Record
from ansible_collections.aritma.iam.tests.unit.rotation.play import Doing, Facts, Op, Play, Role, read
from ansible_collections.aritma.iam.tests.unit.rotation.scenarios import (
    COMPROMISED,
    FORCED,
    HOLDING,
    IMPATIENT,
    USUAL,
    dead_after_proof,
    lying_id,
    one_more,
    overtaken,
    run,
)

# ---- tasks that do something else


class DeletesBeforePromote(Play):
    def do_promote(self, role: Role, facts: Facts, clock: int) -> Doing:
        yield Op("delete", ("1",))
        return (yield from super().do_promote(role, facts, clock))


class Sweeps(Play):
    """Leftovers are deleted before anything is written: without the lease, and without a tombstone."""

    store_first = False

    def do_begin(self, role: Role, facts: Facts, clock: int) -> Doing:
        if self.store_first:
            held, rows = (yield Op("read")), (yield Op("list"))[1]
        else:
            rows, held = (yield Op("list"))[1], (yield Op("read"))
        record = read(held.text)
        for secret_id in ids.leftovers(rows, record) if record and not held.rival else ():
            yield Op("delete", (secret_id,))
        return (yield from super().do_begin(role, facts, clock))


class SweepsByAnOlderStore(Sweeps):
    store_first = True


class DeletesBeforeItForgets(Play):
    """A pending secret that is refused for good is deleted, then forgotten."""

    def do_begin(self, role: Role, facts: Facts, clock: int) -> Doing:
        rows, held = (yield Op("list"))[1], (yield Op("read"))
        record = read(held.text)
        pending = record.pending if record and not held.rival else None
        if pending and (yield Op("exchange", (pending.value,))) == "rejected":
            for secret_id in ids.rows_of(rows, pending):
                yield Op("delete", (secret_id,))
        return (yield from super().do_begin(role, facts, clock))


class TakesAllForAccepted(Play):
    """No step sees that a stored value is not accepted."""

    def asked(self, ask: rounds.Ask, wish: Wish) -> Any:
        answer = yield from super().asked(ask, wish)
        return "accepted" if isinstance(ask, rounds.Exchange) else answer


class ReloadsWhatChanged(Play):
    """A reload follows a change, and is not repeated: an equal file is taken for a proof."""

    def proven(self, role: Role, facts: Facts, kind: str) -> Doing:
        if kind == "reload" and facts.plan.act != plan.STAGE:
            return facts._replace(
                deliveries=(
                    *facts.deliveries,
                    *(each._replace(proof=f"reload {each.target}") for each in facts.deliveries),
                )
            )
        return (yield from super().proven(role, facts, kind))


# ---- functions that decide something else


class Patch(NamedTuple):
    """What takes the place of a function, in every module that calls it."""

    name: str
    new: Callable[..., Any]
    modules: Sequence[ModuleType | type]


def all_but_mine(seen: Seen, _wish: Wish) -> tuple[str, ...]:
    current = seen.record.current if seen.record else None
    return tuple(row.secret_id for row in seen.listed if current and not carries(row.description, current.rotation_id))


GOING, OBJECTION, NOTED, POINTED_BACK = plan.going, evidence.objection, evidence.noted, records.pointed_back


def with_copies(seen: Seen, wish: Wish) -> tuple[str, ...]:
    """Second copies of the current secret are swept as well."""
    current = seen.record.current if seen.record else None
    own = [row.secret_id for row in seen.listed if current and carries(row.description, current.rotation_id)]
    return (*GOING(seen, wish), *own[1:])


def recorded(listed: Sequence[Listed], stored: Current | None) -> tuple[str, ...]:
    """A recorded id that is listed is believed."""
    if stored is None:
        return ()
    known = tuple(row.secret_id for row in listed if row.secret_id == stored.secret_id)
    return known or tuple(row.secret_id for row in listed if carries(row.description, stored.rotation_id))


def of_the_configured(record: Record, targets: Sequence[Target], *rest: Any) -> Objection | None:
    """Targets that are recorded and not configured are not asked for."""
    names = {each.name for each in targets}
    known = {name: entry for name, entry in record.targets.items() if name in names}
    return OBJECTION(record.model_copy(update={"targets": known}), targets, *rest)


def old_generation(record: Record, *, at: datetime) -> Record:
    """The evidence of a rotation id: what is known of the old value counts again."""
    return POINTED_BACK(record, at=at).model_copy(update={"generation": record.generation - 1})


def not_withdrawn(record: Record, shown: Shown, targets: Sequence[Target], at: datetime) -> Record:
    return NOTED(record, replace(shown, differing=frozenset()), targets, at)


def unseen_tombstone(step: Callable[..., Any]) -> Callable[..., Any]:
    """The step does not see that the previous secret is doomed."""

    def driven(*given: Any, **named: Any) -> Any:
        steps, reply = step(*given, **named), None
        try:
            while True:
                ask = steps.send(reply)
                reply = yield ask
                if isinstance(ask, rounds.Read) and reply.record.previous:
                    alive = reply.record.previous.model_copy(update={"doomed": None})
                    reply = reply._replace(record=reply.record.model_copy(update={"previous": alive}))
        except StopIteration as end:
            return end.value

    return driven


def unmarked(record: Record, **_times: datetime) -> Record:
    return record.model_copy(update={"pending": None, "previous": None})


def nothing(*_given: Any) -> None:
    return None


def none(*_given: Any) -> tuple[str, ...]:
    return ()


def same(record: Record, *_given: Any, **_named: Any) -> Record:
    return record


NO_EVIDENCE = (Patch("objection", nothing, [rounds]), Patch("unsettled", none, [rounds]))
TWO_CONFIGURATIONS: dict[str, Any] = {
    "asks": ({"force": True, "only": (0,)}, {"due": False}),
    "targets": 2,
    "world": one_more,
}
UNFENCED: dict[str, Any] = {"fence": "look", "asks": (USUAL, FORCED), "sleeps": 1, "further": 1, "most": 3}
NOT_ACCEPTED = "the store's current value value-0"
HOLDS = "t0 holds or uses value-0"

BROKEN: dict[str, tuple[str, Sequence[Patch], dict[str, Any]]] = {
    # the first table of ROTATION.md
    "delete before promote": (NOT_ACCEPTED, (), {"play": DeletesBeforePromote()}),
    "delete all secrets except mine": ("somebody else", (Patch("going", all_but_mine, [plan, rounds]),), {}),
    "store read before LIST when sweeping": (
        NOT_ACCEPTED,
        (),
        {"play": SweepsByAnOlderStore(), "asks": (USUAL, FORCED)},
    ),
    "pointing back without a tombstone": (
        NOT_ACCEPTED,
        (Patch("abandon", unseen_tombstone(rounds.abandon), [rounds]),),
        {
            "asks": ({"only": (0,)},),
            "grown": (USUAL,),
            "targets": 2,
            "world": one_more,
            "growths": 1,
            "kills": 1,
            "delivery_failures": 1,
            "late": True,
        },
    ),
    # evidence
    "retire without evidence": (HOLDS, NO_EVIDENCE, {"skips": 2}),
    "retire without evidence, a failure is ignored": (HOLDS, NO_EVIDENCE, {"reload_failures": 1, "ignored": 2}),
    "evidence by rotation id": (
        HOLDS,
        (Patch("pointed_back", old_generation, [records]),),
        {"fence": "deadline", "kills": 1, "probe_failures": 1, "skips": 2},
    ),
    "evidence stays when a target is mended": (
        HOLDS,
        (Patch("noted", not_withdrawn, [rounds]),),
        {"asks": (HOLDING, USUAL), "drifts": 1},
    ),
    "an equal file is a proof": (HOLDS, (), {"play": ReloadsWhatChanged(), "probe": False, "kills": 1}),
    "only configured targets are asked for": (
        "t1 holds or uses value-0",
        (Patch("objection", of_the_configured, [plan, rounds]),),
        TWO_CONFIGURATIONS,
    ),
    "targets are named after the delivery": (
        "t1 holds or uses value-0",
        (Patch("named", same, [records]),),
        {**TWO_CONFIGURATIONS, "kills": 1},
    ),
    "promote without proof": (
        NOT_ACCEPTED,
        (Patch("proves", lambda *_given: True, [evidence.Exchanged]),),
        {"slow": True, "ignored": 1},
    ),
    "one success is a proof": (NOT_ACCEPTED, (), {"asks": ({"successes": 1},), "nodes": 2, "slow": True}),
    "retire although the value read back is not accepted": (
        "the last secret that works",
        (),
        {"play": TakesAllForAccepted(), "world": dead_after_proof, "current_checked": False, "delivery_checked": False},
    ),
    "hold ignored": ("in spite of hold", (), {"hold": True}),
    # fence
    "deliver without fence": (HOLDS, (), {"fence": "none", "asks": (USUAL, FORCED), "sleeps": 1, "most": 3}),
    "what was overtaken is not feared": (HOLDS, (Patch("_feared", same, [rounds]),), UNFENCED),
    "old evidence counts after the fear": (
        HOLDS,
        (Patch("doubted", same, [records]),),
        {"fence": "look", "days": 1, "skips": 1, "world": overtaken},
    ),
    # ids
    "a recorded id is believed": ("somebody else", (Patch("rows_of", recorded, [ids, plan]),), {"world": lying_id}),
    "copies of the current secret are swept": (
        "the last secret that works",
        (Patch("going", with_copies, [plan, rounds]),),
        {"losses": 1, "late": True, "slow": True, "most": 3},
    ),
    "delete a pending secret before it is forgotten": (
        NOT_ACCEPTED,
        (),
        {"play": DeletesBeforeItForgets(), "asks": (IMPATIENT, USUAL), "slow": True, "kills": 1},
    ),
    "delete a pending secret before it is forgotten, one run": (
        NOT_ACCEPTED,
        (),
        {"play": DeletesBeforeItForgets(), "asks": (IMPATIENT,), "slow": True, "kills": 2, "late": True},
    ),
    # a leak
    "no mark on a leak": (
        "value-00 was leaked, and is current again",
        (Patch("burning", unmarked, [records]),),
        {"asks": (COMPROMISED,), "probe_failures": 1},
    ),
    "a leak is closed at once": (
        "was leaked, the leak is closed, and it is accepted",
        (Patch("_landed", lambda _record, _held, wish: wish.now, [rounds]),),
        {"asks": (USUAL, COMPROMISED), "kills": 1, "late": True, "most": 3},
    ),
    "a POST after the end of the lease": (
        "was leaked, the leak is closed, and it is accepted",
        (),
        {"asks": (USUAL, COMPROMISED), "sleeps": 1, "hours": 1, "further": 1, "post_fenced": False, "most": 3},
    ),
}


@pytest.mark.parametrize(("violation", "patches", "scenario"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_variant_is_found(
    violation: str, patches: Sequence[Patch], scenario: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, new, modules in patches:
        for module in modules:
            monkeypatch.setattr(module, name, new)
    found = run(**{"converges": False, **scenario})
    assert found.violation is not None
    assert violation in found.violation, str(found)


def test_a_sweep_without_the_lease_is_only_safe_by_the_order_of_its_looks() -> None:
    """LIST before the store is enough there; a guard has the compare-and-set of the tombstone besides."""
    found = run(play=Sweeps(), asks=(USUAL, FORCED), kills=1, converges=False)
    assert found.violation is None, str(found)
