# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The record of a client: its steps, and what a store's text may and may not be."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.deps import ValidationError
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreError
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Lease,
    Pending,
    Previous,
    Record,
    adopt,
    claim,
    decode_record,
    discard,
    encode_record,
    identify,
    promote,
    read_record,
    release,
    require_name,
    retire,
    stage,
)
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, LONG_AGO, NOW, rotation_id

WHERE = "The test store"
GRACE = timedelta(hours=1)
LEASE = Lease(owner="job 7", expires_at=NOW + GRACE)
CURRENT = Current(value="canary-current", rotation_id=rotation_id(0), secret_id="1", created_at=LONG_AGO)
PENDING = Pending(value="canary-pending", rotation_id=rotation_id(1), created_at=NOW, listed_before=["1"])
PREVIOUS = Previous(value="canary-previous", rotation_id=rotation_id(2), secret_id="9")
RECORD = Record(client_id=CLIENT, client_name="billing", version=4, current=CURRENT)
STAGED = stage(RECORD, client_id=CLIENT, client_name=None, pending=PENDING, lease=LEASE)
PROMOTED = promote(STAGED, at=NOW, grace=GRACE, secret_id="2")


def reread(record: Record) -> Record:
    return decode_record(encode_record(record), client_id=CLIENT, where=WHERE)


STEPS: list[tuple[str, Record, Record]] = [
    ("stage", RECORD, STAGED),
    ("claim", RECORD, claim(RECORD, LEASE)),
    ("promote", STAGED, PROMOTED),
    ("retire", PROMOTED, retire(PROMOTED, at=NOW)),
    ("discard", STAGED, discard(STAGED)),
    ("release", STAGED, release(STAGED, secret_id="1")),
]


@pytest.mark.parametrize(("before", "after"), [each[1:] for each in STEPS], ids=[each[0] for each in STEPS])
def test_a_step_raises_the_version_by_one_and_survives_the_store(before: Record, after: Record) -> None:
    assert after.version == before.version + 1
    assert reread(after) == after


def test_staging_writes_pending_and_lease_and_nothing_else() -> None:
    assert (STAGED.current, STAGED.pending, STAGED.previous, STAGED.lease) == (CURRENT, PENDING, None, LEASE)
    assert STAGED.client_name == "billing"


def test_staging_begins_a_record() -> None:
    record = stage(None, client_id=CLIENT, client_name="billing", pending=PENDING, lease=None)
    assert (record.version, record.client_name, record.current) == (1, "billing", None)


def test_staging_keeps_a_pending_secret_that_is_there() -> None:
    other = PENDING.model_copy(update={"value": "another"})
    again = stage(STAGED, client_id=CLIENT, client_name=None, pending=other, lease=None)
    assert (again.pending, again.lease) == (PENDING, None)


def test_promoting_keeps_the_replaced_secret_as_previous_until_its_time() -> None:
    assert PROMOTED.pending is None
    assert PROMOTED.current is not None
    assert (PROMOTED.current.value, PROMOTED.current.secret_id) == (PENDING.value, "2")
    assert PROMOTED.current.listed_before is None
    assert PROMOTED.previous is not None
    assert (PROMOTED.previous.value, PROMOTED.previous.secret_id) == (CURRENT.value, "1")
    assert PROMOTED.previous.retire_after == NOW + GRACE
    assert PROMOTED.previous.rolled_back is None
    assert (PROMOTED.lease, PROMOTED.last_rotated_at, PROMOTED.last_verified_at) == (LEASE, NOW, NOW)


def test_promoting_keeps_the_times_of_the_replaced_secret() -> None:
    expiring = CURRENT.model_copy(update={"expires_at": NOW + GRACE})
    previous = promote(STAGED.model_copy(update={"current": expiring}), at=NOW, grace=GRACE).previous
    assert previous is not None
    assert (previous.created_at, previous.expires_at) == (LONG_AGO, NOW + GRACE)


def test_promoting_without_an_id_keeps_the_snapshot_that_tells_it() -> None:
    current = promote(STAGED, at=NOW, grace=GRACE).current
    assert current is not None
    assert (current.secret_id, current.listed_before) == (None, ["1"])


def test_promoting_the_first_secret_leaves_no_previous() -> None:
    first = stage(None, client_id=CLIENT, client_name=None, pending=PENDING, lease=LEASE)
    promoted = promote(first, at=NOW, grace=GRACE)
    assert (promoted.previous, promoted.lease) == (None, None)


def test_a_roll_back_marks_what_it_replaces() -> None:
    back = STAGED.model_copy(update={"pending": PENDING.model_copy(update={"restores": rotation_id(0)})})
    promoted = promote(back, at=NOW, grace=GRACE)
    assert promoted.previous is not None
    assert promoted.previous.rolled_back is True
    assert "restores" not in json.loads(encode_record(promoted))["current"]


def test_nothing_is_promoted_without_pending_or_over_a_previous_secret() -> None:
    with pytest.raises(StoreError, match="no pending secret to promote"):
        promote(RECORD, at=NOW, grace=GRACE)
    with pytest.raises(StoreError, match=r"still has a previous secret\. Retire it first"):
        promote(STAGED.model_copy(update={"previous": PREVIOUS}), at=NOW, grace=GRACE)


def test_retiring_clears_previous_and_lease_and_notes_the_id() -> None:
    nameless = promote(STAGED, at=NOW, grace=GRACE)
    retired = retire(nameless, at=NOW + GRACE, secret_id="2")
    assert retired.current is not None
    assert (retired.current.secret_id, retired.current.listed_before) == ("2", None)
    assert (retired.previous, retired.lease, retired.last_verified_at) == (None, None, NOW + GRACE)


def test_retiring_in_a_roll_back_keeps_pending_and_lease() -> None:
    retired = retire(STAGED.model_copy(update={"previous": PREVIOUS}), at=NOW)
    assert (retired.previous, retired.pending, retired.lease) == (None, PENDING, LEASE)


def test_discarding_clears_pending_and_lease_only() -> None:
    kept = discard(STAGED.model_copy(update={"previous": PREVIOUS}))
    assert (kept.current, kept.pending, kept.previous, kept.lease) == (CURRENT, None, PREVIOUS, None)


def test_releasing_ends_the_lease_only() -> None:
    kept = release(STAGED)
    assert kept.lease is None
    assert kept.model_copy(update={"version": STAGED.version, "lease": LEASE}) == STAGED


def test_claiming_takes_the_lease_only() -> None:
    held = claim(RECORD, LEASE)
    assert held.lease == LEASE
    assert held.model_copy(update={"version": RECORD.version, "lease": None}) == RECORD


def test_an_id_is_noted_where_there_is_a_current_secret() -> None:
    nameless = promote(STAGED, at=NOW, grace=GRACE)
    for step in (release(nameless, secret_id="2"), identify(nameless, "2")):
        assert step.current is not None
        assert (step.current.secret_id, step.current.listed_before) == ("2", None)
    empty = Record(client_id=CLIENT, previous=PREVIOUS)
    for step in (release(empty, secret_id="2"), identify(empty, "2"), retire(empty, at=NOW, secret_id="2")):
        assert step.current is None


@pytest.mark.parametrize(("given", "held", "kept"), [("new", "old", "new"), (None, "old", "old"), ("new", None, "new")])
def test_adopting_and_staging_note_the_name(given: str | None, held: str | None, kept: str) -> None:
    base = Record(client_id=CLIENT, client_name=held)
    adopted = adopt(CLIENT, given, value="v", rotation_id="r", listed=["7"], at=NOW, base=base)
    staged = stage(base, client_id=CLIENT, client_name=given, pending=PENDING, lease=None)
    assert (adopted.client_name, staged.client_name) == (kept, kept)
    assert adopted.current == Current(value="v", rotation_id="r", secret_id="7", created_at=NOW)


def test_adopting_begins_a_record_with_the_listed_id() -> None:
    record = adopt(CLIENT, "billing", value="canary", rotation_id=rotation_id(0), listed=["7"], at=NOW)
    assert record.current is not None
    assert (record.version, record.current.secret_id, record.last_verified_at) == (1, "7", NOW)
    assert reread(record) == record


def test_members_that_only_exist_at_times_are_not_written_empty() -> None:
    data = json.loads(encode_record(RECORD))
    assert "lease" not in data
    assert "listed_before" not in data["current"]
    assert "restores" not in json.loads(encode_record(STAGED))["pending"]
    assert "rolled_back" not in json.loads(encode_record(PROMOTED))["previous"]
    assert (data["pending"], data["previous"], data["current"]["expires_at"]) == (None, None, None)
    assert data["current"]["created_at"] == "2026-09-24T10:00:00Z"


def test_unknown_members_of_the_same_schema_are_kept() -> None:
    data = {**json.loads(encode_record(STAGED)), "note": "kept"}
    data["pending"]["label"] = "kept too"
    record = promote(read_record(data, client_id=CLIENT, where=WHERE), at=NOW, grace=GRACE)
    written = json.loads(encode_record(record))
    assert (written["note"], written["current"]["label"]) == ("kept", "kept too")


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


def test_the_text_of_a_record_is_for_people_too() -> None:
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
def test_a_record_of_another_name_is_refused(held: str | None, wanted: str | None, fits: bool) -> None:
    record = RECORD.model_copy(update={"client_name": held})
    with (
        contextlib.nullcontext() if fits else pytest.raises(StoreError, match=r"'billing', not of 'orders'.*Give each")
    ):
        require_name(record, wanted)


@pytest.mark.parametrize("shown", [repr(STAGED), str(STAGED), repr(PROMOTED), repr(PREVIOUS)])
def test_no_value_is_shown_by_a_record(shown: str) -> None:
    assert "canary" not in shown


def test_all_values_are_known_to_be_secret() -> None:
    everything: Any = STAGED.model_copy(update={"previous": PREVIOUS})
    assert everything.values() == {"canary-current", "canary-pending", "canary-previous"}
    assert RECORD.values() == {"canary-current"}
