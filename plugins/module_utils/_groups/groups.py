# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Groups of subjects: the operations ``subject_group`` and ``subject_group_info``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from .._clients.subjects import subject_id
from .._core.argspec import ArgumentSpec
from .._core.errors import AmbiguousError, ApiError, IamError, MissingError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._core.spelling import is_tidied
from .._iam.api import NOT_OFFERED, PAUSES, REFUSALS, IamApi, api_operation, offered, only, refuse_empty
from .._iam.contract import Subject, folded, read_model, read_object
from .._iam.once import create_once

T = TypeVar("T")

PREFIX = "group-"

GROUP = ArgumentSpec(
    {
        "name": {"type": "str", "required": True},
        "description": {"type": "str"},
        "create": {"type": "bool", "default": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    }
)
GROUP_INFO = ArgumentSpec(
    {"group": {"type": "str"}, "search": {"type": "str"}, "members": {"type": "bool", "default": False}},
    mutually_exclusive=[("group", "search")],
)


class Group:
    """One group. A path of the API takes its subject id or its bare id; which one is not documented, so both are tried.

    The form that the server has once taken is kept.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject_id = subject_id(subject)
        self.id = subject.id
        self.name = subject.display_name or self.subject_id
        described = subject.description or folded(subject.properties or {}).get("description")
        self.description = described if isinstance(described, str) else None
        self.keys = list(dict.fromkeys(filter(None, (self.subject_id, subject.id))))

    def called(self, text: str) -> bool:
        """Whether that is the name, the id or the subject id."""
        return text in (self.name, self.id, self.subject_id)

    def ask(self, call: Callable[[str], T]) -> T:
        """What ``call`` answers to the form of the id that the server takes. Raises the more telling error of two."""
        first, last = self.keys[0], self.keys[-1]
        try:
            answer, self.keys = call(first), [first]
        except ApiError as error:
            if first == last or error.status not in (404, *REFUSALS):
                raise
            try:
                answer, self.keys = call(last), [last]
            except ApiError as other:
                raise (other if error.status == 404 else error) from None
        return answer

    def shown(self) -> dict[str, Any]:
        """The group for people."""
        return {name: getattr(self, name) for name in ("subject_id", "id", "name", "description")}


def list_groups(api: IamApi, search: str | None = None) -> list[Group]:
    """The groups whose name contains ``search``. Raises ``NotOfferedError`` where the server has none."""
    try:
        with offered("groups", "If it should, see whether api_url is what stands before /v1.", (404, *NOT_OFFERED)):
            return [Group(each) for each in api.list_groups(search)]
    except ApiError as error:
        if search and error.status in REFUSALS:
            return []  # it does not take this text: whoever finds nothing reads the whole list
        raise


def find_groups(api: IamApi, text: str) -> list[Group]:
    """The groups of this name, id or subject id: by a search for the name first, then in the list of all."""
    found = [group for group in list_groups(api, text) if group.called(text)]
    if found:
        return found
    everyone = list_groups(api)
    return [each for each in everyone if each.called(text)] or [each for each in everyone if is_tidied(text, each.name)]


def find_group(api: IamApi, text: str) -> Group | None:
    """The one group of this name, id or subject id. Raises ``AmbiguousNameError`` when there are several."""
    hint = "Give the subject id to say which one is meant."
    return only(find_groups(api, text), f"groups have the name {text!r}", lambda group: group.subject_id, hint)


def require_group(api: IamApi, text: str) -> Group:
    """``find_group``. Raises ``MissingError`` where there is none."""
    group = find_group(api, text)
    if group is None:
        raise MissingError(
            f"There is no group {text!r}. Nothing was changed.",
            hint="Look at the names with subject_group_info, or let it be created (subject_group with create, or"
            " service_client_create_groups).",
            group=text,
        )
    return group


def reconcile_group(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``subject_group``."""
    refuse_empty(params, "name")
    name, description = params["name"], params["description"]
    absent = params["state"] == "absent"
    # A subject id is no name to give to a new group.
    optional = absent or (params["create"] and not name.startswith(PREFIX))
    group = find_group(api, name) if optional else require_group(api, name)
    if absent:
        changed = group is not None and (check_mode or _delete(api, group))
        return Outcome(changed, {"group": group and group.shown()}, _compared(group) if group and changed else {}, {})
    if group is not None:
        same = _compared(group)
        return Outcome(False, {"group": group.shown()}, same, same, [*_differs(group, description)])
    body = {"displayName": name, "description": name if description is None else description}
    after = {"name": name, "description": body["description"]}
    if check_mode:
        return Outcome(True, {"group": {"subject_id": None, "id": None, **after}}, {}, after)
    group, changed = _create(api, body)
    return Outcome(changed, {"group": group.shown()}, {} if changed else _compared(group), _compared(group))


def _compared(group: Group) -> dict[str, Any]:
    return {"name": group.name, "description": group.description}


def _differs(group: Group, description: str | None) -> Iterator[str]:
    if None not in (description, group.description) and description != group.description:
        yield (
            f"Group {group.subject_id} has the description {group.description!r}, not {description!r}: the API is not "
            "known to change a group, so it was left alone."
        )


def _create(api: IamApi, body: dict[str, str]) -> tuple[Group, bool]:
    """The new group, and whether it was this task that added it."""

    def look() -> Group | None:
        return find_group(api, body["displayName"])

    try:
        made = create_once(api, lambda: api.create_group(body), look)
    except ApiError as error:
        # A server may refuse a name that somebody else has taken meanwhile.
        found = api.settle(look, PAUSES if error.status == 409 else ())
        if found is None:
            raise
        return found, False
    # The next task looks in the list, which may lag behind.
    found = made.found or api.settle(look)
    if found is None:
        told = read_object("createGroup", made.answer, ("group",), ("subjectid", "id"))
        return Group(read_model(Subject, "createGroup", {"type": "Group", **body, **told})), True
    return found, True


def _delete(api: IamApi, group: Group) -> bool:
    """Delete the group; whether it was this task that did it."""
    lost: AmbiguousError | None = None

    def gone() -> bool:
        return all(each.subject_id != group.subject_id for each in list_groups(api))

    with suppress(ApiError):
        group.ask(api.list_members)  # shows which form of the id is taken: a deletion may find neither and not say so
    what = f"deletion of groups, so group {group.name} ({group.subject_id}) stays"
    hint = "Take its members out (subject_group_members) and withdraw its policies (iam_policies)."
    try:
        with offered(what, hint):
            deleted = any(api.delete_group(key) for key in group.keys)
    except AmbiguousError as error:
        deleted, lost = True, error
    if not api.settle(gone):
        raise lost or IamError(
            f"Group {group.name} ({group.subject_id}) is still listed after it was to be deleted.",
            hint="The list may lag behind: look with subject_group_info before you run this again.",
            subject_id=group.subject_id,
        )
    return deleted


SUBJECT_GROUP = api_operation("subject_group", GROUP, reconcile_group)
