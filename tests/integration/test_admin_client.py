# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin's own client is a client like any other: it rotates itself, and the run outlives the change."""

from __future__ import annotations

import shutil

from ansible_run import Ansible
from service import service

from simulator.process import Simulator


def test_the_admin_client_rotates_itself(simulator: Simulator, ansible: Ansible) -> None:
    """Adopted, rotated, and after a leak replaced at once; scopes, description and subject stay as they are."""
    home, cache = ansible.home, ansible.home / "tokens"
    (before,) = (each for each in simulator.admin.state()["clients"] if each["client_id"] == "admin")
    admin = {
        "service_client_name": before["name"],
        "service_client_client_id": "admin",
        "service_client_verify_scope": before["allowed_scopes"][0],
        "service_client_known_secret": simulator.admin_client_secret,
        "service_client_deliveries": [
            {
                "path": str(home / "admin.env"),
                "members": {"ARITMA_CLIENT_ID": "client_id", "ARITMA_CLIENT_SECRET": "client_secret"},
            }
        ],
        "service_client_store": {"path": str(home / "admin.json")},
    }
    hosts = {"iam-admin": {**service(home), **admin, "service_client_allowed_scopes": []}}
    values = [simulator.admin_client_secret]
    for variables in ({}, {"rotation_force": True}, {"rotation_compromised": True}):
        ansible.run("aritma.iam.rotate", hosts=hosts, variables=variables).ok()
        lines = (home / "admin.env").read_text().splitlines()
        given = dict(line.split("=", 1) for line in lines if line.startswith("ARITMA_"))
        values.append(given["ARITMA_CLIENT_SECRET"])
        ansible.environment |= given
        shutil.rmtree(cache, ignore_errors=True)  # no token of the old secret
    assert len({*values[1:]}) == 3 and values[0] == values[1]
    assert [simulator.admin.check("admin", value)["live"] for value in values[1:3]] == [[], []]
    assert len(simulator.admin.check("admin", values[3])["live"]) == 1
    (after,) = (each for each in simulator.admin.state()["clients"] if each["client_id"] == "admin")
    for each in ("name", "description", "allowed_scopes", "allowed_grant_types"):
        assert after[each] == before[each], each
