# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every job template, run by ansible-runner out of a checkout of the example project with the injected credential."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_run import VENV, Ansible
from torture.leaks import files, forms, hits

from awx.data import job_template, load
from awx.jobs import Job, Jobs
from simulator.process import Simulator, running

ADMIN = "AdminCanary+/=0123456789%&secret"
NAME = "billing"


def _inputs(simulator: Simulator) -> dict[str, str]:
    """The inputs of the credential that every job needs."""
    return {
        "api_url": simulator.api_url,
        "identity_url": simulator.identity_url,
        "tenant": simulator.tenant,
        "client_id": simulator.admin_client_id,
        "client_secret": ADMIN,
    }


class Site:
    """AWX's side of the story: one service client in the inventory, the credential, and the jobs so far."""

    def __init__(self, home: Path, simulator: Simulator, ca_certificate: str) -> None:
        self.home, self.simulator = home, simulator
        self.record = home / "host" / "record.json"
        self.jobs: list[Job] = []
        self.values: set[str] = set()
        local = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "bin" / "python")}
        host = {
            **local,
            "service_client_store": {"type": "file", "path": str(self.record)},
            "service_client_rotation_grace": "0s",
            "service_client_deliveries": [{"type": "file", "path": str(home / "host" / "aritma.env"), "format": "env"}],
        }
        inventory = {"all": {"hosts": {"localhost": local}, "children": {"service_clients": {"hosts": {NAME: host}}}}}
        self._runs = Jobs(home, inventory, {**_inputs(simulator), "ca_certificate": ca_certificate, "scope": ""})
        self._environment = Ansible(home).environment

    def run(self, name: str, **given: Any) -> Job:
        """A job that must be successful."""
        job = self._runs.run(job_template(name), self._environment, **given)
        self.jobs.append(job)
        assert job.status == "successful", job.output
        for part in ("current", "previous") if self.record.exists() else ():
            self.values |= {each["value"] for each in [self.stored()[part]] if each}
        return job

    def run_node(self, identifier: str, **survey: Any) -> Job:
        """The job of a node of the workflow: what the node says, overruled by the answers to the workflow's survey."""
        (node,) = [each for each in load("workflow")["nodes"] if each["identifier"] == identifier]
        return self.run(node["unified_job_template"].split()[-1], **{**node["extra_data"], **survey})

    def stored(self) -> dict[str, Any]:
        """The record in the store."""
        return dict(json.loads(self.record.read_text(encoding="utf-8")))

    def deletions(self) -> int:
        """How many secrets were deleted so far."""
        return sum(each["operation"] == "deleteClientSecret" for each in self.simulator.admin.log())

    def state(self) -> str:
        """The client's state in the artifacts of the last job."""
        return str(self.jobs[-1].artifacts["rotation"][NAME]["state"])


def _leaks(jobs: Iterable[Job], wanted: Mapping[str, set[bytes]]) -> list[str]:
    found = []
    for job in jobs:
        for path in files([job.folder]):
            # ansible-runner notes the whole environment of a job in `command`, whatever it holds. AWX removes it.
            sought = {name: each for name, each in wanted.items() if name != "admin secret" or path.name != "command"}
            found += hits(f"{job.folder.parent.parent.name}: {path.name}", path.read_bytes(), sought)
    return found


def _certificates(folder: Path) -> tuple[tuple[str, str], str]:
    """The simulator's certificate and key, and its authority, which only the credential makes known."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    issued.private_key_pem.write_to_path(str(key))
    for pem in (*issued.cert_chain_pems, authority.cert_pem):
        pem.write_to_path(str(certificate), append=True)
    return (str(certificate), str(key)), authority.cert_pem.bytes().decode()


def test_every_job_template(tmp_path: Path) -> None:
    """Provision, prove, retire, audit, revoke: each successful, and without a secret in what is kept."""
    tls, authority = _certificates(tmp_path)
    with running(tls=tls, admin_secret=ADMIN) as simulator:
        site = Site(tmp_path, simulator, authority)
        site.run("provision")
        first = site.stored()["current"]
        _approved_rotation(site)
        assert site.stored()["current"]["value"] != first["value"]
        site.run("audit", audit_names=NAME, audit_json=str(tmp_path / "audit.json"))
        summary = json.loads((tmp_path / "audit.json").read_text(encoding="utf-8"))["summary"]
        assert (summary["clients"], summary["secrets"], summary["secrets_due"]) == (1, 1, 0)
        site.run("revoke", revoke_hosts=NAME)
        assert not site.record.exists()
        assert NAME not in {each["name"] for each in simulator.admin.state()["clients"]}
    assert len(site.values) == 2
    wanted = {f"secret {number}": forms(value, ["admin"]) for number, value in enumerate(sorted(site.values))}
    wanted["admin secret"] = forms(ADMIN, [simulator.admin_client_id])
    assert _leaks(site.jobs, wanted) == []
    command = json.loads((site.jobs[0].folder / "command").read_text(encoding="utf-8"))
    assert command["env"]["ARITMA_CLIENT_SECRET"] == ADMIN, "docs/awx.md says that it stands there, and who removes it"


def _approved_rotation(site: Site) -> None:
    """The two jobs of the workflow, as somebody launches it who wants to rotate now."""
    before = site.deletions()
    site.run_node("prove", rotation_force="true")
    assert (site.state(), site.deletions()) == ("waiting", before)
    record = site.stored()
    assert all(
        site.simulator.admin.check(record["client_id"], record[each]["value"])["live"]
        for each in ("current", "previous")
    )
    site.run_node("retire", rotation_force="true")
    assert (site.state(), site.deletions()) == ("rotated", before + 1)
    assert site.stored()["current"] == {**record["current"], "secret_id": site.stored()["current"]["secret_id"]}


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_nothing_is_deleted_before_the_approval(tmp_path: Path) -> None:
    """Other jobs in between delete nothing; the last node begins nothing, also when it is forced."""
    tls, authority = _certificates(tmp_path)
    with running(tls=tls, admin_secret=ADMIN) as simulator:
        site = Site(tmp_path, simulator, authority)
        site.run("provision")
        site.run_node("retire", rotation_force="true")
        assert site.state() == "unchanged"
        site.run_node("prove", rotation_force="true")
        record = site.stored()
        site.run("provision")
        site.run("rotate", rotation_force="true")
        site.run_node("prove", rotation_force="true")
        assert (site.state(), site.deletions()) == ("waiting", 0)
        assert site.stored()["current"]["value"] == record["current"]["value"]
        _approved_rotation(site)


@pytest.mark.torture
@pytest.mark.timeout(900)
def test_two_slices(tmp_path: Path) -> None:
    """Each rotates its own hosts and no others, no client twice, and says so; a third one has nobody to rotate."""
    names = [f"billing{number}" for number in range(3)]
    with running(admin_secret=ADMIN) as simulator:
        local = {"ansible_connection": "local", "ansible_python_interpreter": str(VENV / "bin" / "python")}
        shared = {"service_client_rotation_grace": "0s", "service_client_hold": False}
        own = {
            name: {
                **local,
                **shared,
                "service_client_store": {"type": "file", "path": str(tmp_path / f"{name}.json")},
                "service_client_deliveries": [{"type": "file", "path": str(tmp_path / f"{name}.env"), "format": "env"}],
            }
            for name in names
        }
        inventory = {"all": {"hosts": {"localhost": local}, "children": {"service_clients": {"hosts": own}}}}
        jobs, environment = Jobs(tmp_path, inventory, _inputs(simulator)), Ansible(tmp_path).environment
        assert jobs.run(job_template("provision"), environment).status == "successful"
        first = {name: (tmp_path / f"{name}.env").read_text(encoding="utf-8") for name in names}
        slices = jobs.run_sliced(job_template("rotate"), environment, 2, rotation_force="true")
        assert [job.status for job in slices] == ["successful", "successful"], slices[0].output + slices[1].output
        told = [job.artifacts["rotation"] for job in slices]
        assert [sorted(each) for each in told] == [["billing0", "billing2"], ["billing1"]]
        assert {entry["state"] for each in told for entry in each.values()} == {"rotated"}
        assert "2 clients: 2 rotated" in slices[0].output and "1 client: 1 rotated" in slices[1].output
        assert all((tmp_path / f"{name}.env").read_text(encoding="utf-8") != first[name] for name in names)
        log = simulator.admin.log()
        made = [each["client_id"] for each in log if each["operation"] == "createClientSecret"]
        assert sorted(made) == sorted(2 * sorted(set(made))) and len(set(made)) == 3
        one = jobs.run_sliced(job_template("rotate"), environment, 2, rotation_force="true", rotation_hosts="billing1")
        assert [job.status for job in one] == ["successful", "successful"]
        assert [sorted(job.artifacts.get("rotation", {})) for job in one] == [[], ["billing1"]]
