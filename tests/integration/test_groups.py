# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The groups of a service client: joined, left, and nothing left of them once all access was revoked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from ansible_run import Ansible
from service import delivered, service
from sites import Site, play
from torture.kills import Holding, Point, course
from torture.world import World
from weather import last_message
from wire_log import Wire

from simulator.caller import Caller
from simulator.process import Simulator

OFFERED = ("groups_by_subject_id", "strict_groups")
WITHOUT = {"no_groups": "This server does not support groups", "groups_forbidden": "answered 403"}
"""Profiles without groups, or none for this admin, and what a client is told that is to be in one."""
MANAGE = {"action": "banking.manage", "scope": "/subscriptions/7"}
ALLOWED = {"action": "banking.ais.read", "scope": "/subscriptions/7/accounts/1"}


class GroupSite(Site):
    """One with a group that may do something."""

    def __init__(self, home: Path, profile: str, simulator: Simulator) -> None:
        super().__init__(home, profile, simulator)
        (group,) = simulator.admin.seed(groups=[{"name": "others"}])["groups"]
        simulator.admin.seed(policies=[{"subject": group["subject_id"], **MANAGE}])

    def groups(self) -> dict[str, int]:
        """How many members each group has."""
        return {each["name"]: len(each["members"]) for each in self.simulator.admin.state()["groups"]}

    def may(self) -> bool:
        """Whether the service may do now what the group ``others`` may."""
        credential = delivered(self.home)
        answer = Caller(self.simulator).exchange(
            credential["CLIENT_ID"], credential["CLIENT_SECRET"], "services.banking", tenant="acme"
        )
        return bool(self.simulator.admin.allowed(answer.json()["access_token"], **ALLOWED)["allowed"])

    def writes(self) -> list[str]:
        """What the last run would have changed."""
        return Wire(self.simulator.admin.log()).writes()


def test_in_and_out_of_groups(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    sites = {profile: GroupSite(tmp_path, profile, simulate(profile)) for profile in (*OFFERED, *WITHOUT)}
    offered = {name: sites[name] for name in OFFERED}
    ansible = Ansible(tmp_path, sites["strict_groups"].simulator)

    refused = play(ansible, sites, service_client_groups=["others", "readers"])
    for name, site in sites.items():
        assert WITHOUT.get(name, "There is no group 'readers'. Nothing was changed.") in last_message(refused, name)
        assert site.writes() == [], name

    wish = {"service_client_groups": ["others", "readers"], "service_client_create_groups": True}
    play(ansible, offered, **wish).ok()
    for name, site in offered.items():
        assert site.groups() == {"others": 1, "readers": 1}, name
        assert site.may(), name
    again = play(ansible, offered, **wish).ok()
    assert again.changed == 0
    tasks = [each["action"] for each in again.events if each["host"] == "strict_groups" and each["event"] == "ok"]
    assert len([each for each in tasks if each.startswith("aritma.iam.")]) <= 9, tasks
    for name, site in offered.items():
        site.simulator.admin.seed(groups=[{"name": "extra", "members": [_subject(site)]}])
        assert site.groups()["extra"] == 1, name
    exactly = {**wish, "service_client_groups": ["others"], "service_client_groups_mode": "exact"}
    play(ansible, offered, **exactly).ok()
    for name, site in offered.items():
        assert site.groups() == {"others": 1, "readers": 0, "extra": 0}, name
        assert site.may(), name
    _check_revoked(ansible, sites, offered)


def _subject(site: GroupSite) -> str:
    (client,) = [each for each in site.simulator.admin.state()["clients"] if each["name"] == "billing"]
    return str(client["subject_id"])


def _check_revoked(ansible: Ansible, sites: Mapping[str, GroupSite], offered: Mapping[str, GroupSite]) -> None:
    without = {name: sites[name] for name in WITHOUT}
    play(ansible, without).ok()
    # A group that cannot be left, or a policy that cannot be withdrawn: that is told, and the client stays. All the
    # rest goes, the secrets first of all; the next run does what is left.
    stays = {"strict_groups": "removeGroupMembers", "groups_by_subject_id": "deletePolicy"}
    for name, operation in stays.items():
        rule = {"action": "fail_before", "match": {"operation": operation}, "status": 403, "times": 1}
        sites[name].simulator.admin.add_faults(rule)
    run = play(ansible, sites, service_client_state="absent")
    assert "could not leave 1 of 1 groups: others (group-" in last_message(run, "strict_groups")
    assert "answered 403" in last_message(run, "groups_by_subject_id")
    for name in stays:
        (client,) = [each for each in sites[name].simulator.admin.state()["clients"] if each["name"] == "billing"]
        assert client["secrets"] == [], name
    assert {name for name in sites if last_message(run, name)} == set(stays)
    assert "It is not known whether groups still list it: getSubjectMemberships" in run.output
    play(ansible, {name: sites[name] for name in stays}, service_client_state="absent").ok()
    for name, site in sites.items():
        state = site.simulator.admin.state()
        assert [each["name"] for each in state["clients"]] == ["IAM admin"], name
        assert [each["scope"] for each in state["policies"]] == [MANAGE["scope"]], name
        assert name in WITHOUT or set(site.groups().values()) == {0}, name


def test_a_fleet_creates_its_group_once(ansible: Ansible, simulator: Simulator) -> None:
    """Although its hosts find it missing at the same time."""
    simulator.admin.add_faults({"action": "slow", "match": {"operation": "createGroup"}, "seconds": 1.5})
    names = [f"client{number}" for number in range(6)]
    wish = {"service_client_groups": ["fleet"], "service_client_create_groups": True, "service_client_deliveries": []}
    hosts = {}
    for name in names:
        store = {"type": "file", "path": str(ansible.home / f"{name}.json")}
        own = {"service_client_name": name, "service_client_store": store, "service_client_policies": []}
        hosts[name] = service(ansible.home, **wish, **own)
    ansible.run("aritma.iam.provision", "-f", "6", hosts=hosts).ok()
    (group,) = simulator.admin.state()["groups"]
    assert (group["name"], len(group["members"])) == ("fleet", 6)


@pytest.mark.torture
def test_a_killed_revocation_is_finished_by_the_next_run(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Killed while each of its requests is in flight, on a server where nothing goes with the client."""
    world = World(tmp_path, simulate("no_cascade"))
    (first,) = world.add("course")
    group = _grant(world)
    every = list(dict.fromkeys(course(world, "aritma.iam.revoke", first, revoke_hosts="service_clients").calls))
    assert {"getSubjectMemberships", "removeGroupMembers", "deletePolicy", "deleteClientSecret"} <= set(every)
    points = [Point("call", phase=phase, operation=each) for each in every for phase in ("before", "after")]
    world.clients = []
    clients = world.add(*[f"client{number:02d}" for number in range(len(points))])
    _grant(world, group)
    for each in clients:
        each.client_id = ""  # whichever of them comes to a point first is held there
    at = {each.name: point for each, point in zip(clients, points, strict=True)}
    Holding(world, "aritma.iam.revoke", clients, at, revoke_hosts="service_clients").kill()
    again = world.ansible().run(
        "aritma.iam.revoke", "-f", "10", hosts=world.hosts(), variables={"revoke_hosts": "service_clients"}
    )
    assert again.code == 0, again.messages
    state = world.simulator.admin.state()
    assert [each["name"] for each in state["clients"]] == ["IAM admin"]
    assert [each["subject"] for each in state["policies"]] == [group]
    assert [each["members"] for each in state["groups"]] == [[]]


def _grant(world: World, group: str = "") -> str:
    """Every client has a policy of its own and is in the group; the subject id of that."""
    admin = world.simulator.admin
    subjects = [str(each["subject_id"]) for each in admin.state()["clients"] if each["name"] != "IAM admin"]
    admin.seed(policies=[{"subject": each, **MANAGE} for each in subjects])
    if not group:
        group = str(admin.seed(groups=[{"name": "all", "members": subjects}])["groups"][0]["subject_id"])
        admin.seed(policies=[{"subject": group, **MANAGE}])
        return group
    answer = Caller(world.simulator).iam("POST", f"/v1/subjects/groups/{group}/members", json={"subjectIds": subjects})
    assert answer.ok, answer.text
    return group
