# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every example in every guide and plugin does what it says, or is at least what it says that it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from examples import KINDS, Machine, plugin_examples
from plugin_plays import run_plays
from torture.aws import running_aws
from torture.openbao import TOKEN, running_bao

from doubles.aws import CREDENTIALS
from doubles.kubernetes import running_cluster
from simulator.process import Simulator

ON_SERVERS = ("credential_delivery", "credential_store", "remote_deliveries")
"""Plugins whose examples need Vault, AWS or Kubernetes."""


def _plugins() -> dict[str, str]:
    return {name: text for kind in KINDS[:3] for name, text in plugin_examples(kind).items()}


def test_the_examples_of_plugins(simulator: Simulator, tmp_path: Path) -> None:
    """Modules, lookups and filters, each against a simulator that has forgotten all."""
    texts = {name: text for name, text in _plugins().items() if name not in ON_SERVERS}
    run_plays(texts, Machine(tmp_path, simulator))


def test_the_examples_on_servers(simulator: Simulator, tmp_path: Path) -> None:
    """OpenBao itself, and doubles of AWS and Kubernetes."""
    with running_bao(tmp_path) as bao, running_aws(tmp_path) as aws, running_cluster() as cluster:
        cluster.deploy("deployments", "billing-web")
        machine = Machine(tmp_path, simulator, vault=bao.url)
        kubeconfig = cluster.kubeconfig(machine.file(".kube/config", ""))
        machine.environment |= {
            **CREDENTIALS,
            "AWS_ENDPOINT_URL_SECRETS_MANAGER": aws.url,
            "KUBECONFIG": kubeconfig,
            "VAULT_ADDR": bao.url,
            "VAULT_TOKEN": TOKEN,
        }
        run_plays({name: text for name, text in _plugins().items() if name in ON_SERVERS}, machine)
