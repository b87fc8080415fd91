# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation ids, and which listed secret is which: known by its tag or by a confirmed id, never by a guess."""

from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    Listed,
    blind,
    carries,
    description_for,
    in_use,
    learned,
    leftovers,
    lineage_of,
    made_at,
    named_by_operator,
    new_rotation_id,
    others,
    rows_of,
    shared,
    tag_in,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, NOW, rotation_id

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
        (f"rotation {TAG}", TAG, True),
        (f"rotation {TAG}2", TAG, False),
        (f"rotation x{TAG}", TAG, False),
        (f"rotation {TAG}-b", TAG, False),
        (f"rotation {TAG}, by hand", TAG, True),
        ("rotation r1", "", False),
        (" - ", "", False),
        (None, TAG, False),
        ("portal", "portal", False),  # what was not made here is no tag, whatever a record says
        ("aritma.iam rotation r1", "r1", False),
    ],
)
def test_a_rotation_id_is_found_as_a_whole_word(description: str | None, rotation: str, found: bool) -> None:
    assert carries(description, rotation) is found


# ---- rows

OURS, NEXT, OLD = rotation_id(1), rotation_id(2), rotation_id(0)
CURRENT = Current(value="value-a", rotation_id=OURS, secret_id="1")
PENDING = Pending(value="value-b", rotation_id=NEXT)
PREVIOUS = Previous(value="value-p", rotation_id=OLD, secret_id="9")
RECORD = Record(client_id=CLIENT, current=CURRENT)
FOREIGN = Listed("f", "made by hand")


def row(secret_id: str, rotation: str, kind: str | None = None) -> Listed:
    return Listed(secret_id, description_for(rotation), kind)


def bare(*ids: str) -> tuple[Listed, ...]:
    """A list that shows no descriptions."""
    return tuple(Listed(each) for each in ids)


def held(**known: object) -> Current:
    return CURRENT.model_copy(update=known)


@pytest.mark.parametrize(
    ("kind", "ours"),
    [
        *(
            (each, True)
            for each in (None, "", "SharedSecret", "shared_secret", "Secret", "Hashed", "0", "ApiKey", "Universal")
        ),
        *((each, False) for each in ("X509Thumbprint", "X509CertificateBase64", "JWK", "JsonWebKey", "Public key")),
    ],
)
def test_a_key_or_a_certificate_is_no_secret_of_ours(kind: str | None, ours: bool) -> None:
    assert shared(Listed("1", None, kind)) is ours


def test_a_list_is_blind_where_it_shows_no_tag_of_any_lineage() -> None:
    assert blind(())
    assert blind((FOREIGN, Listed("1"), Listed("2", "aritma.iam rot")))
    assert not blind((FOREIGN, row("g", rotation_id(1, "bbbbbb"))))


@pytest.mark.parametrize(
    ("stored", "listed", "ids"),
    [
        # the tag, whatever the record says of the id
        (CURRENT, (row("7", OURS), FOREIGN), ("7",)),
        (CURRENT, (row("7", OURS), row("8", OURS)), ("7", "8")),
        (CURRENT, (row("7", OURS, "X509"),), ()),
        # where tags are shown, an id without one is not believed
        (CURRENT, (Listed("1", "made by hand"), row("2", NEXT)), ()),
        (held(confirmed=True), (Listed("1"), row("2", NEXT)), ()),
        # where they are not, only one that was confirmed, under the description that it had then
        (CURRENT, bare("1", "2"), ()),
        (held(confirmed=True), bare("1", "2"), ("1",)),
        (held(confirmed=True, listed_as="aritma.iam rot"), (Listed("1", "aritma.iam rot"),), ("1",)),
        (held(confirmed=True, listed_as="aritma.iam rot"), bare("1"), ()),
        (held(confirmed=True), (Listed("1", "by hand"),), ()),
        (held(confirmed=True), (Listed("1", None, "X509"),), ()),
        # one that was adopted never had a tag
        (held(adopted=True, listed_as="by hand"), (Listed("1", "by hand"), row("2", NEXT)), ("1",)),
        (held(adopted=True, listed_as="by hand"), (Listed("1", "another"), row("2", NEXT)), ()),
        (held(adopted=True, listed_as="by hand"), (Listed("1", "by hand"), row("2", OURS)), ("2",)),
        (None, (row("7", OURS),), ()),
    ],
)
def test_which_rows_are_those_of_a_stored_secret(
    stored: Current | None, listed: tuple[Listed, ...], ids: tuple[str, ...]
) -> None:
    assert rows_of(listed, stored) == ids


LEFT = row("7", rotation_id(7))


@pytest.mark.parametrize(
    ("record", "listed", "ids"),
    [
        (RECORD, (row("1", OURS), LEFT, FOREIGN), ("7",)),
        (RECORD, (row("1", OURS), row("2", OURS), LEFT), ("7",)),
        (RECORD, (row("1", OURS), row("g", rotation_id(7, "bbbbbb"))), ()),
        (RECORD, (row("1", OURS), row("7", rotation_id(7), "X509")), ()),
        (RECORD, (LEFT, FOREIGN), ()),
        (RECORD, (Listed("1"), LEFT), ()),
        (RECORD.model_copy(update={"pending": PENDING}), (row("1", OURS), row("2", NEXT), LEFT), ("7",)),
        (RECORD.model_copy(update={"previous": PREVIOUS}), (row("1", OURS), row("9", OLD), LEFT), ("7",)),
        (Record(client_id=CLIENT, pending=PENDING), (row("2", NEXT), LEFT), ()),
        (Record(client_id=CLIENT, current=held(rotation_id="r1")), (Listed("1", "r1"), LEFT, FOREIGN), ()),
    ],
)
def test_leftovers_are_of_our_lineage_and_known_only_where_the_current_secret_is_seen(
    record: Record, listed: tuple[Listed, ...], ids: tuple[str, ...]
) -> None:
    assert leftovers(listed, record) == ids


def test_in_use_is_also_what_may_be_the_current_or_the_pending_secret() -> None:
    record = Record(
        client_id=CLIENT,
        current=held(told_id="5", guessed_id="6"),
        pending=PENDING.model_copy(update={"guessed_id": "8"}),
    )
    assert in_use(bare("5", "6", "8", "9"), record) == {"5", "6", "8"}
    assert in_use((row("1", OURS), row("2", NEXT), Listed("5")), record) == {"1", "2"}
    assert in_use(bare("1"), Record(client_id=CLIENT)) == frozenset()


def test_the_operator_may_name_a_listed_shared_secret_that_is_not_in_use() -> None:
    listed = (row("1", OURS), FOREIGN, Listed("h", "by hand, too"), Listed("c", "a certificate", "X509"))
    assert named_by_operator(listed, RECORD, ("1", "f", "c", "gone")) == ("f",)


def test_others_are_what_is_neither_ours_nor_left_over() -> None:
    record = RECORD.model_copy(update={"pending": PENDING, "previous": PREVIOUS})
    listed = (row("1", OURS), row("2", NEXT), row("9", OLD), LEFT, FOREIGN, row("g", rotation_id(1, "bbbbbb")))
    assert others(listed, record) == ("f", "g")
    assert others(listed, None) == ("1", "2", "9", "7", "f", "g")


# ---- what a list tells of the id of the current secret


def test_the_id_is_the_one_under_the_tag() -> None:
    unknown = held(secret_id=None, listed_before=["f"], told_id="5", guessed_id="6", guessed_by="run")
    record = learned(Record(client_id=CLIENT, current=unknown), (FOREIGN, row("7", OURS)), "me")
    assert record.current == held(secret_id="7")
    assert learned(RECORD, (row("7", OURS),), "me").current == held(secret_id="7")
    known = Record(client_id=CLIENT, current=held(listed_before=["f"]))
    assert learned(known, (row("1", OURS),), "me").current == CURRENT
    assert learned(RECORD, (row("1", OURS),), "me") is RECORD
    assert learned(RECORD, (row("g", rotation_id(1, "bbbbbb")),), "me") is RECORD
    assert learned(Record(client_id=CLIENT), (row("7", OURS),), "me") == Record(client_id=CLIENT)


def told(listed: tuple[Listed, ...], **known: object) -> dict[str, object]:
    """What a blind list adds to a current secret whose id is not known."""
    before = held(**{"secret_id": None, "listed_before": ["4", "7"], **known})
    after = learned(Record(client_id=CLIENT, current=before), listed, "me").current
    assert after is not None
    old = before.model_dump()
    return {name: value for name, value in after.model_dump().items() if value != old[name]}


CONFIRMED = {"secret_id": "9", "confirmed": True}


def test_exactly_one_new_id_is_a_guess() -> None:
    assert told(bare("4", "7", "9")) == {"guessed_id": "9", "guessed_by": "me"}
    assert told(bare("4", "7", "9"), guessed_id="12", guessed_by="another") == {"guessed_id": "9", "guessed_by": "me"}


def test_a_guess_is_confirmed_by_the_list_of_another_run_or_by_the_answer_to_the_post() -> None:
    assert told(bare("4", "7", "9"), guessed_id="9", guessed_by="another") == CONFIRMED
    assert told(bare("4", "7", "9"), guessed_id="9", guessed_by="me") == {}
    assert told(bare("4", "7", "9"), told_id="9") == CONFIRMED
    assert told(bare("4", "7", "9", "12"), told_id="9") == CONFIRMED
    assert told(bare("4", "7", "9", "12"), told_id="12") == {"secret_id": "12", "confirmed": True}
    assert told((*bare("4", "7"), Listed("9", "aritma.iam rot")), told_id="9") == {
        **CONFIRMED,
        "listed_as": "aritma.iam rot",
    }


@pytest.mark.parametrize(
    ("listed", "known"),
    [
        (bare("4", "7"), {}),  # not there yet
        (bare("4", "7", "9", "12"), {}),  # two are new
        (bare("4", "9"), {}),  # one has gone
        (bare("4", "7", "9"), {"listed_before": None}),
        (bare("4", "7", "9"), {"confirmed": True}),
        (bare("4", "7", "9"), {"adopted": True}),
        ((*bare("4", "7"), Listed("9", None, "X509")), {}),
        (bare("4", "5", "7"), {}),  # an id that is used again
        (bare("4", "5", "7"), {"told_id": "5"}),
        (bare("1", "2", "3"), {"listed_before": ["1", "2"], "told_id": "3"}),  # 1, 2, ...: positions
        (bare("0", "1"), {"listed_before": ["0"], "told_id": "1"}),  # 0, 1, ...
        (bare("2", "1"), {"listed_before": ["1"], "told_id": "2"}),
    ],
)
def test_no_id_is_believed_where_another_secret_may_be_new(
    listed: tuple[Listed, ...], known: dict[str, object]
) -> None:
    assert told(listed, **known) == {}


@pytest.mark.parametrize(
    ("before", "listed", "new"),
    [
        ([], ("1",), "1"),  # the only one may have any number
        (["7", "9"], ("7", "9", "10"), "10"),
        (["a", "b"], ("a", "b", "1"), "1"),
        (["3f", "1"], ("3f", "1", "2"), "2"),
    ],
)
def test_ids_that_are_no_positions_and_not_used_again_may_be_believed(
    before: list[str], listed: tuple[str, ...], new: str
) -> None:
    assert told(bare(*listed), listed_before=before)["guessed_id"] == new
