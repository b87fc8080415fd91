# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which listed secret is which: told by id, by rotation id, or by what is new; never guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import (
    Evidence,
    Listed,
    acceptance_seconds,
    find,
    in_use,
    leftovers,
    named,
    previous_id,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for, new_rotation_id
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, NOW, rotation_id

OURS, NEXT = rotation_id(1), rotation_id(2)
CURRENT = Current(value="value-a", rotation_id=OURS, secret_id="1")
PENDING = Pending(value="value-b", rotation_id=NEXT)
PREVIOUS = Previous(value="value-p", rotation_id=rotation_id(0), secret_id="9")


def found(stored: Current, *listed: Listed, current: Current | None = None) -> tuple[str, ...]:
    record = Record(client_id=CLIENT, current=current or stored, previous=PREVIOUS)
    return find(Evidence(NOW, listed, record), record, stored)


def test_the_recorded_id_comes_before_a_twin() -> None:
    twin, own = Listed("3", description_for(OURS)), Listed("1", description_for(OURS))
    assert found(CURRENT, twin, own) == ("1", "3")


def test_a_recorded_id_that_is_gone_is_not_replaced_by_a_guess() -> None:
    assert found(CURRENT, Listed("4")) == ()


@pytest.mark.parametrize(
    ("before", "listed", "ids"),
    [
        (["f"], ("f", "2"), ("2",)),
        (["f"], ("f", "9", "2"), ("2",)),
        (["f"], ("f",), ()),
        (["f"], ("f", "2", "3"), ()),
        ([], ("2",), ("2",)),
        (None, ("2",), ("2",)),
        (None, ("9",), ()),
        (None, ("f", "2"), ()),
        (None, ("9", "2"), ()),
    ],
)
def test_without_descriptions_only_one_new_id_tells(
    before: list[str] | None, listed: tuple[str, ...], ids: tuple[str, ...]
) -> None:
    unnamed = CURRENT.model_copy(update={"secret_id": None, "listed_before": before})
    assert found(unnamed, *(Listed(each) for each in listed)) == ids


def test_where_descriptions_are_shown_what_is_new_tells_nothing() -> None:
    unnamed = CURRENT.model_copy(update={"secret_id": None, "listed_before": ["f"]})
    assert found(unnamed, Listed("f"), Listed("2", "made by hand")) == ()


@pytest.mark.parametrize(
    ("pending", "previous", "ids"), [(None, None, ("2",)), (PENDING, None, ()), (None, PREVIOUS, ())]
)
def test_nothing_is_a_leftover_while_a_rotation_is_under_way(
    pending: Pending | None, previous: Previous | None, ids: tuple[str, ...]
) -> None:
    record = Record(client_id=CLIENT, current=CURRENT, pending=pending, previous=previous)
    listed = (Listed("1", description_for(OURS)), Listed("2", description_for(NEXT)))
    assert leftovers(Evidence(NOW, listed, record), record) == ids


def test_descriptions_are_shown_unless_every_listed_secret_lacks_one() -> None:
    assert Evidence(NOW).descriptions_shown
    assert Evidence(NOW, (Listed("1"), Listed("2", "made by hand"))).descriptions_shown
    assert not Evidence(NOW, (Listed("1"), Listed("2", ""))).descriptions_shown


def test_a_pending_secret_without_a_snapshot_leaves_what_is_new_to_the_current_one() -> None:
    current = CURRENT.model_copy(update={"secret_id": None, "listed_before": ["f"]})
    record = Record(client_id=CLIENT, current=current, pending=PENDING)
    assert find(Evidence(NOW, (Listed("f"), Listed("2")), record), record, current) == ("2",)


@pytest.mark.parametrize(
    ("listed", "secret_id"),
    [
        ((), "9"),
        ((Listed("1", description_for(OURS)), Listed("9", "made by hand")), "9"),
        ((Listed("9", description_for(OURS)),), None),
        ((Listed("8", description_for(PREVIOUS.rotation_id)),), "8"),
        ((Listed("8", description_for(PREVIOUS.rotation_id)), Listed("9", description_for(PREVIOUS.rotation_id))), "9"),
    ],
)
def test_the_previous_secret_has_its_recorded_id_unless_that_is_another_rotation_now(
    listed: tuple[Listed, ...], secret_id: str | None
) -> None:
    record = Record(client_id=CLIENT, current=CURRENT, previous=PREVIOUS)
    assert previous_id(Evidence(NOW, listed, record), record) == secret_id


def test_a_record_of_nothing_names_nothing() -> None:
    record = Record(client_id=CLIENT)
    seen = Evidence(NOW, (Listed("f", "made by hand"),), record)
    assert (previous_id(seen, record), leftovers(seen, record), named(seen, record, ["f"])) == (None, (), ())


def test_a_secret_that_was_not_named_by_us_has_no_leftovers() -> None:
    record = Record(client_id=CLIENT, current=CURRENT.model_copy(update={"rotation_id": "r1"}))
    assert leftovers(Evidence(NOW, (Listed("1", "r1"), Listed("f", "made by hand")), record), record) == ()


def test_in_use_are_known_ids_only() -> None:
    record = Record(client_id=CLIENT, current=CURRENT, pending=PENDING)
    assert in_use(Evidence(NOW, (), record), record) == ["1"]


@pytest.mark.parametrize(
    ("staged_at", "promoted_at", "seconds"),
    [
        (NOW, NOW, 1),
        (NOW, NOW + timedelta(seconds=7), 8),
        (NOW, NOW + timedelta(seconds=58), 59),
        (NOW, NOW + timedelta(hours=7), 60),
        (NOW, NOW - timedelta(hours=7), 0),
        (NOW, None, 0),
        (None, NOW, 0),
    ],
    ids=[
        "at once",
        "some seconds",
        "just before the deadline",
        "an interrupted run",
        "a wrong clock",
        "never",
        "by hand",
    ],
)
def test_how_long_a_server_took_to_accept(
    staged_at: datetime | None, promoted_at: datetime | None, seconds: float
) -> None:
    staged = CURRENT.model_copy(update={"rotation_id": new_rotation_id(staged_at, None) if staged_at else "by-hand"})
    record = Record(client_id=CLIENT, current=staged, previous=PREVIOUS, last_rotated_at=promoted_at)
    assert acceptance_seconds(record, 60.0) == seconds


@pytest.mark.parametrize(("longest", "seconds"), [(float("inf"), 8), (float("nan"), 8), (-1.0, 0)])
def test_no_deadline_makes_it_endless(longest: float, seconds: float) -> None:
    staged = CURRENT.model_copy(update={"rotation_id": new_rotation_id(NOW, None)})
    record = Record(client_id=CLIENT, current=staged, last_rotated_at=NOW + timedelta(seconds=7))
    assert acceptance_seconds(record, longest) == seconds
    assert acceptance_seconds(Record(client_id=CLIENT), longest) == 0
