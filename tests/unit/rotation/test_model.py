# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a rotation holds in the exhaustive model, whatever is killed, lost, late or asleep."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation import rounds
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Wish
from ansible_collections.aritma.iam.tests.unit.rotation.model import Search
from ansible_collections.aritma.iam.tests.unit.rotation.play import Doing, Facts, Play, Point, Role
from ansible_collections.aritma.iam.tests.unit.rotation.scenarios import (
    ADOPTING,
    COMPROMISED,
    FORCED,
    HIDDEN,
    HOLDING,
    IMPATIENT,
    PROVISIONING,
    RECOVERING,
    USUAL,
    bare,
    by_hand,
    cut_off,
    dead_after_proof,
    lying_id,
    numbered,
    one_more,
    overtaken,
    promoted,
    restored,
    restored_alive,
    run,
    scenario,
    unlearned,
    unprovisioned,
)
from ansible_collections.aritma.iam.tests.unit.rotation.world import Place


class KeepsResults(Play):
    """What was registered earlier is still there: in the second round, and in the restoration."""

    def after(self, point: Point, facts: Facts) -> tuple[Point, Facts] | None:
        then = super().after(point, facts)
        return (then[0], facts) if then and then[0].round > point.round else then

    def step(self, steps: rounds.Steps[rounds.Round], facts: Facts, wish: Wish) -> Doing:
        after = yield from super().step(steps, facts, wish)
        return after._replace(deliveries=facts.deliveries, exchanges=facts.exchanges)

    def do_begin(self, role: Role, facts: Facts, clock: int) -> Doing:
        after = yield from super().do_begin(role, facts, clock)
        return after._replace(deliveries=facts.deliveries, exchanges=facts.exchanges)

    def do_abandon(self, role: Role, facts: Facts, clock: int) -> Doing:
        after = yield from super().do_abandon(role, facts, clock)
        return after._replace(deliveries=facts.deliveries, exchanges=facts.exchanges)


TWO_CONFIGURATIONS: dict[str, Any] = {
    "asks": ({"force": True, "only": (0,)}, {"due": False}),
    "targets": 2,
    "world": one_more,
}
PULLED: dict[str, Any] = {"reload": False, "probe": False}
UNFENCED: dict[str, Any] = {"fence": "look", "asks": (USUAL, FORCED), "most": 3}

HOLDS: dict[str, dict[str, Any]] = {
    # one run
    "kills, lost answers": {"kills": 3, "losses": 2},
    "consumers fail": {"kills": 1, "losses": 1, "probe_failures": 1, "reload_failures": 1, "delivery_failures": 1},
    "two targets, consumers fail": {"targets": 2, "kills": 1, "probe_failures": 1, "delivery_failures": 1},
    "requests land late, accepted late": {"kills": 2, "losses": 1, "late": True, "slow": True, "most": 3},
    "LIST lags, lacks new rows, deletions are known late": {
        "kills": 1, "losses": 1, "slow": True, "rows_late": True, "lags": 1, "ghosts": True, "further": 1,
        "most": 3,
    },
    "two nodes, deletions are known late": {
        "nodes": 2, "kills": 1, "losses": 1, "probe_failures": 1, "slow": True, "ghosts": True,
    },
    "patience at an end": {"asks": (IMPATIENT,), "kills": 2, "losses": 1, "slow": True},
    "targets restored from a backup": {
        "asks": (HOLDING, USUAL), "runs": 2, "kills": 1, "drifts": 1, "reload_failures": 1,
    },
    "reload alone": {"probe": False, "kills": 1, "losses": 1, "reload_failures": 2, "further": 1},
    "probe alone": {"reload": False, "kills": 1, "losses": 1, "probe_failures": 1, "further": 1},
    "pulled, grace": {**PULLED, "kills": 1, "losses": 1, "delivery_failures": 1, "days": 1, "further": 1},
    "no target, grace": {"targets": 0, "kills": 2, "losses": 1, "days": 1, "further": 1},
    "any task is skipped": {"skips": 2, "kills": 1, "probe_failures": 1, "further": 1},
    "any failure is ignored": {"ignored": 2, "kills": 1, "slow": True, "further": 1},
    "results of the first round are still registered": {
        "play": KeepsResults(), "kills": 1, "losses": 2, "probe_failures": 1, "skips": 1,
    },
    "the first secret": {"world": unprovisioned, "kills": 2, "losses": 2, "most": 1},
    "the first secret, late": {
        "world": unprovisioned, "kills": 2, "losses": 1, "slow": True, "late": True, "further": 1, "most": 1,
    },
    "the first secret, patience at an end": {
        "world": unprovisioned, "asks": (IMPATIENT,), "kills": 2, "losses": 1, "slow": True, "most": 1,
    },
    "adopts": {"world": by_hand, "asks": (ADOPTING,), "calm": ADOPTING, "kills": 2, "losses": 2, "further": 1},
    "a recorded id lies": {"world": lying_id, "kills": 1, "losses": 1, "probe_failures": 1},
    "promoted, then killed": {"world": promoted, "kills": 1, "losses": 1, "probe_failures": 1},
    "hold": {
        "asks": (HOLDING,), "hold": True, "kills": 2, "losses": 2, "probe_failures": 1, "further": 1,
        "converges": False,
    },
    "the server refuses an addition": {"refusals": 1, "losses": 1, "kills": 1, "late": True, "slow": True, "most": 3},
    "the server refuses the first addition": {
        "world": unprovisioned, "refusals": 1, "losses": 1, "late": True, "slow": True, "most": 1,
    },
    # several runs
    "two runs": {"asks": (USUAL, USUAL), "kills": 1, "losses": 1},
    "two rotations, a sleeper": {"asks": (USUAL, FORCED), "kills": 1, "sleeps": 1, "slow": True, "most": 3},
    "two rotations, a sleeper, late requests": {
        "asks": (USUAL, FORCED), "kills": 1, "sleeps": 1, "late": True, "most": 3,
    },
    "two rotations, two sleepers, probes fail": {
        "asks": (USUAL, FORCED), "sleeps": 2, "probe_failures": 1, "most": 3,
    },
    "a rotation beside a provisioning": {"asks": (USUAL, PROVISIONING), "kills": 1, "losses": 1},
    "a rotation beside one that holds": {"asks": (HOLDING, USUAL), "kills": 1, "sleeps": 1, "probe_failures": 1},
    "a rotation beside an impatient one": {
        "asks": (IMPATIENT, USUAL), "kills": 1, "sleeps": 1, "slow": True, "most": 3,
    },
    "two first runs": {"world": unprovisioned, "asks": (USUAL, FORCED), "kills": 1, "sleeps": 1},
    "two runs that adopt": {
        "world": by_hand, "asks": (ADOPTING, {**ADOPTING, "force": True}), "calm": ADOPTING, "kills": 1, "sleeps": 1,
    },
    "two configurations": {**TWO_CONFIGURATIONS, "kills": 1, "reload_failures": 1},
    "a target is added": {
        "asks": ({"only": (0,)},), "grown": (FORCED,), "targets": 2, "world": one_more, "growths": 1, "kills": 1,
        "further": 1, "reload_failures": 1,
    },
    "any task is skipped, two runs": {"asks": (USUAL, FORCED), "skips": 1, "ignored": 1, "most": 3},
    # how targets refuse what is late
    "a sleeper, targets that look at the clock": {
        "fence": "deadline", "asks": (USUAL, FORCED), "sleeps": 1, "probe_failures": 1, "most": 3,
    },
    "a sleeper, targets that refuse nothing": {**UNFENCED, "sleeps": 1, "days": 1, "further": 1},
    "an overtaken run has delivered what was current then": {
        "fence": "look", "days": 1, "skips": 1, "kills": 1, "world": overtaken,
    },
    # a leak
    "a leak": {
        "asks": (COMPROMISED,), "kills": 2, "losses": 1, "probe_failures": 1, "reload_failures": 1, "slow": True,
    },
    "a leak, any task is skipped": {
        "asks": (COMPROMISED,), "skips": 2, "ignored": 1, "probe_failures": 1, "hours": 1,
    },
    "a leak beside a rotation": {"asks": (USUAL, COMPROMISED), "kills": 1, "sleeps": 1, "most": 3},
    "a leak beside a rotation, late requests": {
        "asks": (USUAL, COMPROMISED), "kills": 1, "late": True, "hours": 1, "most": 3,
    },
    "a leak beside a rotation, lost answers": {
        "asks": (USUAL, COMPROMISED), "losses": 1, "late": True, "hours": 1, "most": 3,
    },
    "two leaks": {"asks": (COMPROMISED, COMPROMISED), "kills": 1, "hours": 1, "most": 3},
    # LIST that shows no tags
    "no descriptions": {"world": numbered, **HIDDEN, "kills": 1, "losses": 1, "probe_failures": 1, "further": 1},
    "no descriptions, left alone": {"world": numbered, "shows": "hidden", "kills": 1, "days": 1, "further": 1},
    "no descriptions, others add and delete": {
        "world": numbered, **HIDDEN, "asks": (FORCED,), "added": 1, "removed": 1, "further": 2,
    },
    "no descriptions, new rows are missing, others add and delete": {
        "world": numbered, **HIDDEN, "asks": (FORCED,), "added": 1, "removed": 1, "further": 1, "rows_late": True,
        "slow": True, "lags": 1,
    },
    "no descriptions, ids are positions": {
        "world": bare, **HIDDEN, "asks": (FORCED,), "ids": "positions", "added": 2, "removed": 2, "further": 3,
    },
    "no descriptions, ids are positions, others are there": {
        "world": unlearned, **HIDDEN, "asks": (FORCED,), "ids": "positions", "added": 2, "removed": 2, "further": 2,
    },
    "no descriptions, ids are used again, others add": {
        "world": numbered, **HIDDEN, "asks": (FORCED,), "ids": "reused", "added": 2, "further": 2,
    },
    "no descriptions, ids are used again, others delete": {
        "world": numbered, **HIDDEN, "asks": (FORCED,), "ids": "reused", "removed": 2, "further": 2,
    },
    "altered descriptions": {
        "world": cut_off, "shows": "altered", "converges": False, "asks": (FORCED,), "added": 1, "removed": 1,
        "further": 1, "probe_failures": 1,
    },
}  # fmt: skip


LONG = {
    "two rotations, a sleeper",
    "two rotations, a sleeper, late requests",
    "a sleeper, targets that refuse nothing",
    "two rotations, two sleepers, probes fail",
    "a rotation beside one that holds",
    "a rotation beside an impatient one",
    "two runs that adopt",
    "any task is skipped, two runs",
    "a leak beside a rotation, late requests",
    "a leak beside a rotation, lost answers",
    "two leaks",
    "no descriptions, new rows are missing, others add and delete",
}
"""Those with many states, of which others have a part each: only in `make torture`."""


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(options, id=name, marks=pytest.mark.torture if name in LONG else ())
        for name, options in HOLDS.items()
    ],
)
def test_the_order_holds(options: dict[str, Any]) -> None:
    found = run(**options)
    assert found.violation is None, str(found)


def test_two_values_live_at_once_in_a_rotation_also_in_a_roll_back() -> None:
    assert run(kills=1, losses=1).most == 2
    assert run(probe_failures=1).most == 2


@pytest.mark.parametrize("world", [restored, restored_alive, dead_after_proof])
@pytest.mark.parametrize("asked", [USUAL, FORCED, PROVISIONING])
def test_where_the_store_is_wrong_nothing_that_works_is_deleted(world: Any, asked: Any) -> None:
    checks = {"converges": False, "current_checked": False, "delivery_checked": world is not dead_after_proof}
    found = run(world=world, asks=(asked,), kills=1, further=1, **checks)
    assert found.violation is None, str(found)


@pytest.mark.parametrize("world", [restored, restored_alive])
def test_a_recovery_adds_a_secret_in_a_lineage_of_its_own_and_deletes_nothing_unknown(world: Any) -> None:
    lenient: dict[str, Any] = {"world": world, "converges": False, "current_checked": False, "most": 4}
    found = run(asks=(RECOVERING,), kills=1, losses=1, probe_failures=1, further=1, **lenient)
    assert found.violation is None, str(found)
    search = Search(scenario(calm=RECOVERING, **lenient))
    after, wrong = search.run_alone(search.first().world, search.calm_machine)
    assert wrong is None
    assert after.places == (Place("value-01", 2, "value-01", "000001"),)
    assert {each.value for each in after.secrets if each.ours} == {"value-01", "value-09"}


def test_the_limit_where_ids_are_used_again() -> None:
    """Nothing tells: at the moment of the POST somebody adds a secret and deletes another, whose id ours is given."""
    found = run(world=numbered, **HIDDEN, asks=(FORCED,), ids="reused", added=1, removed=1, further=1)
    assert found.violation == "a secret of somebody else was deleted"


def test_a_grace_of_nothing_is_the_operators_risk() -> None:
    at_once = {"grace": timedelta()}
    found = run(**PULLED, asks=(at_once,), calm=at_once, kills=1)
    assert found.violation == "t0 holds or uses value-00, which is not accepted"
    assert run(**PULLED, kills=1).violation is None
