# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the report says of a client follows from the results of the steps."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._rotation.account import Account, account

ROTATE: dict[str, Any] = {"state": "rotate", "reason": "due: 61d old, limit 60d", "left": ["7"]}


def _decided(**plan: Any) -> dict[str, Any]:
    return {"client_id": "c1", "plan": {**ROTATE, **plan}, "current": {"rotation_id": "old"}, "previous": None}


def _retirement(client_id: str = "c1", **plan: Any) -> dict[str, Any]:
    return {"client_id": client_id, "plan": {"state": "retire", "reason": "nothing needs it", **plan}}


def _kept(version: int, current: str, previous: str | None, client_id: str = "c1") -> dict[str, Any]:
    old = {"rotation_id": previous} if previous else None
    return {
        "record": {"client_id": client_id, "version": version, "current": {"rotation_id": current}, "previous": old}
    }


@pytest.mark.parametrize(
    ("results", "state", "reason"),
    [
        ({}, None, ""),
        ({"decided": {"failed": True, "msg": "no network"}}, None, ""),
        ({"decided": None}, None, ""),
        ({"decided": _decided(state="unchanged", reason="young")}, "unchanged", "young"),
        ({"decided": _decided(state="waiting", reason="grace")}, "waiting", "grace"),
        ({"decided": _decided()}, "rotated", ROTATE["reason"]),
        ({"decided": _decided(), "retirement": _retirement(state="done")}, "rotated", ROTATE["reason"]),
        (
            {"decided": _decided(), "retirement": _retirement(state="waiting", reason="until noon")},
            "waiting",
            "until noon",
        ),
        ({"decided": _decided(), "retirement": _retirement(state="blocked", reason="x")}, "blocked", ROTATE["reason"]),
        (
            {"decided": _decided(), "retirement": _retirement(), "confirmed": {"verdict": "rejected"}},
            "rotated",
            ROTATE["reason"],
        ),
        (
            {"decided": _decided(), "retirement": _retirement(delete="9"), "confirmed": {"verdict": "accepted"}},
            "retire_unconfirmed",
            "the previous secret was deleted, but its exchange is not refused yet; the next run looks again",
        ),
        (
            {"decided": _decided(), "retirement": _retirement(delete=None), "confirmed": {"verdict": "accepted"}},
            "retire_unconfirmed",
            (
                "the list shows no secret of the previous rotation, so none was deleted, but its exchange is not"
                " refused; the next run looks again. If one of the listed secrets is the previous one, name its id"
                " in service_client_retire_ids"
            ),
        ),
        ({"decided": _decided(), "retirement": _retirement("c2", state="blocked")}, "rotated", ROTATE["reason"]),
    ],
)
def test_state_and_reason(results: dict[str, Any], state: str | None, reason: str) -> None:
    """A retirement counts after a rotation, and only that of the same client."""
    told = account("c1", results)
    assert (told.state, told.reason) == (state, reason)


@pytest.mark.parametrize(
    ("results", "ids"),
    [
        ({"decided": _decided()}, ("old", None)),
        ({"decided": _decided(), "promoted": _kept(3, "new", "old")}, ("new", "old")),
        ({"decided": _decided(), "promoted": _kept(3, "new", "old"), "closed": _kept(4, "new", None)}, ("new", None)),
        (
            {"decided": _decided(), "promoted": _kept(9, "new", "old"), "closed": _kept(4, "older", None)},
            ("new", "old"),
        ),
        ({"decided": _decided(), "promoted": _kept(3, "theirs", "x", "c2")}, ("old", None)),
        (
            {
                "promoted": {"record": {"client_id": "c1", "current": {"rotation_id": "x"}}},
                "closed": _kept(1, "new", None),
            },
            ("new", None),
        ),
        ({"decided": _decided(), "promoted": {"skipped": True}, "closed": {"record": None}}, ("old", None)),
    ],
)
def test_rotation_ids(results: dict[str, Any], ids: tuple[str, str | None]) -> None:
    """They are those of the newest record of this client; of what the plan has read, where nothing was written."""
    told = account("c1", results)
    assert (told.rotation_id, told.previous_rotation_id) == ids


def test_calls_and_what_was_left() -> None:
    """Every step counts, and every item of a loop."""
    loop = {"results": [{"calls": {"iam": 1}}, {"skipped": True}, {"calls": {"iam": 2}}, "calls"]}
    told = account("c1", {"decided": {**_decided(), "calls": {"iam": 1, "token": 1}}, "created": {}, "swept": loop})
    assert told.calls == [{"iam": 1, "token": 1}, {"iam": 1}, {"iam": 2}]
    assert told.left == ["7"]
    assert account("c1", {}) == Account()
