# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deliveries to a real OpenBao and to AWS Secrets Manager, and what all deliveries have in common."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.errors import StoreConflictError
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries import _operation
from ansible_collections.aritma.iam.plugins.plugin_utils._deliveries._operation import CREDENTIAL_DELIVERY
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._place import Document

from .conftest import VALUE, Stage, perform
from .places import Place

Json = dict[str, Any]
Deliver = Callable[..., Json]
WHOLE = {"client_id": "c1", "client_secret": VALUE, "rotation_id": "r1"}


@pytest.fixture(params=["hashi_vault", "aws_secretsmanager"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each type of target, empty."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def deliver(place: Place) -> Deliver:
    """``credential_delivery`` to it, in this process."""

    def run(state: str = "present", **options: Any) -> Json:
        given = {"target": place.options, "credential": WHOLE, "state": state, **options}
        return perform(CREDENTIAL_DELIVERY, **given)

    return run


def test_a_credential_is_delivered_kept_mended_and_removed(place: Place, deliver: Deliver) -> None:
    """Check mode predicts each step. A diff shows names and the rotation, no value."""
    predicted = deliver(check_mode=True)
    assert (predicted["changed"], predicted["verified"], place.stored()) == (True, False, None)
    done = deliver()
    assert (done["changed"], done["verified"], done["rotation_id"], done["rolled_out"]) == (True, True, "r1", [])
    assert place.stored() == WHOLE
    assert done["diff"]["before"]["state"] == "absent"
    assert done["diff"]["after"]["members"] == sorted(WHOLE)
    assert done["diff"]["after"]["rotation_id"] == "r1"
    assert VALUE not in str(done)
    assert not deliver()["changed"]
    place.put({**WHOLE, "client_secret": "by hand"})
    drifted = deliver(check_mode=True)
    assert drifted["changed"]
    assert "by hand" not in str(drifted)
    assert place.stored()["client_secret"] == "by hand"
    assert deliver()["changed"]
    assert place.stored() == WHOLE
    assert deliver("absent", check_mode=True)["changed"]
    assert place.stored() == WHOLE
    assert deliver("absent", credential=None)["changed"]
    assert not deliver("absent")["changed"]
    assert place.stored() is None


def test_what_others_keep_in_the_same_secret_stays(place: Place, deliver: Deliver) -> None:
    """Also values that are no text. Members that were delivered under other names are removed under those."""
    theirs = {"password": "of the database", "ports": [1, 2]}
    place.put(theirs)
    members = {"id": "client_id", "secret": "client_secret"}
    assert deliver(members=members)["changed"]
    assert place.stored() == {**theirs, "id": "c1", "secret": VALUE}
    assert not deliver(members=members)["changed"]
    assert deliver("absent", members=members, credential=None)["changed"]
    assert place.stored() == theirs
    assert not deliver("absent")["changed"]


def test_a_change_by_somebody_else_at_the_same_time_is_not_lost(
    place: Place, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write is repeated on the new content. If others write each time, it is an error."""
    put, others = Document.change, iter(range(1))

    def overtaken(self: Document, *how: Any) -> None:
        for number in others:
            place.put({"other": number})
        put(self, *how)

    monkeypatch.setattr(Document, "change", overtaken)
    assert deliver()["changed"]
    assert place.stored() == {**WHOLE, "other": 0}

    def refused(*_how: Any) -> None:
        raise StoreConflictError("It was changed by somebody else.")

    monkeypatch.setattr(Document, "change", refused)
    monkeypatch.setattr(_operation, "_CONFLICT_TIME", 0.5)
    failed = deliver(credential={**WHOLE, "rotation_id": "r2"})
    assert (failed["failure"]["kind"], failed["msg"]) == ("delivery", "It was changed by somebody else.")


def test_a_delivery_that_something_else_reverts_at_once_is_an_error(
    place: Place, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The delivery is read back after the write."""
    put = Document.change

    def undone(self: Document, *how: Any) -> None:
        put(self, *how)
        place.put({"client_secret": "theirs"})

    monkeypatch.setattr(Document, "change", undone)
    failed = deliver()
    assert "does not hold what was just written" in failed["msg"]
    assert VALUE not in str(failed)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"credential": None}, "credential is not set"),
        ({"members": ["colour"]}, "has no member 'colour'"),
        ({"target": {"type": "hashi_vault"}}, "target: type hashi_vault needs path"),
        (
            {"target": {"type": "hashi_vault", "path": "a", "url": "http://v.example.com"}},
            "target: http://v.example.com",
        ),
        ({"target": {"type": "aws_secretsmanager", "path": "a", "name": "b"}}, "has no member name. It has: ca_path"),
        ({"target": {"type": "aws_secretsmanager", "path": "a:b"}}, "target: 'a:b' is not the name of a secret"),
        ({"target": {"type": "pigeon"}}, "pigeon"),
        ({"target": {}}, "type"),
    ],
)
def test_options_that_cannot_be_used(options: Json, message: str) -> None:
    """Nothing is sent."""
    target = {"type": "hashi_vault", "url": "http://127.0.0.1:1", "token": "a-token", "path": "a"}
    failed = perform(CREDENTIAL_DELIVERY, **{"target": target, "credential": WHOLE, **options})
    assert failed["failed"]
    assert message in failed["msg"]
    assert VALUE not in str(failed)


@pytest.mark.parametrize(
    ("library", "target"),
    [
        ("hvac", {"type": "hashi_vault", "url": "http://127.0.0.1:1", "token": "a-token", "path": "a"}),
        ("boto3", {"type": "aws_secretsmanager", "region": "eu-north-1", "path": "a"}),
        ("kubernetes", {"type": "kubernetes_secret", "kubeconfig": "/dev/null", "namespace": "a", "name": "b"}),
    ],
)
def test_without_its_library_a_delivery_says_what_to_install(
    library: str, target: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each type needs its own and no other."""
    for name in [name for name in sys.modules if name == library or name.startswith(library + ".")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, library, None)
    failed = perform(CREDENTIAL_DELIVERY, target=target, credential=WHOLE)
    assert failed["failure"]["kind"] == "library"
    assert failed["failure"]["library"] == library


def test_a_play_shows_no_token(stage: Stage, hashi_vault_place: Place) -> None:
    """At -vvv, in a loop over places that hold tokens."""
    target = hashi_vault_place.options
    task = {
        "aritma.iam.credential_delivery": {"target": "{{ targets[number] }}", "credential": WHOLE},
        "vars": {"targets": [target, target]},
        "loop": ["first", "second"],
        "loop_control": {"index_var": "number"},
    }
    played = stage.play([task], "-vvv", "--diff")
    assert played.code == 0, played.output
    assert [each["changed"] for each in played.results[0]["results"]] == [True, False]
    assert VALUE not in played.output
    assert f'"{target["token"]}"' not in played.output
