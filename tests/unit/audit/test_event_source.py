# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The event source ``secret_expiry``: one event for each due secret, whatever the server does, and no blocked loop."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._secret_watch import (
    SPEC,
    Settings,
    new_events,
    read_settings,
)
from simulator.process import Simulator, running
from unit.audit.sample import AT, client, ours, secret, tenant

SOURCE = Path(__file__).parents[3] / "extensions/eda/plugins/event_source/secret_expiry.py"
NOW = datetime.now(timezone.utc)
EVIL = "{{ lookup('pipe', 'id') }}"
SETTINGS = Settings(Connection(), timedelta(hours=1), (), Limits(), {}, "acme")

Main = Callable[["asyncio.Queue[Any]", dict[str, Any]], Awaitable[None]]


@pytest.fixture(scope="module")
def source() -> dict[str, Any]:
    """The file as ansible-rulebook runs it: by its path."""
    spec = importlib.util.spec_from_file_location(SOURCE.stem, SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A connection in the environment: to a port where nobody answers."""
    for name, value in {
        "ARITMA_TOKEN_CACHE_DIR": str(tmp_path / "tokens"),
        "ARITMA_IAM_URL": "http://127.0.0.1:1/core/iam",
        "ARITMA_TENANT": "acme",
        "ARITMA_CLIENT_ID": "admin",
        "ARITMA_CLIENT_SECRET": "not-that-one",
        "ARITMA_RETRY_BUDGET": "0",
    }.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.fixture
def server(environment: pytest.MonkeyPatch) -> Iterator[Simulator]:
    """A simulator that the environment leads to."""
    with running() as simulator:
        environment.setenv("ARITMA_IAM_URL", simulator.api_url)
        environment.setenv("ARITMA_IDENTITY_URL", simulator.identity_url)
        environment.setenv("ARITMA_CLIENT_SECRET", simulator.admin_client_secret)
        yield simulator


def _planted(name: str, age: float, **members: Any) -> dict[str, Any]:
    created = f"{NOW - timedelta(days=age):%Y-%m-%dT%H:%M:%SZ}"
    stamp = f"{NOW - timedelta(days=age):%Y%m%dT%H%M%SZ}"
    description = f"aritma.iam rotation 3f9a2c-{stamp}-0a7c55"
    planted = {"value": "Planted0123456789", "description": description, "created": created, **members}
    return {"name": name, "client_id": f"id-{name}", "secrets": [planted]}


def _look_again(server: Simulator) -> None:
    """Wait until the source has begun three more looks, so that the events of at least one of them are there."""
    before = len(server.admin.log(operation="listClients"))
    while len(server.admin.log(operation="listClients")) < before + 3:
        time.sleep(0.05)


async def _events(main: Main, number: int, args: dict[str, Any], meanwhile: Callable[[], None]) -> list[Any]:
    """That many events, and those that come while ``meanwhile`` runs."""
    queue: asyncio.Queue[Any] = asyncio.Queue()
    running_source = asyncio.ensure_future(main(queue, args))
    try:
        events = [(await queue.get())["secret_expiry"] for _each in range(number)]
        await asyncio.to_thread(meanwhile)
        while not queue.empty():
            events.append(queue.get_nowait()["secret_expiry"])
        return events
    finally:
        running_source.cancel()
        with suppress(asyncio.CancelledError):
            await running_source


def test_each_due_secret_is_one_event(source: dict[str, Any], server: Simulator) -> None:
    server.admin.seed(clients=[_planted("billing", 61), _planted("fresh", 1), _planted("other", 99, description="x")])

    def later() -> None:
        server.admin.seed(clients=[_planted("late", 70)])
        _look_again(server)

    events = asyncio.run(_events(source["main"], 2, {"interval": "1s", "eda_feedback_queue": object()}, later))
    assert [(each["client_name"], each["managed_by"], each["state"]) for each in events] == [
        ("billing", "aritma.iam", "too_old"),
        ("other", "others", "too_old"),
        ("late", "aritma.iam", "too_old"),
    ]
    assert events[0]["reason"] == "due: 61d old, limit 60d"
    assert events[0]["host"] == "billing"


def test_a_server_that_is_away_comes_back(
    source: dict[str, Any], server: Simulator, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(source["main"].__globals__, "_FIRST_PAUSE", 0.2)
    server.admin.seed(clients=[_planted("billing", 61)])
    server.kill()

    async def scenario() -> list[Any]:
        asyncio.get_running_loop().call_later(1.5, lambda: asyncio.ensure_future(asyncio.to_thread(server.start)))
        return await _events(source["main"], 1, {"interval": "1s"}, lambda: _look_again(server))

    with caplog.at_level(logging.INFO):
        (event,) = asyncio.run(scenario())
    assert event["client_name"] == "billing"
    told = [record.getMessage() for record in caplog.records if record.name == "aritma.iam.secret_expiry"]
    assert "The secrets could not be read; the next look is in" in told[0]
    assert "refused the connection" in told[0]
    assert "can be read again" in told[-1]
    assert server.admin_client_secret not in caplog.text
    assert "Bearer" not in caplog.text


def test_the_loop_goes_on_while_the_server_hangs(
    source: dict[str, Any], server: Simulator, caplog: pytest.LogCaptureFixture
) -> None:
    """The server answers only when the loop says so. A look that blocks the loop would fail with a timeout."""
    server.admin.seed(clients=[_planted("billing", 61)])
    server.admin.add_faults({"match": {"operation": "listClients"}, "action": "pause", "times": 1})

    async def scenario() -> list[Any]:
        watched = asyncio.ensure_future(_events(source["main"], 1, {"interval": "1s"}, lambda: _look_again(server)))
        assert await asyncio.to_thread(server.admin.paused, wait=60)
        server.admin.clear_faults()
        return await watched

    with caplog.at_level(logging.INFO):
        (event,) = asyncio.run(scenario())
    assert event["client_name"] == "billing"
    assert [each for each in caplog.records if each.name == "aritma.iam.secret_expiry"] == []


def test_pauses_grow_up_to_the_interval(source: dict[str, Any]) -> None:
    pause_after = source["pause_after"]
    assert all(
        5 * 2 ** (number - 1) / 2 <= pause_after(number, 3600) <= 5 * 2 ** (number - 1) for number in range(1, 9)
    )
    assert 1800 <= pause_after(50, 3600) <= 3600
    assert pause_after(1, 2) <= 2


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"interval": "often"}, "interval: 'often' is not a duration"),
        ({"interval": "0s"}, "interval is zero"),
        ({"intervall": "1h"}, "intervall"),
        ({"hosts": {"billing": "all:!db"}}, "is not the name of one inventory host"),
        ({"hosts": {"billing": EVIL}}, "is not the name of one inventory host"),
        ({"api_url": "http://example.com"}, "unencrypted"),
    ],
)
def test_options_that_cannot_be_used(
    source: dict[str, Any], server: Simulator, args: dict[str, Any], words: str
) -> None:
    with pytest.raises(OptionError, match=words):
        asyncio.run(source["main"](asyncio.Queue(), args))
    assert server.admin.log() == []


def test_an_empty_variable_does_not_switch_verification_off(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("ARITMA_VALIDATE_CERTS", "")
    assert read_settings({}).connection.validate_certs is True


def test_the_documented_options_are_those_of_the_source(source: dict[str, Any]) -> None:
    documented = yaml.safe_load(source["DOCUMENTATION"])["options"]
    assert documented.keys() == SPEC.argument_spec.keys() - {"run_on"}
    for name, option in documented.items():
        assert option["type"] == SPEC.argument_spec[name]["type"], name
        assert option.get("default") == SPEC.argument_spec[name].get("default"), name
    (example,) = yaml.safe_load(source["EXAMPLES"])
    assert example["aritma.iam.secret_expiry"].keys() <= documented.keys()


def test_an_event_is_not_repeated_as_long_as_its_secret_is_listed() -> None:
    old = client("a", secret("1", 70))
    events, told = new_events(tenant(old), AT, SETTINGS, ())
    assert [each["secret_expiry"]["secret_id"] for each in events] == ["1"]
    again, told = new_events(tenant(old), AT, SETTINGS, told)
    assert again == []
    away = client("a", unreadable="403")
    _none, told = new_events(tenant(away), AT, SETTINGS, told)
    again, told = new_events(tenant(old), AT, SETTINGS, told)
    assert again == []
    worse, told = new_events(tenant(old), AT, SETTINGS, told)
    gone = client("a")
    _none, told = new_events(tenant(gone), AT, SETTINGS, told)
    assert (worse, told) == ([], frozenset())


def test_each_new_state_of_a_secret_is_an_event() -> None:
    def told_at(days: float, told: frozenset[Any]) -> tuple[list[str], frozenset[Any]]:
        read = client("a", secret("1", 50, 30))
        events, after = new_events(tenant(read), AT + timedelta(days=days), SETTINGS, told)
        return [each["secret_expiry"]["state"] for each in events], after

    states, told = told_at(10, frozenset())
    assert states == ["too_old"]
    states, told = told_at(16, told)
    assert states == ["expires_soon"]
    states, told = told_at(30, told)
    assert states == ["expired"]


def test_no_text_in_an_event_can_be_evaluated() -> None:
    read = client(EVIL, secret(EVIL, 70, description=ours(70) + EVIL))
    (event,), _told = new_events(tenant(read), AT, SETTINGS, ())
    assert "{" not in str(event["secret_expiry"].values())
    assert all(character not in event["secret_expiry"]["host"] for character in " :,!&{}'\"")


def test_an_event_names_the_host_of_its_client_or_the_one_in_hosts() -> None:
    read = client("Billing (nightly)", secret("1", 70))
    (event,), _told = new_events(tenant(read), AT, SETTINGS, ())
    assert event["secret_expiry"]["host"] == "Billing_nightly"
    settings = Settings(Connection(), timedelta(hours=1), (), Limits(), {"Billing (nightly)": "app1"}, "acme")
    (event,), _told = new_events(tenant(read), AT, settings, ())
    assert event["secret_expiry"]["host"] == "app1"
