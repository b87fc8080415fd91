# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which clients become hosts, and which variables they have: only what the lists show decides."""

from __future__ import annotations

import itertools
import json
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.aritma.iam.plugins.inventory import service_clients
from ansible_collections.aritma.iam.plugins.module_utils._audit.tenant import Tenant, TenantClient
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError
from ansible_collections.aritma.iam.plugins.module_utils._iam.contract import Client, Secret
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import Listed
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Seen, plan_round
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import Wish as RoundWish
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Record
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import Limits, judge_secrets, read_limits
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.client_hosts import (
    RotationState,
    client_variables,
    hosts,
    rotation_state,
    secret_variables,
)
from ansible_collections.aritma.iam.plugins.plugin_utils._inventory.wish import Wish
from ansible_collections.aritma.iam.plugins.plugin_utils._rotation.variables import KNOWN

NOW = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
NUMBERS = itertools.count()


def days(number: float) -> timedelta:
    return timedelta(days=number)


def secret(age: float | None = None, *, lineage: str = "", expires_in: float | None = None, **members: Any) -> Secret:
    """A listed secret; one of ours with a lineage, whose rotation id carries its time."""
    number = next(NUMBERS)
    made = None if age is None else NOW - days(age)
    tag = f"aritma.iam rotation {lineage}-{made:%Y%m%dT%H%M%SZ}-{number:06x}" if lineage else "portal"
    shown = {
        "id": number,
        "description": tag,
        "created": None if lineage or made is None else made.isoformat(),
        "expiration": None if expires_in is None else (NOW + days(expires_in)).isoformat(),
    }
    return Secret.model_validate({**shown, **members})


def judged(*secrets: Secret, rotate_after: str = "60d", shown: bool = True) -> RotationState:
    return rotation_state(judge_secrets(secrets, NOW, read_limits(rotate_after, "14d"), descriptions_shown=shown))


def client(**members: Any) -> Client:
    return Client.model_validate({"clientId": "c1", "name": "billing-nightly", **members})


@pytest.mark.parametrize(
    ("names", "exclude", "wanted"),
    [
        ((), (), True),
        (("billing-*",), (), True),
        (("billing",), (), False),
        (("Billing-*",), (), False),
        (("*[xn]ightly",), (), True),
        (("billing-[!n]*",), (), False),
        (("billin?-*", "nothing"), (), True),
        ((), ("*-nightly",), False),
        (("billing-*",), ("*-daily",), True),
    ],
)
def test_clients_are_chosen_by_patterns_of_names(
    names: tuple[str, ...], exclude: tuple[str, ...], wanted: bool
) -> None:
    assert Wish(names, exclude).by_name(client()) is wanted


def test_a_client_without_a_name_is_taken_by_its_id() -> None:
    assert Wish(("c?",)).by_name(client(name=None))


@pytest.mark.parametrize(
    ("scopes", "grants", "wanted"),
    [
        (set(), set(), True),
        ({"a", "x"}, set(), True),
        ({"A"}, set(), False),
        (set(), {"password"}, False),
        ({"a"}, {"client_credentials"}, True),
        ({"x"}, {"client_credentials"}, False),
    ],
)
def test_clients_are_chosen_by_scopes_and_grant_types(scopes: set[str], grants: set[str], wanted: bool) -> None:
    shown = client(allowedScopes=["a", "b"], allowedGrantTypes=["client_credentials"])
    assert Wish(scopes=tuple(scopes), grant_types=tuple(grants)).by_details(shown) is wanted


@pytest.mark.parametrize(
    ("option", "wish"),
    [
        ("scopes", Wish(scopes=("a",))),
        ("grant_types", Wish(grant_types=("a",))),
    ],
)
def test_a_filter_by_what_the_list_does_not_show_is_refused(option: str, wish: Wish) -> None:
    with pytest.raises(OptionError, match=f"{option}.*not show.*c1.*details: true"):
        wish.by_details(client())


@pytest.mark.parametrize(
    ("secrets", "due", "known", "reason"),
    [
        ([], False, True, "not due: no secret has a rotation id"),
        ([secret(900)], False, True, "not due: no secret has a rotation id"),
        ([secret(61, lineage="0a1b2c")], True, True, "due: 61d old, limit 60d"),
        ([secret(59.5, lineage="0a1b2c")], False, True, "not due: 59d old, limit 60d"),
        ([secret(1, lineage="0a1b2c", expires_in=13)], True, True, "due: expires at 2026-12-08T12:00:00Z"),
        ([secret(1, lineage="0a1b2c", expires_in=15)], False, True, "not due: 1d old"),
        ([secret(1, lineage="0a1b2c", expires_in=-1)], True, True, "due: the secret expired at 2026-11-24T12:00:00Z"),
        # A younger secret of the same lineage: the run that made it has not ended.
        ([secret(1, lineage="0a1b2c"), secret(5, lineage="0a1b2c")], True, True, "due: a rotation is not finished"),
        # Another store manages the client, too: a young secret of that one says nothing about ours.
        ([secret(1, lineage="ffffff"), secret(90, lineage="0a1b2c")], True, True, "due: 90d old, limit 60d"),
        ([secret(900), secret(5, lineage="0a1b2c")], False, True, "not due: 5d old, limit 60d"),
        ([secret(5, lineage="0a1b2c", expiration="soon")], False, False, "cannot be read"),
    ],
)
def test_when_a_client_is_due(secrets: list[Secret], due: bool, known: bool, reason: str) -> None:
    state = judged(*secrets)
    assert (state.due, state.known) == (due, known)
    assert reason in state.reason


def test_without_descriptions_it_is_not_known_what_is_due() -> None:
    state = judged(secret(90, description=None), shown=False)
    assert (state.due, state.known) == (False, False)
    assert "no descriptions" in state.reason
    assert secret_variables(state)["service_client_secret_age_days"] == 90


def test_the_role_knows_the_variables_of_a_host() -> None:
    """It refuses a variable ``service_client_...`` that it does not know, as one that is misspelt."""
    shown = client(allowedScopes=[], allowedGrantTypes=[], redirectUris=[], description="")
    assert {*secret_variables(judged()), *client_variables(shown)} <= KNOWN


def test_a_client_whose_secrets_may_not_be_listed_is_not_known_to_be_due() -> None:
    state = rotation_state((), "listClientSecrets: 403")
    assert (state.due, state.known) == (False, False)
    assert "403" in state.reason


def test_without_an_age_limit_an_old_secret_is_not_due() -> None:
    assert not judged(secret(900, lineage="0a1b2c"), rotate_after="never").due


@given(st.floats(0, 200), st.none() | st.floats(-20, 200))
def test_a_client_is_due_when_a_run_would_rotate_it(age: float, expires_in: float | None) -> None:
    """A client whose record and list say the same is due here exactly when a run would rotate it."""
    own = secret(age, lineage="0a1b2c", expires_in=expires_in)
    stored = {
        "value": "a-value",
        "rotation_id": str(own.description).rpartition(" ")[2],
        "secret_id": own.secret_id,
        "created_at": (NOW - days(age)).replace(microsecond=0).isoformat(),
        "expires_at": own.expiration,
    }
    record = Record.model_validate({"schema": 1, "client_id": "c1", "current": stored})
    verdict = "rejected" if expires_in is not None and expires_in <= 0 else "accepted"
    seen = Seen((Listed(own.secret_id, own.description),), record, current=verdict)
    assert judged(own).due == (plan_round(seen, RoundWish("c1", "me", NOW)).state == "rotate")


@pytest.mark.parametrize(
    ("wish", "wanted"),
    [
        (Wish(), True),
        (Wish(older_than=days(30)), True),
        (Wish(older_than=days(31)), False),
        (Wish(expires_within=days(20)), True),
        (Wish(expires_within=days(19)), False),
        (Wish(older_than=days(30), expires_within=days(19)), False),
        (Wish(only_due=True), False),
    ],
)
def test_filters_look_at_our_newest_secret(wish: Wish, wanted: bool) -> None:
    """Somebody else has added a newer one, which does not count."""
    state = judged(secret(30, lineage="0a1b2c", expires_in=20), secret(1))
    assert state.wanted(wish) is wanted


def test_an_unknown_age_is_neither_old_nor_young() -> None:
    state = judged(secret(None, expires_in=5))
    assert state.wanted(Wish(older_than=days(1))) is None
    assert state.wanted(Wish(expires_within=days(6))) is True
    assert judged().wanted(Wish(older_than=days(1))) is False


def test_the_variables_of_a_client() -> None:
    shown = client(description="Nightly", allowedScopes=["a"], allowedGrantTypes=["g"], redirectUris=[])
    assert client_variables(shown) == {
        "service_client_name": "billing-nightly",
        "service_client_client_id": "c1",
        "service_client_description": "Nightly",
        "service_client_allowed_scopes": ["a"],
        "service_client_allowed_grant_types": ["g"],
        "service_client_redirect_uris": [],
    }
    assert client_variables(client(description=None)) == {
        "service_client_name": "billing-nightly",
        "service_client_client_id": "c1",
    }


def test_the_variables_of_secrets() -> None:
    ours, theirs = secret(3.5, lineage="0a1b2c", expires_in=30), secret(None)
    told = secret_variables(judged(ours, theirs))
    listed = told.pop("service_client_secrets")
    assert told == {
        "service_client_managed": True,
        "service_client_secret_age_days": 3,
        "service_client_secret_expires_at": "2026-12-25T12:00:00Z",
        "service_client_due": False,
        "service_client_due_known": True,
        "service_client_due_reason": "not due: 3d old, limit 60d",
    }
    assert [(each["secret_id"], each["managed"], each["age_days"], each["expires_at"]) for each in listed] == [
        (ours.secret_id, True, 3, "2026-12-25T12:00:00Z"),
        (theirs.secret_id, False, None, None),
    ]
    assert "does not show when" in listed[1]["reason"]


def options(**changes: Any) -> dict[str, Any]:
    """The options of a source, with the defaults that are documented."""
    documented = yaml.safe_load(service_clients.DOCUMENTATION)["options"]
    return {**{name: option.get("default") for name, option in documented.items()}, **changes}


def test_the_default_limits_are_those_of_the_role() -> None:
    root = Path(service_clients.__file__).parents[2]
    role = yaml.safe_load((root / "roles/service_client/defaults/main.yml").read_text(encoding="utf-8"))
    for name in ("rotate_after", "expiry_margin"):
        assert options()[name] == role[f"service_client_{name}"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"older_than": "60"}, "older_than: '60' is not a duration"),
        ({"expires_within": "soon"}, "expires_within: 'soon'"),
        ({"rotate_after": "60 apples"}, "rotate_after"),
        ({"expiry_margin": ""}, "expiry_margin"),
        ({"secrets": False, "only_due": True}, "secrets is false"),
        ({"secrets": False, "older_than": "1d"}, "secrets is false"),
        ({"connections": 0}, "connections: 0"),
        ({"connections": 11}, "from 1 to 10"),
    ],
)
def test_options_that_cannot_be_used(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(OptionError, match=words):
        Wish.from_options(options(**changes))


@pytest.mark.parametrize(
    ("changes", "wish"),
    [
        ({}, Wish()),
        ({"rotate_after": "never"}, Wish(limits=Limits(rotate_after=None))),
        ({"rotate_after": None}, Wish(limits=Limits(rotate_after=None))),
        ({"rotate_after": " 2W ", "expiry_margin": "1d 12h"}, Wish(limits=Limits(days(14), days(1.5)))),
        ({"older_than": " "}, Wish()),
        ({"older_than": "1w", "expires_within": "0d"}, Wish(older_than=days(7), expires_within=days(0))),
    ],
)
def test_durations_may_be_blank_or_null_and_have_any_unit(changes: dict[str, Any], wish: Wish) -> None:
    assert Wish.from_options(options(**changes)) == wish


def tenant() -> Tenant:
    old = TenantClient(client=client(), secrets=(secret(90, lineage="0a1b2c"), secret(2)))
    hidden = TenantClient(client=client(clientId="c2", name="other"), unreadable="403")
    twin = client(clientId="c3")
    return Tenant(clients=(old, hidden), listed=(old.client, hidden.client, twin))


def test_a_cache_gives_back_what_was_read() -> None:
    read = tenant()
    again = Tenant.from_cache(json.loads(json.dumps(read.to_cache())))
    assert again is not None
    wish = Wish.from_options(options())
    assert hosts(again, wish, NOW, set()) == hosts(read, wish, NOW, set())


@pytest.mark.parametrize("data", [None, [], "x", {}, {"listed": [], "clients": [{}]}, {"listed": [3], "clients": []}])
def test_a_cache_that_cannot_be_read_is_ignored(data: object) -> None:
    assert Tenant.from_cache(data) is None


def test_hosts_are_named_after_all_clients_of_the_tenant() -> None:
    """A client that is not wanted can make the name of a wanted one ambiguous."""
    found, warnings = hosts(tenant(), Wish.from_options(options(only_due=True)), NOW, set())
    assert [each.name for each in found] == ["billing-nightly_c1"]
    assert ["left out" in each and "other" in each for each in warnings] == [True, False]
    assert "cannot be listed: other" in warnings[1]


def test_without_secrets_a_host_has_no_variables_of_them() -> None:
    unasked = Tenant(clients=(TenantClient(client=client()),), listed=(client(),))
    found, warnings = hosts(unasked, Wish.from_options(options(secrets=False)), NOW, set())
    assert all("service_client_due" not in each.variables for each in found)
    assert warnings == []
