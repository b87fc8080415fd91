# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a rotation holds in the exhaustive model; each tempting variant of it is found broken."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._record import (
    Current,
    Previous,
    Record,
    discard,
    encode_record,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation import (
    Evidence,
    Plan,
    Retirement,
    Settings,
    find,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation_id import description_for
from ansible_collections.aritma.iam.tests.unit.rotation.model import Finding, explore
from ansible_collections.aritma.iam.tests.unit.rotation.role import (
    CLIENT,
    LONG_AGO,
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
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    OLD,
    Scenario,
    Secret,
    World,
    established,
)


class Provisioning(Role):
    """A run that only finishes what was begun."""

    wish = Settings(due=False)


class Forced(Role):
    wish = Settings(force=True)


class Holding(Role):
    wish = Settings(hold=True)


class Impatient(Role):
    """A run so long after the others that a pending secret has to work by now."""

    wish = Settings(patience=timedelta(seconds=-1))


class Adopting(Role):
    known_value = OLD


def unprovisioned() -> World:
    """No record; two secrets of others at the server."""
    world = established()
    return world._replace(text="", secrets=world.secrets[:2], delivered=None)


def by_hand() -> World:
    """No record; one secret that somebody made by hand and that the operator knows."""
    return World("", (Secret("1", "made by hand", OLD, True),), delivered=OLD, next_id=2)


def restored(value: str = "another") -> World:
    """A store restored from a backup: another secret of ours is in use than the one that it holds.

    ``value`` is what the server has under the id that the store holds.
    """
    world = established()
    *others, old = world.secrets
    in_use = Secret("2", description_for(rotation_id(9)), "value-09", True)
    return world._replace(secrets=(*others, old._replace(value=value), in_use), delivered="value-09", next_id=3)


def promoted() -> World:
    """Promoted and delivered, then the run was killed."""
    old, new = rotation_id(0), rotation_id(1)
    record = Record(
        client_id=CLIENT,
        version=3,
        current=Current(value="value-01", rotation_id=new, secret_id="2", created_at=NOW),
        previous=Previous(value=OLD, rotation_id=old, secret_id="1", created_at=LONG_AGO),
    )
    made = Secret("2", description_for(new), "value-01", True)
    secrets = (*established().secrets, made)
    return World(encode_record(record), secrets, delivered="value-01", next_id=3, rotations=1)


def run(**options: Any) -> Finding:
    return explore(Scenario(**{"role": Role(), "world": established(), **options}))


NO_LEASE: dict[str, Any] = {"runs": 2, "lease": False, "most": 4, "further_runs": 2}
"""Two runs where the lease of one has run out (it was stopped, or its clock is wrong). What a repeated POST left over
is swept at the beginning of the run after the next."""

HOLDS: dict[str, dict[str, Any]] = {
    "one run, 4 kills, 4 lost answers": {"kills": 4, "losses": 4},
    "one run, the id of the current secret is not known": {"world": established(None), "kills": 2, "losses": 2},
    "one run, the first secret": {"world": unprovisioned(), "kills": 4, "losses": 4, "most": 1},
    "one run that adopts": {"role": Adopting(), "world": by_hand(), "kills": 4, "losses": 4, "most": 1},
    "one run, probes fail": {"kills": 2, "losses": 2, "probe_failures": 2},
    "one run, a store restored to a secret that still works": {"world": restored(OLD), "kills": 2, "losses": 2},
    "one run, killed POSTs land late": {"late_posts": True, "kills": 2, "losses": 2, "most": 3, "further_runs": 2},
    "one run, new secrets are accepted late": {"slow_tokens": True, "kills": 3, "losses": 2},
    "one run, accepted late, probes fail": {"slow_tokens": True, "kills": 2, "losses": 1, "probe_failures": 1},
    "one run, accepted late, patience at an end": {"role": Impatient(), "slow_tokens": True, "kills": 3, "losses": 2},
    "one run, LIST is stale": {"stale_lists": True, "kills": 3, "losses": 2},
    "one run, LIST is stale, accepted late": {
        "stale_lists": True,
        "slow_tokens": True,
        "kills": 2,
        "losses": 1,
        "most": 5,
        "further_runs": 2,
    },
    "one run, no descriptions": {"descriptions": False, "kills": 2, "losses": 1, "probe_failures": 1},
    "one run, no descriptions, patience at an end": {
        "role": Impatient(),
        "descriptions": False,
        "slow_tokens": True,
        "kills": 2,
        "losses": 1,
    },
    "one run, hold": {
        "role": Holding(),
        "hold": True,
        "kills": 2,
        "losses": 2,
        "probe_failures": 1,
        "converges": False,
    },
    "one run, at most two secrets, probes fail": {
        # The first further run may only find out that the copy of the previous secret has no room.
        "cap": 2,
        "kills": 2,
        "losses": 1,
        "probe_failures": 1,
        "further_runs": 2,
    },
    "two runs": {"runs": 2, "kills": 1, "losses": 1},
    "two runs, probes fail": {"runs": 2, "losses": 1, "probe_failures": 1},
    "two runs after a promotion": {"world": promoted(), "runs": 2, "losses": 1, "probe_failures": 1},
    "two runs, accepted late": {"role": Impatient(), "runs": 2, "kills": 1, "slow_tokens": True},
    "two runs, no descriptions": {"runs": 2, "kills": 1, "descriptions": False},
    "two runs that adopt": {"role": Adopting(), "world": by_hand(), "runs": 2, "kills": 1, "losses": 1, "most": 1},
    "a rotation beside a provisioning": {"second": Provisioning(), "runs": 2, "kills": 1, "losses": 1},
    "two runs, no lease": {**NO_LEASE, "kills": 1},
    "two runs, no lease, lost answers": {**NO_LEASE, "losses": 2},
    "two runs, no lease, the first secret": {**NO_LEASE, "world": unprovisioned(), "kills": 1},
    # A run that was stopped between the promotion and the delivery delivers what another one rolled back meanwhile.
    # Only the target could refuse that; the store is right all the time, and the next run delivers it.
    "two runs, no lease, probes fail": {**NO_LEASE, "probe_failures": 1, "delivery_checked": False},
}


@pytest.mark.parametrize("scenario", HOLDS.values(), ids=HOLDS.keys())
def test_the_order_holds(scenario: dict[str, Any]) -> None:
    found = run(**scenario)
    assert found.violation is None, "\n".join([found.violation, *found.trace])


def test_two_secrets_live_at_once_in_a_rotation_and_three_in_a_roll_back() -> None:
    assert run(kills=1, losses=1).most == 2
    assert run(probe_failures=1).most == 3


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


def dead_after_proof() -> World:
    """Promoted and proven, then somebody deleted the new secret: only the previous one works."""
    world = promoted()
    return world._replace(secrets=world.secrets[:-1], delivered=OLD)


UNCHECKED: dict[str, Any] = {"converges": False, "current_checked": False}

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


@pytest.mark.parametrize(
    "scenario",
    [
        {"world": restored(), **UNCHECKED},
        {"world": dead_after_proof(), "begins": Phase("retirement", (rotation_id(1),)), **UNCHECKED},
    ],
    ids=["restored from a backup", "the new secret was deleted by others"],
)
def test_where_the_store_is_wrong_nothing_is_deleted(scenario: dict[str, Any]) -> None:
    found = run(**scenario)
    assert found.violation is None, "\n".join([found.violation, *found.trace])
