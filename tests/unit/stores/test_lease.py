# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which processes are alive, and which leases of runs still count."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.aritma.iam.plugins.module_utils._core.process import here, is_alive, start_time
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Lease
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import Owner, new_lease, rival, this_run

AT = datetime(2026, 11, 24, 10, tzinfo=timezone.utc)
SPAN = timedelta(minutes=15)


def lease_of(owner: Owner) -> Lease:
    """A lease that has not expired at ``AT``."""
    return Lease(owner=str(owner), expires_at=AT + SPAN)


def sleeper() -> subprocess.Popen[bytes]:
    """A process that does nothing."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def test_a_killed_process_is_dead_even_before_it_is_waited_for() -> None:
    """A zombie is dead: whoever started the run may never wait for it."""
    process = sleeper()
    started = start_time(process.pid)
    assert started
    assert is_alive(process.pid, started)
    process.kill()
    deadline = time.monotonic() + 60
    while is_alive(process.pid, started):
        assert time.monotonic() < deadline
    process.wait()
    assert not is_alive(process.pid, started)


def test_a_reused_process_id_is_another_process() -> None:
    """The start time tells."""
    assert not is_alive(os.getpid(), str(int(start_time(os.getpid())) - 1))


def test_the_start_time_is_read_behind_a_name_with_blanks_and_parentheses(tmp_path: Path) -> None:
    """The name of a process is its own choice."""
    program = tmp_path / "a) (b 7"
    program.symlink_to("/bin/sleep")
    process = subprocess.Popen([program, "60"])
    try:
        assert int(start_time(process.pid)) >= int(start_time(os.getpid()))
    finally:
        process.kill()
        process.wait()


def test_an_owner_is_read_back_as_it_was_written() -> None:
    """No other text is an owner."""
    assert Owner.parse(str(this_run())) == this_run()
    assert Owner.parse("somebody") is None
    assert Owner.parse("a/b/c/x/d") is None


def test_a_lease_is_free_when_ours_expired_or_of_a_dead_run_here() -> None:
    """The lease of a live run is not free."""
    me = this_run()
    process = sleeper()
    other = Owner(here(), process.pid, start_time(process.pid))
    held = rival(lease_of(other), me, AT)
    assert held is not None
    assert f"pid {process.pid}" in held.holder
    assert rival(lease_of(other), me, AT + SPAN) is None
    process.kill()
    process.wait()
    assert rival(lease_of(other), me, AT) is None
    assert rival(new_lease(me, AT, SPAN), me, AT) is None
    assert rival(None, me, AT) is None


def test_a_dead_looking_run_elsewhere_counts_until_its_lease_expires() -> None:
    """Its process id means nothing here: another host, another boot, another container, or a text of another tool."""
    me = this_run()
    place = here()
    for other in (
        Owner(type(place)("elsewhere", place.boot, place.namespace), 1 << 30, "1"),
        Owner(type(place)(place.host, "another-boot", place.namespace), 1 << 30, "1"),
        Owner(type(place)(place.host, place.boot, "1"), 1 << 30, "1"),
    ):
        assert rival(lease_of(other), me, AT) is not None
    assert rival(Lease(owner="by hand", expires_at=AT + SPAN), me, AT) is not None


def test_without_a_boot_id_no_run_is_taken_for_dead() -> None:
    """Without a boot id an equal host name proves nothing."""
    place = type(here())("laptop", "", "")
    assert rival(lease_of(Owner(place, 1 << 30, "")), Owner(place, os.getpid(), ""), AT) is not None
