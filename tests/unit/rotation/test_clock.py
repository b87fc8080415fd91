# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of a rotation, times that cannot be right, and leases that end too late."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Seen, Wish, plan_round
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Delivered,
    Leak,
    Lease,
    Pending,
    Record,
    corrected,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import LONGEST, new_lease, rival, silent, this_run
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.clock import Clock

NOW = datetime(2026, 11, 24, 10, tzinfo=timezone.utc)
YEAR, DAY, HOUR = timedelta(days=365), timedelta(days=1), timedelta(hours=1)
CURRENT = Current(value="v", rotation_id="r")


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """Both clocks of this machine. A test can set them."""
    shown = {"wall": NOW.timestamp(), "passed": 50.0}
    monkeypatch.setattr(time, "time", lambda: shown["wall"])
    monkeypatch.setattr(time, "monotonic", lambda: shown["passed"])
    return shown


@pytest.mark.parametrize(("ahead", "counts"), [(HOUR, HOUR), (-HOUR, -HOUR), (timedelta(seconds=20), timedelta())])
def test_the_clock_of_the_api_counts(hands: dict[str, float], ahead: timedelta, counts: timedelta) -> None:
    """Unless both clocks are nearly the same."""
    clock = Clock.set_by((NOW + ahead).timestamp())
    assert (clock.ahead, clock.told, clock.now()) == (counts, True, NOW + counts)
    handed = Clock.from_data(clock.data)
    assert handed == clock
    hands["wall"] += 60
    hands["passed"] += 60
    assert handed.now() == NOW + counts + timedelta(seconds=60)


def test_a_clock_that_is_set_back_does_not_set_the_time_back(hands: dict[str, float]) -> None:
    """But the time goes on while a machine is suspended."""
    clock = Clock.set_by(None)
    assert not clock.told
    hands["wall"] -= 86400
    hands["passed"] += 60
    assert clock.now() == NOW + timedelta(seconds=60)
    hands["wall"] += 2 * 86400
    assert clock.now() == NOW + DAY


def test_times_that_cannot_be_right_count_as_now() -> None:
    """A time in the near future stays. An end that is too far away comes nearer."""
    late = NOW + YEAR
    current = CURRENT.model_copy(update={"created_at": late, "expires_at": late})
    leak = Leak(at=late, until=late, burnt=[CURRENT])
    targets = {"file": Delivered(generation=1, at=late), "other": Delivered(generation=1, at=NOW - DAY)}
    feared = {"r": late, "s": NOW + DAY}
    record = Record(client_id="c", current=current, targets=targets, leak=leak, overtaken=feared, last_rotated_at=late)
    mended = corrected(record, at=NOW)
    assert mended.current == current.model_copy(update={"created_at": NOW})
    assert (mended.targets["file"].at, mended.targets["other"].at) == (NOW, NOW - DAY)
    assert mended.leak and (mended.leak.at, mended.leak.until) == (NOW, NOW + 2 * DAY)
    assert mended.overtaken == {"r": NOW + 2 * DAY, "s": NOW + DAY}
    assert (mended.last_rotated_at, mended.pending, mended.previous) == (NOW, None, None)
    right = Record(client_id="c", current=CURRENT.model_copy(update={"created_at": NOW + timedelta(minutes=2)}))
    assert corrected(right, at=NOW) == right


@pytest.mark.parametrize(("ends", "runs"), [(HOUR, True), (-HOUR, False), (DAY, True), (2 * DAY, False), (YEAR, False)])
def test_no_lease_is_longer_than_a_day(ends: timedelta, runs: bool) -> None:
    """One that ends later was written by a clock that was wrong; its run may still deliver."""
    lease = Lease(owner="another-host/boot/namespace/1/1/billing", expires_at=NOW + ends)
    assert (rival(lease, this_run(), NOW) is not None, silent(lease, this_run(), NOW)) == (runs, not runs)
    assert new_lease(this_run(), NOW, YEAR).expires_at == NOW + LONGEST


def test_a_pending_secret_of_a_clock_ahead_is_given_up_in_the_end() -> None:
    """Its rotation id tells a time to come, which no patience waits for."""
    rotation_id = "0a1b2c-20271124T100000Z-000001"
    pending = Pending(value="p", rotation_id=rotation_id, created_at=NOW - 2 * HOUR)
    listed = (Listed("7", f"aritma.iam rotation {rotation_id}"),)
    record = Record(client_id="c", current=CURRENT, pending=pending)
    seen = Seen(listed, record, current="accepted", pending="rejected")
    assert "still refused 2h after" in plan_round(seen, Wish("c", "me", NOW)).reason
