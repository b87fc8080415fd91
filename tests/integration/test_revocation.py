# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Revoking everything, on servers that differ in what they can; and policies that are exactly those of the play."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible, Run
from service import SCOPE, service
from sites import Site, play
from torture.world import World
from weather import last_message
from wire_log import Wire

from simulator.process import Simulator

PROFILES = ("no_cascade", "anonymous_subjects", "stale_lists", "no_update")
UNREADABLE = "unreadable"
"""The documented site, whose record is damaged: what is on the server goes all the same."""
FOREIGN = {"action": "banking.ais.read", "scope": "/subscriptions/999"}


class ClientSite(Site):
    """One with other clients."""

    def __init__(self, home: Path, profile: str, simulator: Simulator) -> None:
        super().__init__(home, profile, simulator)
        other = {"client_id": "other", "name": "billing too", "allowed_scopes": [SCOPE]}
        simulator.admin.seed(
            clients=[{**other, "secrets": [{"value": "of-the-other-one", "description": "its own"}]}],
            policies=[{"client_id": "other", **FOREIGN}],
        )

    def left(self) -> dict[str, Any]:
        """What is left of the service client."""
        state = self.simulator.admin.state()
        clients = [each for each in state["clients"] if each["name"] == "billing"]
        return {
            "clients": len(clients),
            "secrets": sum(len(each["secrets"]) for each in clients),
            "policies": [each for each in state["policies"] if each["scope"] != FOREIGN["scope"]],
            "files": sorted(str(each.relative_to(self.home)) for each in self.home.rglob("*") if each.is_file()),
        }

    @property
    def record(self) -> Path:
        """Where its record is kept."""
        return self.home / "store" / "billing.json"

    def other_is_untouched(self) -> bool:
        """Whether the other client still has what it had."""
        (other,) = self.simulator.admin.state("other")["clients"]
        kept = [each for each in self.simulator.admin.state()["policies"] if each["scope"] == FOREIGN["scope"]]
        return len(other["secrets"]) == 1 and len(kept) == 1


def test_revoked_everywhere(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Policies, secrets, client, files, record; where clients cannot be deleted, all the rest, and it is said."""
    sites = {profile: ClientSite(tmp_path, profile, simulate(profile)) for profile in PROFILES}
    sites[UNREADABLE] = ClientSite(tmp_path, UNREADABLE, simulate())
    ansible = Ansible(tmp_path, sites[UNREADABLE].simulator)
    play(ansible, sites).ok()
    sites[UNREADABLE].record.write_text("{truncated")

    foretold = play(ansible, sites, "--check", service_client_state="absent")
    for name, site in sites.items():
        assert Wire(site.simulator.admin.log()).writes() == [], name
        assert site.left()["clients"] == 1, name
        assert _changed(foretold, name), name

    run = play(ansible, sites, service_client_state="absent")
    _check_what_is_left(run, sites, "first")
    again = play(ansible, sites, service_client_state="absent")
    _check_what_is_left(again, sites, "second")
    for name, site in sites.items():
        assert _changed(again, name) == [], name
        assert name == "no_update" or Wire(site.simulator.admin.log()).writes() == [], name
        assert site.other_is_untouched(), name


def _changed(run: Run, host: str) -> list[str]:
    return [each["task"] for each in run.events if each["host"] == host and each["result"].get("changed")]


def _check_what_is_left(run: Run, sites: Mapping[str, ClientSite], when: str) -> None:
    nothing = {"clients": 0, "secrets": 0, "policies": [], "files": []}
    for name, site in sites.items():
        left = site.left()
        if name == UNREADABLE:
            assert (left["clients"], left["secrets"], left["policies"]) == (0, 0, []), (when, left)
            assert str(site.record) in last_message(run, name), (when, last_message(run, name))
            continue
        if name != "no_update":
            assert last_message(run, name) == "", (when, name)
            assert left == nothing, (when, name)
            continue
        assert (left["clients"], left["secrets"], left["policies"]) == (1, 0, []), (when, left)
        assert left["files"] == ["store/billing.json"], (when, left)
        said = last_message(run, name)
        assert "This server does not support the deletion of clients, so client" in said, (when, said)
    assert run.code == 2


def test_the_summary_counts_what_was_revoked(ansible: Ansible) -> None:
    """Of a client whose state is absent, also in check mode."""
    hosts = {"billing": service(ansible.home)}
    ansible.run("aritma.iam.provision", hosts=hosts).ok()
    gone = {"billing": {**hosts["billing"], "service_client_state": "absent"}}
    assert "1 client: 1 would be revoked" in ansible.run("aritma.iam.provision", "--check", hosts=gone).ok().output
    assert "1 client: 1 revoked" in ansible.run("aritma.iam.provision", hosts=gone).ok().output


def test_another_run_holds_the_record(tmp_path: Path, simulator: Simulator) -> None:
    """Everything else is revoked, and the message says so."""
    world = World(tmp_path, simulator)
    (client,) = world.add("held")
    client.lease_elsewhere()
    variables = {"revoke_hosts": "held"}
    run = world.ansible().run("aritma.iam.revoke", hosts=world.hosts(), variables=variables)
    assert run.code != 0
    assert "Everything else was revoked, but the record remains: Another run" in run.messages
    assert client.secrets() == [] and client.record()
    client.keep({**client.record(), "lease": None})
    world.ansible().run("aritma.iam.revoke", hosts=world.hosts(), variables=variables).ok()
    assert not client.record()


@pytest.mark.torture
def test_exactly_the_policies_of_the_play(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """``merge`` leaves what somebody else granted, ``exact`` withdraws it; neither changes anything the second time."""
    profiles = ("documented", "loose_filters", "silent")
    sites = {profile: ClientSite(tmp_path, profile, simulate(profile)) for profile in profiles}
    ansible = Ansible(tmp_path, sites["documented"].simulator)
    play(ansible, sites).ok()
    for site in sites.values():
        client_id = json.loads(site.record.read_text())["client_id"]
        extra = [
            {"client_id": client_id, "action": "banking.ais.read", "scope": f"/subscriptions/{n}"} for n in range(5)
        ]
        site.simulator.admin.seed(policies=extra)
    assert play(ansible, sites).ok().changed == 0
    assert {len(site.left()["policies"]) for site in sites.values()} == {7}

    one = [{"action": "banking.ais.read", "scope": "/subscriptions/123"}]
    exactly = {"service_client_policies": one, "service_client_policies_mode": "exact"}
    play(ansible, sites, "--check", **exactly).ok()
    assert {len(site.left()["policies"]) for site in sites.values()} == {7}
    play(ansible, sites, **exactly).ok()
    for name, site in sites.items():
        assert [(each["action"], each["scope"]) for each in site.left()["policies"]] == [
            ("banking.ais.read", "/subscriptions/123")
        ], name
        assert site.other_is_untouched(), name
    assert play(ansible, sites, **exactly).ok().changed == 0
    play(ansible, sites, service_client_policies=[], service_client_policies_mode="exact").ok()
    assert {len(site.left()["policies"]) for site in sites.values()} == {0}


def test_a_play_goes_on_after_the_role(simulator: Simulator, ansible: Ansible) -> None:
    """Included in a loop, inside a block, twice in one play: each use ends itself and nothing else."""
    variables = service(ansible.home, service_client_name="{{ item.name }}", service_client_policies=[])
    store = {"type": "file", "path": f"{ansible.home}/{{{{ item.name }}}}.json"}
    use = {
        "ansible.builtin.include_role": {"name": "aritma.iam.service_client"},
        "vars": {
            **variables,
            "service_client_store": store,
            "service_client_deliveries": [],
            "service_client_state": "{{ item.state }}",
        },
    }
    present, absent = ([{"name": name, "state": state}] for name, state in (("a", "present"), ("a", "absent")))
    says = [{"ansible.builtin.debug": {"msg": f"reached {place}"}} for place in ("block", "always", "end")]
    block = [{**use, "loop": [*present, {"name": "b", "state": "present"}]}, says[0]]
    run = ansible.tasks({"block": block, "always": says[1:2]}, {**use, "loop": absent}, says[2]).ok()
    assert [place for place in ("block", "always", "end") if f"reached {place}" in run.output] == [
        "block",
        "always",
        "end",
    ]
    assert {each["name"] for each in simulator.admin.state()["clients"]} == {"IAM admin", "b"}
