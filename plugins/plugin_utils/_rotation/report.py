# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: one file with one entry for each client. It is an HTML page if its name ends in ``.html``.

Before a run changes something, it writes an entry that says ``failed``. So the report is correct if the run is killed.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ...module_utils._core.errors import IamError
from ...module_utils._files.private_file import replace_private
from ...module_utils._rotation.plan import ROLLED_BACK, ROTATED, UNCHANGED, WAITING, Plan
from .._pages.rotation import report_in, rotation_page

SCHEMA = 1
DELIVERED = (ROTATED, WAITING, ROLLED_BACK)
"""States in which this run has delivered the secret, or verified that it is in place."""


def merge_entry(report: dict[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """Add an entry to the report. It replaces an earlier one of the same client."""
    known = [each for each in report.get("clients", []) if isinstance(each, Mapping)]
    others = [each for each in known if each.get("client_name") != entry["client_name"]]
    clients = sorted([*others, entry], key=lambda each: (str(each.get("client_name")), str(each.get("client_id"))))
    return {"schema": SCHEMA, "written_at": entry["at"], "clients": clients}


def write_entry(name: str, entry: dict[str, Any]) -> None:
    """Write the entry of one client. Raises ``IamError``."""
    path = Path(name)
    try:
        with _alone(path):
            report = merge_entry(_read(path), entry)
            replace_private(path, rotation_page(report) if _is_page(path) else _as_json(report))
    except OSError as error:
        raise IamError(
            f"The report {path} cannot be written: {error.strerror or error}.",
            hint="Give a path in a folder that this user may write to (rotation_report).",
            path=str(path),
        ) from None


def line_of(plan: Plan, entry: Mapping[str, Any], kept: str = "") -> str:
    """The end of a round as one line for the screen. ``kept`` describes the place of the record."""
    parts = [f"{entry['client_name']}: {plan.text}"]
    if entry["previous_rotation_id"] and entry["rotation_id"] and plan.state != UNCHANGED:
        parts.append(f"{entry['previous_rotation_id']} -> {entry['rotation_id']}")
    if entry["state"] in DELIVERED:
        proven = [f"{name} ({', '.join(proofs) or 'written'})" for name, proofs in entry["deliveries"].items()]
        parts.append("; ".join(proven) or "no delivery is configured")
    if kept:
        parts.append(kept)
    if entry["seconds"] is not None:
        parts.append(f"{entry['seconds']} s")
    return " | ".join(parts)


def _is_page(path: Path) -> bool:
    return path.suffix == ".html"


def _as_json(report: Mapping[str, Any]) -> str:
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if not text:  # the user may have created an empty file in advance
            return {}
        report = report_in(text) if _is_page(path) else json.loads(text)
    except FileNotFoundError:
        return {}
    except ValueError:
        report = None
    if isinstance(report, dict) and isinstance(report.get("clients"), list):
        return report
    raise IamError(
        f"{path} does not hold a report. It was not overwritten.",
        hint="Move it away, or give another path (rotation_report).",
        path=str(path),
    )


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Lock the folder, because forks write to the same report. Locking the folder leaves no lock file behind."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
