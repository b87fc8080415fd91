# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch objects of the doctor: their recognizable names, and their removal."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator

from .._core.errors import ApiError
from .._http.session import Session
from .._iam.api import NOT_OFFERED, IamApi
from .visit import Came, Id, Visit

PREFIX = "aritma-iam-doctor-"
SCOPE = "/subscriptions/aritma-iam-doctor"
ABSOLUTE = f"https://doctor.example.com{SCOPE}"
OF_GROUP = f"{SCOPE}/group"
_SCOPES = (SCOPE, ABSOLUTE, OF_GROUP)
DESCRIPTION = "Scratch client of aritma.iam.doctor, may be deleted"
_OWN = re.compile(rf"{PREFIX}[0-9a-f]{{12}}", re.IGNORECASE)
_GONE = (404, 410)
_CLEANUP_TIME = 120.0
"""Seconds for the cleanup, even if the time limit has passed."""


def scratch_name() -> str:
    """A new name for a scratch object."""
    return PREFIX + uuid.uuid4().hex[:12]


def is_scratch_name(name: str | None) -> bool:
    """Whether this is the name of a scratch object."""
    return _OWN.fullmatch(name or "") is not None


def remove_scratch(visit: Visit) -> list[str]:
    """Remove all scratch objects. Returns descriptions of those that could not be removed."""
    removals = {"policies": _policies, "groups": _groups, "clients": _clients}
    end, visit.end = visit.end, time.monotonic() + _CLEANUP_TIME
    left = [each for kind, remove in removals.items() for each in _removed(kind, remove, visit)]
    visit.end = end
    return left


def _removed(kind: str, remove: Callable[[Visit], Iterator[str]], visit: Visit) -> list[str]:
    left: list[str] = []
    try:
        left.extend(remove(visit))
    except Exception as error:  # whatever the server answered, continue with the other kinds
        left.append(f"perhaps {kind} of the doctor ({PREFIX}...): they could not be listed, {type(error).__name__}")
    return left


def _clients(visit: Visit) -> Iterator[str]:
    with Session(visit.connection) as session:
        ours = [each for each in IamApi(session).list_clients() if is_scratch_name(each.name)]
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
    with Session(visit.connection) as session:
        try:
            found = IamApi(session).list_groups(PREFIX)
        except ApiError as error:
            if error.status in (403, 404, *NOT_OFFERED):
                return
            raise
    for group in found:
        keys = [Id(key) for key in (group.id, group.subject_id) if key]
        if is_scratch_name(group.display_name) and not any(
            _gone(visit.ask("DELETE", "subjects", "groups", key)) for key in keys
        ):
            yield f"group {group.display_name} ({group.subject_id or group.id})"


def _gone(came: Came) -> bool:
    return came.ok or came.status in _GONE
