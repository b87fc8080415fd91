# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_delivery``: a credential where a service reads it from a server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import (
    DeliveryError,
    OptionError,
    StoreConflictError,
    StoreError,
)
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_format import Members, pick_members
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries import open_target, target_option
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._protocol import Held, Target

SPEC = ArgumentSpec(
    {
        "target": target_option(),
        "credential": {"type": "dict", "no_log": True},
        "members": {"type": "raw"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
)
_NAMES = ("client_id", "client_secret", "token_url", "scope", "rotation_id")
"""The members of a credential, for a removal that is given none."""
_ATTEMPTS = 5
"""Others may keep members of their own in the same place, and change them at the same time."""


def _deliver(params: Params, loader: Any, check_mode: bool) -> Outcome:
    target = open_target(params["target"], loader)
    try:
        if params["state"] == "absent":
            return _withdrawn(target, _names(params), check_mode)
        return _placed(target, params, check_mode)
    except StoreError as error:
        raise DeliveryError(error.message, hint=error.hint, **error.details) from None


def _names(params: Params) -> Sequence[str]:
    credential = params["credential"] or dict.fromkeys(_NAMES, "")
    return list(pick_members(credential, params["members"]))


def _placed(target: Target, params: Params, check_mode: bool) -> Outcome:
    credential = params["credential"]
    if not credential:
        raise OptionError("There is nothing to deliver.", hint="Give credential.", option="credential")
    members = pick_members(credential, params["members"])
    rotation_id = str(credential.get("rotation_id") or "")
    marks = target.marks(rotation_id)
    before, after = _put(target, members, marks, check_mode)
    outdated = target.outdated(rotation_id)
    if not check_mode:
        target.roll_out(rotation_id)
    changed = before is not after
    result = {"rotation_id": rotation_id, "verified": not (changed and check_mode), "rolled_out": list(outdated)}
    rolled_out = {"rolled_out": list(outdated)} if outdated else {}
    shown = {**_facts(target, after), **rolled_out}
    return Outcome(changed or bool(outdated), result, _facts(target, before), shown)


def _put(target: Target, members: Members, marks: Mapping[str, str], check_mode: bool) -> tuple[Held, Held]:
    """What was there and what is there now, read back; the same object twice where nothing is to be changed."""
    for attempt in range(_ATTEMPTS):
        held = target.read()
        if _fits(held, members, marks):
            return held, held
        if check_mode:
            return held, Held({**(held.members or {}), **members}, "", {**held.marks, **marks})
        try:
            target.put(held, members, marks)
        except StoreConflictError:
            if attempt + 1 == _ATTEMPTS:
                raise
            continue
        return held, _read_back(target, members, marks)
    raise AssertionError("the last attempt returns or raises")


def _fits(held: Held, members: Members, marks: Mapping[str, str]) -> bool:
    """Whether a place holds these members and marks, whatever else it holds."""
    return (held.members or {}).items() >= members.items() and held.marks.items() >= marks.items()


def _read_back(target: Target, members: Members, marks: Mapping[str, str]) -> Held:
    held = target.read()
    if not _fits(held, members, marks):
        raise DeliveryError(
            f"{target.where} does not hold what was just written to it.",
            hint="Something else writes it as well (a play, an operator of the cluster): stop that, and run again.",
            where=target.where,
        )
    return held


def _withdrawn(target: Target, names: Sequence[str], check_mode: bool) -> Outcome:
    held = target.read()
    ours = set(held.members or ()) & set(names)
    if ours and not check_mode:
        target.drop(held, names)
    left = {name: value for name, value in (held.members or {}).items() if name not in names}
    after = Held(left or None, "", {}) if ours else held
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
