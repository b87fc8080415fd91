# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The planner on arbitrary evidence: what it may never plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import description_for, lineage_of, tag_in
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    ADOPT,
    CREATE,
    DELIVER,
    DISCARD,
    FORGET,
    MAKE_ROOM,
    PROBE,
    PROMOTE,
    PROVE,
    STAGE,
    Evidence,
    Listed,
    Settings,
    find,
    plan_retirement,
    plan_start,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Pending, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.role import CLIENT, LONG_AGO, NOW, rotation_id

ORDER = (ADOPT, FORGET, STAGE, CREATE, MAKE_ROOM, PROVE, PROMOTE, DELIVER, PROBE, DISCARD)
TAGS = tuple(rotation_id(number) for number in range(4))

IDS = ("1", "2", "3", "4")
FOREIGN = (description_for(rotation_id(1, "bbbbbb")), "made by hand", "", None)
TIMES: tuple[dict[str, Any], ...] = (
    {},
    {"created_at": LONG_AGO},
    {"created_at": NOW - timedelta(hours=2), "expires_at": NOW - timedelta(hours=1)},
    {"created_at": NOW, "expires_at": NOW + timedelta(days=3)},
)
SECRETS: tuple[dict[str, Any], ...] = tuple(
    {"value": value, "rotation_id": tag, "secret_id": secret_id, **times}
    for value, tag, secret_id, times in product(("value-a", "value-b"), (*TAGS, "r1"), (None, *IDS[:3]), TIMES)
)
ABSENT = "absent"
TEXTS = (*(description_for(tag) for tag in TAGS), *FOREIGN)
SNAPSHOTS = (None, ["1"], ["1", "2"])
RETIRE_AFTER = (None, NOW, NOW + timedelta(hours=1))

secret_ids = st.sampled_from(IDS)
verdicts = st.sampled_from([None, "accepted", "accepted", "rejected", "misconfigured", "unknown"])
currents = st.sampled_from([Current(**each, listed_before=ids) for each in SECRETS for ids in SNAPSHOTS])
pendings = st.sampled_from([Pending(**each, listed_before=ids) for each in SECRETS for ids in SNAPSHOTS])
previous = st.sampled_from([Previous(**each, retire_after=after) for each in SECRETS for after in RETIRE_AFTER])
records = st.builds(
    Record,
    client_id=st.just(CLIENT),
    current=currents | currents | st.none(),
    pending=st.none() | pendings,
    previous=st.none() | previous,
)


def listing(shown: tuple[str | None, ...]) -> tuple[Listed, ...]:
    """What LIST shows: a description for each id, or that the id is not there."""
    return tuple(Listed(each, text) for each, text in zip(IDS, shown, strict=True) if text != ABSENT)


described = st.tuples(*(st.sampled_from([ABSENT, *TEXTS]) for _unused in IDS)).map(listing)
plain = st.tuples(*(st.sampled_from([ABSENT, None]) for _unused in IDS)).map(listing)
evidence = st.builds(
    Evidence,
    now=st.just(NOW),
    listed=described | plain,
    record=records | st.none(),
    current=verdicts,
    pending=verdicts,
    known=verdicts,
    in_progress=st.sampled_from([None, None, None, None, "job 7"]),
)
wishes = st.builds(
    Settings,
    due=st.booleans(),
    force=st.booleans(),
    hold=st.booleans(),
    recover=st.booleans(),
    retire_ids=st.lists(secret_ids, unique=True, max_size=2).map(tuple),
)
thorough = settings(max_examples=300, deadline=None)


def may_go(seen: Evidence, secret_id: str, ours: str, wish: Settings) -> bool:
    """Whether a listed secret is ours to delete: of the rotation ``ours``, of its lineage, or named."""
    tags = {tag_in(each.description) for each in seen.listed if each.secret_id == secret_id} - {None}
    lineages = {lineage_of(tag) for tag in tags}
    return ours in tags or lineage_of(ours) in lineages or secret_id in wish.retire_ids


def ids_in_use(record: Record) -> set[str]:
    return {each.secret_id for each in (record.current, record.pending) if each and each.secret_id}


@thorough
@given(evidence, wishes)
def test_the_same_evidence_gives_the_same_plan(seen: Evidence, wish: Settings) -> None:
    assert plan_start(seen, wish) == plan_start(seen, wish)
    once, again = (plan_retirement(seen, wish, consumer_proven=True) for _unused in range(2))
    assert once == again


@thorough
@given(evidence, wishes)
def test_steps_are_in_their_order_and_fit_the_state(seen: Evidence, wish: Settings) -> None:
    plan = plan_start(seen, wish)
    places = [ORDER.index(step) for step in plan.steps]
    assert places == sorted(set(places))
    assert plan.reason
    if plan.state == "blocked":
        assert (plan.steps, plan.sweep) == ((), ())
    elif plan.state in ("unchanged", "waiting"):
        assert plan.steps in ((), (DELIVER,))
    else:
        assert plan.state == "rotate"
        assert plan.steps


@thorough
@given(evidence, wishes)
def test_a_promotion_is_planned_only_behind_a_proof_and_where_the_record_has_room(
    seen: Evidence, wish: Settings
) -> None:
    steps = plan_start(seen, wish).steps
    assert (PROMOTE in steps) == (PROVE in steps)
    if PROMOTE in steps and seen.record and seen.record.previous:
        assert MAKE_ROOM in steps or FORGET in steps


@thorough
@given(evidence, wishes)
def test_a_sweep_takes_only_what_is_ours_and_not_in_use(seen: Evidence, wish: Settings) -> None:
    sweep = plan_start(seen, wish).sweep
    if not sweep:
        return
    record = seen.record
    assert record is not None
    assert record.current is not None
    assert (record.pending, record.previous) == (None, None)
    assert seen.current == "accepted"
    assert not wish.hold
    assert len(sweep) == len(set(sweep))
    assert set(sweep) <= {each.secret_id for each in seen.listed}
    assert not set(sweep) & ids_in_use(record)
    assert all(may_go(seen, each, record.current.rotation_id, wish) for each in sweep)
    assert set(find(seen, record, record.current)) - set(sweep), "nothing of the current secret would be left"


@thorough
@given(evidence, wishes)
def test_a_pending_secret_is_discarded_only_when_it_is_refused_and_surely_known(seen: Evidence, wish: Settings) -> None:
    """Or when it is refused, not listed and expired: then there is nothing to delete."""
    plan = plan_start(seen, wish)
    if DISCARD not in plan.steps:
        return
    assert plan.steps == (DISCARD,)
    assert seen.record is not None
    pending = seen.record.pending
    assert pending is not None
    assert seen.pending == "rejected"
    if plan.secret_id is None:
        assert pending.expires_at is not None and pending.expires_at <= seen.now
        assert find(seen, seen.record, pending) == ()
        return
    assert not wish.hold
    target = next(each for each in seen.listed if each.secret_id == plan.secret_id)
    assert target.secret_id == pending.secret_id or pending.rotation_id in (target.description or "")


@thorough
@given(evidence, wishes, st.booleans())
def test_a_retirement_takes_only_the_previous_secret(seen: Evidence, wish: Settings, proven: bool) -> None:
    plan = plan_retirement(seen, wish, consumer_proven=proven)
    assert plan.reason
    if plan.state != "retire":
        assert plan.delete is None
        return
    record = seen.record
    assert record is not None
    assert record.previous is not None
    assert seen.current == "accepted"
    assert not wish.hold
    assert proven or record.pending is not None
    if plan.delete is not None:
        assert plan.delete not in ids_in_use(record)
        recorded = plan.delete == record.previous.secret_id
        assert recorded or may_go(seen, plan.delete, record.previous.rotation_id, wish)
        used = [each.rotation_id for each in (record.current, record.pending) if each]
        target = [each.description or "" for each in seen.listed if each.secret_id == plan.delete]
        assert not any(tag in text for tag in used for text in target)


@thorough
@given(evidence, wishes, st.sampled_from([None, "unknown", "misconfigured"]))
def test_what_proves_nothing_never_leads_to_a_deletion(seen: Evidence, wish: Settings, verdict: str | None) -> None:
    blind = replace(seen, current=verdict, pending=verdict, known=verdict)
    plan = plan_start(blind, wish)
    assert not plan.sweep
    assert DISCARD not in plan.steps
    assert FORGET not in plan.steps
    assert plan_retirement(blind, wish, consumer_proven=True).state != "retire"
