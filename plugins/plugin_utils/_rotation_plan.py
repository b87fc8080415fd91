# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``rotation_plan``: collect the evidence, let the planner decide, say it in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import BlockedError, IamError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import format_timestamp, now, parse_duration
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION, resolve_token_url
from ansible_collections.aritma.iam.plugins.module_utils._rotation.evidence import acceptance_seconds
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    description_for,
    lineage_of,
    new_rotation_id,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.plan import (
    MAKE_ROOM,
    Evidence,
    Plan,
    Settings,
    plan_restore,
    plan_retirement,
    plan_start,
    procedure,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Record
from ansible_collections.aritma.iam.plugins.module_utils._secrets.age import read_limits
from ansible_collections.aritma.iam.plugins.plugin_utils._look import Ask, Look
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store, store_option
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import FileAccess, Setting

SPEC = CONNECTION.merge(
    ArgumentSpec(
        {
            "phase": {"type": "str", "choices": ["check", "start", "restore", "retire"], "default": "start"},
            "client_id": {"type": "str"},
            "client_name": {"type": "str"},
            "store": store_option(),
            "scope": {"type": "str"},
            "allowed_scopes": {"type": "list", "elements": "str", "default": []},
            "auth_method": {"type": "str", "choices": ["post", "basic"], "default": "post"},
            "known_secret": {"type": "str", "no_log": True},
            "proven_rotation_id": {"type": "str"},
            "due": {"type": "bool", "default": True},
            "force": {"type": "bool", "default": False},
            "hold": {"type": "bool", "default": False},
            "recover": {"type": "bool", "default": False},
            "rotate_after": {"type": "str", "default": "60d"},
            "expiry_margin": {"type": "str", "default": "14d"},
            "pending_patience": {"type": "str", "default": "1h"},
            "secret_lifetime": {"type": "str"},
            "retire_ids": {"type": "list", "elements": "str", "default": []},
            "list_deadline": {"type": "float", "default": 10.0},
            "accept_deadline": {"type": "float", "default": 10.0},
            "proof_deadline": {"type": "float", "default": 60.0},
        },
        required_one_of=[["client_id", "client_name"]],
    )
)


def rotation_plan(ask: Ask, files: FileAccess, loader: Any) -> Operation:
    """The operation for one task. ``ask`` reaches the API, ``files`` the task's host, ``loader`` the controller."""

    def run(params: Params, check_mode: bool) -> Outcome:
        params = {**params, "scope": params["scope"] or next(iter(params["allowed_scopes"]), None)}
        wish = _settings(params)
        look = Look(params, ask, lambda client_id: open_store(params["store"], Setting(client_id, files, loader)))
        if params["phase"] == "check":
            return Outcome(False, {"client_id": look.stored_client_id()})
        try:
            client_id = look.client_id()
            seen = look.evidence(client_id)
            plan = _plan(params, seen, wish, check_mode)
            return _told(look, client_id, plan, seen)
        except IamError as error:
            error.details["calls"] = dict(look.calls)
            raise

    return Operation("rotation_plan", SPEC, run)


def _plan(params: Params, seen: Evidence, wish: Settings, check_mode: bool) -> dict[str, Any]:
    record = seen.record
    if params["phase"] == "retire":
        # The proof of one rotation says nothing about another that the store may name by now.
        current = record.current if record else None
        proven = current is not None and current.rotation_id == params["proven_rotation_id"]
        return asdict(plan_retirement(seen, wish, consumer_proven=proven))
    plan = (plan_restore if params["phase"] == "restore" else plan_start)(seen, wish)
    way = _way(plan, record, check_mode, params["proof_deadline"])
    return {**asdict(plan), **way, **_next_secret(params, seen)}


def _way(plan: Plan, record: Record | None, check_mode: bool, longest: float) -> Mapping[str, Any]:
    """Which tasks of the role come next, and how long one of them waits."""
    return {
        "procedure": procedure(plan, record, check_mode=check_mode),
        "preliminaries": plan.preliminaries,
        "room_in": math.ceil(acceptance_seconds(record, longest)) if record and MAKE_ROOM in plan.steps else 0,
    }


def _told(look: Look, client_id: str, plan: dict[str, Any], seen: Evidence) -> Outcome:
    words = " ".join([f"{plan['state']}: {plan['reason']}", *look.details])
    if plan["state"] == "blocked":
        raise BlockedError(words, plan=plan, client_id=client_id)
    params = look.params
    result = {
        "plan": {**plan, "descriptions_shown": seen.descriptions_shown},
        "client_id": client_id,
        "secrets": [asdict(each) for each in seen.listed],
        "version": look.version,
        "scope": params["scope"],
        "token_url": resolve_token_url(params),
        "current": _shown(seen.record.current if seen.record else None),
        "previous": _shown(seen.record.previous if seen.record else None),
    }
    return Outcome(False, result, message=words, calls=dict(look.calls))


def _shown(stored: Any) -> Mapping[str, Any] | None:
    """A stored secret without its value."""
    return None if stored is None else {"rotation_id": stored.rotation_id, "secret_id": stored.secret_id}


def _settings(params: Params) -> Settings:
    _require_scope(params)
    limits, lifetime = read_limits(params["rotate_after"], params["expiry_margin"]), params["secret_lifetime"]
    if lifetime and parse_duration(lifetime, "secret_lifetime") <= limits.expiry_margin:
        raise OptionError(
            f"secret_lifetime ({lifetime}) is not longer than expiry_margin ({params['expiry_margin']}), so that every"
            " run would rotate.",
            hint="Give a longer lifetime, or a shorter margin.",
            option="secret_lifetime",
        )
    return Settings(
        due=params["due"],
        force=params["force"],
        hold=params["hold"],
        recover=params["recover"],
        rotate_after=limits.rotate_after,
        expiry_margin=limits.expiry_margin,
        patience=parse_duration(params["pending_patience"], "pending_patience"),
        retire_ids=tuple(params["retire_ids"]),
    )


def _require_scope(params: Params) -> None:
    scope, allowed = params["scope"], params["allowed_scopes"]
    # Later the server knows what the client may request; before the client is made, only its options do.
    if scope and (scope in allowed or params["phase"] != "check"):
        return
    said = f"{scope!r} is not one of the allowed scopes ({', '.join(allowed)})" if allowed else "none is given"
    raise OptionError(
        f"The secret of {params['client_name'] or params['client_id']} is proven by an exchange, for a scope that the"
        f" client may request: {said}. Nothing was changed.",
        hint="Give service_client_verify_scope, or service_client_allowed_scopes, whose first one it is by default.",
        option="scope",
    )


def _next_secret(params: Params, seen: Evidence) -> dict[str, Any]:
    """What a new secret would be called, when it would expire, and what was there before it, where that will matter."""
    current = seen.record.current if seen.record else None
    at, ids = now(), [each.secret_id for each in seen.listed]
    rotation_id = new_rotation_id(at, lineage_of(current.rotation_id) if current else None)
    lifetime = params["secret_lifetime"]
    return {
        "rotation_id": rotation_id,
        "description": description_for(rotation_id),
        "expires_at": format_timestamp(at + parse_duration(lifetime, "secret_lifetime")) if lifetime else None,
        **({} if seen.descriptions_shown and ids else {"listed_before": ids}),
    }
