# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads evidence from registered results of tasks, adds it to the record, and decides what it allows.

The flow of a play proves nothing: it can continue after a failure, or end anywhere. So the results themselves are read.
A result that failed, was skipped, or belongs to another secret or generation proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .._core.time import format_timestamp
from .record import Delivered, Record, delivered

UNPROVEN_GRACE = timedelta(hours=24)
"""How long a previous secret is kept for consumers that are not proven to use the new one."""

STORE = "the credential store"
"""The name of the target in messages if no delivery is configured. The consumers then read the store."""

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """One target of the deliveries. ``name`` is unique and holds no secret.

    ``proofs`` are the names of the reloads and probes that prove that its consumers use the delivered secret. ``steps``
    are the names of required actions that prove nothing (notified handlers). ``fenced`` is true if the target refuses a
    delivery that comes too late.
    """

    name: str
    proofs: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    fenced: bool = True

    def settled(self, known: Delivered | None, generation: int) -> bool:
        """Whether nothing is left to do: the target is written, and all proofs and steps are confirmed."""
        return known is not None and known.generation == generation and self.proofs | self.steps <= set(known.proofs)

    def proven(self, known: Delivered) -> bool:
        """Whether its consumers are proven to use the delivered secret."""
        return bool(self.proofs) and self.proofs <= set(known.proofs)


@dataclass(frozen=True)
class Shown:
    """The results of the deliveries of one round, for one ``generation`` (None: that of the record).

    ``written`` are targets that hold the credential. ``differing`` are targets that were only compared, and hold
    another one. ``proofs`` are the names of confirmed reloads, probes and steps.
    """

    written: frozenset[str] = frozenset()
    differing: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()
    generation: int | None = None


@dataclass(frozen=True)
class Exchanged:
    """The last verdict for the secret of each rotation id, and how often in a row it was given."""

    verdicts: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def verdict(self, rotation_id: str) -> str | None:
        """The verdict; None if there was no exchange."""
        return self.verdicts.get(rotation_id, (None, 0))[0]

    def proves(self, rotation_id: str, successes: int) -> bool:
        """Whether the secret was accepted at least ``successes`` times in a row."""
        verdict, streak = self.verdicts.get(rotation_id, (None, 0))
        return verdict == "accepted" and streak >= successes


def _single(results: Iterable[Any]) -> Iterator[Result]:
    """All results that were not skipped or unreachable, including those of the items of a loop."""
    for each in results:
        if not isinstance(each, Mapping) or each.get("skipped") or each.get("unreachable"):
            continue
        if isinstance(each.get("results"), Sequence) and not isinstance(each["results"], str):
            yield from _single(each["results"])
        else:
            yield each


def _good(result: Result) -> bool:
    # failed_when of a caller must not turn a failure into a success.
    return not (result.get("failed") or result.get("failed_when_result") or result.get("rc"))


def read_exchanges(results: Iterable[Any]) -> Exchanged:
    """Read the verdicts in results of ``token_exchange``. A failed result counts, unless its verdict is accepted."""
    seen: dict[str, tuple[str, int]] = {}
    for each in _single(results):
        rotation_id, verdict = each.get("rotation_id"), each.get("verdict")
        if rotation_id and verdict and (verdict != "accepted" or _good(each)):
            seen[str(rotation_id)] = (str(verdict), int(each.get("successes") or 0))
    return Exchanged(seen)


def read_deliveries(results: Iterable[Any], generation: int, rotation_id: str) -> Shown:
    """Read the results of deliveries, reloads, probes and tasks of the caller for this secret and generation.

    They come from loops over mappings with generation and rotation id, and with ``target`` (a delivery) or ``proof``.
    For a task of the caller the mapping itself is the result. ``verified`` is false for a delivery that was only
    compared and differs.
    """
    written: set[str] = set()
    differing: set[str] = set()
    proofs: set[str] = set()
    for each in _single(results):
        item = each.get(str(each.get("ansible_loop_var", "item")), each)
        matches = isinstance(item, Mapping) and (item.get("generation"), item.get("rotation_id")) == (
            generation,
            rotation_id,
        )
        if not _good(each) or not matches:
            continue
        if item.get("target"):
            (written if each.get("verified", True) else differing).add(str(item["target"]))
        if item.get("proof"):
            proofs.add(str(item["proof"]))
    return Shown(frozenset(written), frozenset(differing), frozenset(proofs), generation)


def noted(record: Record, shown: Shown, targets: Sequence[Target], at: datetime) -> Record:
    """Add the evidence of this round to the record.

    A target that was only compared and differs loses its evidence. A written target keeps the time of its first
    delivery in this generation.
    """
    if shown.generation not in (None, record.generation):
        return record
    updates: dict[str, Delivered] = {}
    for target in targets:
        known = record.targets.get(target.name)
        if target.name in shown.differing:
            updates[target.name] = Delivered()
        elif target.name in shown.written:
            same = known is not None and known.generation == record.generation
            confirmed = (target.proofs | target.steps) & (shown.proofs | set(known.proofs if known and same else ()))
            entry = Delivered(
                generation=record.generation, at=known.at if known and same else at, proofs=sorted(confirmed)
            )
            proven = target.proven(entry) and target.settled(entry, record.generation)
            updates[target.name] = entry if proven else entry.model_copy(update={"unproven": True})
    return delivered(record, updates)


def unsettled(record: Record, targets: Sequence[Target]) -> tuple[str, ...]:
    """The names of the configured targets that must be written, reloaded or probed (again)."""
    return tuple(each.name for each in targets if not each.settled(record.targets.get(each.name), record.generation))


@dataclass(frozen=True)
class Objection:
    """The reason why nothing may be deleted. ``state`` is ``waiting`` or ``blocked``."""

    state: str
    reason: str


def objection(record: Record, targets: Sequence[Target], grace: timedelta | None, at: datetime) -> Objection | None:
    """Why secrets that targets may still use cannot be deleted yet; None if they may be.

    ``grace`` is the setting of the operator. None (``auto``) means no grace for a proven target and ``UNPROVEN_GRACE``
    for others. A configured proof that is missing can be replaced by waiting, unless the grace is zero.
    """
    open_ = unsettled(record, [Target(each.name) for each in targets])
    if open_:
        return Objection("blocked", f"nothing proves that {_list(open_)} holds the current secret; nothing was deleted")
    ends = [_free_at(record, target, grace) for target in targets]
    if not targets:
        ends.append((STORE, _since(record, at) + (UNPROVEN_GRACE if grace is None else grace)))
    # A target that is not configured here may still use the secret that it received earlier.
    elsewhere = {name: each for name, each in record.targets.items() if name not in {target.name for target in targets}}
    for name, each in elsewhere.items():
        here = each.generation == record.generation
        if each.unproven or not here:
            since = (each.at if here else None) or _since(record, at)
            ends.append((name, since + max(UNPROVEN_GRACE, grace or timedelta())))
    never = [name for name, end in ends if end is None]
    if never:
        return Objection(
            "blocked", f"the consumers of {_list(never)} were not proven to use the new secret; nothing was deleted"
        )
    late = [(end, name) for name, end in ends if end is not None and end > at]
    feared = record.overtaken.get(record.previous.rotation_id) if record.previous else None
    if feared and feared > at:
        late.append((feared, "a run that lost its lease"))
    if not late:
        return None
    end = max(late)[0]
    names = _list([name for _end, name in late])
    provable = grace is None and {name for _end, name in late} <= {each.name for each in targets if not each.proofs}
    hint = ". A probe or a reload would prove that it does not" if provable else ""
    until = format_timestamp(end)
    return Objection("waiting", f"waiting until {until}: {names} may still use the previous secret{hint}")


def _since(record: Record, at: datetime) -> datetime:
    return record.last_rotated_at or at


def _free_at(record: Record, target: Target, grace: timedelta | None) -> tuple[str, datetime | None]:
    """The time from which a target no longer needs the previous secret; None if that must be proven first."""
    known = record.targets[target.name]
    since, proven = known.at or record.last_rotated_at, target.proven(known)
    if since is None:
        return target.name, None
    if grace is None:
        return target.name, since if proven else since + UNPROVEN_GRACE
    if target.proofs and not proven and not grace:
        return target.name, None
    return target.name, since + grace


def _list(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
