# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation of ``credential_delivery``: bring a place on a server into the wanted state, and read it back."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.errors import DeliveryError, OptionError, StoreConflictError, StoreError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._delivery.credential_format import pick_members
from ...module_utils._delivery.fence import FENCE_OPTIONS, Fence
from ...module_utils._http.retry import Clock, Pace
from . import open_target, target_option
from ._protocol import Delivery, Held, Target, remaining

SPEC = ArgumentSpec(
    {
        "target": target_option(),
        "credential": {"type": "dict", "no_log": True},
        "members": {"type": "raw"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        **FENCE_OPTIONS,
    }
)
_NAMES = ("client_id", "client_secret", "token_url", "scope", "rotation_id")
"""The members of a credential: a removal needs no more than the names."""
_PATIENCE = 300.0
"""Seconds to go on trying: others may keep members of their own in the same place, and change them at the same time."""
_PACE, _CLOCK = Pace(0.1, 4.0), Clock()


def _deliver(params: Params, loader: Any, check_mode: bool) -> Outcome:
    target, fence = open_target(params["target"], loader), Fence.of(params)
    try:
        if params["state"] == "absent":
            return _withdrawn(target, _to_withdraw(params), fence, check_mode)
        return _placed(target, _to_place(params, fence), fence, check_mode)
    except StoreError as error:
        raise DeliveryError(error.message, hint=error.hint, **error.details) from None


def _to_withdraw(params: Params) -> Delivery:
    given = {**dict.fromkeys(_NAMES, ""), **(params["credential"] or {})}
    return Delivery(pick_members(given, params["members"]), str(given["client_id"] or ""))


def _to_place(params: Params, fence: Fence) -> Delivery:
    credential = params["credential"]
    if not credential:
        raise OptionError("There is nothing to deliver.", hint="Give credential.", option="credential")
    client_id, rotation_id = (str(credential.get(name) or "") for name in ("client_id", "rotation_id"))
    return Delivery(pick_members(credential, params["members"]), client_id, rotation_id, fence.stamp)


def _placed(target: Target, delivery: Delivery, fence: Fence, check_mode: bool) -> Outcome:
    # First, so that what will not start anew is told before anything is written.
    outdated = _outdated(target, delivery, check_mode)
    before, after = _put(target, delivery, fence, check_mode)
    if not check_mode:
        if outdated:
            fence.admit(None, target.where)
        # All are started before the first one is waited for.
        for each in target.workloads:
            each.start(delivery)
        for each in target.workloads:
            each.wait()
    changed = before is not after
    result = {
        "rotation_id": delivery.rotation_id,
        "generation": fence.stamp.generation if fence.stamp else None,
        "verified": not (changed and check_mode),
        "rolled_out": outdated,
    }
    shown = {**_facts(target, after), **({"rolled_out": outdated} if outdated else {})}
    return Outcome(changed or bool(outdated), result, _facts(target, before), shown)


def _outdated(target: Target, delivery: Delivery, check_mode: bool) -> list[str]:
    """What has to start anew. A look before anything is made knows no rotation yet."""
    if target.workloads and not delivery.rotation_id and not check_mode:
        raise OptionError("rollout needs a credential with a rotation_id.", option="credential")
    return [each.title for each in target.workloads if each.outdated(delivery)]


def _put(target: Target, delivery: Delivery, fence: Fence, check_mode: bool) -> tuple[Held, Held]:
    """What was there and what is there now, read back; the same object twice where nothing is to be changed."""
    deadline = _CLOCK.monotonic() + _PATIENCE
    for attempt in count(1):
        held = target.read(delivery)
        fits = _fits(target, held, delivery)
        fence.require_newest(held.stamp, target.where)
        if check_mode:
            marks = {**held.marks, **target.marks(delivery)}
            return held, held if fits else Held({**(held.members or {}), **delivery.members}, "", marks)
        try:
            if not fits:
                fence.admit(held.stamp, target.where)
                target.put(held, delivery)
                return held, _read_back(target, delivery)
            if fence.renews(held.stamp):
                fence.admit(held.stamp, target.where)
                target.restamp(held, delivery)
            return held, held
        except StoreConflictError:
            if _CLOCK.monotonic() > deadline:
                raise
        # Pauses that differ: of many writers each comes to its turn.
        _CLOCK.sleep(_PACE.pause(attempt, _CLOCK))
    raise AssertionError("it returns or raises")


def _fits(target: Target, held: Held, delivery: Delivery) -> bool:
    """Whether a place holds these members and marks, whatever else it holds."""
    members, marks = (held.members or {}).items(), held.marks.items()
    return members >= delivery.members.items() and marks >= target.marks(delivery).items()


def _read_back(target: Target, delivery: Delivery) -> Held:
    held = target.read(delivery)
    if not _fits(target, held, delivery):
        raise DeliveryError(
            f"{target.where} does not hold what was just written to it.",
            hint="Something else writes it as well (a play, an operator of the cluster): stop that, and run again.",
            where=target.where,
        )
    return held


def _withdrawn(target: Target, delivery: Delivery, fence: Fence, check_mode: bool) -> Outcome:
    held = target.read(delivery)
    ours = set(held.members or ()) & set(delivery.members)
    if ours and not check_mode:
        fence.admit(None, target.where)
        target.drop(held, delivery)
    after = Held(remaining(held, delivery.members) or None, "") if ours else held
    return Outcome(bool(ours), {}, _facts(target, held), _facts(target, after))


def _facts(target: Target, held: Held) -> Mapping[str, Any]:
    """What a diff shows: names, marks and the rotation, never a value."""
    if held.members is None:
        return {"where": target.where, "state": "absent"}
    rotation = {name: str(value) for name, value in held.members.items() if name == "rotation_id"}
    return {"where": target.where, "state": "present", "members": sorted(held.members), **rotation, **held.marks}


def credential_delivery(loader: Any) -> Operation:
    """The operation for one task: ``loader`` (Ansible's) finds files of the controller."""

    def run(params: Params, check_mode: bool) -> Outcome:
        return _deliver(params, loader, check_mode)

    return Operation("credential_delivery", SPEC, run, libraries=())


CREDENTIAL_DELIVERY = credential_delivery(DataLoader())
"""The operation outside of a task."""
