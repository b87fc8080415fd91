# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What servers and networks do: each ends with a message that names the operation and what came; nothing is written."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme
from ansible_run import Ansible
from service import service
from torture.world import CONNECTIONS
from weather import (
    IMPATIENT,
    Case,
    as_admin,
    check_messages,
    check_untouched,
    module,
    role,
    run_cases,
    seed_admins,
)

from simulator.process import Simulator, running

GIVEN_UP = [r"Given up after \d+ attempts? in \d+ s"]
PATIENCE = ["Check api_url, the network and its proxies", "request_timeout and retry_budget"]

IAM_WEATHER: dict[str, tuple[dict[str, Any], list[str]]] = {
    "s401": ({"status": 401}, ["answered 401", "does not accept the token of auth_client_id", "auth_scope"]),
    "s403": ({"status": 403}, ["answered 403", "scope services.iam", "admin permission"]),
    "s429": ({"status": 429}, ["answered 429", *GIVEN_UP, "raise|retry_budget"]),
    "s429_soon": ({"status": 429, "retry_after": 1}, ["answered 429", *GIVEN_UP, "asks to wait 1 s"]),
    "s429_late": (
        {"status": 429, "retry_after": 3600},
        ["answered 429", "after 1 attempt in 0 s", "asks to wait 3600 s", "Try again after 20", "set retry_budget"],
    ),
    "s500": ({"status": 500, "body": "empty"}, ["answered 500: no explanation", *GIVEN_UP]),
    "s502": ({"status": 502, "body": "text"}, ["answered 502: the text", *GIVEN_UP]),
    "s503": ({"status": 503, "body": "problem"}, ["answered 503", *GIVEN_UP, "Try again later"]),
    "html": ({"status": 503, "body": "html"}, ["answered 503: an HTML page", *GIVEN_UP]),
    "html_200": (
        {"status": 200, "body": "html"},
        ["answered 200 with an HTML page", "where JSON was expected", "api_url"],
    ),
    "truncated": ({"action": "truncated_json"}, ["answered 200 with JSON that is cut off", "where JSON was expected"]),
    "cut": ({"action": "truncated_json", "drop_connection": True}, ["given up after", *PATIENCE]),
    "shape": (
        {"action": "wrong_shape"},
        ["cannot read: expected (a list|an object)", "received an object with unexpected", "Check api_url"],
    ),
    "reset": ({"action": "drop_before"}, ["closed the connection", "given up after", *PATIENCE]),
    "silent": ({"action": "hang"}, ["no answer|timed out|within", "given up after", *PATIENCE]),
}

TOKEN_WEATHER: dict[str, tuple[dict[str, Any], list[str]]] = {
    "t401": ({"status": 401, "payload": {"error": "invalid_client"}}, ["invalid_client", "auth_client_secret"]),
    "t403": ({"status": 403, "body": "html"}, ["403"]),
    "t429_late": ({"status": 429, "retry_after": 3600}, ["429", "retry_budget"]),
    "t503": ({"status": 503}, ["503"]),
    "t_html": ({"status": 200, "body": "html"}, ["200"]),
    "t_reset": ({"action": "drop_before"}, ["closed the connection"]),
    "t_silent": ({"action": "hang"}, ["no answer|timed out|within"]),
}


def _rule(match: Mapping[str, Any], what: Mapping[str, Any]) -> dict[str, Any]:
    return {"match": dict(match), "action": "fail_before", **what}


def test_modules_and_the_weather_of_the_api(simulator: Simulator, ansible: Ansible) -> None:
    """A read meets each weather; the admin of a case is what its rule matches."""
    cases = {name: _listing(name, says) for name, (_what, says) in IAM_WEATHER.items()}
    seed_admins(simulator, list(cases))
    rules = [
        _rule({"operation": "listClients", "client_id": name}, what) for name, (what, _says) in IAM_WEATHER.items()
    ]
    simulator.admin.add_faults(*rules)
    before = simulator.admin.state()
    run_cases(ansible, cases)
    check_untouched(simulator, before)


def _listing(name: str, says: Sequence[str]) -> Case:
    return module("oidc_client", ["listClients", *says], {**as_admin(name), **IMPATIENT}, name="x")


def test_modules_and_the_weather_of_the_token_endpoint(simulator: Simulator, ansible: Ansible) -> None:
    """No admin token, so no request to the API at all."""
    seed_admins(simulator, list(TOKEN_WEATHER))
    rules = [
        _rule({"path_regex": "connect/token", "client_id": name}, what) for name, (what, _says) in TOKEN_WEATHER.items()
    ]
    simulator.admin.add_faults(*rules)
    before = simulator.admin.state()
    where = ["/acme/connect/token"]
    cases = {
        name: module("oidc_client", [*where, *says], {**as_admin(name), **IMPATIENT}, name="x")
        for name, (_what, says) in TOKEN_WEATHER.items()
    }
    run_cases(ansible, cases)
    check_untouched(simulator, before)
    assert [each for each in simulator.admin.log() if "/v1/" in str(each.get("path"))] == []


@pytest.mark.torture
def test_provisioning_in_bad_weather(simulator: Simulator, ansible: Ansible) -> None:
    """One of each kind, each met by a host; what it met first was the client, so nothing was written.

    The modules tell the same of each, above; that the role writes nothing then, the next test has of its first write.
    """
    weather = {name: IAM_WEATHER[name] for name in ("s403", "s429_late", "html_200", "cut", "shape", "reset", "silent")}
    clients = [{"client_id": name, "name": name, "allowed_scopes": ["api"]} for name in weather]
    simulator.admin.seed(clients=clients)
    rules = [_rule({"operation": "getClient", "client_id": name}, what) for name, (what, _says) in weather.items()]
    simulator.admin.add_faults(*rules)
    before = simulator.admin.state()
    files = {name: (ansible.home / f"{name}.json", ansible.home / f"{name}.env") for name in weather}
    hosts = {name: _at(ansible.home, name, *files[name]) for name in weather}

    run = ansible.run("aritma.iam.provision", "-f", "6", hosts=hosts, **IMPATIENT)

    check_messages(run, {name: ["getClient", *says] for name, (_what, says) in weather.items()})
    check_untouched(simulator, before, *(path for pair in files.values() for path in pair))


def _at(home: Path, name: str, store: Path, delivery: Path) -> dict[str, Any]:
    return service(
        home,
        service_client_name=name,
        service_client_client_id=name,
        service_client_store={"type": "file", "path": str(store)},
        service_client_deliveries=[{"type": "file", "path": str(delivery)}],
    )


def test_the_first_write_is_refused(simulator: Simulator, ansible: Ansible) -> None:
    """The server refuses to make the client: one attempt (but for 429), and neither a store nor a delivered file."""
    weather: dict[str, tuple[dict[str, Any], list[str]]] = {
        "w401": ({"status": 401}, ["answered 401", "auth_client_id"]),
        "w403": ({"status": 403}, ["answered 403", "scope services.iam"]),
        "w422": ({"status": 422, "body": "problem"}, ["answered 422"]),
        "w429": ({"status": 429, "retry_after": 3600}, ["answered 429", "asks to wait 3600 s"]),
    }
    seed_admins(simulator, list(weather))
    rules = [_rule({"operation": "createClient", "client_id": name}, what) for name, (what, _says) in weather.items()]
    simulator.admin.add_faults(*rules)
    before, home = simulator.admin.state(), ansible.home
    files = {name: (home / f"{name}.json", home / f"{name}.env") for name in weather}
    cases = {}
    for name, (_what, says) in weather.items():
        variables = _at(home, name, *files[name])
        del variables["service_client_client_id"]
        cases[name] = role(["createClient: POST", *says], environment={**as_admin(name), **IMPATIENT}, **variables)
    run_cases(ansible, cases)
    assert simulator.admin.state() == before
    assert [path for pair in files.values() for path in pair if path.exists()] == []


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator whose certificate an authority signed that nobody here knows."""
    authority, folder = trustme.CA(), tmp_path / "tls"
    folder.mkdir()
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(str(folder / "key.pem"))
    for pem in (*issued.cert_chain_pems, authority.cert_pem):
        pem.write_to_path(str(folder / "cert.pem"), append=True)
    with running(tls=(str(folder / "cert.pem"), str(folder / "key.pem"))) as simulator:
        yield simulator


def test_nobody_to_trust_and_nobody_there(secure: Simulator, tmp_path: Path) -> None:
    """A certificate that does not verify, and a port where nothing listens: for the API, for tokens, for the role."""
    ansible = Ansible(tmp_path, secure)
    (tmp_path / "gone").mkdir()
    trust = [r"certificate of 127\.0\.0\.1:\d+ is not trusted", "ca_path"]
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        refused = ["[Rr]efused", nowhere]
        token = {"client_id": "one", "client_secret": "12345678", "scope": "api", "deadline": 0}
        access = {"ARITMA_ACCESS_TOKEN": "a.given.token", **IMPATIENT}
        cases = {
            "untrusted": module("oidc_client", trust, name="x"),
            "untrusted_api": module("oidc_client", trust, access, name="x"),
            "untrusted_token": module("token_exchange", trust, **token),
            "untrusted_role": role(trust, **service(tmp_path)),
            "gone": module(
                "oidc_client",
                [*refused, "identity_url|token_url"],
                {"ARITMA_IDENTITY_URL": nowhere, **IMPATIENT},
                name="x",
            ),
            "gone_api": module("oidc_client", [*refused, *PATIENCE], {**access, "ARITMA_IAM_URL": nowhere}, name="x"),
            "gone_token": module(
                "token_exchange", [*refused, "unknown"], {"ARITMA_IDENTITY_URL": nowhere, **IMPATIENT}, **token
            ),
            "gone_role": role(
                refused,
                environment={**access, "ARITMA_IAM_URL": nowhere},
                **service(tmp_path / "gone", service_client_name="gone"),
            ),
        }
        run_cases(ansible, cases)
    assert secure.admin.log() == []
    assert not (tmp_path / "store").exists() and list((tmp_path / "gone").iterdir()) == []


def test_libraries_that_a_target_lacks(simulator: Simulator, ansible: Ansible) -> None:
    """Each missing or broken library is named, with the host's Python; a file is delivered all the same."""
    before, home = simulator.admin.state(), ansible.home
    bare, half = _bare_python(home / "bare"), _bare_python(home / "half", "requests", "urllib3", "idna", "certifi")
    broken = _bare_python(home / "broken", "requests", "urllib3", "idna", "certifi")
    (site,) = (home / "broken").glob("lib/python3*/site-packages")
    (site / "pydantic.py").write_text("raise SystemError('pydantic-core 2.1 is incompatible')")
    options = {"run_on": "target", "name": "x"}
    cases = {
        "no_requests": ({"ansible_python_interpreter": bare}, r"\(requests\)"),
        "no_pydantic": ({"ansible_python_interpreter": half}, r"\(pydantic\)"),
        "broken": ({"ansible_python_interpreter": broken}, r"\(pydantic\).*import fails: SystemError: pydantic"),
    }
    run_cases(
        ansible,
        {
            name: Case(
                [{"aritma.iam.oidc_client": options}],
                ["Failed to import the required Python library", library, "python"],
                variables=variables,
            )
            for name, (variables, library) in cases.items()
        }
        | {
            "role": Case(
                [{"ansible.builtin.include_role": {"name": "aritma.iam.service_client"}}],
                [r"\(requests\)"],
                {"ARITMA_RUN_ON": "target"},
                {**service(home), "ansible_python_interpreter": bare},
            )
        },
    )
    check_untouched(simulator, before, home / "store", home / "billing.env")
    hosts = {name: variables for name, (variables, _library) in cases.items()}
    _check_file_delivered(ansible, hosts)


def _check_file_delivered(ansible: Ansible, hosts: Mapping[str, Mapping[str, Any]]) -> None:
    """To hosts that are reached over a connection: that needs no library, and loads none."""
    file = {"path": f"{ansible.home}/{{{{ inventory_hostname }}}}.env", "credential": {"client_id": "a"}}
    play = {"hosts": "service_clients", "gather_facts": False, "tasks": [{"aritma.iam.credential_file": file}]}
    ansible.environment["ANSIBLE_CONNECTION_PLUGINS"] = str(CONNECTIONS)
    ansible.run([play], hosts={name: {**own, "ansible_connection": "elsewhere"} for name, own in hosts.items()}).ok()
    assert {(ansible.home / f"{name}.env").read_text() for name in hosts} == {"CLIENT_ID=a\n"}


def _bare_python(folder: Path, *packages: str) -> str:
    """A Python of its own with the standard library and those of our packages that are named."""
    import venv

    venv.create(folder, symlinks=True, with_pip=False)
    site = next(folder.glob("lib/python3*/site-packages"))
    ours = next(Path(sys.prefix).glob("lib/python3*/site-packages"))
    for package in packages:
        (site / package).symlink_to(ours / package)
    return str(folder / "bin" / "python")
