# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people give wrongly: each ends with a message that says what it is and what to do; nothing is written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from ansible_run import Ansible
from service import SCOPE, service
from weather import Case, check_messages, check_untouched, last_message, module, role, run_cases

from simulator.process import Simulator

NO_TENANT = [r"Neither tenant nor token_url is set", r"Set tenant \(ARITMA_TENANT\) or token_url"]
NOT_LOOPBACK = [r"would send credentials unencrypted", r"Use https://"]
SAME = "each would replace the secret of the other"
_RECORDS = ("truncated", "foreign", "newer", "misshapen")
"""Records that cannot be used, each of a client of this name."""
TWINS = [r"twins", r"2 clients", "twin-1, twin-2", r"client_id"]


@pytest.fixture
def seeded(simulator: Simulator) -> Simulator:
    """A client with one secret, and two clients of one name, twice."""
    secret = {"value": "only-secret-value", "description": "only"}
    simulator.admin.seed(
        clients=[
            {"client_id": "one", "name": "one", "allowed_scopes": [SCOPE], "secrets": [secret]},
            {"client_id": "twin-1", "name": "twins"},
            {"client_id": "twin-2", "name": "twins"},
            *({"client_id": name, "name": name, "allowed_scopes": [SCOPE], "secrets": [secret]} for name in _RECORDS),
            {"client_id": "double-1", "name": "doubles"},
            {"client_id": "double-2", "name": "doubles"},
        ]
    )
    return simulator


def test_modules_refuse_bad_options(seeded: Simulator, ansible: Ansible) -> None:
    """Connection options, values, names and keys that cannot be used."""
    before = seeded.admin.state()
    run_cases(ansible, {**_connection_cases(), **_secret_cases(), **_key_cases(), **_name_cases()})
    check_untouched(seeded, before)


def _connection_cases() -> dict[str, Case]:
    plain = "http://iam.example.com/core/iam"
    return {
        "no_tenant": module("oidc_client", NO_TENANT, {"ARITMA_TENANT": ""}, name="new"),
        "no_tenant_exchange": module(
            "token_exchange", NO_TENANT, {"ARITMA_TENANT": ""}, client_id="one", client_secret="12345678", scope=SCOPE
        ),
        "wrong_tenant": module(
            "oidc_client",
            [
                "The admin credential got no token",
                "/nowhere/connect/token answered 404",
                r"Check tenant \(or token_url\)",
            ],
            {"ARITMA_TENANT": "nowhere"},
            name="new",
        ),
        "http_api": module("oidc_client", [rf"api_url: {plain}", *NOT_LOOPBACK], name="new", api_url=plain),
        "http_identity": module(
            "oidc_client", ["identity_url: http://id", *NOT_LOOPBACK], name="new", identity_url="http://id.example.com"
        ),
        "http_token": module(
            "client_secret",
            ["token_url: http://id", *NOT_LOOPBACK],
            client_id="one",
            description="new",
            token_url="http://id.example.com/acme/connect/token",
        ),
    }


def _secret_cases() -> dict[str, Case]:
    new = {"client_id": "one", "description": "new"}
    return {
        "secret_short": module(
            "client_secret", ["value has 7 characters", "8 to 32", "Omit value"], value="1234567", **new
        ),
        "secret_long": module("client_secret", ["value has 33 characters", "8 to 32"], value="x" * 33, **new),
        "expired": module(
            "client_secret",
            ["expiration: 2020-01-31T00:00:00Z has passed", "Give a time in the future"],
            expiration="2020-01-31T00:00:00Z",
            **new,
        ),
        "no_time": module("client_secret", ["'soon' is not an RFC 3339 time", "Write 2027"], expiration="soon", **new),
        "last_secret": module(
            "client_secret",
            ["is the last usable secret of the client", "Add another one first", "keep_last: false"],
            client_id="one",
            description="only",
            state="absent",
        ),
        "foreign_scope": module(
            "token_exchange",
            ["client one", "misconfigured", "invalid_scope", "allowed_scopes"],
            client_id="one",
            client_secret="only-secret-value",
            scope="services.documents",
        ),
    }


def _key_cases() -> dict[str, Case]:
    policy = {"action": "banking.ais.read", "scope": "/subscriptions/123", "state": "absent"}
    store = {"type": "file"}
    return {
        "absent_client": module("oidc_client", ["one of.*name.*client_id"], state="absent"),
        "absent_client_empty": module("oidc_client", ["name is empty", "Give name a value"], name="", state="absent"),
        "absent_secret": module("client_secret", ["one of.*description.*secret_id"], client_id="one", state="absent"),
        "absent_secret_client": module(
            "client_secret", ["missing required arguments: client_id"], description="only", state="absent"
        ),
        "absent_policy": module("iam_policy", ["missing required arguments: subject"], **policy),
        "absent_record": module("credential_store", ["state=absent needs client_id"], store=store, state="absent"),
        "dots": module("client_secret_info", [r"'\.\.' cannot be an id", "name the client"], client_id=".."),
    }


def _name_cases() -> dict[str, Case]:
    absent = {"name": "twins", "state": "absent"}
    subject = [r"2 subjects of clients have the name 'twins'", "client-twin-1, client-twin-2", "Give client_id"]
    return {
        "twins": module("oidc_client", TWINS, name="twins", description="changed"),
        "twins_absent": module("oidc_client", TWINS, **absent),
        "twins_subject": module("client_subject_info", subject, name="twins"),
    }


def test_a_policy_that_only_the_server_can_refuse(seeded: Simulator, ansible: Ansible) -> None:
    """An unknown subject or action: it refuses, and the message says where to look the values up."""
    policy = {"subject": "client-one", "action": "banking.ais.read", "scope": "/subscriptions/123"}
    where = [
        "createPolicy",
        "answered 400",
        r"subject '.*' with client_subject_info",
        r"action '.*' in GET /v1/actions",
    ]
    cases = {
        "unknown_subject": module("iam_policy", [*where, "client-nobody"], **{**policy, "subject": "client-nobody"}),
        "unknown_action": module("iam_policy", [*where, "no.such.action"], **{**policy, "action": "no.such.action"}),
        "unknown_to_role": role(
            ["createPolicy", "no.such.action"],
            **service(
                ansible.home, service_client_policies=[{"action": "no.such.action", "scope": "/subscriptions/123"}]
            ),
        ),
    }
    before = seeded.admin.state()
    run_cases(ansible, cases)
    assert seeded.admin.state()["policies"] == before["policies"]
    assert [each["secrets"] for each in seeded.admin.state()["clients"] if each["name"] == "billing"] == [[]]
    assert not (ansible.home / "store" / "billing.json").exists()
    assert not (ansible.home / "billing.env").exists()


def test_the_role_refuses_bad_variables(seeded: Simulator, ansible: Ansible) -> None:
    """Provision, rotate and revoke: nothing is written, neither on the server nor to a file."""
    before, home = seeded.admin.state(), ansible.home
    run = run_cases(ansible, {**_provision_cases(home), **_rotate_cases(home), **_revoke_cases(home)})
    assert "continues from here" not in run.output, "nothing was begun"
    # Of two with one record, whoever comes second is told.
    assert [SAME in last_message(run, name) for name in ("p_same_1", "p_same_2")].count(True) == 1
    check_untouched(seeded, before, *home.glob("*/store"), *home.glob("*/*.env"))


def _usual(home: Path, name: str, **variables: Any) -> dict[str, Any]:
    """A client of its own, since no two hosts of a run may have the same one."""
    (home / name).mkdir(exist_ok=True)
    return {**service(home / name), "service_client_name": name, **variables}


def _provision_cases(home: Path) -> dict[str, Case]:
    usual = partial(_usual, home)
    plain = {"ARITMA_IAM_URL": "http://iam.example.com"}
    same = service(home / "same", service_client_allowed_scopes=[])
    return {
        "p_no_tenant": role([*NO_TENANT], environment={"ARITMA_TENANT": ""}, **usual("p_no_tenant")),
        "p_wrong_tenant": role(
            ["/nowhere/connect/token", "404"], environment={"ARITMA_TENANT": "nowhere"}, **usual("p_wrong_tenant")
        ),
        "p_http": role(NOT_LOOPBACK, environment=plain, **usual("p_http")),
        "p_twins": role(TWINS, **usual("p_twins", service_client_name="twins")),
        "p_scope": role(
            [
                "The secret of p_scope is proven",
                "'api' is not one of",
                SCOPE,
                "Nothing was changed",
                "service_client_verify_scope",
            ],
            **usual("p_scope", service_client_verify_scope="api"),
        ),
        "p_no_scope": role(
            ["none is given", "Nothing was changed", "service_client_allowed_scopes"],
            **usual("p_no_scope", service_client_allowed_scopes=[]),
        ),
        "p_no_name": role(["missing required arguments: service_client_name"]),
        "p_empty_name": role(
            ["service_client_name is not given. Nothing was changed."], **usual("p_empty_name", service_client_name="")
        ),
        "p_choice": role(
            ["no policies_mode all. There are: exact, merge"], **usual("p_choice", service_client_policies_mode="all")
        ),
        "p_misspelt": role(
            [r"no variable service_client_rotation_gracee \(probably service_client_rotation_grace\)", "Nothing was"],
            **usual("p_misspelt", service_client_rotation_gracee="1h"),
        ),
        "p_host": role(
            ["host p_htost is not in the inventory", "Probably p_host is meant"],
            **usual("p_host", service_client_deliveries=[{"path": "/srv/x.env", "hosts": ["p_htost"]}]),
        ),
        "p_probe": role(
            ["one of command, url, tasks is needed"], **usual("p_probe", service_client_probe={"delay": 1})
        ),
        "p_same_1": role([f"{SAME}|none is given"], **{**same, "service_client_name": "one more"}),
        "p_same_2": role([f"{SAME}|none is given"], **{**same, "service_client_name": "another"}),
    }


def _rotate_cases(home: Path) -> dict[str, Case]:
    usual = partial(_usual, home)
    return {
        "r_nobody": role(
            ["There is no client named .r_nobody", r"aritma\.iam\.provision"], "rotate", **usual("r_nobody")
        ),
        "r_twins": role(["doubles", "2 clients"], "rotate", **usual("r_twins", service_client_name="doubles")),
        "r_lease": role(["lease is zero"], "rotate", **usual("r_lease", service_client_lease="0s")),
        "r_margin": role(
            [r"secret_lifetime \(10d\) is not longer than expiry_margin"],
            "rotate",
            **usual("r_margin", service_client_secret_lifetime="10d"),
        ),
    }


def _revoke_cases(home: Path) -> dict[str, Case]:
    usual = partial(_usual, home, service_client_state="absent")
    return {
        "a_twins": role(TWINS, **usual("a_twins", service_client_name="twins", service_client_allowed_scopes=[])),
        "a_no_tenant": role(NO_TENANT, environment={"ARITMA_TENANT": ""}, **usual("a_no_tenant")),
        "a_misspelt": role(["no variable service_client_stroe"], **usual("a_misspelt", service_client_stroe={})),
    }


@pytest.mark.parametrize(
    "variables", [{"revoke_hosts": "bling"}, {"revoke_hosts": "billing,bling", "awx_workflow_job_id": 1}]
)
def test_revoke_wants_to_know_whom(ansible: Ansible, variables: Mapping[str, Any]) -> None:
    """No default, since it cannot be undone; and a name that nobody has is no success, nor in a workflow of AWX."""
    run = ansible.run("aritma.iam.revoke", hosts={"billing": service(ansible.home)}, variables=variables)
    assert run.code != 0
    assert "Nothing was done. Name the clients as the inventory spells them" in " ".join(run.output.split())


@pytest.mark.parametrize(
    ("playbook", "option", "pattern"),
    [
        ("rotate", "rotation_hosts", "billng"),
        ("rotate", "rotation_hosts", "billing:other"),
        ("provision", "provision_hosts", "service_clients,!nobody"),
        ("move_store", "move_store_hosts", ["billing", "other"]),
    ],
)
def test_a_pattern_of_hosts_that_is_misspelled(
    seeded: Simulator, ansible: Ansible, playbook: str, option: str, pattern: object
) -> None:
    """It is an error. A group without a host is none."""
    before = seeded.admin.state()
    run = ansible.run(f"aritma.iam.{playbook}", hosts={"billing": service(ansible.home)}, variables={option: pattern})
    assert run.code != 0 and f"{option}: there is no host or group" in " ".join(run.output.split()), run.output
    assert seeded.admin.state() == before
    assert "no hosts matched" in ansible.run(f"aritma.iam.{playbook}", hosts={}).ok().output


@pytest.mark.parametrize(
    "pattern", ["~bil.*:!other", "fe80::1", "service_clients[0:1]", ["billing", "fe80::*"], "billing:!at-*"]
)
def test_a_pattern_of_hosts_as_ansible_has_them(ansible: Ansible, pattern: object) -> None:
    """With a colon between two of them, in a range, and in an address."""
    hosts: dict[str, dict[str, Any]] = {"billing": {}, "fe80::1": {}, "other": {}}
    run = ansible.run("aritma.iam.rotate", "--list-hosts", hosts=hosts, variables={"rotation_hosts": pattern}).ok()
    assert "hosts (1)" in run.output or "hosts (2)" in run.output, run.output


def test_a_client_without_a_name(ansible: Ansible) -> None:
    """One short message, whatever the playbook."""
    nameless = {**service(ansible.home), "service_client_name": ""}
    for playbook in ("rotate", "provision", "revoke"):
        run = ansible.run(f"aritma.iam.{playbook}", hosts={"billing": nameless}, variables={"revoke_hosts": "billing"})
        assert run.code != 0 and "service_client_name is not given. Nothing was changed." in run.messages, run.output


def test_stores_that_cannot_be_used(seeded: Simulator, ansible: Ansible) -> None:
    """A store that cannot be written is found out before the first write; a bad record is never written over."""
    before, home = seeded.admin.state(), ansible.home
    (home / "file").write_text("a regular file")
    (home / "folder").mkdir()
    records = _bad_records(home)
    cases: dict[str, dict[str, Any]] = {
        "below_a_file": _stored_at(home, "below_a_file", home / "file" / "record.json"),
        "a_folder": _stored_at(home, "a_folder", home / "folder"),
        "relative": _stored_at(home, "relative", Path("record.json")),
        **{name: _stored_at(home, name, path) for name, path in records.items()},
    }
    says = {
        "below_a_file": ["Cannot write .*/file/record.json: Not a directory", "Correct the path"],
        "a_folder": ["/folder.*directory", "Name a file in it"],
        "relative": ["'record.json' is not the absolute path of a file", "Begin it with /"],
        "truncated": [
            "/truncated.json holds 20 characters that are not JSON: it is truncated",
            "service_client_recover=true",
        ],
        "foreign": ["holds the record of client .other., not of .foreign", r"store of its own \(path\)"],
        "newer": ["/newer.json holds a record of schema 2; this version reads up to 1", "Upgrade aritma.iam"],
        "misshapen": [
            "/misshapen.json holds a record that cannot be used: current.value",
            "service_client_recover=true",
        ],
    }
    contents = {path: path.read_text() for path in records.values()}

    run = ansible.run("aritma.iam.provision", hosts=cases)
    check_messages(run, says)
    everybody = {"rotation_batch": "100%", "rotation_max_fail_percentage": 100, "rotation_force": True}
    run = ansible.run("aritma.iam.rotate", hosts=cases, variables=everybody)
    check_messages(run, {name: says[name] for name in records})

    assert {path: path.read_text() for path in contents} == contents
    assert "old-value" not in run.output
    check_untouched(seeded, before, *home.glob("*/*.env"))


def _stored_at(home: Path, name: str, path: Path) -> dict[str, Any]:
    store = {"type": "file", "path": str(path)}
    return _usual(home, name, service_client_policies=[], service_client_store=store)


def _bad_records(home: Path) -> dict[str, Path]:
    current = {"value": "old-value-000", "rotation_id": "r1", "secret_id": "1"}
    record = {"schema": 1, "client_id": "c1", "version": 3, "current": current}
    texts = {
        "truncated": json.dumps(record)[:20],
        "foreign": json.dumps({**record, "client_id": "c9", "client_name": "other"}),
        "newer": json.dumps({**record, "schema": 2}),
        "misshapen": json.dumps({**record, "current": {**current, "value": ["old-value-000"]}}),
    }
    for name, text in texts.items():
        (home / f"{name}.json").write_text(text)
    return {name: home / f"{name}.json" for name in _RECORDS}


def test_a_tenant_that_the_server_hides(simulate: Callable[..., Simulator], tmp_path: Path) -> None:
    """Some servers answer for an unknown tenant as for an unknown client."""
    simulator = simulate(unknown_tenant="invalid_client")
    says = ["/nowhere/connect/token", "invalid_client", "auth_client_id", "tenant"]
    environment = {"ARITMA_TENANT": "nowhere"}
    run_cases(Ansible(tmp_path, simulator), {"hidden": module("oidc_client", says, environment, name="new")})
    check_untouched(simulator, simulator.admin.state())
