# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rotation came to, from the registered results of its steps: pure, for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Result = Mapping[str, Any]

_UNCONFIRMED = "the previous secret was deleted, but its exchange is not refused yet; the next run looks again"
_NOT_FOUND = (
    "the list shows no secret of the previous rotation, so none was deleted, but its exchange is not refused; the next"
    " run looks again. If one of the listed secrets is the previous one, name its id in service_client_retire_ids"
)


@dataclass(frozen=True)
class Account:
    """The state of a client after a run, why, the rotation ids of its record, and the requests that were made.

    ``state`` is None where nothing was decided, since the run failed before.
    """

    state: str | None = None
    reason: str = ""
    rotation_id: str | None = None
    previous_rotation_id: str | None = None
    left: list[str] = field(default_factory=list)
    calls: list[Mapping[str, int]] = field(default_factory=list)


def account(client_id: str, results: Mapping[str, Any]) -> Account:
    """Read the results of one client: ``decided``, ``promoted``, ``retirement``, ``confirmed``, ``closed`` and others.

    Results of another client, which the same host may have from an earlier use of the role, do not count.
    """
    steps = {name: each if isinstance(each, Mapping) else {} for name, each in results.items()}
    decided = steps.get("decided", {})
    plan = _part(decided, "plan")
    retirement = steps.get("retirement", {})
    retired = _part(retirement, "plan") if retirement.get("client_id") == client_id else {}
    state = _state(plan, retired, steps.get("confirmed", {}))
    # Where nothing was written in this run, what the plan has read.
    record = _newest(client_id, steps) or decided
    return Account(
        state=state,
        reason=_reason(state, plan, retired),
        rotation_id=_part(record, "current").get("rotation_id"),
        previous_rotation_id=_part(record, "previous").get("rotation_id"),
        left=list(plan.get("left") or []),
        calls=_calls(steps),
    )


def _part(result: Result, name: str) -> Result:
    part = result.get(name)
    return part if isinstance(part, Mapping) else {}


def _state(plan: Result, retired: Result, confirmed: Result) -> str | None:
    planned: str | None = plan.get("state")
    if planned != "rotate":
        return planned
    after: str = retired.get("state", "done")
    if after == "retire":
        return "rotated" if confirmed.get("verdict") == "rejected" else "retire_unconfirmed"
    return "rotated" if after == "done" else after


def _reason(state: str | None, plan: Result, retired: Result) -> str:
    if state == "retire_unconfirmed":
        return _UNCONFIRMED if retired.get("delete") else _NOT_FOUND
    return str((retired if state == "waiting" and retired else plan).get("reason", ""))


def _newest(client_id: str, steps: Mapping[str, Result]) -> Result:
    records = [_part(steps.get(name, {}), "record") for name in ("promoted", "closed")]
    ours = [each for each in records if each.get("client_id") == client_id]
    return max(ours, key=lambda each: each.get("version", 0), default={})


def _calls(steps: Mapping[str, Result]) -> list[Mapping[str, int]]:
    """Of each step, and of each item of a step that is a loop."""
    single = [each for step in steps.values() for each in (step, *step.get("results", []))]
    return [each["calls"] for each in single if isinstance(each, Mapping) and "calls" in each]
