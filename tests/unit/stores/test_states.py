# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The states of ``credential_store``, in this process, on every type of store: a file, OpenBao, AWS Secrets Manager."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from ansible_collections.aritma.iam.plugins.module_utils._core.process import here, start_time
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import Owner
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._operation import CREDENTIAL_STORE

from .conftest import VALUE, Keep, perform
from .places import Place

Json = dict[str, Any]


def rotated(keep: Keep, **options: Any) -> Json:
    """A whole rotation up to its promotion."""
    keep("staged", **options)
    return keep("promoted")


@pytest.fixture(params=["file", "hashi_vault", "aws_secretsmanager"])
def place(request: pytest.FixtureRequest) -> Place:
    """Each type of store, empty."""
    found: Place = request.getfixturevalue(f"{request.param}_place")
    return found


@pytest.fixture
def keep(place: Place) -> Keep:
    """``credential_store`` in this process, on that store."""

    def run(state: str = "read", **options: Any) -> Json:
        return perform(CREDENTIAL_STORE, **{"store": place.options, "client_id": "c1", "state": state, **options})

    return run


def lease_to(place: Place, owner: Owner, until: str = "2999-01-01T00:00:00Z") -> None:
    """Write a lease of another run into the record."""
    place.put({**place.stored(), "lease": {"owner": str(owner), "expires_at": until}})


@pytest.fixture
def live() -> Any:
    """Another run, which lives as long as the test."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    yield Owner(here(), process.pid, start_time(process.pid))
    process.kill()
    process.wait()


DEAD = Owner(here(), 1 << 22, "1")


def test_a_missing_record_is_null_and_version_0(keep: Keep) -> None:
    """And a read makes no file."""
    read = keep()
    assert (read["record"], read["version"], read["in_progress"], read["changed"]) == (None, 0, False, False)


def test_a_whole_rotation(keep: Keep, place: Place) -> None:
    """Each step shows in the store, and the second time it changes nothing."""
    first = keep("staged", value=VALUE, client_name="billing", secret_id=None, listed_before=["7"])
    assert first["changed"]
    pending = place.stored()["pending"]
    assert pending["value"] == VALUE
    assert pending["listed_before"] == ["7"]
    assert pending["rotation_id"] in pending["description"]
    assert not keep("staged")["changed"]

    promoted = keep("promoted", rotation_id=pending["rotation_id"], secret_id="12")
    assert promoted["changed"]
    data = place.stored()
    assert (data["current"]["value"], data["current"]["secret_id"], data["pending"]) == (VALUE, "12", None)
    assert "listed_before" not in data["current"]
    assert not keep("promoted", rotation_id=pending["rotation_id"])["changed"]

    keep("staged")
    keep("promoted", grace="1h")
    data = place.stored()
    assert data["previous"]["value"] == VALUE
    assert data["previous"]["retire_after"] > data["last_rotated_at"]
    assert data["current"]["rotation_id"][:6] == pending["rotation_id"][:6]
    assert "lease" in data

    assert keep("retired", secret_id="13")["changed"]
    data = place.stored()
    assert (data["previous"], data["current"]["secret_id"], data.get("lease")) == (None, "13", None)
    assert not keep("retired", secret_id="13")["changed"]
    assert keep()["version"] == data["version"] == 5

    assert keep("absent")["record"] is None
    assert not keep("absent")["changed"]
    assert place.stored() is None


def test_a_record_at_a_known_path_is_read_without_knowing_whose_it_is(keep: Keep) -> None:
    """It says so itself."""
    keep("staged")
    assert keep(client_id=None)["record"]["client_id"] == "c1"


def test_a_generated_value_is_32_letters_and_digits(keep: Keep) -> None:
    """The same under any encoding, and another one each time."""
    value = keep("staged")["record"]["pending"]["value"]
    assert len(value) == 32
    assert value.isascii()
    assert value.isalnum()


def test_a_pending_secret_is_kept_with_its_value(keep: Keep) -> None:
    """A run that was killed is gone on with; the new value is not taken. Its id at the server is noted."""
    before = keep("staged", value=VALUE)["record"]["pending"]
    after = keep("staged", value="another-value", rotation_id="r2", secret_id="5")
    assert after["changed"]
    assert after["record"]["pending"] == {**before, "secret_id": "5"}


def test_retired_without_previous_still_notes_the_id_and_ends_the_lease(keep: Keep) -> None:
    """A first secret has nothing before it, so that its promotion ends the lease already."""
    assert "lease" not in rotated(keep)["record"]
    assert "lease" in keep("claimed")["record"]
    done = keep("retired", secret_id="1")
    assert done["changed"]
    assert done["record"]["current"]["secret_id"] == "1"
    assert "lease" not in done["record"]


def test_discarded_forgets_pending_and_ends_the_lease(keep: Keep) -> None:
    """And is idempotent."""
    keep("staged")
    done = keep("discarded")
    assert done["changed"]
    assert done["record"]["pending"] is None
    assert "lease" not in done["record"]
    assert not keep("discarded")["changed"]


def test_a_roll_back_restores_the_previous_value_and_marks_what_failed(keep: Keep) -> None:
    """The previous value is added again under a new rotation id; the lease outlives the retirement in between."""
    old = rotated(keep, value=VALUE)["record"]["current"]
    keep("retired")
    bad = rotated(keep)["record"]["current"]
    staged = keep("staged", restores=old["rotation_id"])["record"]
    assert staged["pending"]["value"] == VALUE
    assert staged["pending"]["rotation_id"] != old["rotation_id"]
    assert "lease" in keep("retired")["record"]
    record = keep("promoted")["record"]
    assert record["current"]["value"] == VALUE
    assert "restores" not in record["current"]
    assert record["previous"]["rotation_id"] == bad["rotation_id"]
    assert record["previous"]["rolled_back"] is True


def test_a_roll_back_needs_the_value_that_it_names(keep: Keep) -> None:
    """Otherwise nothing is written."""
    rotated(keep)
    failed = keep("staged", restores="r0")
    assert failed["failed"]
    assert "holds no previous secret of rotation r0" in failed["msg"]


def test_adopted_makes_a_first_record_and_never_overwrites_one(keep: Keep) -> None:
    """Also after a discarded first attempt, whose version it goes on from."""
    keep("staged")
    keep("discarded")
    done = keep("adopted", value=VALUE, secret_id="9", client_name="billing", description="by hand")
    record = done["record"]
    assert (record["version"], record["client_name"]) == (3, "billing")
    assert (record["current"]["secret_id"], record["current"]["description"]) == ("9", "by hand")
    assert record["current"]["rotation_id"]
    assert not keep("adopted", value=VALUE, secret_id="9")["changed"]
    refused = keep("adopted", value="another-value", secret_id="9")
    assert refused["failure"]["kind"] == "refused"


@pytest.mark.parametrize("state", ["staged", "promoted", "retired", "discarded", "adopted", "absent"])
def test_nothing_is_written_while_another_run_lives(keep: Keep, place: Place, live: Owner, state: str) -> None:
    """It is named, and until when it counts. A read says so too, and a release leaves its lease alone."""
    keep("staged", value=VALUE)
    lease_to(place, live)
    before = place.stored()
    failed = keep(state, value=VALUE, secret_id="1") if state in ("staged", "adopted") else keep(state)
    assert failed["failure"]["kind"] == "store_conflict"
    assert failed["failure"]["until"] == "2999-01-01T00:00:00Z"
    assert f"pid {live.pid}" in failed["msg"]
    assert VALUE not in str(failed)
    read = keep()
    assert read["in_progress"] is True
    assert str(live.pid) in read["holder"]
    assert read["until"] == "2999-01-01T00:00:00Z"
    released = keep("released")
    assert "failed" not in released
    assert (released["changed"], released["in_progress"]) == (False, True)
    assert place.stored() == before


def test_the_lease_of_a_dead_run_is_taken_over_at_once(keep: Keep, place: Place) -> None:
    """A run that was killed never blocks the next one."""
    keep("staged", value=VALUE)
    lease_to(place, DEAD)
    assert keep()["in_progress"] is False
    taken = keep("staged")
    assert taken["changed"]
    assert taken["record"]["pending"]["value"] == VALUE
    assert taken["record"]["lease"]["owner"] != str(DEAD)


def test_an_expired_lease_is_free(keep: Keep, place: Place, live: Owner) -> None:
    """Even of a run that lives: it was stopped, or is very slow."""
    rotated(keep)
    keep("staged")
    lease_to(place, live, "2020-01-01T00:00:00Z")
    assert keep("promoted")["record"]["lease"]["expires_at"] > "2026"


def test_a_run_may_do_without_a_lease(keep: Keep) -> None:
    """``lease=0s``: compare-and-set still holds."""
    staged = keep("staged", lease="0s")["record"]
    assert "lease" not in staged
    assert not keep("staged", lease="0s")["changed"]
    assert "lease" not in keep("promoted", lease="0s")["record"]


def test_claimed_takes_the_lease_and_nothing_else(keep: Keep, place: Place, live: Owner) -> None:
    """To go on after a promotion; never that of another live run."""
    assert not keep("claimed")["changed"]
    before = rotated(keep)["record"]
    claimed = keep("claimed")
    assert {**claimed["record"], "lease": None, "version": 2} == {**before, "lease": None}
    assert not keep("claimed")["changed"]
    lease_to(place, live)
    assert keep("claimed")["failure"]["kind"] == "store_conflict"


def test_the_record_of_a_client_with_another_name_is_refused(keep: Keep) -> None:
    """Two clients with one store would take each other's secrets."""
    keep("staged", client_name="billing")
    for state in ("read", "promoted"):
        assert "record of client 'billing', not of 'orders'" in keep(state, client_name="orders")["msg"]


def test_released_ends_our_lease_and_leaves_the_rest(keep: Keep) -> None:
    """For a run that ends with a previous secret waiting."""
    rotated(keep)
    before = rotated(keep)["record"]
    after = keep("released", secret_id="4")["record"]
    assert "lease" not in after
    assert after["current"] == {**before["current"], "secret_id": "4"}
    assert not keep("released", secret_id="4")["changed"]


def test_a_write_over_another_version_is_refused(keep: Keep) -> None:
    """Compare-and-set for callers that read before."""
    assert keep("staged", version=0)["changed"]
    failed = keep("promoted", version=0)
    assert failed["failure"] == {"kind": "store_conflict", "version": 1}
    assert keep("promoted", version=1)["changed"]


@pytest.mark.parametrize("state", ["promoted", "discarded"])
def test_another_rotation_than_the_one_that_is_meant_is_not_touched(keep: Keep, state: str) -> None:
    """The secret that was proven is the one that is promoted."""
    keep("staged", rotation_id="r1")
    failed = keep(state, rotation_id="r2")
    assert failed["failure"] == {"kind": "store_conflict", "rotation_id": "r1"}


def test_a_second_promotion_over_a_previous_secret_is_refused(keep: Keep) -> None:
    """A record keeps one, so that none is forgotten."""
    rotated(keep)
    rotated(keep)
    keep("staged")
    assert "still has a previous secret" in keep("promoted")["msg"]


def test_check_mode_writes_nothing_and_predicts(keep: Keep, place: Place) -> None:
    """What would be generated is null; all else is as it will be."""
    predicted = keep("staged", check_mode=True)
    assert predicted["changed"]
    assert predicted["version"] == 1
    assert predicted["record"]["pending"]["value"] is None
    assert predicted["record"]["pending"]["rotation_id"] is None
    assert place.stored() is None
    given = keep("staged", check_mode=True, value=VALUE, rotation_id="r1")
    assert given["record"]["pending"]["value"] == VALUE
    staged = keep("staged")["record"]
    kept = keep("staged", check_mode=True)
    assert not kept["changed"]
    assert kept["record"]["pending"] == staged["pending"]
    assert keep("promoted", check_mode=True)["record"]["current"]["value"] == staged["pending"]["value"]
    assert keep("absent", check_mode=True)["changed"]
    assert place.stored() == staged


def test_a_diff_shows_no_value(keep: Keep) -> None:
    """Rotation ids, ids and times, yes."""
    keep("staged", value=VALUE, rotation_id="r1")
    keep("promoted")
    keep("staged", value=VALUE + "x")
    done = keep("promoted")
    assert VALUE not in str(done["diff"])
    assert done["diff"]["after"]["previous"]["rotation_id"] == "r1"
    assert done["diff"]["before"]["version"] == 3


def test_members_that_are_not_ours_are_kept(keep: Keep, place: Place) -> None:
    """Of the same schema, written by a newer version."""
    keep("staged")
    data = place.stored()
    data["note"] = "theirs"
    place.put(data)
    keep("promoted")
    assert place.stored()["note"] == "theirs"
