# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model finds what is wrong: each rule of the order is broken once, by a role that ignores it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    Evidence,
    Plan,
    Retirement,
    Settings,
    find,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Previous,
    Record,
    discard,
    encode_record,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import (
    NOW,
    Held,
    Op,
    Phase,
    Role,
    Step,
    Steps,
    known,
    rotation_id,
)
from ansible_collections.aritma.iam.tests.unit.rotation.scenarios import (
    NO_LEASE,
    UNCHECKED,
    Impatient,
    Provisioning,
    dead_after_proof,
    promoted,
    restored,
    run,
)
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    OLD,
    World,
    established,
)


class DeletesBeforePromote(Role):
    def do_promote(self, held: Held) -> Step:
        current = known(held.text).current
        if current and current.secret_id:
            yield from self.delete(current.secret_id)
        return (yield from super().do_promote(held))


class DeletesAllButMine(Role):
    wish = Settings(force=True)

    def steps(self, held: Held) -> Steps:
        if held.proven is None:
            return (yield from super().steps(held))
        current = known(held.text).current
        assert current is not None
        for each in (yield Op("list")):
            if each.description != description_for(current.rotation_id):
                yield from self.delete(each.secret_id)
        return self.after_steps(held)


class ReadsBeforeList(Role):
    def look(self) -> Any:
        text, owner = yield Op("read")
        listed = yield Op("list")
        return listed, text, owner


class PointsBack(Role):
    def roll_back(self, held: Held, old: Previous, failed: str) -> Steps:
        record = known(held.text)
        assert record.current is not None
        back = Current(value=old.value, rotation_id=old.rotation_id, secret_id=old.secret_id, created_at=NOW)
        gone = Previous(value=record.current.value, rotation_id=failed, secret_id=record.current.secret_id)
        pointed = record.model_copy(update={"version": record.version + 1, "current": back, "previous": gone})
        text = yield Op("write", (held.text, encode_record(pointed)))
        return text and Phase("steps", (held._replace(text=text, steps=("deliver", "probe")),))


class PostsAgainBlindly(Role):
    def landed(self, text: str) -> Any:
        assert text
        yield Op("exchange", ("nothing",))
        return "no"


class PostsAgainOnInvalidClient(Role):
    def landed(self, text: str) -> Any:
        pending = known(text).pending
        assert pending is not None
        return "yes" if (yield Op("exchange", (pending.value,))) == "accepted" else "no"


class TakesAllForAccepted(Role):
    """Neither planner sees that a stored value is not accepted."""

    sweeping = ("sweep",)

    def plan_start(self, seen: Evidence) -> Plan:
        return super().plan_start(replace(seen, current="accepted"))

    def plan_retirement(self, seen: Evidence, consumer_proven: bool) -> Retirement:
        return super().plan_retirement(replace(seen, current="accepted"), consumer_proven)


class TakesUnknownForRejected(Role):
    """What is not accepted is deleted at once, as definitely refused."""

    def do_prove(self, held: Held) -> Step:
        record = known(held.text)
        assert record.pending is not None
        if (yield Op("exchange", (record.pending.value,))) == "accepted":
            return held.text
        listed = yield Op("list")
        for secret_id in find(Evidence(NOW, listed, record), record, record.pending):
            yield from self.delete(secret_id)
        yield Op("write", (held.text, encode_record(discard(record))))
        return None


class ProvesAnotherRotation(Role):
    """The proof of whatever was delivered counts for whatever is stored now."""

    def is_proven(self, record: Record, proven: str | None) -> bool:
        return record.pending is None and proven is not None


class DoesNotAskConsumers(Role):
    def probe(self, held: Held) -> Steps:
        return Phase("steps", (held._replace(steps=()),))
        yield


class GoesOnWithoutLease(Role):
    """A run that goes on after a promotion does not take the lease."""

    def do_claim(self, held: Held) -> Step:
        return held.text
        yield


class DeliversWithoutLease(Role):
    def do_deliver(self, held: Held) -> Step:
        record = known(held.text)
        if record.current:
            yield Op("deliver", (record.current.value,))
        return held.text


class DeliversWithoutLeaseProvisioning(DeliversWithoutLease, Provisioning):
    pass


class HandsBackBlindly(Role):
    def hand_back(self, held: Held) -> Steps:
        previous = known(held.text).previous
        if previous:
            yield Op("deliver", (previous.value,))
        return None


class TrustsItsOldList(Impatient):
    """A run that goes on with a pending secret POSTs it on the LIST that it made before it took the lease."""

    def do_create_again(self, held: Held) -> Step:
        return (yield from self.do_create(held))


class SweepsBeforeItDelivers(Role):
    sweeping = ("sweep",)


class ProvesBeforeItMakesRoom(Role):
    back = ("create", "prove", "make_room", "promote", "deliver", "probe")


def alone() -> World:
    """A client without secrets of others."""
    return established()._replace(secrets=established().secrets[2:])


BROKEN: dict[str, tuple[str, dict[str, Any]]] = {
    "delete before promote": ("current value is not accepted", {"role": DeletesBeforePromote()}),
    "delete all secrets except mine": ("somebody else", {"role": DeletesAllButMine()}),
    "delete all secrets except mine, nobody else's there": (
        "is not accepted",
        {
            **NO_LEASE,
            "role": DeletesAllButMine(),
            "converges": False,
            "world": alone(),
            "begins": Phase("steps", (Held("run-0", (), alone().text, (), proven=rotation_id(0)),)),
        },
    ),
    "store read before LIST when sweeping": ("is not accepted", {**NO_LEASE, "role": ReadsBeforeList()}),
    "store read before LIST when sweeping, with the lease": ("is not accepted", {"runs": 2, "role": ReadsBeforeList()}),
    "roll back by pointing back at the old id": (
        "current value is not accepted",
        {**NO_LEASE, "role": PointsBack(), "probe_failures": 1, "delivery_checked": False},
    ),
    "no look before the second POST": ("3 managed", {"role": PostsAgainBlindly(), "losses": 1}),
    "POST again on invalid_client alone": (
        "3 managed",
        {"role": PostsAgainOnInvalidClient(), "losses": 1, "slow_tokens": True},
    ),
    "swept although current was not accepted": (
        "delivered value is not accepted",
        {"role": TakesAllForAccepted(), "world": restored(), **UNCHECKED},
    ),
    "deleted although the value read back was not accepted": (
        "the last secret that works was deleted",
        {
            "role": TakesAllForAccepted(),
            "world": dead_after_proof(),
            **UNCHECKED,
            "begins": Phase("retirement", (rotation_id(1),)),
        },
    ),
    "unknown taken for rejected": (
        "current value is not accepted",
        {**NO_LEASE, "role": TakesUnknownForRejected(), "losses": 1, "delivery_checked": False},
    ),
    "hold ignored": ("in spite of hold", {"hold": True}),
    "the proof of another rotation counts": (
        "delivered value is not accepted",
        {**NO_LEASE, "role": ProvesAnotherRotation(), "probe_failures": 1},
    ),
    "the consumer is not asked": ("is left", {"role": DoesNotAskConsumers()}),
    "going on without the lease": (
        "delivered value is not accepted",
        {"world": promoted(), "runs": 2, "role": GoesOnWithoutLease(), "losses": 2, "probe_failures": 1},
    ),
    "delivering without the lease": (
        "delivered value is not accepted",
        {"runs": 2, "role": DeliversWithoutLease(), "second": DeliversWithoutLeaseProvisioning()},
    ),
    "handing back a value that is not accepted": (
        "delivered value is not accepted",
        {"role": HandsBackBlindly(), "kills": 1, "losses": 2, "probe_failures": 1},
    ),
    "POST on a LIST from before the lease": (
        "3 managed",
        {"runs": 2, "role": TrustsItsOldList(), "slow_tokens": True},
    ),
    "sweeping before delivering": (
        "delivered value is not accepted",
        {"role": SweepsBeforeItDelivers(), "world": restored(OLD)},
    ),
    "a roll-back that proves before it makes room": (
        "current value is not accepted",
        {"role": ProvesBeforeItMakesRoom(), "slow_tokens": True, "probe_failures": 1},
    ),
}


@pytest.mark.parametrize(("violation", "scenario"), BROKEN.values(), ids=BROKEN.keys())
def test_a_wrong_variant_is_found(violation: str, scenario: dict[str, Any]) -> None:
    found = run(**scenario)
    assert found.violation is not None
    assert violation in found.violation, "\n".join([found.violation, *found.trace])
