# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""All policies of one subject, compared as a set: the operation ``iam_policies``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._clients.subjects import SUBJECT, is_nobody, resolve_subject
from .._core.argspec import ArgumentSpec
from .._core.errors import IamError, MissingError, NotFoundError, OptionError
from .._core.operation import Params
from .._core.outcome import Outcome
from .._iam.api import IamApi, api_operation
from .policies import grant_all, withdraw

POLICIES = SUBJECT.merge(
    ArgumentSpec(
        {
            "policies": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {name: {"type": "str", "required": True} for name in ("action", "scope")},
            },
            "mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
        }
    )
)

Pair = tuple[str, str]
"""The action and the scope of one policy."""


@dataclass(frozen=True)
class Changes:
    """The policies to grant and to withdraw, each in a stable order."""

    grant: tuple[Pair, ...] = ()
    withdraw: tuple[Pair, ...] = ()

    def applied(self, held: Sequence[Pair]) -> list[Pair]:
        """The policies after the changes."""
        return [pair for pair in held if pair not in self.withdraw] + list(self.grant)


def plan_policies(wanted: Sequence[Pair], held: Sequence[Pair], mode: str) -> Changes:
    """The changes from ``held`` to ``wanted``. The mode ``merge`` withdraws nothing."""
    grant = tuple(dict.fromkeys(pair for pair in wanted if pair not in held))
    surplus = tuple(dict.fromkeys(pair for pair in held if pair not in wanted))
    return Changes(grant, surplus if mode == "exact" else ())


def reconcile_policies(api: IamApi, params: Params, check_mode: bool) -> Outcome:
    """The module ``iam_policies``."""
    wanted = _wanted(params)
    try:
        subject, warnings = resolve_subject(api, params)
        held = _held(api, subject)
    except (MissingError, NotFoundError) as error:
        if wanted or not _holds_nothing(api, params, error):
            raise
        return Outcome(False, {"subject": None, "policies": []})  # a missing subject has no policies
    changes = plan_policies(wanted, held, params["mode"])
    changed = changes != Changes()
    if not check_mode:
        changed, changes, more = _make(api, subject, changes)
        warnings = [*warnings, *more]
    after = changes.applied(held)
    result = {"subject": subject, "policies": _shown(after)}
    return Outcome(changed, result, {"policies": _shown(sorted(held))}, {"policies": _shown(sorted(after))}, warnings)


def _holds_nothing(api: IamApi, params: Params, error: IamError) -> bool:
    """Whether a subject that was not found has no policies. Raises ``ApiError`` if policies cannot be listed."""
    if isinstance(error, NotFoundError):
        api.list_policies({})
        return True
    return is_nobody(api, params)


def _wanted(params: Params) -> list[Pair]:
    wanted = [(str(each["action"]), str(each["scope"])) for each in params["policies"]]
    for number, pair in enumerate(wanted):
        if not all(text.strip() for text in pair):
            raise OptionError(
                f"policies[{number}]: action or scope is empty. Nothing was changed.",
                hint="Give both a value, or remove the entry.",
                option="policies",
            )
    return wanted


def _held(api: IamApi, subject: str) -> list[Pair]:
    listed = api.list_policies({"subject": subject})
    return list(dict.fromkeys((policy.action, policy.scope) for policy in listed if policy.subject == subject))


_KEPT = (
    "Nothing was withdrawn, because the server may list a granted policy in another form. Run again once it is listed,"
    " or write the policy as the server stores it."
)


def _make(api: IamApi, subject: str, changes: Changes) -> tuple[bool, Changes, list[str]]:
    """Make the changes. Returns whether this task changed anything, the changes made, and warnings.

    Policies are granted first, so that a subject whose policy is replaced always has one of the two. If a granted
    policy is not listed afterwards, nothing is withdrawn.
    """
    done: list[Pair] = []
    unknown: list[Pair] = []
    try:
        _listed, warnings = grant_all(api, [_key(subject, pair) for pair in changes.grant], done=done.append)
        if warnings and changes.withdraw:
            return bool(done), Changes(changes.grant), [*warnings, _KEPT]
        for pair in changes.withdraw:
            (done if withdraw(api, _key(subject, pair)) else unknown).append(pair)
    except IamError as error:
        if done:
            error.hint = f"{error.hint} Changes made before that: {len(done)}. Run it again to continue."
        raise
    return bool(done), changes, [*warnings, *_still_listed(api, subject, unknown)]


def _still_listed(api: IamApi, subject: str, unknown: Sequence[Pair]) -> list[str]:
    """A warning for each policy that the server still lists, but did not find when it was deleted."""
    listed = _held(api, subject) if unknown else []
    return [
        f"The policy {action} on {scope} of {subject} remains: it is listed, but the server found no such policy to"
        " delete. Its lists may lag behind, or a group or another policy grants it."
        for action, scope in unknown
        if (action, scope) in listed
    ]


def _key(subject: str, pair: Pair) -> Mapping[str, str]:
    return {"subject": subject, "action": pair[0], "scope": pair[1]}


def _shown(pairs: Sequence[Pair]) -> list[dict[str, str]]:
    return [{"action": action, "scope": scope} for action, scope in pairs]


IAM_POLICIES = api_operation("iam_policies", POLICIES, reconcile_policies)
