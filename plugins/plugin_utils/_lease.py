# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who holds the lease of a record: one run of ansible-playbook, for all its tasks and whatever process they run in."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..module_utils._core.process import Place, here, is_alive, start_time
from ..module_utils._core.time import format_timestamp
from ..module_utils._rotation.record import CLOCKS_APART, Lease

LONGEST = timedelta(days=1)
"""No lease is longer. One that ends later was written by a clock that was wrong, and counts as run out."""


@dataclass(frozen=True)
class Owner:
    """A run for one inventory host: its main process, and the place where that process's id means something."""

    place: Place
    pid: int
    started: str
    host: str = ""

    def __str__(self) -> str:
        place = self.place
        return "/".join((place.host, place.boot, place.namespace, str(self.pid), self.started, self.host))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """The owner that ``str`` wrote; None for any other text."""
        parts = text.split("/", 5)
        if len(parts) < 5 or not parts[3].isdecimal():
            return None
        return cls(Place(*parts[:3]), int(parts[3]), parts[4], *parts[5:])

    @property
    def title(self) -> str:
        """For people."""
        return f"a run on host {self.place.host} (pid {self.pid})"

    def dead(self, me: Owner) -> bool:
        """Whether it is known to run no more. Elsewhere, or in another container, nothing can be known."""
        return self.place == me.place and me.place.known and not is_alive(self.pid, self.started)


@dataclass(frozen=True)
class Rival:
    """Another run that is rotating this client now, as far as can be known, and until when that counts."""

    holder: str
    until: datetime

    def __str__(self) -> str:
        return f"{self.holder}, until {format_timestamp(self.until)}"


def this_run(host: str = "") -> Owner:
    """The run that this process belongs to: workers are forked from the process that carries its identity."""
    parent = multiprocessing.parent_process()
    pid = os.getpid() if parent is None or parent.pid is None else parent.pid
    return Owner(here(), pid, start_time(pid), host)


def rival(lease: Lease | None, me: Owner, at: datetime) -> Rival | None:
    """Who else holds ``lease`` now; None when it is free: none, ours, expired, or of a run that is known to be dead."""
    if lease is None or lease.owner == str(me) or not _runs(lease, at):
        return None
    owner = Owner.parse(lease.owner)
    if owner is not None and owner.dead(me):
        return None
    return Rival(owner.title if owner else lease.owner, lease.expires_at)


def silent(lease: Lease | None, me: Owner, at: datetime) -> bool:
    """Whether ``lease`` ran out, and its run may only sleep."""
    if lease is None or lease.owner == str(me) or _runs(lease, at):
        return False
    owner = Owner.parse(lease.owner)
    return owner is None or not owner.dead(me)


def new_lease(me: Owner, at: datetime, span: timedelta) -> Lease:
    """A lease of ours from now on."""
    return Lease(owner=str(me), expires_at=at + min(span, LONGEST))


def _runs(lease: Lease, at: datetime) -> bool:
    return at < lease.expires_at <= at + LONGEST + CLOCKS_APART
