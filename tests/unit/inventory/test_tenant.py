# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read of a tenant over HTTP: on servers of many kinds the same, with no more requests than were promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import yaml

from ansible_collections.aritma.iam.plugins.inventory import service_clients
from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import read_tenant
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import Connection
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.client_hosts import Host, hosts
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.wish import Wish, cache_key
from simulator.process import Simulator
from unit.alone import running_alone

COUNT = 12
OLD = 70
CANARY = "canary-v4lue"
PROFILES = [
    "documented",
    "small_pages",
    "refused_pages",
    "page_zero",
    "null_links",
    "envelopes_named",
    "integer_ids",
    "renamed_ids",
    "details_in_list",
    "fraction_times",
    "zoned_times",
]


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """One process for all tests of this file."""
    with running_alone(tmp_path_factory) as simulator:
        yield simulator


@pytest.fixture
def server(process: Simulator) -> Iterator[Simulator]:
    """A tenant with clients whose secrets are old where their number is divisible by five."""
    process.admin.reset("documented")
    yield process
    process.admin.clear_faults()
    assert process.admin.violations() == {"requests": [], "responses": []}


def seed(server: Simulator) -> None:
    server.admin.seed(clients=[_client(number) for number in range(COUNT)])
    server.admin.clear_log()


def _client(number: int) -> dict[str, Any]:
    at = datetime.now(timezone.utc) - timedelta(days=OLD if number % 5 == 0 else 1)
    tag = f"aritma.iam rotation 0a1b2c-{at:%Y%m%dT%H%M%SZ}-{number:06x}"
    secret = {"value": f"{CANARY}-{number}", "description": tag, "created": f"{at:%Y-%m-%dT%H:%M:%SZ}"}
    scopes = ["api", "services.banking"] if number % 2 else ["api"]
    return {"name": f"c{number}", "client_id": f"id{number}", "allowed_scopes": scopes, "secrets": [secret]}


def connection(server: Simulator, **changes: Any) -> Connection:
    given = {
        "api_url": server.api_url,
        "identity_url": server.identity_url,
        "tenant": server.tenant,
        "auth_client_id": server.admin_client_id,
        "auth_client_secret": server.admin_client_secret,
        "request_timeout": 5,
        "retry_budget": 0,
    }
    return Connection.from_params({**given, **changes})


def wish(**changes: Any) -> Wish:
    documented = yaml.safe_load(service_clients.DOCUMENTATION)["options"]
    return Wish.from_options({**{name: each.get("default") for name, each in documented.items()}, **changes})


def read(server: Simulator, **changes: Any) -> list[Host]:
    asked = wish(names=["c*"], **changes)
    tenant = read_tenant(connection(server), asked.by_name, asked.connections, read=asked.read)
    found, _warnings = hosts(tenant, asked, datetime.now(timezone.utc), set())
    return found


def requests(server: Simulator) -> Counter[str]:
    """The requests to the API by operation."""
    log = server.admin.log(kind="request")
    return Counter(each["operation"] for each in log if not each["operation"].startswith("token"))


@pytest.mark.parametrize("profile", PROFILES)
def test_hosts_are_the_same_on_every_server(server: Simulator, profile: str) -> None:
    server.admin.reset(profile)
    seed(server)
    found = {each.name: each.variables for each in read(server)}
    expected = {f"c{number}": number % 5 == 0 for number in range(COUNT)}
    assert {name: each["service_client_due"] for name, each in found.items()} == expected
    assert all(each["service_client_secrets"][0]["secret_id"] for each in found.values())
    assert CANARY not in repr(found)
    made = requests(server)
    most_pages = {"small_pages": 5, "refused_pages": 2, "page_zero": 2, "null_links": 2}
    assert made["listClientSecrets"] == COUNT
    assert made["listClients"] <= most_pages.get(profile, 1)
    assert made.keys() == {"listClients", "listClientSecrets"}


def test_without_descriptions_ages_are_known_but_not_what_is_due(server: Simulator) -> None:
    """Because it is not known which secrets are ours."""
    server.admin.reset("no_descriptions")
    seed(server)
    found = read(server, older_than="60d")
    assert {each.name for each in found} == {f"c{number}" for number in range(0, COUNT, 5)}
    assert {each.variables["service_client_due_known"] for each in found} == {False}
    assert read(server, only_due=True) == []


def test_without_secrets_only_the_list_is_asked_for(server: Simulator) -> None:
    seed(server)
    assert len(read(server, secrets=False)) == COUNT
    assert requests(server) == {"listClients": 1}


def test_clients_whose_name_is_not_wanted_are_not_asked_for(server: Simulator) -> None:
    seed(server)
    assert len(read(server, exclude_names=["c?"])) == 2
    assert requests(server) == {"listClients": 1, "listClientSecrets": 2}


@pytest.mark.parametrize(("profile", "asked"), [("documented", COUNT + 1), ("details_in_list", 0)])
def test_clients_are_chosen_by_scopes_and_grant_types(server: Simulator, profile: str, asked: int) -> None:
    """The details of a client are read only where the list does not show them."""
    server.admin.reset(profile)
    seed(server)
    server.admin.seed(clients=[{"name": "cx", "allowed_grant_types": ["password"], "allowed_scopes": ["api"]}])
    found = read(server, details=True, scopes=["services.banking"], grant_types=["client_credentials"])
    assert {each.name for each in found} == {f"c{number}" for number in range(1, COUNT, 2)}
    assert found[0].variables["service_client_allowed_scopes"] == ["api", "services.banking"]
    made = requests(server)
    assert (made["getClient"], made["listClientSecrets"]) == (asked, len(found))


def test_a_filter_by_scopes_that_are_not_shown_is_refused(server: Simulator) -> None:
    seed(server)
    with pytest.raises(OptionError, match="details: true"):
        read(server, scopes=["services.banking"])


@pytest.mark.parametrize("details", [True, False])
def test_a_client_that_is_deleted_meanwhile_is_left_out(server: Simulator, details: bool) -> None:
    seed(server)
    server.admin.add_faults({"match": {"client_id": "id3"}, "action": "fail_before", "status": 404})
    assert len(read(server, details=details)) == COUNT - 1


@pytest.mark.parametrize("offers_get", [True, False])
def test_a_404_for_the_secrets_of_a_client_is_named_in_the_reason(server: Simulator, offers_get: bool) -> None:
    """A server that has these lists elsewhere answers 404 for every client. That does not mean that nothing is due."""
    seed(server)
    server.admin.add_faults({"match": {"operation": "listClientSecrets"}, "action": "fail_before", "status": 404})
    if not offers_get:
        server.admin.add_faults({"match": {"operation": "getClient"}, "action": "fail_before", "status": 405})
    found = read(server)
    assert len(found) == COUNT
    assert all("404" in each.variables["service_client_due_reason"] for each in found)


def test_a_client_whose_secrets_may_not_be_listed_is_not_known_to_be_due(server: Simulator) -> None:
    seed(server)
    hidden = {"operation": "listClientSecrets", "client_id": "id5"}
    server.admin.add_faults({"match": hidden, "action": "fail_before", "status": 403})
    found = {each.name: each.variables for each in read(server)}
    assert (found["c5"]["service_client_due"], found["c5"]["service_client_due_known"]) == (False, False)
    assert "403" in found["c5"]["service_client_due_reason"]


@pytest.mark.parametrize("operation", ["listClients", "listClientSecrets"])
@pytest.mark.parametrize("fault", [{"action": "fail_before", "status": 500}, {"action": "wrong_shape"}])
def test_any_other_failure_is_an_error(server: Simulator, operation: str, fault: dict[str, Any]) -> None:
    """No inventory is better than half of one."""
    seed(server)
    server.admin.add_faults({"match": {"operation": operation}, **fault})
    with pytest.raises(IamError, match=operation) as caught:
        read(server)
    assert CANARY not in str(caught.value)
    assert server.admin_client_secret not in str(caught.value)


def test_a_token_that_expires_meanwhile_is_renewed(server: Simulator) -> None:
    seed(server)
    expired = {"operation": "listClientSecrets"}
    server.admin.add_faults({"match": expired, "action": "fail_before", "status": 401, "after_skip": 9, "times": 1})
    assert len(read(server)) == COUNT


def test_caches_of_other_connections_and_wishes_are_kept_apart(server: Simulator) -> None:
    """Each option that leads to other data leads to another key. A filter of what was read does not."""
    given = connection(server)
    keys = [
        cache_key(given, "acme", wish()),
        cache_key(given, "globex", wish()),
        cache_key(connection(server, tenant="globex"), "acme", wish()),
        cache_key(connection(server, auth_client_id="other"), "acme", wish()),
        cache_key(connection(server, api_url="https://api.example.test"), "acme", wish()),
        cache_key(given, "acme", wish(names=["a"])),
        cache_key(given, "acme", wish(exclude_names=["a"])),
        cache_key(given, "acme", wish(scopes=["a"])),
        cache_key(given, "acme", wish(grant_types=["a"])),
        cache_key(given, "acme", wish(secrets=False)),
        cache_key(given, "acme", wish(details=True)),
    ]
    assert len(set(keys)) == len(keys)
    assert cache_key(given, "acme", wish(older_than="1d", only_due=True, connections=3)) == keys[0]
