# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admin secret from ansible-vault to the playbooks that ship: nothing of it in the environment or on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_run import Ansible

from simulator.process import Simulator

_WRONG = "a-secret-that-nobody-accepts"
_PASSWORD = "password-of-the-vault"


@pytest.fixture
def vaulted(ansible: Ansible) -> Path:
    """A vaulted file with the admin credential, which the environment has not."""
    secret = ansible.environment.pop("ARITMA_CLIENT_SECRET")
    password = ansible.home / "vault-password"
    password.write_text(_PASSWORD, encoding="utf-8")
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


class _Dumper(yaml.SafeDumper):
    """Writes a ``_Vaulted`` as ``ansible-vault encrypt_string`` does."""


class _Vaulted(str):
    __slots__ = ()


def _vaulted(dumper: _Dumper, value: _Vaulted) -> yaml.Node:
    text = VaultLib([("default", VaultSecret(_PASSWORD.encode()))]).encrypt(str(value)).decode()
    return dumper.represent_scalar("!vault", text, style="|")


_Dumper.add_representer(_Vaulted, _vaulted)


@pytest.mark.matrix
def test_values_that_are_vaulted_one_by_one(ansible: Ansible, simulator: Simulator, vaulted: Path) -> None:
    """In variables, deep in them too, and in the options of a task."""
    secret = _Vaulted(simulator.admin_client_secret)
    path = ansible.home / "vaulted.env"
    variables = {
        "aritma_iam_auth_client_secret": secret,
        **_client(ansible.home),
        "service_client_allowed_scopes": [_Vaulted("services.banking")],
        "service_client_deliveries": [{"path": _Vaulted(path), "reload": {"command": _Vaulted("true")}}],
    }
    vaulted.write_text(yaml.dump(variables, Dumper=_Dumper), encoding="utf-8")
    given, hosts = ("-e", f"@{vaulted}"), {"billing": dict[str, Any]()}
    ansible.run("aritma.iam.provision", *given, hosts=hosts).ok()
    rotated = ansible.run("aritma.iam.rotate", *given, "-e", "rotation_force=1", hosts=hosts).ok()
    assert "billing: rotated: due: forced" in rotated.output and "CLIENT_SECRET=" in path.read_text(encoding="utf-8")
    look = {"aritma.iam.oidc_client_info": {"name": _Vaulted("billing"), "auth_client_secret": secret}}
    play = ansible.home / "look.yml"
    play.write_text(yaml.dump([{"hosts": "localhost", "gather_facts": False, "tasks": [look]}], Dumper=_Dumper))
    ansible.run(str(play)).ok()
