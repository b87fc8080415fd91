# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a client: each step that changes it, and which texts of a store are read or refused."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import ValidationError
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.module_utils._rotation import record as records
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Delivered,
    Lease,
    Pending,
    Previous,
    Record,
    decode_record,
    encode_record,
    read_record,
    require_name,
)
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

WHERE = "The test store"
HOUR = timedelta(hours=1)
LEASE = Lease(owner="job 7", expires_at=NOW + HOUR)
CURRENT = Current(value="canary-current", rotation_id=rotation_id(0), secret_id="1", created_at=LONG_AGO)
PENDING = Pending(value="canary-pending", rotation_id=rotation_id(1), created_at=NOW, listed_before=["1"])
PREVIOUS = Previous(value="canary-previous", rotation_id=rotation_id(2), secret_id="9")
PROVEN = Delivered(generation=3, at=LONG_AGO, proofs=["probe"])
RECORD = Record(
    client_id=CLIENT, client_name="billing", version=4, generation=3, current=CURRENT, targets={"file": PROVEN}
)
STAGED = records.staged(RECORD, PENDING)
PROMOTED = records.promoted(STAGED, PENDING, at=NOW, told_id="2")
BACK = records.pointed_back(PROMOTED, at=NOW + HOUR)
DOOMED = records.doomed(PROMOTED)
BURNING = records.burning(STAGED.model_copy(update={"previous": PREVIOUS}), at=NOW, until=NOW + HOUR)


def changes(before: Record, after: Record) -> set[str]:
    """The members in which two records differ."""
    first, second = before.to_data(), after.to_data()
    return {name for name in first.keys() | second.keys() if first.get(name) != second.get(name)}


# ---- the steps


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        STAGED,
        PROMOTED,
        BACK,
        DOOMED,
        BURNING,
        records.overtaken(RECORD, until=NOW + HOUR),
        records.written(STAGED, LEASE),
    ],
)
def test_every_record_survives_the_store(record: Record) -> None:
    assert decode_record(encode_record(record), client_id=CLIENT, where=WHERE) == record


def test_each_write_raises_the_version_and_sets_or_ends_the_lease() -> None:
    held = records.written(RECORD, LEASE)
    assert (held.version, held.lease, changes(RECORD, held)) == (5, LEASE, {"version", "lease"})
    ended = records.written(held, None)
    assert (ended.version, ended.lease) == (6, None)


def test_staging_writes_ahead_and_forgets_what_was_previous() -> None:
    assert (STAGED.pending, changes(RECORD, STAGED)) == (PENDING, {"pending"})
    assert records.staged(PROMOTED, PENDING).previous is None


def test_targets_are_named_once_and_keep_what_is_known_of_them() -> None:
    named = records.named(RECORD, ["file", "vault"])
    assert named.targets == {"file": PROVEN, "vault": Delivered()}
    assert records.named(named, ["file", "vault"]) == named


def test_evidence_replaces_what_was_known_of_a_target() -> None:
    known = records.delivered(records.named(RECORD, ["vault"]), {"file": Delivered()})
    assert known.targets == {"file": Delivered(), "vault": Delivered()}


def test_promoting_keeps_the_replaced_secret_and_raises_the_generation() -> None:
    assert PROMOTED.current is not None
    assert PROMOTED.previous is not None
    assert PROMOTED.current.model_dump() == {**PENDING.model_dump(), "told_id": "2"}
    assert PROMOTED.current.__class__ is Current
    assert PROMOTED.previous.model_dump() == {**CURRENT.model_dump(), "doomed": None, "rolled_back": None}
    assert (PROMOTED.generation, PROMOTED.pending, PROMOTED.targets) == (4, None, {"file": PROVEN})
    assert PROMOTED.last_rotated_at == PROMOTED.last_verified_at == NOW


def test_promoting_keeps_an_id_that_was_told_before() -> None:
    told = PENDING.model_copy(update={"told_id": "7"})
    promoted = records.promoted(STAGED, told, at=NOW, told_id=None)
    assert promoted.current is not None
    assert promoted.current.told_id == "7"


def test_promoting_the_first_secret_leaves_no_previous() -> None:
    first = records.staged(Record(client_id=CLIENT), PENDING)
    assert records.promoted(first, PENDING, at=NOW, told_id=None).previous is None


def test_promoting_after_a_leak_leaves_no_previous_either() -> None:
    new = records.promoted(BURNING, PENDING, at=NOW, told_id=None)
    assert (new.previous, new.leak, new.burnt) == (None, BURNING.leak, BURNING.burnt)


def test_nothing_is_promoted_over_a_previous_secret() -> None:
    with pytest.raises(StoreError, match=rf"client {CLIENT} still has a previous secret\. Retire it first"):
        records.promoted(PROMOTED, PENDING, at=NOW, told_id=None)


def test_pointing_back_swaps_and_raises_the_generation() -> None:
    assert BACK.current == CURRENT
    assert BACK.current.__class__ is Current
    assert BACK.previous is not None
    assert (BACK.previous.value, BACK.previous.rolled_back, BACK.previous.doomed) == (PENDING.value, True, None)
    assert (BACK.generation, BACK.last_rotated_at, BACK.last_verified_at) == (5, NOW + HOUR, NOW)
    assert changes(PROMOTED, BACK) == {"generation", "current", "previous", "last_rotated_at"}


@pytest.mark.parametrize("record", [RECORD, BACK, DOOMED, Record(client_id=CLIENT, previous=PREVIOUS)])
def test_there_is_no_way_back_to_what_is_doomed_was_rolled_back_or_is_not_there(record: Record) -> None:
    with pytest.raises(StoreError, match=f"client {CLIENT} has no previous secret to go back to"):
        records.pointed_back(record, at=NOW)


def test_the_tombstone_is_set_on_the_previous_secret_alone() -> None:
    assert DOOMED.previous is not None
    assert DOOMED.previous.doomed is True
    assert changes(PROMOTED, DOOMED) == {"previous"}
    assert records.doomed(RECORD) == RECORD
    assert records.doomed(Record(client_id=CLIENT)) == Record(client_id=CLIENT)


def test_an_id_that_goes_is_no_longer_expected_among_those_that_were_there() -> None:
    assert PROMOTED.current is not None
    before = PROMOTED.current.model_copy(update={"listed_before": ["1", "2", "9"]})
    doomed = records.doomed(PROMOTED.model_copy(update={"current": before}), ("9", "1"))
    assert doomed.current is not None
    assert doomed.current.listed_before == ["2"]


def test_retiring_forgets_previous_and_the_targets_of_older_generations() -> None:
    known = records.delivered(DOOMED, {"new": Delivered(generation=4), "named": Delivered()})
    retired = records.retired(known, at=NOW + HOUR)
    assert (retired.previous, retired.last_verified_at) == (None, NOW + HOUR)
    assert retired.targets == {"new": Delivered(generation=4)}
    assert changes(known, retired) == {"previous", "targets", "last_verified_at"}


def test_forgetting_forgets_what_is_pending_alone() -> None:
    assert records.forgotten(STAGED) == RECORD


def test_adopting_makes_the_known_secret_the_current_one() -> None:
    record = records.adopted(Record(client_id=CLIENT), CURRENT, at=NOW)
    assert (record.current, record.generation) == (CURRENT, 1)
    assert record.last_rotated_at == record.last_verified_at == NOW


# ---- an overtaken run


def test_a_secret_that_an_overtaken_run_may_deliver_is_noted_for_a_time() -> None:
    until = NOW + HOUR
    feared = records.overtaken(RECORD, until=until)
    assert feared.overtaken == {CURRENT.rotation_id: until}
    assert changes(RECORD, feared) == {"overtaken"}
    both = records.overtaken(feared.model_copy(update={"current": PENDING}), until=until + HOUR)
    assert both.overtaken == {CURRENT.rotation_id: until, PENDING.rotation_id: until + HOUR}


def test_without_a_current_secret_nothing_is_noted_of_an_overtaken_run() -> None:
    assert records.overtaken(Record(client_id=CLIENT), until=NOW) == Record(client_id=CLIENT)


def test_evidence_is_dropped_when_an_overtaken_run_can_deliver_no_more() -> None:
    feared = records.overtaken(RECORD, until=NOW + HOUR)
    assert records.doubted(feared, at=NOW) == feared
    assert records.doubted(RECORD, at=NOW) == RECORD
    doubted = records.doubted(feared, at=NOW + HOUR)
    assert (doubted.overtaken, doubted.targets) == ({}, {"file": Delivered()})
    still = feared.model_copy(update={"overtaken": {**feared.overtaken, "r": NOW + 2 * HOUR}})
    assert records.doubted(still, at=NOW + HOUR).overtaken == {"r": NOW + 2 * HOUR}


# ---- a leak


def test_a_leak_burns_all_that_is_known() -> None:
    assert BURNING.leak is not None
    assert (BURNING.leak.at, BURNING.leak.until) == (NOW, NOW + HOUR)
    assert [each.value for each in BURNING.leak.burnt] == ["canary-current", "canary-pending", "canary-previous"]
    assert BURNING.burnt == [CURRENT.rotation_id, PENDING.rotation_id, PREVIOUS.rotation_id]
    assert (BURNING.current, BURNING.pending, BURNING.previous) == (CURRENT, None, None)


def test_a_burnt_secret_keeps_what_tells_its_id() -> None:
    held = CURRENT.model_copy(update={"adopted": True, "listed_as": "by hand", "guessed_id": "5"})
    burning = records.burning(RECORD.model_copy(update={"current": held}), at=NOW, until=NOW)
    assert burning.leak is not None
    known = Current(value=held.value, rotation_id=held.rotation_id, secret_id="1", adopted=True, listed_as="by hand")
    assert burning.leak.burnt == [known]


def test_a_second_leak_adds_to_the_first() -> None:
    new = records.promoted(BURNING, PENDING.model_copy(update={"value": "canary-new"}), at=NOW, told_id=None)
    again = records.burning(new, at=NOW + HOUR, until=NOW + HOUR)
    assert again.leak is not None
    assert [each.value for each in again.leak.burnt][3:] == ["canary-new"]
    assert records.burning(again, at=NOW, until=NOW).leak == again.leak.model_copy(update={"at": NOW, "until": NOW})


def test_a_closed_leak_keeps_the_tags_that_may_never_be_used_again() -> None:
    record = records.extinguished(BURNING, at=NOW + HOUR)
    assert (record.leak, record.burnt, record.last_verified_at) == (None, BURNING.burnt, NOW + HOUR)
    assert record.targets == {"file": PROVEN}


# ---- text


def test_members_that_only_exist_at_times_are_not_written_empty() -> None:
    data = json.loads(encode_record(RECORD))
    assert "lease" not in data
    assert "listed_before" not in data["current"]
    assert "doomed" not in json.loads(encode_record(PROMOTED))["previous"]
    assert (data["pending"], data["previous"], "leak" in data) == (None, None, False)
    assert "expires_at" not in data["current"]
    assert data["current"]["created_at"] == "2026-09-24T10:00:00Z"


def test_unknown_members_of_the_same_schema_are_kept() -> None:
    data = {**json.loads(encode_record(STAGED)), "note": "kept"}
    data["pending"]["label"] = "kept too"
    record = read_record(data, client_id=CLIENT, where=WHERE)
    assert record.pending is not None
    written = json.loads(encode_record(records.promoted(record, record.pending, at=NOW, told_id=None)))
    assert (written["note"], written["current"]["label"]) == ("kept", "kept too")


def test_a_record_of_the_first_edition_is_read() -> None:
    held = {"value": "v", "rotation_id": "r", "retire_after": "2026-11-24T10:00:00Z"}
    record = read_record({"client_id": CLIENT, "version": 3, "current": held}, client_id=CLIENT, where=WHERE)
    assert (record.generation, record.targets, record.burnt, record.overtaken) == (0, {}, [], {})


def test_a_record_with_the_year_one_is_read_again() -> None:
    data = json.loads(encode_record(RECORD))
    data["current"]["expires_at"] = "0001-01-01T00:00:00Z"
    record = read_record(data, client_id=CLIENT, where=WHERE)
    assert decode_record(encode_record(record), client_id=CLIENT, where=WHERE) == record


def test_a_numeric_secret_id_is_read_as_text() -> None:
    data = json.loads(encode_record(RECORD))
    data["current"]["secret_id"] = 12
    record = read_record(data, client_id=CLIENT, where=WHERE)
    assert record.current is not None
    assert record.current.secret_id == "12"


REFUSED: list[tuple[str, str]] = [
    ("[]", "does not hold a record: a JSON object was expected"),
    ("{", "1 characters that are not JSON"),
    (encode_record(RECORD)[:80], "80 characters that are not JSON"),
    ('{"schema": 2}', "of schema 2; this version reads up to 1"),
    ('{"schema": 1}', "client_id: Field required"),
    ('{"schema": "2", "client_id": "c1"}', "schema: Input should be a valid integer"),
    ('{"schema": 0, "client_id": "c1"}', "schema: Input should be greater than or equal to 1"),
    ('{"client_id": "c1", "current": {"value": "", "rotation_id": "r"}}', "current.value"),
    ('{"client_id": "c1", "current": {"value": ["canary"], "rotation_id": "r"}}', "current.value"),
    ('{"client_id": "c2"}', "holds the record of client c2, not of c1"),
]


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_what_is_no_record_of_this_client_is_refused_without_its_value(text: str, message: str) -> None:
    with pytest.raises(StoreError) as caught:
        decode_record(text, client_id=CLIENT, where=WHERE)
    assert str(caught.value).startswith(WHERE)
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)
    assert caught.value.details == {"where": WHERE}
    assert caught.value.hint


def test_without_a_client_id_a_record_of_any_client_is_read() -> None:
    assert read_record({"client_id": "c2"}, client_id="", where=WHERE).client_id == "c2"


@pytest.mark.parametrize("secret_id", [True, 1.5, ["12"]])
def test_a_secret_id_is_a_text_or_a_whole_number(secret_id: Any) -> None:
    data = {"client_id": CLIENT, "current": {"value": "v", "rotation_id": "r", "secret_id": secret_id}}
    with pytest.raises(StoreError, match=r"current\.secret_id"):
        read_record(data, client_id=CLIENT, where=WHERE)


def test_a_previous_secret_has_a_value_of_any_length_but_none() -> None:
    held = {"value": "v", "rotation_id": "r"}
    data: dict[str, Any] = {"client_id": CLIENT, "current": held, "previous": held}
    assert read_record(data, client_id=CLIENT, where=WHERE).values() == {"v"}
    with pytest.raises(StoreError, match=r"previous\.value"):
        read_record({**data, "previous": {**held, "value": ""}}, client_id=CLIENT, where=WHERE)


def test_a_time_is_read_in_every_spelling_that_servers_have() -> None:
    data = {"client_id": CLIENT, "last_verified_at": " 2026-11-24T10:00:00.1234567"}
    assert encode_record(read_record(data, client_id=CLIENT, where=WHERE)).count('"2026-11-24T10:00:00Z"') == 1


def test_a_record_is_not_changed_in_place_and_says_nothing_of_what_it_refused() -> None:
    frozen: Any = RECORD.model_copy()
    with pytest.raises(ValidationError):
        frozen.version = 5
    with pytest.raises(ValidationError) as caught:
        Current.model_validate({"value": ["canary"], "rotation_id": "r"})
    assert "canary" not in str(caught.value)


def test_the_text_of_a_record_is_readable() -> None:
    text = encode_record(RECORD.model_copy(update={"client_name": "büro"}))
    assert text.startswith('{\n  "schema": 1,\n  "client_id": ')
    assert text.endswith("\n}\n")
    assert '"büro"' in text


@pytest.mark.parametrize(
    ("held", "wanted", "fits"),
    [
        ("billing", "billing", True),
        ("billing", None, True),
        (None, "billing", True),
        (None, None, True),
        ("billing", "orders", False),
    ],
)
def test_a_record_of_a_client_with_another_name_is_refused(held: str | None, wanted: str | None, fits: bool) -> None:
    record = RECORD.model_copy(update={"client_name": held})
    with (
        contextlib.nullcontext() if fits else pytest.raises(StoreError, match=r"'billing', not of 'orders'.*Give each")
    ):
        require_name(record, wanted)


@pytest.mark.parametrize("shown", [repr(STAGED), str(STAGED), repr(PROMOTED), repr(PREVIOUS), repr(BURNING)])
def test_no_value_is_shown_by_a_record(shown: str) -> None:
    assert "canary" not in shown


def test_values_names_every_secret_value_of_a_record() -> None:
    everything = STAGED.model_copy(update={"previous": PREVIOUS})
    assert everything.values() == {"canary-current", "canary-pending", "canary-previous"}
    assert RECORD.values() == {"canary-current"}
    assert BURNING.values() == everything.values()
