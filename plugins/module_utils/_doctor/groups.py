# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Examines groups, if the server supports them: an outer group that contains an inner one with the scratch client."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._iam.api import NOT_OFFERED
from .._iam.contract import folded
from .life import Life, grant, has_policies
from .reading import all_permissions, permissions_of, unused_id
from .scratch import OF_GROUP, scratch_name
from .visit import Came, Id, Skip, Visit

_SIZES = (1000, 100, 50, 20)


class Group:
    """A scratch group. ``key`` is its id in paths."""

    def __init__(self, visit: Visit, name: str) -> None:
        self.visit = visit
        body = {"displayName": name, "description": "Scratch group of aritma.iam.doctor, may be deleted"}
        self.came = visit.ask("POST", "subjects", "groups", body=body)
        data = self.came.data if self.came.ok and isinstance(self.came.data, Mapping) else {}
        self.id = Id(folded(data).get("id") or "")
        self.subject = Id(folded(data).get("subjectid") or f"group-{self.id}")
        self.key = self.id

    def members(self, method: str, *subjects: str, key: Id | None = None) -> Came:
        """Add (POST) or remove (DELETE) members."""
        body = {"subjectIds": list(subjects)}
        return self.visit.ask(method, "subjects", "groups", key or self.key, "members", body=body)

    def delete(self) -> Came:
        """Delete the group."""
        return self.visit.ask("DELETE", "subjects", "groups", self.key)


def groups(life: Life) -> None:
    """Examine groups."""
    visit = life.visit
    if visit.answers.get("groups") != "offered" or not life.subject:
        raise Skip
    name = scratch_name()
    inner = Group(visit, name)
    form = "group_id" if inner.subject == f"group-{inner.id}" else "opaque"
    visit.record(inner.came, create_group_status=inner.came.success, group_subject=form)
    if not inner.id:
        raise Skip
    twice = Group(visit, name)
    visit.record(twice.came, duplicate_group_name=twice.came.status_or(200))
    outer = twice if twice.id else Group(visit, scratch_name())
    _find_key(life, inner)
    outer.key = outer.id if inner.key == inner.id else outer.subject
    _members(life, inner, outer)
    _permissions(life, inner)
    _deletion(life, inner, outer)


def _find_key(life: Life, group: Group) -> None:
    """Find out which of its two ids paths accept: add the client by one, and remove it by the other."""
    visit = life.visit
    by_id = group.members("POST", life.subject)
    by_subject = group.members("DELETE" if by_id.ok else "POST", life.subject, key=group.subject)
    keys = {(True, True): "both", (True, False): "id", (False, True): "subject_id"}
    key = keys.get((by_id.ok, by_subject.ok))
    refused = {"id": by_subject.status, "subject_id": by_id.status}.get(key or "")
    changed = by_subject if key == "subject_id" else by_id
    visit.record(by_subject, group_key=key, group_key_status=refused)
    visit.record(changed, member_change_status=changed.success)
    group.key = group.subject if key == "subject_id" else group.id
    group.members("DELETE", life.subject)


def _members(life: Life, inner: Group, outer: Group) -> None:
    visit = life.visit
    for size in _SIZES:
        came = inner.members("POST", *[life.subject] * size)
        if came.ok:
            visit.record(came, members_per_request=0 if size == _SIZES[0] else size)
            break
    inner.members("POST", life.subject)
    again = inner.members("POST", life.subject)
    visit.record(again, existing_member=again.status_or(204))
    unknown = inner.members("POST", f"client-{unused_id()}")
    visit.record(unknown, unknown_member=unknown.status_or(204))
    missing = inner.members("DELETE", outer.subject)
    visit.record(missing, missing_member=missing.status_or(204))
    listed = visit.ask("GET", "subjects", "groups", inner.key, "members")
    visit.record(listed, group_members_listed={200: True, 404: False, 405: False, 501: False}.get(listed.status))
    memberships = ("GET", "subjects", Id(life.subject), "memberships")
    nested = outer.members("POST", inner.subject)
    visit.record(nested, groups_in_groups=nested.ok)
    visit.until(lambda: inner.subject in _groups_of(visit.ask(*memberships), visit))
    came = visit.ask(*memberships)
    visit.record(came, memberships_nested=outer.subject in _groups_of(came, visit) if nested.ok else None)


def _groups_of(came: Came, visit: Visit) -> list[Any]:
    return [folded(each).get("subjectid") for each in visit.listed(came, "memberships", "groups")]


def _permissions(life: Life, inner: Group) -> None:
    """Find out whether the permissions of the client include those of its group, and under which subject."""
    visit = life.visit
    key = {"subject": inner.subject, "action": visit.own.get("action", ""), "scope": OF_GROUP}
    if not grant(visit, key).ok:
        raise Skip
    visit.until(lambda: OF_GROUP in str(all_permissions(visit, life.subject)))
    came = permissions_of(visit, life.subject)
    shown = [each for each in all_permissions(visit, life.subject) if OF_GROUP in str(each)]
    subjects = [folded(each).get("subject") for each in shown if isinstance(each, Mapping)]
    whose = {str(inner.subject): "holder", life.subject: "asked"}
    holder = whose.get(str(subjects[0])) if subjects else None
    visit.record(came, permissions_through_groups=bool(shown), permission_subject=holder)


def _deletion(life: Life, inner: Group, outer: Group) -> None:
    visit = life.visit
    came = inner.delete()
    visit.record(came, delete_group_status=405 if came.status in NOT_OFFERED else came.success)
    outer.delete()
    if not came.ok:
        return
    visit.record(came, group_cascade=visit.until(lambda: not has_policies(visit, inner.subject)))
    again = inner.delete()
    visit.record(again, delete_missing_group=again.status)
