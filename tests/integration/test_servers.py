# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that reads its credential from Vault, AWS and Kubernetes, with its record in AWS: its whole life."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from service import NAME, service, stored
from torture.aws import AwsRecords, running_aws_records
from torture.openbao import TOKEN, BaoRecords, running_bao_records

from doubles.kubernetes import TOKEN as KUBERNETES_TOKEN
from doubles.kubernetes import Cluster, running_cluster
from doubles.proxy import Rule
from simulator.process import Simulator

RECORD, PATH = "records/billing", "services/billing"
TWO = {"user": "client_id", "password": "client_secret"}


@dataclass
class Site:
    """The servers, and Ansible."""

    bao: BaoRecords
    aws: AwsRecords
    cluster: Cluster
    ansible: Ansible

    def variables(self, **variables: Any) -> dict[str, Any]:
        """Role variables: one delivery of each type, and a workload that reads the Secret."""
        kubeconfig = self.cluster.kubeconfig(self.ansible.home / "kubeconfig")
        secret = {"kubeconfig": kubeconfig, "namespace": "billing", "name": "aritma"}
        bao = self.bao.store(PATH)
        del bao["token"]
        deliveries = [
            {**bao, "token": TOKEN, "members": TWO},
            {**self.aws.store(PATH), "tags": {"team": "billing"}},
            {"type": "kubernetes_secret", **secret, "rollout": [{"name": "web"}], "labels": {"app": "web"}},
        ]
        store = self.aws.store(RECORD)
        return service(self.ansible.home, service_client_store=store, service_client_deliveries=deliveries, **variables)

    def run(self, playbook: str, **variables: Any) -> Run:
        """One run, as talkative as can be."""
        hosts = {NAME: self.variables()}
        run = self.ansible.run(f"aritma.iam.{playbook}", "-vvv", "--diff", variables=variables, hosts=hosts)
        for secret in (TOKEN, KUBERNETES_TOKEN, *self.values()):
            assert secret not in run.output
        return run

    def record(self) -> Any:
        """What the store holds."""
        return self.aws.record(RECORD)

    def values(self) -> list[str]:
        """Every secret that the store knows."""
        record = self.record() or {}
        return [record[part]["value"] for part in ("current", "previous", "pending") if record.get(part)]

    def complaints(self) -> list[str]:
        """What a service would not find as the store has it."""
        record = self.record()
        current = record["current"]
        wanted = {"client_id": record["client_id"], "client_secret": current["value"]}
        whole = {**wanted, "rotation_id": current["rotation_id"]}
        secret, held = self.cluster.secret("aritma"), self.aws.record(PATH)
        found = {
            "Vault": self.bao.record(PATH) == {name: wanted[member] for name, member in TWO.items()},
            "AWS": {name: held[name] for name in whole} == whole,
            "Kubernetes": {name: secret[name] for name in whole} == whole,
            "pods": self.cluster.annotation("deployments", "web") == current["rotation_id"],
        }
        return [name for name, right in found.items() if not right]


@pytest.fixture
def site(tmp_path: Path, simulator: Simulator) -> Iterator[Site]:
    """Everything that runs."""
    with running_bao_records(tmp_path) as bao, running_aws_records(tmp_path) as aws, running_cluster() as cluster:
        cluster.deploy("deployments", "web")
        yield Site(bao, aws, cluster, Ansible(tmp_path, simulator))


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_the_whole_life_of_a_service_that_reads_from_servers(site: Site, simulator: Simulator) -> None:
    """Provisioned, mended, rotated while an answer is lost, rolled back, revoked."""
    site.run("provision").ok()
    assert site.complaints() == []
    first = site.record()["current"]

    site.cluster.keep("aritma", {"client_secret": "by hand", "other": "theirs"})
    site.aws.keep(PATH, {"client_secret": "by hand"})
    mended = site.run("provision").ok()
    assert mended.changed
    assert site.complaints() == []
    assert site.cluster.secret("aritma")["other"] == "theirs"

    site.aws.proxy.rules.append(Rule(RECORD, "drop", operation="UpdateSecretVersionStage", skip=1))
    site.aws.proxy.rules.append(Rule(PATH, "drop", operation="UpdateSecretVersionStage"))
    site.cluster.lost = ["PATCH", "PATCH"]
    site.run("rotate", rotation_force=True).ok()
    second = site.record()["current"]
    assert second["value"] != first["value"]
    assert site.complaints() == []
    assert site.cluster.lost == []
    assert all(rule.spent for rule in site.aws.proxy.rules)

    # The service does not work with what comes next: it gets its last value back.
    broken = f"test $(cat {site.ansible.home}/tries | wc -l) -gt 1 || (echo >> {site.ansible.home}/tries; false)"
    (site.ansible.home / "tries").write_text("\n", encoding="utf-8")
    probe = {"command": ["sh", "-c", broken], "retries": 0}
    back = site.run("rotate", rotation_force=True, service_client_probe=probe, service_client_probe_first=False)
    assert "rolled_back" in back.messages
    assert site.record()["current"]["value"] == second["value"]
    assert site.complaints() == []

    quiet = site.run("rotate").ok()
    assert quiet.changed == 0
    assert simulator.admin.check(site.record()["client_id"], second["value"])["live"]

    site.run("revoke", revoke_hosts=NAME).ok()
    assert site.bao.record(PATH) is None
    assert (site.record(), site.aws.record(PATH)) == (None, None)
    assert site.cluster.secret("aritma") == {"other": "theirs"}


def test_no_run_shows_the_token_of_a_delivery(ansible: Ansible, tmp_path: Path) -> None:
    """Provisioned, provisioned again with nothing to do, and revoked."""
    with running_bao_records(tmp_path) as bao:
        hosts = {NAME: service(ansible.home, service_client_deliveries=[{**bao.store(PATH), "token": TOKEN}])}
        for playbook in ("provision", "provision", "revoke"):
            named = {"revoke_hosts": NAME} if playbook == "revoke" else {}
            run = ansible.run(f"aritma.iam.{playbook}", "-vvv", "--diff", hosts=hosts, variables=named).ok()
            assert TOKEN not in run.output
            assert (bao.record(PATH) is None) == (playbook == "revoke")


@pytest.mark.torture
def test_a_service_in_kubernetes(tmp_path: Path, simulator: Simulator) -> None:
    """Its record is a file: provisioned, mended without a rotation, rotated, revoked."""
    with running_cluster() as cluster:
        cluster.deploy("deployments", "web")
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
        target = {"type": "kubernetes_secret", "kubeconfig": kubeconfig, "namespace": "billing", "name": "aritma"}
        hosts = {NAME: service(tmp_path, service_client_deliveries=[{**target, "rollout": [{"name": "web"}]}])}
        ansible = Ansible(tmp_path, simulator)
        ansible.run("aritma.iam.provision", hosts=hosts).ok()
        first = stored(tmp_path)["current"]
        assert cluster.secret("aritma")["client_secret"] == first["value"]
        assert cluster.annotation("deployments", "web") == first["rotation_id"]

        cluster.keep("aritma", {"client_secret": "by hand"})
        assert ansible.run("aritma.iam.rotate", hosts=hosts).ok().results("Send the credential to servers")
        assert cluster.secret("aritma")["client_secret"] == first["value"]

        run = ansible.run("aritma.iam.rotate", "-vvv", "--diff", variables={"rotation_force": True}, hosts=hosts).ok()
        second = stored(tmp_path)["current"]
        assert cluster.secret("aritma")["client_secret"] == second["value"] != first["value"]
        assert cluster.annotation("deployments", "web") == second["rotation_id"]
        for secret in (first["value"], second["value"], KUBERNETES_TOKEN):
            assert secret not in run.output

        ansible.run("aritma.iam.revoke", variables={"revoke_hosts": NAME}, hosts=hosts).ok()
        assert cluster.secret("aritma") == {}


def test_a_delivery_that_cannot_be_is_told_before_anything_is_written(ansible: Ansible, simulator: Simulator) -> None:
    """A member that is missing, one that is of another type, a type that there is not."""
    wrong = {
        "one": ({"type": "kubernetes_secret", "name": "aritma"}, "namespace"),
        "two": ({"type": "hashi_vault", "path": "a", "rollout_timeout": 3}, "there is no member rollout_timeout"),
        "three": ({"type": "tasks"}, "file"),
        "four": ({"type": "carrier_pigeon"}, "carrier_pigeon"),
    }
    secret = {"value": "the-only-secret", "description": "portal"}
    clients = [
        {"name": name, "client_id": name, "allowed_scopes": ["services.banking"], "secrets": [secret]} for name in wrong
    ]
    simulator.admin.seed(clients=clients)
    before = simulator.admin.state()
    hosts = {
        name: {**service(ansible.home / name), "service_client_name": name, "service_client_deliveries": [delivery]}
        for name, (delivery, _message) in wrong.items()
    }
    run = ansible.run(
        "aritma.iam.rotate", variables={"rotation_batch": "100%", "rotation_max_fail_percentage": 100}, hosts=hosts
    )
    assert run.code != 0
    failed = {each["host"]: str(each["result"]["msg"]) for each in run.events if each["event"] == "failed"}
    assert [name for name, (_delivery, message) in wrong.items() if message not in failed.get(name, "")] == [], failed
    assert simulator.admin.state() == before
    assert not list(ansible.home.glob("*/store/*"))


@pytest.mark.torture
def test_a_workload_that_would_not_start_anew_is_told_before_anything_is_made(
    tmp_path: Path, simulator: Simulator
) -> None:
    """Held back by its own settings, or not whole as it is: no secret, no record of one, no lease."""
    held = {"paused": ("spec", {"paused": True}), "away": ("status", {"availableReplicas": 2})}
    with running_cluster() as cluster:
        kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
        hosts = {}
        for name in held:
            cluster.deploy("deployments", name)
            target = {"type": "kubernetes_secret", "kubeconfig": kubeconfig, "namespace": "billing", "name": name}
            (tmp_path / name).mkdir()
            own = service(tmp_path / name, service_client_deliveries=[{**target, "rollout": [{"name": name}]}])
            hosts[name] = {**own, "service_client_name": name}
        ansible = Ansible(tmp_path, simulator)
        ansible.run("aritma.iam.provision", hosts=hosts).ok()
        before = {name: stored(tmp_path / name)["current"] for name in held}
        for name, (part, change) in held.items():
            cluster.objects["deployments", "billing", name][part].update(change)
        simulator.admin.clear_log()
        together = {"rotation_force": True, "rotation_batch": 2, "rotation_max_fail_percentage": 100}
        run = ansible.run("aritma.iam.rotate", hosts=hosts, variables=together)
        assert run.code != 0
        assert "Deployment billing/paused does not roll out: it is paused" in run.output
        assert "Deployment billing/away does not roll out: not all of its pods are ready now" in run.output
        for name, current in before.items():
            record = stored(tmp_path / name)
            assert (record["current"], record.get("pending"), record.get("lease")) == (current, None, None)
            assert cluster.secret(name)["client_secret"] == current["value"]
        assert simulator.admin.log(operation="createClientSecret") == []
