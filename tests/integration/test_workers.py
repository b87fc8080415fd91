# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker needs was loaded before it was forked: Ansible compiles a collection's code each time it loads it."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_run import Ansible
from service import NAME, service

HOOK = Path(__file__).resolve().parent / "loaded_in_workers"


def test_workers_load_nothing(ansible: Ansible) -> None:
    """The main process loads the action of each task once for all. Store and delivery are files here."""
    log = ansible.home / "loaded.jsonl"
    ansible.environment |= {"PYTHONPATH": str(HOOK), "LOADED_IN_WORKERS": str(log)}
    hosts = {NAME: service(ansible.home, service_client_groups=["readers"], service_client_create_groups=True)}
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    workers = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    assert {"aritma.iam.client_secret", "aritma.iam.iam_policies"} <= {action for action, _loaded in workers}
    assert [each for each in workers if each[1]] == []
