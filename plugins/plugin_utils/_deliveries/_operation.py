# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_delivery``: writes a credential to a place on a server, and reads it back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import DeliveryError, OptionError, StoreConflictError, StoreError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._delivery.credential_format import pick_members
from ...module_utils._delivery.fence import FENCE_OPTIONS, Fence, Stamp
from ...module_utils._http.retry import Clock, Pace
from .._documents._place import Held, Place, merged, place_option
from . import TARGET_TYPES, open_target

SPEC = ArgumentSpec(
    {
        "target": place_option(TARGET_TYPES),
        "credential": {"type": "dict", "no_log": True},
        "members": {"type": "raw"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **FENCE_OPTIONS,
    }
)
_NAMES = ("client_id", "client_secret", "token_url", "scope", "rotation_id")
"""The members of a credential. A removal needs only their names."""
_CONFLICT_TIME = 300.0
"""Seconds in which conflicts are retried. Others may change their own members of the same place at the same time."""
_PACE, _CLOCK = Pace(0.1, 4.0), Clock()


@dataclass(frozen=True)
class Delivery:
    """A delivery to ``place``: the members under their delivered names, the client, the rotation, and the fence."""

    place: Place
    members: Mapping[str, str]
    client_id: str
    rotation_id: str
    fence: Fence

    @property
    def mark(self) -> Mapping[str, str]:
        """A note with the rotation id."""
        note = self.place.rotation_note(self.client_id)
        return {note: self.rotation_id} if note and self.rotation_id else {}

    @property
    def notes(self) -> Mapping[str, str]:
        """The notes that the place should have, except the stamp."""
        return {**self.mark, **self.place.labels}

    @property
    def stamp_note(self) -> str:
        """The name of the note with the stamp; empty if the place has none."""
        return self.place.stamp_note(self.client_id, self.fence.stamp.lineage if self.fence.stamp else "")

    def stamp(self, held: Held) -> Stamp | None:
        """The stamp of the place."""
        return Stamp.parse(held.notes.get(self.stamp_note, ""))

    def fits(self, held: Held) -> bool:
        """Whether the place holds these members and notes. It may hold others too."""
        members = (held.members or {}).items()
        return members >= self.members.items() and held.notes.items() >= self.notes.items()

    def facts(self, held: Held) -> Mapping[str, Any]:
        """The members of the diff: names, notes and the rotation id, never a value."""
        if held.members is None:
            return {"where": self.place.where, "state": "absent"}
        rotation = {name: str(value) for name, value in held.members.items() if name == "rotation_id"}
        notes = {name: held.notes[name] for name in (*self.mark, *self.place.labels) if name in held.notes}
        return {"where": self.place.where, "state": "present", "members": sorted(held.members), **rotation, **notes}


def _deliver(params: Params, loader: Any, check_mode: bool) -> Outcome:
    place, fence = open_target(params["target"], loader), Fence.of(params)
    credential, absent = params["credential"] or {}, params["state"] == "absent"
    if not credential and not absent:
        raise OptionError("credential is not set.", hint="Set it to the credential to deliver.", option="credential")
    given = {**dict.fromkeys(_NAMES, ""), **credential} if absent else credential
    client_id, rotation_id = (str(credential.get(name) or "") for name in ("client_id", "rotation_id"))
    delivery = Delivery(place, pick_members(given, params["members"]), client_id, rotation_id, fence)
    try:
        return _removed(delivery, check_mode) if absent else _placed(delivery, check_mode)
    except StoreError as error:
        raise DeliveryError(error.message, hint=error.hint, **error.details) from None


def _placed(delivery: Delivery, check_mode: bool) -> Outcome:
    place, fence = delivery.place, delivery.fence
    if place.workloads and not delivery.rotation_id and not check_mode:
        # In check mode there may be no rotation id yet.
        raise OptionError("rollout needs a credential with a rotation_id.", option="credential")
    # Before the write, so that a workload that cannot restart is an error before anything changes.
    outdated = [each.title for each in place.workloads if each.outdated(delivery.mark)]
    before, after = _put(delivery, check_mode)
    if not check_mode:
        if outdated:
            fence.admit(None, place.where)
        # Start all before waiting for the first one.
        for each in place.workloads:
            each.start(delivery.mark)
        for each in place.workloads:
            each.wait()
    changed = before is not after
    result = {
        "rotation_id": delivery.rotation_id,
        "generation": fence.stamp.generation if fence.stamp else None,
        "verified": not (changed and check_mode),
        "rolled_out": outdated,
    }
    shown = {**delivery.facts(after), **({"rolled_out": outdated} if outdated else {})}
    return Outcome(changed or bool(outdated), result, delivery.facts(before), shown)


def _put(delivery: Delivery, check_mode: bool) -> tuple[Held, Held]:
    """Write the members. Returns what the place held before and holds now; the same object twice if nothing changes."""
    place, fence = delivery.place, delivery.fence
    deadline = _CLOCK.monotonic() + _CONFLICT_TIME
    for attempt in count(1):
        held = place.read()
        fits, stamp = delivery.fits(held), delivery.stamp(held)
        fence.require_newest(stamp, place.where)
        if check_mode:
            members, notes = {**(held.members or {}), **delivery.members}, {**held.notes, **delivery.notes}
            return held, held if fits else Held(members, "", notes)
        if fits and not fence.renews(stamp):
            return held, held
        fence.admit(stamp, place.where)
        stamped = {delivery.stamp_note: str(fence.stamp)} if delivery.stamp_note and fence.stamp else {}
        try:
            place.change(held, delivery.members, {**delivery.notes, **stamped})
            return held, held if fits else _read_back(delivery)
        except StoreConflictError:
            if _CLOCK.monotonic() > deadline:
                raise
        # Random pauses, so that every one of many writers gets its turn.
        _CLOCK.sleep(_PACE.pause(attempt, _CLOCK))
    raise AssertionError("it returns or raises")


def _read_back(delivery: Delivery) -> Held:
    held = delivery.place.read()
    if not delivery.fits(held):
        raise DeliveryError(
            f"{delivery.place.where} does not hold what was just written to it.",
            hint="Something else writes it as well (a play, an operator of the cluster). Stop that, and run again.",
            where=delivery.place.where,
        )
    return held


def _removed(delivery: Delivery, check_mode: bool) -> Outcome:
    """Remove the members, and the whole place if it holds no others."""
    place, held = delivery.place, delivery.place.read()
    gone = dict.fromkeys(set(held.members or ()) & delivery.members.keys())
    left = merged(held.members, gone)
    if gone and not check_mode:
        delivery.fence.admit(None, place.where)
        if left:
            notes = (place.rotation_note(delivery.client_id), delivery.stamp_note)
            place.change(held, gone, dict.fromkeys(filter(None, notes)))
        else:
            place.remove(held.token)
    after = Held(left or None, "") if gone else held
    return Outcome(bool(gone), {}, delivery.facts(held), delivery.facts(after))


def credential_delivery(loader: Any) -> Operation:
    """The operation for one task. The data loader finds files on the controller."""

    def run(params: Params, check_mode: bool) -> Outcome:
        return _deliver(params, loader, check_mode)

    return Operation("credential_delivery", SPEC, run, libraries=())


CREDENTIAL_DELIVERY = credential_delivery(DataLoader())
"""The operation outside of a task."""
