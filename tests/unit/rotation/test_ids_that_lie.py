# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every small list against every record whose ids may be wrong: nothing is deleted that must not be."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed, description_for
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Seen, Wish, burning_ids, going
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.model import remembering
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

# What a listed secret is, by a letter.
CURRENT, COPY, PREVIOUS, PENDING, LEFT, BY_HAND, NAMELESS, OTHER_STORE, CERTIFICATE = "CDPNLFEGK"
TAGS = {
    CURRENT: rotation_id(1),
    COPY: rotation_id(1),
    PREVIOUS: rotation_id(0),
    PENDING: rotation_id(2),
    LEFT: rotation_id(7),
    OTHER_STORE: rotation_id(1, "bbbbbb"),
}
SHOWN = {BY_HAND: "made by hand", NAMELESS: None, CERTIFICATE: "a certificate"}
WISH = Wish(CLIENT, "run", NOW)


class Case(NamedTuple):
    """A list, what each row of it really is, and the ids that the record holds of its parts."""

    rows: tuple[Listed, ...]
    truth: Mapping[str, str]
    recorded: tuple[tuple[str, str | None], ...]

    def __str__(self) -> str:
        listed = [(self.truth[row.secret_id], row.secret_id, row.description) for row in self.rows]
        return f"listed {listed}, recorded {self.recorded}"


def shown(kind: str, mode: str) -> str | None:
    """The description that LIST shows."""
    if mode == "hidden":
        return None
    if kind in SHOWN:
        return SHOWN[kind]
    if mode == "altered":
        return "aritma.iam rot"
    return "edited by hand" if mode == f"edited {kind}" else description_for(TAGS[kind])


def cases(longest: int) -> Iterator[Case]:
    for parts in ((CURRENT,), (CURRENT, PREVIOUS), (CURRENT, PENDING)):
        for size in range(1, longest + 1):
            for kinds in itertools.combinations("CDPNLFEGK", size):
                if _likely(kinds, parts):
                    for order in (kinds, tuple(reversed(kinds))):
                        yield from _with_ids(parts, order)


def _likely(kinds: tuple[str, ...], parts: tuple[str, ...]) -> bool:
    """A copy needs its original, and what the record does not name is a leftover."""
    return (COPY not in kinds or CURRENT in kinds) and all(
        each not in kinds or each in parts for each in (PENDING, PREVIOUS)
    )


def _with_ids(parts: tuple[str, ...], order: tuple[str, ...]) -> Iterator[Case]:
    ids = [str(number + 1) for number in range(len(order))]
    truth = dict(zip(ids, order, strict=True))
    for mode in ("exact", "hidden", "altered", "edited C", "edited P", "edited N"):
        if mode.startswith("edited") and mode[-1] not in order:
            continue
        rows = tuple(
            Listed(each, shown(kind, mode), "X509" if kind == CERTIFICATE else "SharedSecret")
            for each, kind in truth.items()
        )
        for chosen in itertools.product([None, *ids, "9"], repeat=len(parts)):
            yield Case(rows, truth, tuple(zip(parts, chosen, strict=True)))


@cache
def record_of(recorded: tuple[tuple[str, str | None], ...]) -> Record:
    ids = dict(recorded)
    known: dict[str, dict[str, Any]] = {
        kind: {"value": f"value-{kind}", "rotation_id": TAGS[kind], "secret_id": ids[kind], "created_at": LONG_AGO}
        for kind in ids
    }
    return Record(
        client_id=CLIENT,
        generation=1,
        current=Current(**known[CURRENT]),
        previous=Previous(**known[PREVIOUS]) if PREVIOUS in ids else None,
        pending=Pending(**known[PENDING]) if PENDING in ids else None,
    )


@cache
def forgotten(recorded: tuple[tuple[str, str | None], ...]) -> Record:
    return records.forgotten(record_of(recorded))


@cache
def leaked(recorded: tuple[tuple[str, str | None], ...]) -> Record:
    """After a leak; what replaces the leaked secrets is current."""
    burning = records.burning(record_of(recorded), at=NOW, until=NOW)
    new = Pending(value="value-new", rotation_id=rotation_id(8))
    return records.promoted(records.staged(burning, new), new, at=NOW, told_id=None)


def doomed(case: Case, record: Record) -> set[str]:
    return {case.truth[each] for each in going(Seen(case.rows, record), WISH)}


NUMBER = {3: 23_330, 4: 54_710}
"""How many cases there are with lists of up to so many secrets."""

LONGEST = pytest.mark.parametrize("longest", [3, pytest.param(4, marks=pytest.mark.torture)])


@pytest.fixture
def quick() -> Iterator[None]:
    """What is asked again and again is remembered."""
    with remembering():
        yield


@LONGEST
@pytest.mark.usefixtures("quick")
def test_no_list_and_no_record_lead_to_a_wrong_deletion(longest: int) -> None:
    seen = 0
    for case in cases(longest):
        seen += 1
        assert doomed(case, record_of(case.recorded)) <= {PREVIOUS, LEFT}, str(case)
        if len(case.recorded) > 1 and case.recorded[1][0] == PENDING:
            assert doomed(case, forgotten(case.recorded)) <= {PENDING, LEFT}, str(case)
    assert seen == NUMBER[longest]


@LONGEST
@pytest.mark.usefixtures("quick")
def test_after_a_leak_all_of_ours_goes_and_nothing_else(longest: int) -> None:
    new = Listed("new", description_for(rotation_id(8)), "SharedSecret")
    ours = {CURRENT, COPY, PREVIOUS, PENDING, LEFT}
    for case in cases(longest):
        record = leaked(case.recorded)
        ids = burning_ids(Seen((*case.rows, new), record), record)
        assert ids is not None
        assert {case.truth.get(each, each) for each in ids} <= ours, str(case)
        assert burning_ids(Seen(case.rows, record), record) is None


def test_what_is_tagged_goes_whatever_the_record_says() -> None:
    rows = tuple(Listed(kind, shown(kind, "exact")) for kind in "CPLFG")
    lying = record_of(((CURRENT, "F"), (PREVIOUS, "C")))
    assert going(Seen(rows, lying), WISH) == (PREVIOUS, LEFT)
