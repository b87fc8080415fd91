# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rotation begins within its window alone; and check mode says what would be done, and what would be deleted."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ansible_run import Ansible
from service import service, stored
from wire_log import Wire

from simulator.process import Simulator


def _closed() -> str:
    """A window of another day."""
    return f"{datetime.now(timezone.utc) + timedelta(days=3):%a} 09:00-15:00 UTC"


def test_outside_the_window_only_what_was_begun_is_finished(simulator: Simulator, ansible: Ansible) -> None:
    """A forced rotation waits, and says so; a previous secret goes; within the window it is rotated."""
    home, hosts = ansible.home, {"billing": service(ansible.home)}
    forced = {"rotation_force": True}
    ansible.run("aritma.iam.provision", hosts=hosts, variables={"rotation_window": _closed()}).ok()
    ansible.run("aritma.iam.rotate", hosts=hosts, variables={**forced, "rotation_hold": True}).ok()
    begun = stored(home)
    assert begun["previous"] is not None
    run = ansible.run("aritma.iam.rotate", hosts=hosts, variables={**forced, "rotation_window": _closed()}).ok()
    ended = stored(home)
    assert ended["previous"] is None and ended["current"] == begun["current"]
    run = ansible.run("aritma.iam.rotate", hosts=hosts, variables={**forced, "rotation_window": _closed()}).ok()
    assert "billing: waiting for the window, which opens at" in run.output
    assert stored(home)["current"] == begun["current"]
    open_ = {**forced, "rotation_window": [_closed(), "00:00-24:00"]}
    ansible.run("aritma.iam.rotate", hosts=hosts, variables=open_).ok()
    assert stored(home)["current"]["value"] != begun["current"]["value"]


def test_check_mode_of_a_new_client_goes_to_the_end(simulator: Simulator, ansible: Ansible) -> None:
    """It tells every step, and writes nothing. Of a rotation, test_promises.py has the same."""
    run = ansible.run("aritma.iam.provision", "--check", hosts={"billing": service(ansible.home)}).ok()
    assert "billing: would rotate: first: no secret is stored" in run.output
    assert "banking.ais.read on /subscriptions/123 would be granted." in run.output
    assert Wire(simulator.admin.log()).writes() == [] and not (ansible.home / "billing.env").exists()
