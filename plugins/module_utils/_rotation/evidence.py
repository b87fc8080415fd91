# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence: what registered results of tasks prove, what the record keeps of it, and what it allows.

The flow of a play proves nothing: any keyword lets it go on after a failure, or end anywhere. So the results themselves
are read. A result that failed, was skipped, or belongs to another secret or generation proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .._core.time import format_timestamp
from .record import Delivered, Record, delivered

UNPROVEN_GRACE = timedelta(hours=24)
"""How long a previous secret stays for consumers that nothing proves to work with the new one."""

STORE = "the credential store"
"""The name of what stands for consumers where no delivery is configured: they read the store by themselves."""

Result = Mapping[str, Any]


@dataclass(frozen=True)
class Target:
    """One place where the credential is delivered. ``name`` tells it apart and holds no secret.

    ``proofs`` are the names of the reloads and probes that prove that its consumers use what was delivered; ``steps``
    are names of what has to be done as well and proves nothing (handlers that were notified). ``fenced`` says that the
    place refuses a delivery that comes too late.
    """

    name: str
    proofs: frozenset[str] = frozenset()
    steps: frozenset[str] = frozenset()
    fenced: bool = True

    def settled(self, known: Delivered | None, generation: int) -> bool:
        """Whether nothing is left to be done: written, and every proof and step confirmed, for this generation."""
        return known is not None and known.generation == generation and self.proofs | self.steps <= set(known.proofs)

    def proven(self, known: Delivered) -> bool:
        """Whether its consumers were seen to use what was delivered."""
        return bool(self.proofs) and self.proofs <= set(known.proofs)


@dataclass(frozen=True)
class Shown:
    """What the results of the deliveries of one round show, for one ``generation`` (None: for that of the record).

    ``written`` are targets that hold the credential, ``differing`` those that were only looked at and hold another one;
    ``proofs`` are the names of confirmed reloads, probes and steps.
    """

    written: frozenset[str] = frozenset()
    differing: frozenset[str] = frozenset()
    proofs: frozenset[str] = frozenset()
    generation: int | None = None


@dataclass(frozen=True)
class Exchanged:
    """The last verdict on the secret of one rotation, and how often in a row it was given."""

    verdicts: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    def verdict(self, rotation_id: str) -> str | None:
        """The verdict, or None where no exchange was made."""
        return self.verdicts.get(rotation_id, (None, 0))[0]

    def proves(self, rotation_id: str, successes: int) -> bool:
        """Whether the secret was accepted so many times in a row."""
        verdict, streak = self.verdicts.get(rotation_id, (None, 0))
        return verdict == "accepted" and streak >= successes


def _single(results: Iterable[Any]) -> Iterator[Result]:
    """Each result that says something, also those of the items of a loop."""
    for each in results:
        if not isinstance(each, Mapping) or each.get("skipped") or each.get("unreachable"):
            continue
        if isinstance(each.get("results"), Sequence) and not isinstance(each["results"], str):
            yield from _single(each["results"])
        else:
            yield each


def _good(result: Result) -> bool:
    # failed_when of a caller must not make a success of a failure.
    return not (result.get("failed") or result.get("failed_when_result") or result.get("rc"))


def read_exchanges(results: Iterable[Any]) -> Exchanged:
    """What results of ``token_exchange`` tell. One that failed still tells its verdict, but never an acceptance."""
    seen: dict[str, tuple[str, int]] = {}
    for each in _single(results):
        rotation_id, verdict = each.get("rotation_id"), each.get("verdict")
        if rotation_id and verdict and (verdict != "accepted" or _good(each)):
            seen[str(rotation_id)] = (str(verdict), int(each.get("successes") or 0))
    return Exchanged(seen)


def read_deliveries(results: Iterable[Any], generation: int, rotation_id: str) -> Shown:
    """What results of deliveries, reloads, probes and own tasks show of this generation of this secret.

    Each was made in a loop over mappings that tell generation and rotation id, with ``target`` (a delivery) or
    ``proof``; an own task that is done leaves the mapping alone. A delivery that was only looked at, and would have
    changed something, has not ``verified`` anything.
    """
    written: set[str] = set()
    differing: set[str] = set()
    proofs: set[str] = set()
    for each in _single(results):
        item = each.get(str(each.get("ansible_loop_var", "item")), each)
        meant = isinstance(item, Mapping) and (item.get("generation"), item.get("rotation_id")) == (
            generation,
            rotation_id,
        )
        if not _good(each) or not meant:
            continue
        if item.get("target"):
            (written if each.get("verified", True) else differing).add(str(item["target"]))
        if item.get("proof"):
            proofs.add(str(item["proof"]))
    return Shown(frozenset(written), frozenset(differing), frozenset(proofs), generation)


def noted(record: Record, shown: Shown, targets: Sequence[Target], at: datetime) -> Record:
    """The record with the evidence of this round.

    What was only looked at and differs loses its evidence. What was written keeps the moment of its first delivery, as
    long as it held the credential ever since.
    """
    if shown.generation not in (None, record.generation):
        return record
    news: dict[str, Delivered] = {}
    for target in targets:
        known = record.targets.get(target.name)
        if target.name in shown.differing:
            news[target.name] = Delivered()
        elif target.name in shown.written:
            same = known is not None and known.generation == record.generation
            confirmed = (target.proofs | target.steps) & (shown.proofs | set(known.proofs if known and same else ()))
            entry = Delivered(
                generation=record.generation, at=known.at if known and same else at, proofs=sorted(confirmed)
            )
            proven = target.proven(entry) and target.settled(entry, record.generation)
            news[target.name] = entry if proven else entry.model_copy(update={"unproven": True})
    return delivered(record, news)


def unsettled(record: Record, targets: Sequence[Target]) -> tuple[str, ...]:
    """Names of the configured targets that are to be written, reloaded or probed (again)."""
    return tuple(each.name for each in targets if not each.settled(record.targets.get(each.name), record.generation))


@dataclass(frozen=True)
class Objection:
    """Why nothing may be deleted: ``state`` is ``waiting`` or ``blocked``."""

    state: str
    reason: str


def objection(record: Record, targets: Sequence[Target], grace: timedelta | None, at: datetime) -> Objection | None:
    """Why the secrets that targets may still use cannot go yet; None when they may.

    ``grace`` is the operator's; None (``auto``) is none for a target that is proven, and ``UNPROVEN_GRACE`` for others.
    Where a proof is configured, time stands for it only if the operator did not set the grace to nothing.
    """
    open_ = unsettled(record, [Target(each.name) for each in targets])
    if open_:
        return Objection("blocked", f"nothing proves that {_list(open_)} holds the current secret; nothing was deleted")
    ends = [_free_at(record, target, grace) for target in targets]
    if not targets:
        ends.append((STORE, _since(record, at) + (UNPROVEN_GRACE if grace is None else grace)))
    # A target that is not configured here may still use what it was given before.
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
    hint = "" if grace is not None else ". A probe or a reload would prove that it does not"
    until = format_timestamp(end)
    return Objection("waiting", f"waiting until {until}: {names} may still use the previous secret{hint}")


def _since(record: Record, at: datetime) -> datetime:
    return record.last_rotated_at or at


def _free_at(record: Record, target: Target, grace: timedelta | None) -> tuple[str, datetime | None]:
    """From when on nothing that a target may use before is needed; None for never, as long as it is not proven."""
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
