# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin secret from ansible-vault to the playbooks that ship: nothing of it in the environment or on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_run import Ansible

from simulator.process import Simulator

_WRONG = "a-secret-that-nobody-accepts"


@pytest.fixture
def vaulted(ansible: Ansible) -> Path:
    """A vaulted file with the admin credential, which the environment has not."""
    secret = ansible.environment.pop("ARITMA_CLIENT_SECRET")
    password = ansible.home / "vault-password"
    password.write_text("password-of-the-vault", encoding="utf-8")
    ansible.environment["ANSIBLE_VAULT_PASSWORD_FILE"] = str(password)
    path = ansible.home / "admin.yml"
    path.write_text(yaml.safe_dump({"aritma_iam_auth_client_secret": secret}), encoding="utf-8")
    ansible.finish(ansible.launch("ansible-vault", "encrypt", str(path))).ok()
    assert secret not in path.read_text(encoding="utf-8")
    return path


def _client(home: Path) -> dict[str, Any]:
    return {
        "service_client_name": "billing",
        "service_client_allowed_scopes": ["services.banking"],
        "service_client_store": {"type": "file", "path": str(home / "store.json")},
        "service_client_deliveries": [{"type": "file", "path": str(home / "billing.env")}],
        "service_client_rotation_grace": "0s",
    }


def test_given_to_the_playbooks(ansible: Ansible, simulator: Simulator, vaulted: Path) -> None:
    """With -e, and beside the inventory; shown nowhere."""
    secret = simulator.admin_client_secret
    hosts = {"billing": _client(ansible.home)}
    given = ("-e", f"@{vaulted}", "-vvvv", "--diff")
    outputs = [ansible.run("aritma.iam.provision", *given, hosts=hosts).ok().output]
    (ansible.home / "group_vars").mkdir()
    vaulted.rename(ansible.home / "group_vars" / "all.yml")
    rotated = ansible.run("aritma.iam.rotate", "-vvvv", "--diff", "-e", "rotation_force=true", hosts=hosts).ok()
    outputs += [rotated.output, ansible.run("aritma.iam.audit", "-vvvv", hosts=hosts).ok().output]
    assert "billing: rotated" in rotated.output
    assert not any(secret in each for each in outputs)
    (client,) = [each for each in simulator.admin.state()["clients"] if each["name"] == "billing"]
    assert len(client["secrets"]) == 1 and len(client["history"]) == 2


def test_a_variable_counts_before_the_environment(ansible: Ansible, vaulted: Path) -> None:
    """And what a task says before both."""
    ansible.environment["ARITMA_CLIENT_SECRET"] = _WRONG
    look = {"aritma.iam.oidc_client_info": {"name": "billing"}}
    ansible.tasks(look, arguments=("-e", f"@{vaulted}")).ok()
    look["aritma.iam.oidc_client_info"]["auth_client_secret"] = _WRONG
    refused = ansible.tasks(look, arguments=("-e", f"@{vaulted}"))
    assert refused.code != 0 and "invalid_client" in refused.output and _WRONG not in refused.output
