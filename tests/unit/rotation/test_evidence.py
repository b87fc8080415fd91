# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registered results prove, what the record keeps of it, and when the previous secret may go."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import (
    STORE,
    UNPROVEN_GRACE,
    Exchanged,
    Shown,
    Target,
    noted,
    objection,
    read_deliveries,
    read_exchanges,
    unsettled,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Current, Delivered, Previous, Record
from ansible_collections.aritma.iam.tests.unit.rotation.play import CLIENT, LONG_AGO, NOW, rotation_id

OURS, OTHER = rotation_id(1), rotation_id(2)
GENERATION = 3
FILE, VAULT = Target("file", frozenset({"reload"}), frozenset({"handlers"})), Target("vault")
HOUR = timedelta(hours=1)


# ---- exchanges


@pytest.mark.parametrize(
    ("result", "verdict", "proves"),
    [
        ({"verdict": "accepted", "successes": 5, "changed": False}, "accepted", True),
        ({"verdict": "accepted", "successes": 7, "attempts": 9}, "accepted", True),
        ({"verdict": "accepted", "successes": 4}, "accepted", False),
        ({"verdict": "accepted"}, "accepted", False),
        ({"verdict": "rejected", "successes": 0}, "rejected", False),
        # expect: rejected, and it was; with failed_when: false or without
        ({"verdict": "rejected", "failed": False, "failed_when_result": False}, "rejected", False),
        ({"verdict": "rejected", "failed": True}, "rejected", False),
        # ignored, but failed all the same: accepted where that was not expected, or not often enough in time
        ({"verdict": "accepted", "successes": 5, "failed": True}, None, False),
        ({"verdict": "accepted", "successes": 5, "failed_when_result": True}, None, False),
        ({"verdict": "unknown"}, "unknown", False),
        ({"skipped": True, "skip_reason": "Conditional result was False"}, None, False),
        ({"unreachable": True, "verdict": "accepted", "successes": 5}, None, False),
        ({"failed": True, "msg": "Timed out after 5 second(s).", "timedout": {"period": 5}}, None, False),
    ],
)
def test_a_verdict_is_read_from_one_result_or_from_an_item_of_a_loop(
    result: Mapping[str, Any], verdict: str | None, proves: bool
) -> None:
    one = {"rotation_id": OURS, **result}
    loop = {"results": [{"ansible_loop_var": "each", "each": OURS, **one}], "changed": False}
    for results in ([one], [loop], ["", None, {}, one]):
        told = read_exchanges(results)
        assert told.verdict(OURS) == verdict
        assert told.proves(OURS, 5) is proves


def test_verdicts_of_other_rotations_tell_nothing() -> None:
    told = read_exchanges([{"rotation_id": OTHER, "verdict": "accepted", "successes": 5}, {"verdict": "rejected"}])
    assert (told.verdict(OURS), told.proves(OURS, 1), told.proves(OTHER, 5)) == (None, False, True)
    assert Exchanged().verdict(OURS) is None


def test_the_last_verdict_counts() -> None:
    first, last = {"verdict": "accepted", "successes": 5}, {"verdict": "rejected"}
    told = read_exchanges([{"rotation_id": OURS, **each} for each in (first, last)])
    assert (told.verdict(OURS), told.proves(OURS, 1)) == ("rejected", False)


# ---- deliveries

MARK = {"generation": GENERATION, "rotation_id": OURS}


def loop(*results: Mapping[str, Any], **overall: Any) -> dict[str, Any]:
    """What a loop of the role registers."""
    return {"results": [{"ansible_loop_var": "each", **result} for result in results], "changed": True, **overall}


def written(target: str = "file", **members: Any) -> dict[str, Any]:
    return {"each": {**MARK, "target": target, "path": "/etc/x"}, "verified": True, "changed": True, **members}


def proven(proof: str = "reload", **members: Any) -> dict[str, Any]:
    return {"each": {**MARK, "proof": proof, "host": "app1"}, "changed": True, **members}


def shown(*results: Any) -> Shown:
    return read_deliveries(results, GENERATION, OURS)


@pytest.mark.parametrize(
    ("results", "found"),
    [
        ([loop(written())], {"written": {"file"}}),
        ([loop(written(changed=False), written("vault"))], {"written": {"file", "vault"}}),
        # only looked at, in check mode
        ([loop(written(verified=False))], {"differing": {"file"}}),
        ([loop(written(), written("vault", verified=False))], {"written": {"file"}, "differing": {"vault"}}),
        # reloads, probes, own tasks that left their item alone
        ([loop(proven(rc=0))], {"proofs": {"reload"}}),
        ([loop(proven("probe", status=200))], {"proofs": {"probe"}}),
        (
            [{"results": [{**MARK, "proof": "probe"}, {**MARK, "target": "tasks"}]}],
            {"written": {"tasks"}, "proofs": {"probe"}},
        ),
        # a loop in which an item failed: the others count
        ([loop(written(), written("vault", failed=True), failed=True)], {"written": {"file"}}),
        # failures, however they were treated
        ([loop(written(failed=True))], {}),
        ([loop(written(failed=False, failed_when_result=True))], {}),
        ([loop(proven(rc=3, failed=False, failed_when_result=False))], {}),
        ([loop(proven(failed=True, msg="Timed out", timedout={"period": 5}))], {}),
        ([loop(proven(unreachable=True, msg="Failed to connect"))], {}),
        ([loop(written(skipped=True))], {}),
        ([{"skipped": True, "skip_reason": "No items in the list", "results": []}], {}),
        ([loop(written(), skipped=True)], {}),
        ([loop(written(), unreachable=True)], {}),
        # another generation, another secret, none at all
        ([loop(written(each={"target": "file", "generation": 2, "rotation_id": OURS}))], {}),
        ([loop(written(each={"target": "file", "generation": GENERATION, "rotation_id": OTHER}))], {}),
        ([loop(written(each={"target": "file"}))], {}),
        ([loop(written(each="file"))], {}),
        ([loop({"each": {**MARK}, "changed": True})], {}),
        (["", None, {}, {"results": "none"}], {}),
    ],
)  # fmt: skip
def test_deliveries_show_what_was_written_and_proven(results: list[Any], found: Mapping[str, Any]) -> None:
    assert shown(*results) == Shown(
        **{name: frozenset(found.get(name, ())) for name in ("written", "differing", "proofs")}, generation=GENERATION
    )


# ---- the record

RECORD = Record(
    client_id=CLIENT,
    generation=GENERATION,
    current=Current(value="value-a", rotation_id=OURS),
    targets={"file": Delivered(generation=2, at=LONG_AGO, proofs=["handlers", "reload"]), "vault": Delivered()},
    last_rotated_at=NOW,
)


def known(**targets: Delivered) -> Record:
    return RECORD.model_copy(update={"targets": targets})


def after(record: Record, **found: Any) -> Mapping[str, Delivered]:
    evidence = {name: frozenset(each) for name, each in found.items() if name != "generation"}
    return noted(record, Shown(**evidence, generation=found.get("generation")), (FILE, VAULT), NOW + HOUR).targets


def test_what_was_written_is_evidence_of_this_generation() -> None:
    written: dict[str, Any] = {"generation": GENERATION, "at": NOW + HOUR, "unproven": True}
    assert after(RECORD, written={"vault"})["vault"] == Delivered(**written)
    assert after(RECORD, written={"file"}, proofs={"reload", "probe"})["file"] == Delivered(
        **written, proofs=["reload"]
    )
    assert after(RECORD, written={"file"}, proofs={"handlers"})["file"] == Delivered(**written, proofs=["handlers"])


def test_evidence_adds_up_and_keeps_the_moment_of_the_first_delivery() -> None:
    first = Delivered(generation=GENERATION, at=NOW, proofs=["reload"])
    assert after(known(file=first), written={"file"}, proofs={"handlers"})["file"] == Delivered(
        generation=GENERATION, at=NOW, proofs=["handlers", "reload"]
    )
    gone = first.model_copy(update={"proofs": ["reload of old"]})
    assert after(known(file=gone), written={"file"})["file"].proofs == []


def test_what_differs_loses_its_evidence_and_what_is_not_mentioned_keeps_it() -> None:
    first = Delivered(generation=GENERATION, at=NOW, proofs=["handlers", "reload"])
    assert after(known(file=first, vault=first), differing={"file"}, written={"file"}) == {
        "file": Delivered(),
        "vault": first,
    }


def test_a_proof_without_a_delivery_does_not_count() -> None:
    assert after(RECORD, proofs={"reload", "handlers"}) == RECORD.targets


def test_evidence_of_another_generation_does_not_count() -> None:
    assert after(RECORD, written={"vault"}, generation=2) == RECORD.targets
    assert after(RECORD, written={"vault"}, generation=GENERATION) != RECORD.targets


def test_targets_that_are_not_configured_are_not_noted() -> None:
    assert after(RECORD, written={"other"}) == RECORD.targets


SETTLED = Delivered(generation=GENERATION, at=NOW, proofs=["handlers", "reload"])


@pytest.mark.parametrize(
    ("entry", "settled", "is_proven"),
    [
        (SETTLED, True, True),
        (SETTLED.model_copy(update={"proofs": ["reload"]}), False, True),
        (SETTLED.model_copy(update={"proofs": ["handlers"]}), False, False),
        (SETTLED.model_copy(update={"generation": 2}), False, True),
        (Delivered(), False, False),
    ],
)
def test_a_target_is_settled_when_all_is_confirmed_for_this_generation(
    entry: Delivered, settled: bool, is_proven: bool
) -> None:
    assert FILE.settled(entry, GENERATION) is settled
    assert FILE.proven(entry) is is_proven
    assert unsettled(known(file=entry), (FILE,)) == (() if settled else ("file",))


def test_a_target_without_proofs_is_settled_and_never_proven() -> None:
    entry = Delivered(generation=GENERATION, at=NOW)
    assert VAULT.settled(entry, GENERATION)
    assert not VAULT.proven(entry)
    assert not VAULT.settled(None, GENERATION)


# ---- what may go

DELIVERED = Delivered(generation=GENERATION, at=NOW)
OPEN = Delivered(generation=GENERATION, at=NOW + HOUR, unproven=True)
PULLED = Target("vault")
UNTIL = format_timestamp(NOW + UNPROVEN_GRACE)


@pytest.mark.parametrize(
    ("targets", "entries", "grace", "words"),
    [
        # proven: at once; with a grace of the operator's, after that
        ((FILE,), {"file": SETTLED}, None, None),
        ((FILE,), {"file": SETTLED}, timedelta(), None),
        ((FILE,), {"file": SETTLED}, 2 * HOUR, "waiting until 2026-11-24T12:00:00Z: file may still use"),
        # not proven, nor could it be: a day after the delivery, or what the operator says
        ((PULLED,), {"vault": DELIVERED}, None, f"waiting until {UNTIL}: vault may still use"),
        ((PULLED,), {"vault": DELIVERED}, timedelta(), None),
        ((PULLED,), {"vault": DELIVERED}, 2 * HOUR, "waiting until 2026-11-24T12:00:00Z"),
        # a proof is configured and missing: nothing stands for it but the operator's time
        ((FILE,), {"file": DELIVERED}, timedelta(), "blocked: the consumers of file were not proven"),
        ((FILE,), {"file": DELIVERED}, 2 * HOUR, "waiting until 2026-11-24T12:00:00Z"),
        ((FILE,), {"file": DELIVERED}, None, f"waiting until {UNTIL}"),
        # not delivered at all
        ((FILE, PULLED), {"file": SETTLED}, None, "blocked: nothing proves that vault holds the current secret"),
        ((FILE,), {"file": SETTLED.model_copy(update={"generation": 2})}, None, "blocked: nothing proves that file"),
        ((PULLED,), {"vault": Delivered()}, timedelta(), "blocked: nothing proves that vault"),
        # consumers that read the store themselves
        ((), {}, None, f"waiting until {UNTIL}: {STORE} may still use"),
        ((), {}, timedelta(), None),
        # what is recorded and not configured any more
        ((FILE,), {"file": SETTLED, "old": Delivered(generation=2)}, None, f"waiting until {UNTIL}: old may still use"),
        ((FILE,), {"file": SETTLED, "old": Delivered()}, timedelta(), f"waiting until {UNTIL}: old may still use"),
        ((FILE,), {"file": SETTLED, "old": Delivered(generation=2)}, 48 * HOUR, "waiting until 2026-11-26T10:00:00Z"),
        ((FILE,), {"file": SETTLED, "new": DELIVERED}, None, None),
        ((FILE,), {"file": SETTLED, "new": OPEN}, None, "waiting until 2026-11-25T11:00:00Z: new may still use"),
        ((FILE,), {"file": SETTLED, "new": OPEN}, timedelta(), "waiting until 2026-11-25T11:00:00Z: new may still use"),
        # several: all are named
        ((FILE, PULLED), {"file": SETTLED, "vault": DELIVERED}, 2 * HOUR, ": file, vault may still use"),
    ],
)
def test_the_previous_secret_may_go_when_nobody_can_need_it(
    targets: tuple[Target, ...], entries: Mapping[str, Delivered], grace: timedelta | None, words: str | None
) -> None:
    found = objection(known(**entries), targets, grace, NOW + HOUR)
    told = None if found is None else f"{found.state}: {found.reason}"
    assert told is None if words is None else words in (told or ""), told


def test_the_previous_secret_may_go_when_the_grace_is_over() -> None:
    for record, targets in (known(vault=DELIVERED), (PULLED,)), (known(), ()), (known(old=Delivered()), ()):
        assert objection(record, targets, None, NOW + UNPROVEN_GRACE - timedelta(seconds=1)) is not None
        assert objection(record, targets, None, NOW + UNPROVEN_GRACE) is None
    assert objection(known(file=SETTLED), (FILE,), 2 * HOUR, NOW + 2 * HOUR) is None


def test_a_delivery_without_a_time_counts_from_the_rotation() -> None:
    record = known(vault=DELIVERED.model_copy(update={"at": None}))
    assert objection(record, (PULLED,), None, NOW + HOUR) is not None
    assert objection(record, (PULLED,), None, NOW + UNPROVEN_GRACE) is None
    never = record.model_copy(update={"last_rotated_at": None})
    found = objection(never, (PULLED,), timedelta(), NOW)
    assert found is not None
    assert (found.state, "the consumers of vault were not proven" in found.reason) == ("blocked", True)


def test_a_proof_is_advised_only_where_a_delivery_could_have_one() -> None:
    advice = "A probe or a reload would prove"
    for targets, entries, told in (
        ((PULLED,), {"vault": DELIVERED}, True),
        ((FILE,), {"file": SETTLED, "old": Delivered(generation=2)}, False),
        ((PULLED,), {"vault": DELIVERED, "old": Delivered(generation=2)}, False),
        ((), {}, False),
    ):
        found = objection(known(**entries), targets, None, NOW + HOUR)
        assert found is not None
        assert (advice in found.reason) is told


def test_a_secret_that_an_overtaken_run_may_still_deliver_is_kept() -> None:
    old = Previous(value="value-p", rotation_id=rotation_id(0))
    feared = {rotation_id(0): NOW + 2 * HOUR, OURS: NOW + 5 * HOUR}
    record = known(file=SETTLED).model_copy(update={"previous": old, "overtaken": feared})
    found = objection(record, (FILE,), None, NOW)
    assert found is not None
    assert "waiting until 2026-11-24T12:00:00Z: a run that lost its lease may still use" in found.reason
    assert objection(record, (FILE,), None, NOW + 2 * HOUR) is None
    assert objection(record.model_copy(update={"previous": None}), (FILE,), None, NOW) is None


def test_of_many_targets_only_three_are_named() -> None:
    targets = tuple(Target(f"t{number}") for number in range(5))
    found = objection(known(), targets, None, NOW)
    assert found is not None
    assert "that t0, t1, t2 and 2 more holds" in found.reason
