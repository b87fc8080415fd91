# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fault rules: which requests a rule applies to, and how often."""

from __future__ import annotations

import dataclasses
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ACTIONS = (
    "fail_before",
    "fail_after",
    "commit_then_drop",
    "drop_before",
    "hang",
    "slow",
    "truncated_json",
    "bad_json",
    "wrong_shape",
    "redirect",
    "pause",
)


class BadRule(ValueError):
    """A rule is not valid; the message says why."""


@dataclass(frozen=True)
class Traits:
    """The parts of a request that rules match. `client_ids` are the caller and the clients in the path and the form."""

    operation: str
    method: str
    path: str
    client_ids: frozenset[str]


@dataclass(frozen=True)
class Match:
    """The conditions of a rule. A rule without conditions matches every request."""

    operation: tuple[str, ...] = ()
    method: tuple[str, ...] = ()
    path_regex: str = ""
    client_id: tuple[str, ...] = ()

    def fits(self, traits: Traits) -> bool:
        """Whether a request meets all conditions."""
        return (
            (not self.operation or traits.operation in self.operation)
            and (not self.method or traits.method in self.method)
            and (not self.client_id or bool(traits.client_ids & set(self.client_id)))
            and re.search(self.path_regex, traits.path) is not None
        )


@dataclass
class Rule:
    """One rule. `seconds` is for hang and slow, `phase` (before or after the commit) for hang, slow and pause."""

    action: str
    match: Match = field(default_factory=Match)
    name: str = ""
    status: int = 503
    body: str = "problem"
    payload: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    retry_after: int | None = None
    retry_after_date: int | None = None
    seconds: float | None = None
    phase: str = "before"
    location: str = ""
    drop_connection: bool = False
    after_skip: int = 0
    times: int | None = None
    probability: float = 1.0
    seed: int = 0
    matched: int = 0
    applied: int = 0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def hits(self, traits: Traits) -> bool:
        """Whether the rule applies to this request. Updates the counters."""
        if not self.match.fits(traits) or (self.times is not None and self.applied >= self.times):
            return False
        self.matched += 1
        if self.matched <= self.after_skip or self._random.random() >= self.probability:
            return False
        self.applied += 1
        return True


_COUNTED = ("matched", "applied")
_TEXT_LISTS = ("operation", "method", "client_id")


def parse_rule(data: Mapping[str, Any]) -> Rule:
    """Parse a rule from JSON. Raises `BadRule` if a member or value is unknown."""
    known = {item.name for item in dataclasses.fields(Rule)} - set(_COUNTED)
    unknown = set(data) - known
    if unknown:
        raise BadRule(f"unknown members {', '.join(sorted(unknown))}; known are {', '.join(sorted(known))}")
    if data.get("action") not in ACTIONS:
        raise BadRule(f"action must be one of {', '.join(ACTIONS)}")
    if data.get("phase", "before") not in ("before", "after"):
        raise BadRule("phase must be before or after")
    return Rule(**{**data, "match": _parse_match(data.get("match", {}))})


def _parse_match(data: Mapping[str, Any]) -> Match:
    unknown = set(data) - {item.name for item in dataclasses.fields(Match)}
    if unknown:
        raise BadRule(f"unknown conditions {', '.join(sorted(unknown))}")
    lists = {name: _as_tuple(data[name]) for name in _TEXT_LISTS if name in data}
    try:
        re.compile(data.get("path_regex", ""))
    except re.error as error:
        raise BadRule(f"path_regex: {error}") from error
    return Match(**lists, path_regex=data.get("path_regex", ""))


def _as_tuple(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def rule_form(rule: Rule) -> dict[str, Any]:
    """A rule with its counters, for JSON."""
    return dataclasses.asdict(rule)


class Faults:
    """The rules in order. The first that applies to a request is used."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def pick(self, traits: Traits) -> Rule | None:
        """The rule to use for a request, if any."""
        return next((rule for rule in self.rules if rule.hits(traits)), None)
