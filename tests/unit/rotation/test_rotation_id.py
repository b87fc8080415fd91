# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation ids: made, found in descriptions, and told from everybody else's."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    carries,
    description_for,
    lineage_of,
    made_at,
    new_rotation_id,
    tag_in,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import NOW, rotation_id

TAG = rotation_id(7)


def test_a_new_id_goes_on_with_its_lineage() -> None:
    made = new_rotation_id(NOW.astimezone(timezone(timedelta(hours=5))), "3f9a2c")
    assert made.startswith("3f9a2c-20261124T100000Z-")
    assert lineage_of(made) == "3f9a2c"
    assert tag_in(description_for(made)) == made


def test_a_first_id_begins_a_lineage_and_no_two_are_the_same() -> None:
    made = {new_rotation_id(NOW, None) for _unused in range(50)}
    assert len(made) == len({lineage_of(each) for each in made}) == 50
    assert new_rotation_id(NOW, "3f9a2c") != new_rotation_id(NOW, "3f9a2c")


@pytest.mark.parametrize("foreign", [None, "", "r1", "3f9a2c", TAG + "0", "x" + TAG, TAG.upper(), TAG + "\n"])
def test_an_id_that_was_not_made_here_has_no_lineage(foreign: str | None) -> None:
    assert lineage_of(foreign) is None
    assert made_at(foreign) is None


def test_an_id_tells_when_it_was_made() -> None:
    assert made_at(new_rotation_id(NOW, None)) == NOW
    assert made_at("3f9a2c-20269999T999999Z-0a7c55") is None


@pytest.mark.parametrize(
    ("description", "tag"),
    [
        (description_for(TAG), TAG),
        (f"billing: {description_for(TAG)} (do not delete)", TAG),
        (f"copied from {TAG}", None),
        (description_for("r1"), None),
        (description_for(TAG)[:-1], None),
        (description_for(TAG) + "0", None),
        ("", None),
        (None, None),
    ],
)
def test_a_description_carries_our_tag_or_none(description: str | None, tag: str | None) -> None:
    assert tag_in(description) == tag


@pytest.mark.parametrize(
    ("description", "rotation", "found"),
    [
        (description_for(TAG), TAG, True),
        ("rotation r1", "r1", True),
        ("rotation r12", "r1", False),
        ("rotation xr1", "r1", False),
        ("rotation r1-b", "r1", False),
        ("rotation r1, by hand", "r1", True),
        ("rotation r1", "", False),
        (" - ", "", False),
        (None, "r1", False),
    ],
)
def test_a_rotation_id_is_found_as_a_whole_word(description: str | None, rotation: str, found: bool) -> None:
    assert carries(description, rotation) is found
