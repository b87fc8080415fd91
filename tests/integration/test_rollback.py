# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Promise 12: without proof by every consumer nothing is deleted, and the service gets its last secret again."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from meanwhile import meanwhile
from torture.world import SCOPE, Client, World, managed

from simulator.caller import Caller
from simulator.process import Simulator

TARGETS = ("t1", "t2")


class OldFashioned:
    """A service that works only with the first value; it answers the rotation id that it works with."""

    def __init__(self) -> None:
        self.watched: dict[str, tuple[Path, str]] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, name: str) -> tuple[int, bytes]:
        """Status and body for the client of this name."""
        path, value = self.watched[name]
        text = path.read_text(encoding="utf-8")
        return (200, text.encode()) if value in text else (500, b"this secret does not work for me")

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


def _handler(service: OldFashioned) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = service.answer(self.path.strip("/"))
            # The value itself is nothing for an answer.
            body = b"\n".join(line for line in body.splitlines() if b"SECRET" not in line)
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def old_fashioned() -> Iterator[OldFashioned]:
    """The service."""
    service = OldFashioned()
    yield service
    service.close()


def _two_targets(client: Client) -> None:
    """Deliveries to two hosts. All are this machine, so that each has a file of its own."""
    client.variables["service_client_deliveries"] = [
        {"type": "file", "path": str(client.home / f"{host}.env"), "format": "env", "hosts": [host]} for host in TARGETS
    ]


def _probes(world: World, service: OldFashioned) -> dict[str, Callable[[Client], Mapping[str, Any]]]:
    def by_tasks(client: Client) -> Mapping[str, Any]:
        """Only the second of two targets does not work with a new value."""
        path = world.home / "probe.yml"
        task = {
            "name": "Look for the value that works",
            "ansible.builtin.command": {
                "argv": ["grep", "-q", client.record()["current"]["value"], str(client.home / "t2.env")]
            },
            "when": "service_client_delivery_host == 't2'",
            "changed_when": False,
        }
        path.write_text(yaml.safe_dump([task]), encoding="utf-8")
        return {"tasks": str(path)}

    def by_command(client: Client) -> Mapping[str, Any]:
        file = client.home / "t1.env"
        return {"command": f"grep -q {client.record()['current']['value']} {file}", "retries": 1, "delay": 0}

    def by_url(client: Client) -> Mapping[str, Any]:
        service.watched[client.name] = (client.home / "t1.env", client.record()["current"]["value"])
        wanted = "{{ service_client_credential.rotation_id }}"
        return {"url": f"{service.url}/{client.name}", "contains": wanted, "retries": 1, "delay": 0}

    return {"tasks": by_tasks, "command": by_command, "url": by_url}


def _rotate(world: World, **variables: Any) -> Any:
    """The targets are in the inventory, and no clients."""
    hosts = {**world.hosts(), **{name: {} for name in TARGETS}}
    told = world.variables(rotation_hosts=":".join(each.name for each in world.clients), **variables)
    return world.ansible().run("aritma.iam.rotate", "-f", "10", variables=told, hosts=hosts)


def _check_restored(world: World, client: Client, old: Mapping[str, Any]) -> None:
    entry, record = world.reported()[client.name], client.record()
    assert entry["state"] == "rolled_back", entry
    assert record["current"]["value"] == old["value"]
    assert record["current"]["rotation_id"] == old["rotation_id"], "nothing is added for a roll-back"
    assert record["generation"] == 2, "a promotion and a pointing back"
    assert record["pending"] is None and record["previous"] is None
    assert [str(each["id"]) for each in client.secrets() if managed(each)] == [record["current"]["secret_id"]]
    for host in TARGETS:
        assert client.delivered(f"{host}.env")["CLIENT_SECRET"] == old["value"], (client.name, host)


@pytest.mark.matrix
def test_what_the_tasks_of_others_say_is_not_repeated(tmp_path: Path, simulator: Simulator) -> None:
    """They run with no_log, since they have the credential; neither the log nor the report has their words."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    path = world.home / "probe.yml"
    telling = {"name": "Tell", "ansible.builtin.fail": {"msg": "{{ service_client_credential.client_secret }}"}}
    path.write_text(yaml.safe_dump([telling]), encoding="utf-8")
    client.variables["service_client_probe"] = {"tasks": str(path)}
    old = client.record()["current"]["value"]
    run = world.rotate(client, arguments=("-vvv",))
    assert run.code != 0
    assert (
        "The task 'Tell' failed. Its output is hidden, because it may hold a secret. Run it by hand"
        in world.reported()["billing"]["reason"]
    )
    # ansible-core 2.19 and newer tell the message of a failed task themselves, in spite of no_log.
    own = [line for line in run.output.splitlines() if not line.startswith("[ERROR]: Task failed: Action failed:")]
    told = "\n".join([*own, world.report.read_text(encoding="utf-8")])
    assert [value for value in (old, client.record()["current"]["value"]) if value in told] == []


@pytest.mark.parametrize(
    "chosen",
    [("tasks", "url"), pytest.param(("tasks", "command", "url"), marks=pytest.mark.torture)],
    ids=["some", "all"],
)
def test_a_consumer_that_fails_gets_its_last_secret_again(
    tmp_path: Path, simulator: Simulator, old_fashioned: OldFashioned, chosen: Sequence[str]
) -> None:
    """One failing target of two is enough; after it was mended the next run rotates.

    Two secrets of ours are enough for all of that.
    """
    world = World(tmp_path, simulator)
    simulator.admin.switch(max_secrets=3)  # one of them is somebody else's
    probes = _probes(world, old_fashioned)
    for client in world.add(*chosen):
        _two_targets(client)
        client.variables["service_client_probe"] = probes[client.name](client)
    old = {each.name: each.record()["current"] for each in world.clients}
    with world.consumed():
        run = _rotate(world)
        assert run.code != 0
        for client in world.clients:
            _check_restored(world, client, old[client.name])
            client.variables["service_client_probe"] = {"command": "true"}
        mended = _rotate(world)
        assert mended.code == 0, mended.messages
        assert world.states() == dict.fromkeys(chosen, "rotated")
        for client in world.clients:
            value = client.record()["current"]["value"]
            assert value != old[client.name]["value"]
            assert {client.delivered(f"{host}.env")["CLIENT_SECRET"] for host in TARGETS} == {value}


@pytest.mark.torture
def test_a_service_that_is_broken_before_the_rotation_is_not_rotated(tmp_path: Path, simulator: Simulator) -> None:
    """Nothing is added. The other mistakes of a later rotation: test_mistakes.py."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    _two_targets(client)
    client.variables["service_client_probe"] = {"command": "true"}
    assert _rotate(world).code == 0, "the service is proven to work"
    before, secrets = client.record(), client.secrets()
    client.variables["service_client_probe"] = {"command": "false", "retries": 0}
    assert _rotate(world).code != 0
    assert world.states()[client.name] == "failed" and "Probe" in world.reported()[client.name]["reason"]
    assert [client.record(), client.secrets()] == [before, secrets], "nothing was added"
    client.variables["service_client_probe"] = {"command": "true"}
    assert _rotate(world, rotation_force=False).code == 0
    assert world.states()[client.name] == "unchanged", "nothing was written ahead"


def test_a_target_that_still_has_the_last_secret_is_never_refused(tmp_path: Path, simulator: Simulator) -> None:
    """Its service works all the time, however slow the server is to accept what is new."""
    world = World(tmp_path, simulator)
    (client,) = world.add("billing")
    client.variables["service_client_probe"] = {"command": "false", "retries": 0}
    old = client.record()["current"]["value"]
    simulator.admin.switch(accept_delay=5)
    caller, answers = Caller(simulator), list[bool]()
    with meanwhile(lambda: answers.append(caller.accepts(client.client_id, old, SCOPE)), 0.05):
        run = world.rotate(client)
    assert run.code != 0
    assert world.states() == {"billing": "failed"}
    assert "The previous secret is the current one again. Then that" in world.reported()["billing"]["reason"]
    assert len(answers) > 20
    assert answers.count(False) == 0


def test_a_roll_back_that_fails_too_deletes_nothing_that_works(tmp_path: Path, simulator: Simulator) -> None:
    """A consumer that works with nothing, a target that cannot be written, a token endpoint that says nothing any more.

    Both values stay, and the next run goes on.
    """
    world = World(tmp_path, simulator)
    hopeless, unreachable, dark = world.add("hopeless", "unreachable", "dark")
    deliveries, no_folder = unreachable.host()["service_client_deliveries"], unreachable.home / "no_folder"
    lost = {"type": "file", "path": f"{no_folder}/credentials.env", "format": "env"}
    unreachable.variables["service_client_deliveries"] = [*deliveries, lost]
    no_folder.mkdir()
    assert world.rotate(rotation_force=False).code == 0
    shutil.rmtree(no_folder)
    dark.variables["service_client_probe"] = {"command": "false", "retries": 0}
    match = {"client_id": dark.client_id, "path_regex": "^/acme/"}
    proves_nothing = {"action": "fail_before", "status": 400, "payload": {"error": "invalid_scope"}}
    # The exchange of the current secret, and five that prove the new one.
    simulator.admin.add_faults({"match": match, **proves_nothing, "after_skip": 6})
    hopeless.variables["service_client_probe"] = {"command": "false", "retries": 0}
    old = {each.name: each.record()["current"] for each in world.clients}
    with world.consumed():
        run = world.rotate()
        assert run.code != 0
        assert world.states() == {"hopeless": "failed", "unreachable": "failed", "dark": "blocked"}, run.output
        for client in world.clients:
            assert client.lives(old[client.name]["value"])
            assert client.lives(client.record()["current"]["value"])
            assert client.lives(client.delivered()["CLIENT_SECRET"])
        hopeless.variables.clear()
        no_folder.mkdir()
        dark.variables.clear()
        simulator.admin.clear_faults()
        mended = world.rotate(rotation_force=False)
    assert mended.code == 0, mended.messages
    assert world.complaints() == []
