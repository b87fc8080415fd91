# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which secrets may be deleted, and what a plan may do, for any list, any record and any request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import (
    Target,
    objection,
    unsettled,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    Listed,
    blind,
    carries,
    description_for,
    leftovers,
    lineage_of,
    rows_of,
    shared,
    tag_in,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    CLAIM,
    STAGE,
    Seen,
    Wish,
    burning_ids,
    going,
    plan_round,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import (
    Current,
    Delivered,
    Leak,
    Pending,
    Previous,
    Record,
)
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

TAGS = [*(rotation_id(number) for number in range(4)), rotation_id(1, "bbbbbb")]
IDS = [str(number) for number in range(1, 7)]
TARGETS = (Target("file", frozenset({"probe"})), Target("vault"))
DAY = timedelta(days=1)

ids = st.sampled_from(IDS)
tags = st.sampled_from(TAGS)
moments = st.sampled_from([None, LONG_AGO, NOW - timedelta(hours=1), NOW])
descriptions = st.one_of(tags.map(description_for), st.sampled_from([None, "", "made by hand", "aritma.iam rot"]))
rows = st.builds(Listed, ids, descriptions, st.sampled_from([None, None, "SharedSecret", "X509Thumbprint"]))
lists = st.lists(rows, max_size=6, unique_by=lambda row: row.secret_id).map(tuple)

maybe_id = st.one_of(st.none(), ids)
known = {
    "value": st.sampled_from(["value-a", "value-b", "value-c"]),
    "rotation_id": tags,
    "secret_id": maybe_id,
    "created_at": moments,
    "adopted": st.sampled_from([None, None, True]),
    "confirmed": st.sampled_from([None, None, True]),
    "listed_as": st.sampled_from([None, "made by hand", "aritma.iam rot"]),
    "told_id": maybe_id,
    "guessed_id": maybe_id,
}
entries = st.builds(
    Delivered,
    generation=st.sampled_from([None, 1, 2]),
    at=moments,
    proofs=st.sampled_from([[], ["probe"]]),
)
leaks = st.builds(
    Leak,
    at=st.just(NOW),
    until=st.just(NOW),
    burnt=st.lists(st.builds(Current, value=known["value"], rotation_id=tags, secret_id=maybe_id), max_size=3),
)
all_records = st.builds(
    Record,
    client_id=st.just(CLIENT),
    generation=st.sampled_from([1, 2]),
    current=st.one_of(st.none(), st.builds(Current, **known)),
    pending=st.one_of(st.none(), st.none(), st.builds(Pending, **known)),
    previous=st.one_of(st.none(), st.builds(Previous, **known, doomed=st.sampled_from([None, True]))),
    targets=st.dictionaries(st.sampled_from(["file", "vault", "gone"]), entries),
    leak=st.one_of(st.none(), st.none(), leaks),
    burnt=st.lists(tags, max_size=2),
    last_rotated_at=moments,
)
CURRENT = Current(value="value-a", rotation_id=TAGS[1])
PREVIOUS = Previous(value="value-b", rotation_id=TAGS[0])
with_previous = all_records.map(
    lambda record: record.model_copy(
        update={
            "pending": None,
            "leak": None,
            "current": record.current or CURRENT,
            "previous": record.previous or PREVIOUS,
        }
    )
)
leaking = st.tuples(with_previous, leaks).map(lambda both: both[0].model_copy(update={"leak": both[1]}))
tagged_lists = lists.map(lambda listed: (*listed, Listed("tagged", description_for(TAGS[1]))))
verdicts = st.sampled_from(["accepted", "rejected", "unknown", "misconfigured", None])
wishes = st.builds(
    Wish,
    client_id=st.just(CLIENT),
    me=st.just("run"),
    now=st.just(NOW),
    targets=st.sampled_from([(), TARGETS[:1], TARGETS]),
    due=st.booleans(),
    force=st.booleans(),
    hold=st.booleans(),
    recover=st.booleans(),
    compromised=st.booleans(),
    grace=st.sampled_from([None, timedelta(), DAY]),
    retire_ids=st.lists(ids, max_size=2).map(tuple),
)
sights = st.builds(
    Seen,
    listed=lists,
    record=st.one_of(st.none(), all_records),
    current=verdicts,
    pending=verdicts,
    known=verdicts,
    rival=st.sampled_from([None, None, None, "job 7"]),
)


def in_use(record: Record) -> list[Current]:
    return [each for each in (record.current, record.pending) if each is not None]


@given(lists, all_records, wishes)
def test_what_is_in_use_never_goes(listed: tuple[Listed, ...], record: Record, wish: Wish) -> None:
    ids_ = going(Seen(listed, record), wish)
    for row in listed:
        if any(row.secret_id in rows_of(listed, each) for each in in_use(record)):
            assert row.secret_id not in ids_


@given(lists, all_records, wishes)
def test_only_shared_secrets_go_that_are_tagged_recorded_or_named(
    listed: tuple[Listed, ...], record: Record, wish: Wish
) -> None:
    for secret_id in going(Seen(listed, record), wish):
        (row,) = [each for each in listed if each.secret_id == secret_id]
        assert shared(row)
        lineage = lineage_of(record.current.rotation_id) if record.current else None
        tagged = lineage is not None and lineage_of(tag_in(row.description)) == lineage
        previous = secret_id in rows_of(listed, record.previous)
        assert tagged or previous or secret_id in wish.retire_ids


@given(tagged_lists, st.builds(Previous, **{**known, "adopted": st.none()}))
def test_where_tags_are_shown_a_recorded_id_alone_counts_for_nothing(
    listed: tuple[Listed, ...], previous: Previous
) -> None:
    assert not blind(listed)
    found = rows_of(listed, previous)
    assert all(carries(row.description, previous.rotation_id) for row in listed if row.secret_id in found)


@given(lists, all_records)
def test_no_leftover_is_named_unless_the_current_secret_is_seen_by_its_tag(
    listed: tuple[Listed, ...], record: Record
) -> None:
    current = record.current
    if current is None or not any(carries(row.description, current.rotation_id) for row in listed):
        assert leftovers(listed, record) == ()


@given(tagged_lists, leaking)
def test_after_a_leak_only_ours_goes_and_never_what_is_current(listed: tuple[Listed, ...], record: Record) -> None:
    assert record.current is not None
    ids_ = burning_ids(Seen(listed, record), record)
    current = rows_of(listed, record.current)
    assert (ids_ is None) == (not current)
    lineage = lineage_of(record.current.rotation_id)
    burnt = {each.rotation_id for each in record.leak.burnt} if record.leak else set()
    for secret_id in ids_ or ():
        (row,) = [each for each in listed if each.secret_id == secret_id]
        assert secret_id not in current
        assert shared(row)
        assert lineage_of(tag_in(row.description)) == lineage or tag_in(row.description) in burnt


@given(sights, wishes)
def test_a_plan_is_always_made_and_begins_nothing_beside_another_run(seen: Seen, wish: Wish) -> None:
    plan = plan_round(seen, wish)
    assert plan.reason
    assert plan.state in ("unchanged", "waiting", "blocked", "rotate")
    assert (plan.act is not None) >= (plan.state == "rotate")
    if seen.rival:
        assert (plan.state, plan.act) == ("unchanged", None)
    if plan.state in ("waiting", "blocked"):
        assert plan.act is None


@given(sights, wishes)
def test_nothing_new_is_written_ahead_on_a_verdict_that_proves_nothing(seen: Seen, wish: Wish) -> None:
    record = seen.record
    plan = plan_round(seen, wish)
    if plan.act == STAGE and record and record.current and not record.leak:
        assert seen.current in ("accepted", "rejected")
        assert record.pending is None


@given(sights, with_previous, wishes)
def test_a_previous_secret_is_not_retired_before_all_consumers_can_do_without_it(
    seen: Seen, record: Record, wish: Wish
) -> None:
    plan = plan_round(replace(seen, record=record), wish)
    settled = not unsettled(record, wish.targets)
    if plan.act == CLAIM and settled:
        assert objection(record, wish.targets, wish.grace, wish.now) is None
        assert not wish.hold


@given(all_records, wishes)
def test_the_previous_secret_may_go_only_where_every_target_was_delivered(record: Record, wish: Wish) -> None:
    if objection(record, wish.targets, wish.grace, wish.now) is None:
        for target in wish.targets:
            entry = record.targets[target.name]
            assert entry.generation == record.generation
            if wish.grace is None:
                free = entry.at or record.last_rotated_at
                assert free is not None
                assert target.proven(entry) or free + DAY <= wish.now
        for name, entry in record.targets.items():
            if entry.generation != record.generation and name not in {each.name for each in wish.targets}:
                assert record.last_rotated_at is not None
                assert record.last_rotated_at + DAY <= wish.now
