# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of several kinds in one run: each has a service client of its own, which is an inventory host."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_run import Ansible, Run
from service import service

from simulator.process import Simulator


class Site:
    """A server under a profile, and the folder of its service client."""

    def __init__(self, home: Path, profile: str, simulator: Simulator) -> None:
        self.profile, self.simulator, self.home = profile, simulator, home / profile
        self.home.mkdir()

    def host(self, **variables: Any) -> dict[str, Any]:
        """The variables of its inventory host."""
        environment = {"ARITMA_IAM_URL": self.simulator.api_url, "ARITMA_IDENTITY_URL": self.simulator.identity_url}
        return {**service(self.home, **variables), "site_environment": environment}


def play(ansible: Ansible, sites: Mapping[str, Site], *arguments: str, **variables: Any) -> Run:
    """The role for every site, with empty logs before it."""
    for site in sites.values():
        site.simulator.admin.clear_log()
    written = {
        "hosts": "service_clients",
        "gather_facts": False,
        "environment": "{{ site_environment }}",
        "tasks": [{"ansible.builtin.import_role": {"name": "aritma.iam.service_client"}}],
    }
    hosts = {name: site.host(**variables) for name, site in sites.items()}
    return ansible.run([written], "-f", "8", *arguments, hosts=hosts)
