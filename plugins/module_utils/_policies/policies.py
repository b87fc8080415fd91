# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Policies: the operations ``iam_policy`` and ``iam_policy_info``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import ApiError, ConflictError, NotFoundError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import REFUSALS, IamApi, api_operation, refuse_empty
from .._iam.contract import Policy, folded
from .._iam.once import create_once, delete_once

KEY = ("subject", "action", "scope")

_REQUIRED = {"type": "str", "required": True}
_STATE = {"type": "str", "choices": ["present", "absent"], "default": "present"}

POLICY = ArgumentSpec({**dict.fromkeys(KEY, _REQUIRED), "state": _STATE})
POLICY_INFO = ArgumentSpec(
    {
        **{name: {"type": "str"} for name in KEY},
        **{name: {"type": "bool", "default": False} for name in ("include_derived", "include_inherited")},
    }
)

Key = Mapping[str, str]


def same(policy: Policy, key: Key) -> bool:
    """Whether the policy has exactly the strings in ``key``, which may have fewer than three."""
    return key.items() <= policy.key.items()


def find_policy(api: IamApi, key: Key) -> Policy | None:
    """The policy with exactly this subject, action and scope.

    It is not documented how the server compares. If a filter by all three finds nothing, only the subject is given.
    """
    for filters in (key, {"subject": key["subject"]}):
        try:
            listed = api.list_policies(filters)
        except ApiError as error:
            if filters is not key or error.status not in REFUSALS:
                raise
            continue
        found = next((policy for policy in listed if same(policy, key)), None)
        if found is not None:
            return found
    return None


def reconcile_policy(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``iam_policy``."""
    refuse_empty(params, *KEY)
    key = {name: params[name] for name in KEY}
    if params["state"] == "absent":
        return _absent(api, key, check_mode)
    with _looked_up(key):
        existing = find_policy(api, key)
        if existing is not None:
            return Outcome(False, {"policy": existing.model_dump(exclude_none=True)}, key, key)
        if check_mode:
            return Outcome(True, {"policy": key}, {}, key)
        done: list[tuple[str, str]] = []
        listed, warnings = grant_all(api, [key], done=done.append)
        stored = listed[0].model_dump(exclude_none=True) if listed else dict(key)
        return Outcome(bool(done), {"policy": stored}, {} if done else key, key, warnings)


@contextmanager
def _looked_up(key: Key) -> Iterator[None]:
    """If the server refuses the policy, add a hint where to find valid values."""
    try:
        yield
    except ApiError as error:
        if error.status in (404, *REFUSALS):
            error.hint = (
                f"Look up the three values: subject {key['subject']!r} with client_subject_info (its subject_id), "
                f"action {key['action']!r} in GET /v1/actions, scope {key['scope']!r} as the URI of an existing "
                "resource."
            )
        raise


def grant_all(
    api: IamApi, keys: Sequence[Key], *, done: Callable[[tuple[str, str]], None]
) -> tuple[list[Policy], list[str]]:
    """Create policies of one subject. Calls ``done`` after each.

    Returns the policies as the server lists them, and warnings about those that it does not list.
    """
    stored: list[tuple[Key, Key]] = []
    for key in keys:
        answered: Key = {}
        with _looked_up(key), suppress(ConflictError):  # somebody else created it
            answered = _create(api, key)
            done((key["action"], key["scope"]))
        stored.append((key, answered))
    listed: list[Policy] = []

    def all_listed() -> bool:
        held = api.list_policies({"subject": keys[0]["subject"]})
        listed[:] = [policy for policy in held if policy.key in keys]
        return all(key in [policy.key for policy in listed] for key in keys)

    if keys:
        # The next task reads the list, which may lag behind.
        api.settle(all_listed)
    shown = [policy.key for policy in listed]
    return listed, [_not_listed(key, answered) for key, answered in stored if key not in shown]


def withdraw(api: IamApi, key: Key) -> bool:
    """Delete the policy. Returns whether this task deleted it."""
    return delete_once(api, lambda: api.delete_policy(key), lambda: find_policy(api, key) is None)


def _not_listed(key: Key, stored: Key) -> str:
    others = [f"{name} {value!r}" for name, value in stored.items() if name in key and value != key[name]]
    if others:
        return f"The server stored the policy with {' and '.join(others)}. Write that, so that later runs find it."
    return "The server says that the policy exists, but does not list it yet."


def _create(api: IamApi, key: Key) -> dict[str, str]:
    """Create the policy. Returns the strings in the answer; empty if it has none."""
    answered = create_once(api, lambda: api.create_policy(key), lambda: find_policy(api, key)).answer
    members = folded(answered) if isinstance(answered, Mapping) else {}
    return {name: members[name] for name in KEY if isinstance(members.get(name), str)}


def _absent(api: IamApi, key: Key, check_mode: bool) -> Outcome:
    try:
        existing = find_policy(api, key)
    except NotFoundError:
        # Without the subject there is no policy. If the server has no list of policies at all, the next line raises.
        existing = next((policy for policy in api.list_policies({}) if same(policy, key)), None)
    if existing is None:
        return Outcome(False, {"policy": None})
    changed = check_mode or withdraw(api, key)
    return Outcome(changed, {"policy": existing.model_dump(exclude_none=True)}, key if changed else {}, {})


def policy_info(api: IamApi, params: Params, _check_mode: bool) -> Outcome:
    """The module ``iam_policy_info``."""
    refuse_empty(params, *KEY)
    wanted = {name: params[name] for name in KEY if params[name] is not None}
    derived, inherited = params["include_derived"], params["include_inherited"]
    listed = api.list_policies(wanted, derived=derived, inherited=inherited)
    if not (derived or inherited):
        # Derived and inherited policies may have another subject, action or scope than the filters.
        listed = [policy for policy in listed if same(policy, wanted)]
    policies = [{**snake_members(policy.document), **policy.model_dump(exclude_none=True)} for policy in listed]
    return Outcome(False, {"policies": policies})


def snake(name: str) -> str:
    """Convert ``subjectId`` to ``subject_id``, ``$type`` to ``type``."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return re.sub(r"\W+", "_", spaced).strip("_").lower() or name


def snake_members(data: Any) -> Any:
    """The same data with the names of all members in snake_case."""
    if isinstance(data, Mapping):
        # "type" comes after "$type" and replaces it if a server shows both.
        members = sorted(data.items(), key=lambda member: not member[0].startswith("$"))
        return {snake(name): snake_members(value) for name, value in members}
    if isinstance(data, list):
        return [snake_members(each) for each in data]
    return data


IAM_POLICY = api_operation("iam_policy", POLICY, reconcile_policy)
IAM_POLICY_INFO = api_operation("iam_policy_info", POLICY_INFO, policy_info)
