# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules for groups and members over real HTTP: on every kind of server, in batches, and with lost answers."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.caller import Caller
from unit.api.driver import Driver
from unit.api.parts import profiles

WITHOUT = {
    "no_groups": "This server does not support groups",
    "groups_forbidden": "answered 403",
}
"""Profiles without groups, and the message on them."""
VALUE = "value-of-the-client"
MANAGE = {"action": "banking.manage", "scope": "/subscriptions/123"}
BELOW = {"action": "banking.ais.read", "scope": "/subscriptions/123/accounts/1"}


@pytest.fixture
def profile(request: pytest.FixtureRequest, iam: Driver) -> str:
    """The simulator under one profile, with groups and clients whose names contain ours."""
    name = str(request.param)
    iam.admin.reset(name)
    iam.admin.seed(
        groups=[{"name": f"readers {number}"} for number in range(12)],
        clients=[{"name": f"billing{number}"} for number in range(12)],
    )
    return name


def group_of(iam: Driver, name: str = "readers") -> dict[str, Any]:
    """The group as the simulator holds it."""
    (group,) = [each for each in iam.admin.state()["groups"] if each["name"] == name]
    return dict(group)


def seeded(iam: Driver, *names: str) -> list[str]:
    """The subject ids of new clients."""
    secrets = [{"value": VALUE, "description": ""}]
    made = iam.admin.seed(clients=[{"name": each, "client_id": f"id-{each}", "secrets": secrets} for each in names])
    return [str(each["subject_id"]) for each in made["clients"]]


def twice(iam: Driver, task: str, **options: Any) -> dict[str, Any]:
    """Run a task in check mode, then twice: it is predicted without a write, done as predicted, and then unchanged."""
    iam.admin.clear_log()
    predicted = iam.ok(task, check=True, **options)
    assert iam.writes() == []
    done = iam.ok(task, **options)
    assert (done["changed"], done["diff"]) == (predicted["changed"], predicted["diff"])
    written = iam.writes()
    iam.admin.clear_log()
    again = iam.ok(task, **options)
    assert again["changed"] is False, again
    assert again["diff"]["before"] == again["diff"]["after"]
    assert iam.writes() == []
    return {**done, "written": written}


@profiles("groups", "policies")
def test_the_life_of_a_group(iam: Driver, profile: str) -> None:
    """Create it, grant it a permission, let a client join, use the permission and leave, and delete it."""
    (billing,) = seeded(iam, "billing")
    if profile in WITHOUT:
        _check_not_offered(iam, billing, WITHOUT[profile])
        return
    made = twice(iam, "subject_group", name="readers", description="May read")
    assert made["written"] == ["POST createGroup"]
    held = group_of(iam)
    wanted = {"subject_id": held["subject_id"], "id": held["id"], "name": "readers", "description": "May read"}
    assert made["group"] == wanted
    assert iam.ok("subject_group_info", group="readers")["groups"] == [wanted]
    assert len(iam.ok("subject_group_info")["groups"]) == 13

    iam.ok("iam_policies", subject=held["subject_id"], policies=[MANAGE])
    token = Caller(iam.simulator).exchange("id-billing", VALUE).json()["access_token"]
    assert not iam.admin.allowed(token, **BELOW)["allowed"]
    joined = twice(iam, "subject_group_members", group="readers", clients=["billing"])
    assert (joined["added"], joined["members"]) == ([billing], [billing])
    assert group_of(iam)["members"] == [billing]
    assert iam.admin.allowed(token, **BELOW) == {"allowed": True, "through": [held["subject_id"]]}

    _check_seen(iam, billing, held["subject_id"])
    left = twice(iam, "subject_memberships", name="billing", groups=[], mode="exact")
    assert (left["changed"], left["groups"]) == (True, [])
    assert not iam.admin.allowed(token, **BELOW)["allowed"]
    _check_deleted(iam, held)


def _check_not_offered(iam: Driver, subject: str, words: str) -> None:
    assert words in iam.refused("subject_group", name="readers")
    assert words in iam.refused("subject_group_info")
    assert words in iam.refused("subject_group_members", group="readers", members=[subject])
    assert words in iam.refused("subject_memberships_info", subject=subject)
    assert words in iam.refused("subject_memberships", subject=subject, groups=["readers"])
    if words == WITHOUT["no_groups"]:
        assert not iam.ok("subject_memberships", subject=subject, groups=[], mode="exact")["changed"]
    else:
        assert words in iam.refused("subject_memberships", subject=subject, groups=[], mode="exact")
    iam.admin.seed(policies=[{"subject": subject, **MANAGE}])
    shown = iam.ok("subject_permissions_info", subject=subject)
    assert [each["through"] for each in shown["permissions"][0]["origins"]] == ["direct"]
    assert words in shown["warnings"][0]


def _check_seen(iam: Driver, billing: str, group: str) -> None:
    (membership,) = iam.ok("subject_memberships_info", client_id="id-billing", name="billing")["memberships"]
    assert membership["subject_id"] == group
    permissions = iam.ok("subject_permissions_info", subject=billing)["permissions"]
    (manage,) = [each for each in permissions if "banking.manage" in repr(each.get("action"))]
    (origin,) = manage["origins"]
    assert origin == {"through": "group", "group": "readers", "subject": group, **MANAGE, "by": "policy"}
    switches = iam.admin.state()["switches"]
    assert manage["listed"] == switches["permissions_through_groups"]
    if switches["permissions_implied"]:
        (implied,) = [each for each in permissions if each["action"] == "banking.ais.read"]
        assert [each["by"] for each in implied["origins"]] == ["parent_action"]


def _check_deleted(iam: Driver, group: dict[str, Any]) -> None:
    switches = iam.admin.state()["switches"]
    if switches["delete_group_status"] == 405:
        assert "does not support the deletion of groups" in iam.refused("subject_group", name="readers", state="absent")
        return
    gone = twice(iam, "subject_group", name=group["subject_id"], state="absent")
    assert (gone["changed"], gone["group"]["name"]) == (True, "readers")
    assert len(iam.admin.state()["groups"]) == 12
    assert bool(iam.admin.state()["policies"]) == (not switches["group_cascade"])


@pytest.mark.parametrize(
    ("profile_name", "most"), [("documented", 200), ("strict_groups", 50), ("groups_by_id", 200), ("small_pages", 200)]
)
def test_200_members_are_added_and_removed_in_as_few_requests_as_the_server_allows(
    iam: Driver, profile_name: str, most: int
) -> None:
    iam.admin.reset(profile_name)
    names = [f"worker-{number:03}" for number in range(200)]
    subjects = seeded(iam, *names)
    iam.admin.seed(groups=[{"name": "fleet", "members": subjects[:3]}, {"name": "other", "members": subjects[:3]}])
    refused = most < 197  # then the server refuses the first request, which has too many
    joined = twice(iam, "subject_group_members", group="fleet", clients=names)
    assert (joined["added"], group_of(iam, "fleet")["members"]) == (subjects[3:], subjects)
    assert joined["written"] == ["POST addGroupMembers"] * (-(-197 // most) + refused)

    emptied = twice(iam, "subject_group_members", group="fleet", mode="exact")
    assert (emptied["removed"], group_of(iam, "fleet")["members"]) == (sorted(subjects), [])
    assert emptied["written"] == ["DELETE removeGroupMembers"] * (200 // most + refused)
    assert group_of(iam, "other")["members"] == subjects[:3]


def test_exact_removes_members_that_are_not_named(iam: Driver) -> None:
    one, two, three = seeded(iam, "one", "two", "three")
    iam.admin.seed(groups=[{"name": "readers", "members": [one, two]}])
    swapped = twice(iam, "subject_group_members", group="readers", members=[two, three], mode="exact")
    assert (swapped["added"], swapped["removed"]) == ([three], [one])
    assert swapped["diff"]["before"] == {"members": sorted([one, two])}
    left = twice(iam, "subject_group_members", group="readers", clients=["two", "nobody"], state="absent")
    assert left["removed"] == [two]
    assert group_of(iam)["members"] == [three]


def test_memberships_are_merged_or_exact(iam: Driver) -> None:
    """With one request for each group that changes. Only ``exact`` leaves groups that are not named."""
    (one,) = seeded(iam, "one")
    iam.admin.seed(groups=[{"name": each, "members": [one] if each == "c" else []} for each in "abc"])
    merged = twice(iam, "subject_memberships", subject=one, groups=["a", "c"])
    assert (merged["groups"], merged["written"]) == (["a", "c"], ["POST addGroupMembers"])
    exact = twice(iam, "subject_memberships", subject=one, groups=["b", "a"], mode="exact")
    assert exact["written"] == ["POST addGroupMembers", "DELETE removeGroupMembers"]
    assert exact["diff"] == {"before": {"groups": ["a", "c"]}, "after": {"groups": ["a", "b"]}}
    assert [each["members"] for each in iam.admin.state()["groups"]] == [[one], [one], []]


def test_exact_ignores_memberships_through_another_group(iam: Driver) -> None:
    iam.admin.reset("groups_by_subject_id")
    (one,) = seeded(iam, "one")
    made = iam.admin.seed(groups=[{"name": "inner", "members": [one]}])
    inner = str(made["groups"][0]["subject_id"])
    outer = str(iam.admin.seed(groups=[{"name": "outer", "members": [inner]}])["groups"][0]["subject_id"])
    iam.admin.seed(policies=[{"subject": outer, **MANAGE}])
    assert iam.ok("subject_memberships", subject=one, groups=["inner"], mode="exact")["changed"] is False
    (permission,) = iam.ok("subject_permissions_info", subject=one)["permissions"]
    assert [each["group"] for each in permission["origins"]] == ["outer"]
    assert iam.ok("subject_memberships", subject=one, groups=[], mode="exact")["changed"]
    assert iam.ok("subject_memberships_info", subject=one)["memberships"] == []


def test_each_permission_names_all_its_origins(iam: Driver) -> None:
    """Here, a policy of the subject itself and one of its group."""
    (one,) = seeded(iam, "one")
    group = str(iam.admin.seed(groups=[{"name": "readers", "members": [one]}])["groups"][0]["subject_id"])
    read = {"action": "banking.ais.read", "scope": "/subscriptions/123"}
    iam.admin.seed(policies=[{"subject": each, **read} for each in (one, group)])
    iam.admin.seed(policies=[{"subject": group, "action": "documents.read", "scope": "/docs"}])
    found = iam.ok("subject_permissions_info", subject=one)["permissions"]
    origins = {(each["action"], each["subject"]): [o["through"] for o in each["origins"]] for each in found}
    assert origins == {
        ("banking.ais.read", one): ["direct", "group"],
        ("banking.ais.read", group): ["direct", "group"],
        ("documents.read", group): ["group"],
    }


@pytest.mark.parametrize("action", ["commit_then_drop", "fail_before"])
@pytest.mark.parametrize("name", ["documented", "strict_groups", "groups_by_id", "stale_lists"])
def test_each_write_is_done_once_when_its_answer_is_lost(iam: Driver, name: str, action: str) -> None:
    """Whether the server had carried it out, or not."""
    iam.admin.reset(name)
    (one,) = seeded(iam, "one")
    for operation in ("createGroup", "addGroupMembers", "removeGroupMembers", "deleteGroup"):
        rule = {"action": action, "match": {"operation": operation}, "times": 1}
        iam.admin.add_faults({**rule, "status": 502} if action == "fail_before" else rule)
    patience = {"retry_budget": 6 if name == "stale_lists" else 1}
    assert iam.ok("subject_group", name="readers", **patience)["changed"]
    assert len(iam.admin.state()["groups"]) == 1
    assert iam.ok("subject_group_members", group="readers", members=[one], **patience)["added"] == [one]
    assert group_of(iam)["members"] == [one]
    assert iam.ok("subject_memberships", subject=one, groups=[], mode="exact", **patience)["changed"]
    assert group_of(iam)["members"] == []
    if iam.admin.state()["switches"]["delete_group_status"] != 405:
        assert iam.ok("subject_group", name="readers", state="absent", **patience)["changed"]
        assert iam.admin.state()["groups"] == []


def test_a_name_that_several_groups_have_is_refused_with_their_ids(iam: Driver) -> None:
    made = iam.admin.seed(groups=[{"name": "readers"}, {"name": "readers"}])["groups"]
    ids = [str(each["subject_id"]) for each in made]
    tasks: dict[str, dict[str, Any]] = {
        "subject_group": {"name": "readers"},
        "subject_group_members": {"group": "readers", "members": ["client-x"]},
        "subject_memberships": {"subject": seeded(iam, "one")[0], "groups": ["readers"]},
    }
    for task, options in tasks.items():
        message = iam.refused(task, **options)
        assert message.startswith("2 groups have the name 'readers': "), message
        assert all(each in message for each in ids)
    assert [each["subject_id"] for each in iam.ok("subject_group_info", group="readers")["groups"]] == ids
    assert iam.ok("subject_group", name=ids[1], state="absent")["changed"]
    assert iam.ok("subject_group", name="readers")["group"]["subject_id"] == ids[0]
    assert iam.ok("subject_group", name=made[0]["id"], create=False)["group"]["subject_id"] == ids[0]


def test_a_group_client_or_option_that_is_missing_is_named_before_any_write(iam: Driver) -> None:
    (one,) = seeded(iam, "one")
    iam.admin.seed(groups=[{"name": "readers"}])
    iam.admin.clear_log()
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("subject_group", {"name": "reader", "create": False}, "There is no group 'reader'. Nothing was changed."),
        ("subject_group", {"name": "group-of-nobody"}, "There is no group 'group-of-nobody'"),
        ("subject_group", {"name": " "}, "name is empty"),
        ("subject_group_members", {"group": "reader", "members": [one]}, "There is no group 'reader'"),
        ("subject_group_members", {"group": "readers", "clients": ["one", "two"], "retry_budget": 0}, "no client two"),
        ("subject_group_members", {"group": "readers"}, "members or clients is required"),
        ("subject_group_members", {"group": "readers", "members": [one, ""]}, "members: one entry is empty"),
        ("subject_group_members", {"group": "readers", "mode": "exact", "state": "absent"}, "mode=exact needs state"),
        ("subject_memberships", {"subject": one, "groups": ["readers", "reader"]}, "There is no group 'reader'"),
        ("subject_memberships", {"subject": one, "groups": [""]}, "groups: one entry is empty"),
        ("subject_memberships", {"subject": "client-nobody", "groups": ["readers"]}, "no subject 'client-nobody'"),
        ("subject_memberships_info", {"subject": "client-nobody"}, "There is no subject 'client-nobody'"),
    ]
    for task, options, words in cases:
        assert words in iam.refused(task, **options), (task, options)
    assert iam.writes() == []
    predicted = iam.ok("subject_memberships", subject=one, groups=["reader"], check=True)
    assert (predicted["changed"], predicted["groups"]) == (True, ["reader"])
    assert predicted["warnings"] == ["There is no group 'reader' yet."]
    foretold = iam.ok("subject_group_members", group="reader", members=[one], check=True)
    assert (foretold["added"], foretold["warnings"]) == ([one], ["There is no group 'reader' yet."])
    assert not iam.ok("subject_group_members", group="reader", members=[one], state="absent")["changed"]
    nobody = {"client_id": "nobody", "groups": [], "mode": "exact", "retry_budget": 0}
    assert iam.ok("subject_memberships", **nobody)["changed"] is False


def test_another_description_is_a_warning(iam: Driver) -> None:
    iam.ok("subject_group", name="readers", description="May read")
    kept = iam.ok("subject_group", name="readers", description="May write")
    assert (kept["changed"], kept["group"]["description"]) == (False, "May read")
    assert "so it was not changed" in kept["warnings"][0]


def test_a_member_that_the_server_did_not_take_is_named(iam: Driver) -> None:
    """Whether the server refuses an unknown subject, or answers with success and ignores it."""
    for name, words in (("lenient_groups", "still shows the old state"), ("strict_groups", "answered 404")):
        iam.admin.reset(name)
        iam.admin.seed(groups=[{"name": "readers"}])
        message = iam.refused("subject_group_members", group="readers", members=["client-nobody"], retry_budget=1)
        assert words in message and "client-nobody" in message


def test_members_that_are_not_listed_can_be_added_but_not_made_exact(iam: Driver) -> None:
    iam.admin.reset("lenient_groups")
    one, two = seeded(iam, "one", "two")
    iam.admin.seed(groups=[{"name": "readers", "members": [one]}])
    assert iam.ok("subject_group_info", members=True)["groups"][0]["members"] is None
    assert twice(iam, "subject_group_members", group="readers", members=[one, two])["added"] == [two]
    assert "does not list the members" in iam.refused("subject_group_members", group="readers", mode="exact")


def test_groups_that_cannot_be_left_are_named(iam: Driver) -> None:
    """The others are left all the same."""
    (one,) = seeded(iam, "one")
    made = iam.admin.seed(groups=[{"name": each, "members": [one]} for each in ("kept", "left")])["groups"]
    match = {"operation": "removeGroupMembers"}
    iam.admin.add_faults({"action": "fail_before", "match": match, "status": 403, "times": 1})
    message = iam.refused("subject_memberships", subject=one, groups=[], mode="exact")
    assert f"{one} could not leave 1 of 2 groups: kept ({made[0]['subject_id']})" in message
    assert [each["members"] for each in iam.admin.state()["groups"]] == [[one], []]
