# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and ids with blanks, quotes, slashes and templates are taken as they are."""

from __future__ import annotations

import pytest

from unit.api.driver import Driver

NAMES = [
    "billing service",
    " \"quoted\" 'twice' ",
    "æøå ÆØÅ ß 漢字",
    "100% / of #1?&=+;",
    "a/b/../c",
    "{{ 7 * 7 }} {% raw %}",
    "back\\slash",
    ".",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_taken_as_it_is(iam: Driver, name: str) -> None:
    iam.admin.seed(clients=[{"name": f"{name}{tail}"} for tail in ("x", " ", "2")])
    made = iam.ok("oidc_client", name=name, description=f"about {name}")
    [held] = iam.clients(name)
    assert held["description"] == f"about {name}"
    assert not iam.ok("oidc_client", name=name, description=f"about {name}")["changed"]
    found = iam.ok("client_subject_info", client_id=made["client"]["client_id"], name=name)
    assert found["subject"]["subject_id"] == held["subject_id"]
    of_it = {"client_id": held["client_id"], "description": name}
    assert iam.ok("client_secret", **of_it)["changed"]
    assert not iam.ok("client_secret", **of_it)["changed"]
    assert iam.ok("client_secret", state="absent", keep_last=False, **of_it)["changed"]


@pytest.mark.parametrize("client_id", ["with space", "a/b", "50%", "æ", "{{ x }}", "a?b#c"])
def test_an_id_is_taken_as_it_is(iam: Driver, client_id: str) -> None:
    iam.admin.seed(clients=[{"name": "n", "client_id": client_id}, {"name": "m", "client_id": "a"}])
    assert iam.ok("oidc_client", client_id=client_id, name="renamed")["changed"]
    assert iam.clients("renamed")[0]["client_id"] == client_id
    assert iam.ok("client_secret", client_id=client_id, description="d")["changed"]
    assert iam.ok("oidc_client", client_id=client_id, state="absent")["changed"]
    assert [client["client_id"] for client in iam.admin.state()["clients"]] == ["admin", "a"]
