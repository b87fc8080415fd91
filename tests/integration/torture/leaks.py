# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks for secrets where they must not be: in outputs, arguments, environments and files, in every form they take."""

from __future__ import annotations

import base64
import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from torture.processes import family

_TOKEN = re.compile(rb"eyJ[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}")
"""An access token of the simulator is a JWT."""


def forms(value: str, client_ids: Iterable[str] = ()) -> set[bytes]:
    """A value as it is, URL-encoded, as base64 wherever it stands in the encoded text, and in Basic credentials."""
    texts = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    encoded = {base64.b64encode(f"{each}:{value}".encode()) for each in client_ids}
    for shift in range(3):
        # The first and the last group depend on what stands beside the value.
        middle = base64.b64encode(b"x" * shift + value.encode())[4:].rstrip(b"=")[:-1]
        encoded |= {middle, middle.translate(bytes.maketrans(b"+/", b"-_"))}
    return {each.encode() for each in texts} | encoded


class Watch:
    """What a run shows: arguments and environments of its processes, files in ``folders``, values in ``records``."""

    def __init__(self, pid: int, folders: Sequence[Path], records: Sequence[Path]) -> None:
        self._pid, self._folders, self._records = pid, folders, records
        self.seen: dict[str, set[bytes]] = {"arguments": set(), "environment": set(), "temporary file": set()}
        self.values: set[str] = set()
        self.samples = 0

    def sample(self) -> None:
        """Look once."""
        self.samples += 1
        for pid in family(self._pid):
            for name, what in (("cmdline", "arguments"), ("environ", "environment")):
                with contextlib.suppress(OSError):
                    self.seen[what].add(Path(f"/proc/{pid}/{name}").read_bytes())
        for path in files(self._folders):
            with contextlib.suppress(OSError):
                self.seen["temporary file"].add(path.read_bytes())
        for path in self._records:
            with contextlib.suppress(OSError, ValueError):
                self.values |= values_of(json.loads(path.read_text(encoding="utf-8")))


def values_of(record: Mapping[str, Any]) -> set[str]:
    """Every value in a record."""
    parts = [record.get(name) for name in ("current", "pending", "previous")]
    parts += (record.get("leak") or {}).get("burnt", [])
    return {str(each["value"]) for each in parts if isinstance(each, Mapping)}


def files(folders: Iterable[Path]) -> Iterator[Path]:
    """Every file below some folders, as far as they can be read while others write there."""
    for folder in folders:
        with contextlib.suppress(OSError):
            yield from [path for path in folder.rglob("*") if path.is_file()]


def hits(where: str, content: bytes, wanted: Mapping[str, set[bytes]], *, tokens: bool = True) -> list[str]:
    """Which secrets stand in a content; ``wanted`` are their forms by a name that may be shown."""
    found = [f"{where}: {name}" for name, each in wanted.items() if any(form in content for form in each)]
    return found + ([f"{where}: an access token"] if tokens and _TOKEN.search(content) else [])
