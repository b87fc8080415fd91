# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The owner of a lease: one run of ansible-playbook, for all its tasks in all its processes."""

from __future__ import annotations

import multiprocessing
import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..module_utils._core.process import Place, here, is_alive, start_time
from ..module_utils._core.time import format_timestamp
from ..module_utils._rotation.record import CLOCKS_APART, Lease

LONGEST = timedelta(days=1)
"""The longest lease. One that ends later was written by a wrong clock, and counts as expired."""


@dataclass(frozen=True)
class Owner:
    """A run for one inventory host: its main process, and the place in which the id of that process is valid."""

    place: Place
    pid: int
    started: str
    host: str = ""

    def __str__(self) -> str:
        place = self.place
        return "/".join((place.host, place.boot, place.namespace, str(self.pid), self.started, self.host))

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """Read an owner from its ``str``; None for any other text."""
        parts = text.split("/", 5)
        if len(parts) < 5 or not parts[3].isdecimal():
            return None
        return cls(Place(*parts[:3]), int(parts[3]), parts[4], *parts[5:])

    @property
    def title(self) -> str:
        """The owner in words, for messages."""
        return f"a run on host {self.place.host} (pid {self.pid})"

    def dead(self, me: Owner) -> bool:
        """Whether it has certainly ended. This is not known for another machine or another container."""
        return self.place == me.place and me.place.known and not is_alive(self.pid, self.started)


@dataclass(frozen=True)
class Rival:
    """Another run that is probably rotating this client now, and the end of its lease."""

    holder: str
    until: datetime

    def __str__(self) -> str:
        return f"{self.holder}, until {format_timestamp(self.until)}"


def this_run(host: str = "") -> Owner:
    """The owner for this run. A worker is forked from the main process, so its parent identifies the run."""
    parent = multiprocessing.parent_process()
    pid = os.getpid() if parent is None or parent.pid is None else parent.pid
    return Owner(here(), pid, start_time(pid), host)


def rival(lease: Lease | None, me: Owner, at: datetime) -> Rival | None:
    """The other run that holds ``lease`` now. None if there is no lease, or it is ours, expired, or of a dead run."""
    if lease is None or lease.owner == str(me) or not _is_valid(lease, at):
        return None
    owner = Owner.parse(lease.owner)
    if owner is not None and owner.dead(me):
        return None
    return Rival(owner.title if owner else lease.owner, lease.expires_at)


def silent(lease: Lease | None, me: Owner, at: datetime) -> bool:
    """Whether ``lease`` of another run has expired, but that run may only be suspended."""
    if lease is None or lease.owner == str(me) or _is_valid(lease, at):
        return False
    owner = Owner.parse(lease.owner)
    return owner is None or not owner.dead(me)


def new_lease(me: Owner, at: datetime, span: timedelta) -> Lease:
    """A lease for this run that begins at ``at``."""
    return Lease(owner=str(me), expires_at=at + min(span, LONGEST))


def _is_valid(lease: Lease, at: datetime) -> bool:
    return at < lease.expires_at <= at + LONGEST + CLOCKS_APART
