# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What policies grant directly, through a parent action or scope, and through groups."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping

from simulator.call import Call
from simulator.store import Client, Policy, Store

# A parent grants its children. The real hierarchy is not public; this one is invented.
ACTION_TREE: Mapping[str, tuple[str, ...]] = {
    "banking.manage": ("banking.ais.read", "banking.pis.read", "banking.pis.write"),
    "banking.read": ("banking.ais.read", "banking.pis.read"),
    "banking.ais.read": (),
    "banking.pis.read": (),
    "banking.pis.write": (),
    "iam.manage": ("iam.client.read", "iam.client.write", "iam.policy.read", "iam.policy.write"),
    "iam.client.read": (),
    "iam.client.write": (),
    "iam.policy.read": (),
    "iam.policy.write": (),
    "documents.read": (),
    "documents.write": (),
}


def effective_policies(call: Call, wanted: Mapping[str, str], *, derived: bool, inherited: bool) -> list[Policy]:
    """The policies that match the filters (subject, action, scope).

    `derived` adds what a parent action or scope implies; `inherited` adds what a subject has through groups.
    """
    how = call.profile.policy_filters
    exact = wanted if how == "exact" and not (derived or inherited) else {}
    found: Iterable[Policy] = call.store.policies.visible(call.tenant, call.lag, **exact)
    if inherited:
        found = _with_inherited(call, found)
    if derived:
        found = _with_derived(found, wanted.get("scope", ""))
    return [policy for policy in dict.fromkeys(found) if _fits(policy, wanted, how)]


def _fits(policy: Policy, wanted: Mapping[str, str], how: str) -> bool:
    values = {name: str(getattr(policy, name)) for name in wanted}
    if how == "prefix":
        return all(values[name].startswith(text) for name, text in wanted.items())
    return how == "ignored" or values == dict(wanted)


def _with_inherited(call: Call, policies: Iterable[Policy]) -> Iterator[Policy]:
    for policy in policies:
        yield policy
        if policy.subject.startswith("group-"):
            for member in _members(call, policy.subject, frozenset()):
                yield dataclasses.replace(policy, subject=member, origin=policy.subject)


def _members(call: Call, group: str, seen: frozenset[str]) -> Iterator[str]:
    found = call.store.people.group(call.tenant, subject_id=group)
    for member in call.store.people.members(found.uuid) if found else ():
        yield member
        if member.startswith("group-") and member not in seen:
            yield from _members(call, member, seen | {member})


def policies_that_allow(store: Store, client: Client, action: str, scope: str) -> list[Policy]:
    """The policies that allow a client this action: its own and its groups', for the action and scope or a parent."""
    holders = set(client.subject_ids)
    for subject in client.subject_ids:
        holders |= {group.subject_id for group in store.people.all_groups(client.tenant, subject)}
    return [
        policy
        for policy in store.policies.every()
        if policy.tenant == client.tenant
        and policy.subject in holders
        and action in (policy.action, *ACTION_TREE.get(policy.action, ()))
        and f"{scope}/".startswith(policy.scope.rstrip("/") + "/")
    ]


def _with_derived(policies: Iterable[Policy], scope: str) -> Iterator[Policy]:
    for policy in policies:
        yield policy
        for action in ACTION_TREE.get(policy.action, ()):
            yield dataclasses.replace(policy, action=action, origin=policy.origin or policy.action)
        if scope.startswith(policy.scope.rstrip("/") + "/"):
            yield dataclasses.replace(policy, scope=scope, origin=policy.origin or policy.scope)
