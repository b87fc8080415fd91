# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 2 (and 1, 3, 8, 16 on the way): a rotation that is killed anywhere is finished by one further run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from torture.aws import AwsRecords, running_aws_records
from torture.kills import Course, Holding, Point, course
from torture.world import CONNECTIONS, Client, Server, World

from simulator.process import Simulator

SEED = 20261124


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AwsRecords]:
    """The double of AWS Secrets Manager behind the proxy."""
    with running_aws_records(tmp_path_factory.mktemp("aws")) as server:
        yield server


class Elsewhere(World):
    """Clients on hosts that are reached over a connection: record and delivered file are written by shipped modules."""

    def add(self, *names: str, **variables: Any) -> list[Client]:
        """As everywhere, with that connection."""
        return super().add(*names, ansible_connection="elsewhere", **variables)

    def ansible(self, name: str = "run") -> Ansible:
        """As everywhere, with the plugin of that connection."""
        made = super().ansible(name)
        made.environment["ANSIBLE_CONNECTION_PLUGINS"] = str(CONNECTIONS)
        return made


LONG = pytest.mark.torture


def consumed(client: Client) -> None:
    """A service that reloads what was delivered and shows that it has it."""
    file = str(client.home / "delivered.env")
    deliveries = [{"type": "file", "path": file, "format": "env", "reload": {"command": ["test", "-s", file]}}]
    client.variables |= {"service_client_deliveries": deliveries, "service_client_rotation_grace": "auto"}
    client.variables["service_client_probe"] = {"command": ["grep", "-q", "^ROTATION_ID=", file], "retries": 0}


# Each task that uses the library of a server spends up to 0.4 s on loading it: too long for every run of the tests.
@pytest.fixture(params=["file", *(pytest.param(name, marks=LONG) for name in ("bao", "aws", "elsewhere"))])
def world(request: pytest.FixtureRequest, tmp_path: Path, simulator: Simulator) -> World:
    """Clients whose records live in files here or over a connection, in OpenBao, or in AWS Secrets Manager."""
    if request.param == "elsewhere":
        return Elsewhere(tmp_path, simulator)
    server: Server | None = None if request.param == "file" else request.getfixturevalue(request.param)
    return World(tmp_path, simulator, server)


def _course(world: World) -> Course:
    """Of a service that has its credential: then it is probed before the rotation too."""
    (client,) = world.add("course")
    consumed(client)
    world.rotate(client, rotation_force=False).ok()
    return course(world, "aritma.iam.rotate", client)


def _kill_at(world: World, points: Sequence[Point]) -> None:
    """Each point with a client of its own; one further run; then everything must be as if nothing had happened."""
    names = [f"{world.home.name}-{number:03d}" for number in range(len(points))]
    at = dict(zip(names, points, strict=True))
    clients = world.add(*names)
    for each in clients:
        consumed(each)
    world.clients = clients
    world.rotate(rotation_force=False).ok()  # as in the course: a service that has its credential
    before = {each.name: each.record() for each in clients}
    with world.consumed():
        Holding(world, "aritma.iam.rotate", clients, at).kill()
        untrue = [f"{at[each.name]}: {what}" for each in clients for what in _untrue(world, each, before[each.name])]
        again = world.rotate()
    assert untrue == []
    assert again.code == 0, again.messages
    assert [f"{at[each.name]}: {what}" for each in clients for what in each.complaints()] == []
    assert [str(at[each.name]) for each in clients if each.peak() > 2] == []
    states = {str(at[name]): entry["state"] for name, entry in world.reported().items() if entry["state"] != "rotated"}
    assert states == {}


def _untrue(world: World, client: Client, before: dict[str, Any]) -> list[str]:
    """What the report says wrongly of a client whose run was killed."""
    entry, record = world.reported().get(client.name, {}), client.record()
    state = entry.get("state", "nothing")
    ours = [each for each in client.secrets() if each["description"] != "portal"]
    touched = record != before or [each["id"] for each in ours] != [before["current"]["secret_id"]]
    if state in ("nothing", "unchanged"):
        return [f"something was changed, and the report says {state}"] if touched else []
    if state == "rotated":
        return client.complaints()
    return [] if state == "failed" and "interrupted" in entry["reason"] else [f"the report says {state}"]


def test_a_killed_rotation_is_finished_by_the_next_run(world: World) -> None:
    """A sample of all points; `make torture` takes all."""
    _kill_at(world, _course(world).sample(2, SEED))


@pytest.mark.torture
@pytest.mark.timeout(3600)
def test_a_rotation_can_be_killed_at_any_point(world: World) -> None:
    """All of them, twenty clients at a time."""
    points = _course(world).points()
    for start in range(0, len(points), 20):
        part = type(world)(world.home / f"part{start}", world.simulator, world.server)
        part.home.mkdir()
        _kill_at(part, points[start : start + 20])


POLICY = {"action": "banking.ais.read", "scope": "/subscriptions/123"}
CREATIONS = ("createClient", "createPolicy", "createClientSecret")


def test_a_killed_provisioning_is_finished_by_the_next_run(tmp_path: Path, simulator: Simulator) -> None:
    """Clients from nothing: killed between tasks, and while each creation is in flight."""
    _provision(World(tmp_path, simulator), lambda course: course.sample(2, SEED))


@pytest.mark.torture
@pytest.mark.timeout(1800)
def test_a_provisioning_can_be_killed_between_any_two_tasks(tmp_path: Path, simulator: Simulator) -> None:
    """All of them in one run."""
    _provision(World(tmp_path, simulator), Course.points)


def _provision(world: World, chosen: Callable[[Course], Sequence[Point]]) -> None:
    variables = {"service_client_policies": [POLICY]}
    course_of = course(world, "aritma.iam.provision", world.add("course", seeded=False, **variables)[0])
    between = [each for each in chosen(Course(course_of.tasks, [], 0)) if each.kind == "task"]
    flying = [Point("call", phase=phase, operation=each) for each in CREATIONS for phase in ("before", "after")]
    world.clients = []
    for prefix, points in (("between", between), ("flying", flying)):
        clients = world.add(*[f"{prefix}{number:02d}" for number in range(len(points))], seeded=False, **variables)
        at = {each.name: point for each, point in zip(clients, points, strict=True)}
        Holding(world, "aritma.iam.provision", clients, at).kill()
    run = world.ansible().run("aritma.iam.provision", "-f", "10", hosts=world.hosts())
    assert run.code == 0, run.messages
    state = world.simulator.admin.state()
    assert sorted(each["name"] for each in state["clients"] if each["name"] not in ("course", "IAM admin")) == sorted(
        each.name for each in world.clients
    )
    for client in world.clients:
        client.learn_id()
    assert world.complaints(foreign=False) == []
    assert len(state["policies"]) == 1 + len(world.clients)
    assert world.reported() == {}, "a report is of rotations"
