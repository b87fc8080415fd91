# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``rotation_report``: one entry a client in a JSON file, and the same as ``set_stats``.

The file is written ahead: a run that begins to change something notes itself as failed first, so that the report is
true whenever the run is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp, now
from ansible_collections.aritma.iam.plugins.module_utils._files.private_file import replace_private
from ansible_collections.aritma.iam.plugins.module_utils._rotation.account import account

OUTCOMES = ["rotated", "unchanged", "waiting", "rolled_back", "blocked", "retire_unconfirmed", "failed"]
SCHEMA = 1

_INFERRED = ("reason", "rotation_id", "previous_rotation_id", "left")

SPEC = ArgumentSpec(
    {
        "path": {"type": "path"},
        "client_id": {"type": "str", "required": True},
        "client_name": {"type": "str", "required": True},
        "results": {"type": "dict", "default": {}},
        "outcome": {"type": "str", "choices": OUTCOMES},
        "reason": {"type": "str"},
        "rotation_id": {"type": "str"},
        "previous_rotation_id": {"type": "str"},
        "left": {"type": "list", "elements": "str"},
        "calls": {"type": "list", "elements": "dict", "default": []},
    }
)


def run(params: Params, check_mode: bool) -> Outcome:
    """Write the entry of one client. A report of what happened is no change of the managed host."""
    entry = _entry(params)
    if params["path"] and not check_mode:
        _write(Path(params["path"]), entry)
    stats = {"data": {"rotation": {params["client_name"]: entry}}, "aggregate": True, "per_host": False}
    text = f"{params['client_name']}: {entry['state']}: {entry['reason']}"
    return Outcome(False, {"entry": entry, "ansible_stats": stats}, message=text)


def _entry(params: Params) -> dict[str, Any]:
    """What is given counts; the rest follows from the results."""
    seen = account(params["client_id"], params["results"])
    given = {name: getattr(seen, name) if params[name] is None else params[name] for name in _INFERRED}
    state = params["outcome"] or seen.state
    if state not in OUTCOMES:
        raise OptionError(
            f"rotation_report: {params['client_name']}: no outcome is given, and the results hold no plan.",
            hint=f"Give outcome: one of {', '.join(OUTCOMES)}.",
            option="outcome",
        )
    named = {name: params[name] for name in ("client_id", "client_name")}
    calls = _summed([*seen.calls, *params["calls"]])
    return {"state": state, "at": format_timestamp(now()), **named, **given, "calls": calls}


def _summed(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return {endpoint: sum(int(each.get(endpoint, 0)) for each in calls) for endpoint in ("iam", "token")}


def merge_entry(report: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The report with this entry in the place of an earlier one of the same client."""
    known = [each for each in report.get("clients", []) if isinstance(each, Mapping)]
    others = [each for each in known if each.get("client_name") != entry["client_name"]]
    clients = sorted([*others, entry], key=lambda each: (str(each.get("client_name")), str(each.get("client_id"))))
    return {"schema": SCHEMA, "written_at": entry["at"], "clients": clients}


def _write(path: Path, entry: dict[str, Any]) -> None:
    try:
        with _alone(path):
            report = merge_entry(_read(path), entry)
            replace_private(path, json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise IamError(
            f"The report {path} cannot be written: {error.strerror or error}.",
            hint="Give a path in a folder that this user may write to (rotation_report).",
            path=str(path),
        ) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        report = json.loads(text) if text else {}  # an empty file may have been made to be filled
    except FileNotFoundError:
        return {}
    except ValueError:
        report = None
    if isinstance(report, dict) and isinstance(report.get("clients", []), list):
        return report
    raise IamError(
        f"{path} holds something else than a report, which is not overwritten.",
        hint="Move it away, or give another path (rotation_report).",
        path=str(path),
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Forks write to one report: one at a time. The folder is the lock, so that no lock file is left behind."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


ROTATION_REPORT = Operation("rotation_report", SPEC, run, libraries=())
