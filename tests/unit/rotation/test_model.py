# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The order of a rotation holds in the exhaustive model, whatever is killed, lost or late."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.tests.unit.rotation.role import (
    Phase,
    rotation_id,
)
from ansible_collections.aritma.iam.tests.unit.rotation.scenarios import (
    NO_LEASE,
    UNCHECKED,
    Adopting,
    Holding,
    Impatient,
    Provisioning,
    by_hand,
    dead_after_proof,
    promoted,
    restored,
    run,
    unprovisioned,
)
from ansible_collections.aritma.iam.tests.unit.rotation.world import (
    OLD,
    established,
)

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
