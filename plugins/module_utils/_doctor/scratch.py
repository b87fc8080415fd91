# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the doctor makes and removes again: names that are recognisably its own, and a look for what is left of them."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator

from .._http.session import Session
from .._iam.api import IamApi
from .._iam.contract import Subject, read_entries, read_model
from .visit import Came, Id, Visit

PREFIX = "aritma-iam-doctor-"
SCOPE = "/subscriptions/aritma-iam-doctor"
ABSOLUTE = f"https://doctor.example.com{SCOPE}"
OF_GROUP = f"{SCOPE}/group"
_SCOPES = (SCOPE, ABSOLUTE, OF_GROUP)
DESCRIPTION = "Scratch client of aritma.iam.doctor, may be deleted"
_OWN = re.compile(rf"{PREFIX}[0-9a-f]{{12}}", re.IGNORECASE)
_GONE = (404, 410)
_ITS_OWN_TIME = 120.0
"""Seconds for cleaning up, also where the time for questions is over."""


def own_name() -> str:
    """A new name for something of ours."""
    return PREFIX + uuid.uuid4().hex[:12]


def is_own(name: str | None) -> bool:
    """Whether only the doctor gives such names."""
    return _OWN.fullmatch(name or "") is not None


def sweep(visit: Visit) -> list[str]:
    """Remove what a doctor left behind; what could not be removed, for people."""
    works = {"policies": _policies, "groups": _groups, "clients": _clients}
    end, visit.end = visit.end, time.monotonic() + _ITS_OWN_TIME
    left = [each for kind, work in works.items() for each in _tried(kind, work, visit)]
    visit.end = end
    return left


def _tried(kind: str, work: Callable[[Visit], Iterator[str]], visit: Visit) -> list[str]:
    left: list[str] = []
    try:
        left.extend(work(visit))
    except Exception as error:  # whatever a server answers: the rest is looked for too
        left.append(f"perhaps {kind} of the doctor ({PREFIX}...): they could not be listed, {type(error).__name__}")
    return left


def _clients(visit: Visit) -> Iterator[str]:
    with Session(visit.connection) as session:
        ours = [each for each in IamApi(session).list_clients() if is_own(each.name)]
    for client in ours:
        if not _gone(visit.ask("DELETE", "clients", Id(client.client_id))):
            yield f"client {client.name} ({client.client_id})"


def _policies(visit: Visit) -> Iterator[str]:
    with Session(visit.connection) as session:
        api = IamApi(session)
        found = [each for scope in _SCOPES for each in api.list_policies({"scope": scope}) if each.scope == scope]
    for policy in found:
        if not _gone(visit.ask("DELETE", "policies", body=policy.key)):
            yield f"policy {policy.action} of {policy.subject} on {policy.scope}"


def _groups(visit: Visit) -> Iterator[str]:
    came = visit.ask("GET", "subjects", "groups", query={"searchQuery": PREFIX, "pageSize": 200})
    if not came.ok:
        return
    for entry in read_entries("listGroups", came.data, ("groups",)):
        group = read_model(Subject, "listGroups", entry)
        keys = [Id(key) for key in (group.id, group.subject_id) if key]
        if is_own(group.display_name) and not any(
            _gone(visit.ask("DELETE", "subjects", "groups", key)) for key in keys
        ):
            yield f"group {group.display_name} ({group.subject_id or group.id})"


def _gone(came: Came) -> bool:
    return came.ok or came.status in _GONE
