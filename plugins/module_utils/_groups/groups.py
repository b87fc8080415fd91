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
    """One group. Paths of the API have its subject id or its bare id. It is not documented which, so both are tried.

    The form that the server has accepted is used from then on.
    """

    def __init__(self, subject: Subject) -> None:
        self.subject_id = subject_id(subject)
        self.id = subject.id
        self.name = subject.display_name or self.subject_id
        described = subject.description or folded(subject.properties or {}).get("description")
        self.description = described if isinstance(described, str) else None
        self.keys = list(dict.fromkeys(filter(None, (self.subject_id, subject.id))))

    def called(self, text: str) -> bool:
        """Whether ``text`` is the name, the id or the subject id."""
        return text in (self.name, self.id, self.subject_id)

    def ask(self, call: Callable[[str], T]) -> T:
        """Call ``call`` with the form of the id that the server accepts. Raises the more useful of two errors."""
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
        """The group as a return value."""
        return {name: getattr(self, name) for name in ("subject_id", "id", "name", "description")}


def list_groups(api: IamApi, search: str | None = None) -> list[Group]:
    """The groups whose name contains ``search``. Raises ``NotOfferedError`` if the server does not support groups."""
    try:
        with offered("groups", "If it should, check that api_url is the part before /v1.", (404, *NOT_OFFERED)):
            return [Group(each) for each in api.list_groups(search)]
    except ApiError as error:
        if search and error.status in REFUSALS:
            return []  # the server does not accept this text; callers then read the whole list
        raise


def find_groups(api: IamApi, text: str) -> list[Group]:
    """The groups with this name, id or subject id: first by a search for the name, then in the list of all."""
    found = [group for group in list_groups(api, text) if group.called(text)]
    if found:
        return found
    everyone = list_groups(api)
    return [each for each in everyone if each.called(text)] or [each for each in everyone if is_tidied(text, each.name)]


def find_group(api: IamApi, text: str) -> Group | None:
    """The group with this name, id or subject id. Raises ``AmbiguousNameError`` if there are several."""
    hint = "Give the subject id to say which one is meant."
    return only(find_groups(api, text), f"groups have the name {text!r}", lambda group: group.subject_id, hint)


def require_group(api: IamApi, text: str) -> Group:
    """Like ``find_group``, but raises ``MissingError`` if there is no such group."""
    group = find_group(api, text)
    if group is None:
        raise MissingError(
            f"There is no group {text!r}. Nothing was changed.",
            hint="Check the names with subject_group_info, or have it created (subject_group with create, or"
            " service_client_create_groups).",
            group=text,
        )
    return group


def reconcile_group(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``subject_group``."""
    refuse_empty(params, "name")
    name, description = params["name"], params["description"]
    absent = params["state"] == "absent"
    # A new group cannot be created from a subject id.
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
            f"Group {group.subject_id} has the description {group.description!r}, not {description!r}. The API has no "
            "known way to change a group, so it was not changed."
        )


def _create(api: IamApi, body: dict[str, str]) -> tuple[Group, bool]:
    """Create the group. Returns it, and whether this task created it."""

    def look() -> Group | None:
        return find_group(api, body["displayName"])

    try:
        made = create_once(api, lambda: api.create_group(body), look)
    except ApiError as error:
        # Somebody else may have created a group with this name meanwhile.
        found = api.settle(look, PAUSES if error.status == 409 else ())
        if found is None:
            raise
        return found, False
    # The next task reads the list, which may lag behind.
    found = made.found or api.settle(look)
    if found is None:
        answered = read_object("createGroup", made.answer, ("group",), ("subjectid", "id"))
        return Group(read_model(Subject, "createGroup", {"type": "Group", **body, **answered})), True
    return found, True


def _delete(api: IamApi, group: Group) -> bool:
    """Delete the group. Returns whether this task deleted it."""
    lost: AmbiguousError | None = None

    def gone() -> bool:
        return all(each.subject_id != group.subject_id for each in list_groups(api))

    with suppress(ApiError):
        group.ask(api.list_members)  # finds the accepted form of the id: a deletion may ignore an unknown id
    what = f"the deletion of groups, so group {group.name} ({group.subject_id}) remains"
    hint = "Remove its members (subject_group_members) and withdraw its policies (iam_policies)."
    try:
        with offered(what, hint):
            deleted = any(api.delete_group(key) for key in group.keys)
    except AmbiguousError as error:
        deleted, lost = True, error
    if not api.settle(gone):
        raise lost or IamError(
            f"Group {group.name} ({group.subject_id}) is still listed after its deletion.",
            hint="The list may lag behind. Check with subject_group_info before you run this again.",
            subject_id=group.subject_id,
        )
    return deleted


SUBJECT_GROUP = api_operation("subject_group", GROUP, reconcile_group)
