# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which listed secret is which: told by id, by rotation id, or by what is new; never guessed."""

from __future__ import annotations

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.plugins.module_utils._rotation_evidence import Evidence, Listed, find, leftovers
from ansible_collections.aritma.iam.plugins.module_utils._rotation_id import description_for
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
