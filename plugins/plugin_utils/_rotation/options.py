# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module ``rotation``."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.operation import Params
from ...module_utils._core.time import parse_duration
from .._stores import store_option

ABSENT = "absent"
"""The plan of a revocation."""

SETTINGS: dict[str, dict[str, Any]] = {
    "due": {"type": "bool", "default": True},
    "force": {"type": "bool", "default": False},
    "hold": {"type": "bool", "default": False},
    "recover": {"type": "bool", "default": False},
    "compromised": {"type": "bool", "default": False},
    "rotate_after": {"type": "str", "default": "60d"},
    "expiry_margin": {"type": "str", "default": "14d"},
    "secret_lifetime": {"type": "str"},
    "grace": {"type": "str", "default": "auto"},
    "pending_patience": {"type": "str", "default": "1h"},
    "window": {"type": "list", "elements": "str", "default": []},
    "retire_ids": {"type": "list", "elements": "str", "default": []},
    "proof_successes": {"type": "int", "default": 5},
    "proof_deadline": {"type": "float", "default": 60.0},
    "retire_deadline": {"type": "float", "default": 60.0},
    "probe_first": {"type": "bool", "default": True},
    "lease": {"type": "str", "default": "15m"},
    "wait": {"type": "str", "default": "0s"},
}

CLIENT: dict[str, dict[str, Any]] = {
    "state": {"type": "str", "choices": ["present", ABSENT], "default": "present"},
    "description": {"type": "str"},
    "allowed_grant_types": {"type": "list", "elements": "str"},
    "redirect_uris": {"type": "list", "elements": "str"},
    "policies": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"action": {"type": "str", "required": True}, "scope": {"type": "str", "required": True}},
    },
    "policies_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
    "groups": {"type": "list", "elements": "str", "default": []},
    "groups_mode": {"type": "str", "choices": ["merge", "exact"], "default": "merge"},
    "create_groups": {"type": "bool", "default": False},
}

PROVISIONING = "service_client__due"
"""The variable that the role sets to provision: nothing is due then, and deliveries are tried before."""

STATES = ("checked", "begun", "promoted", "delivered", "guarded", "closed", "abandoned", "reported")

OPTIONS = ArgumentSpec(
    {
        "state": {"type": "str", "choices": list(STATES), "required": True},
        "client_id": {"type": "str"},
        "client_name": {"type": "str", "required": True},
        "store": {**store_option(required=False), "default": {}, "apply_defaults": True},
        "scope": {"type": "str"},
        "allowed_scopes": {"type": "list", "elements": "str", "default": []},
        "client": {"type": "dict", "default": {}, "apply_defaults": True, "options": CLIENT},
        "auth_method": {"type": "str", "choices": ["post", "basic"], "default": "post"},
        "known_secret": {"type": "str", "no_log": True},
        "deliveries": {"type": "raw", "default": []},  # no text: the tasks of the role read members of the variables
        "probe": {"type": "raw", "default": {}},
        "settings": {"type": "dict", "default": {}, "apply_defaults": True, "options": SETTINGS},
        "plan": {"type": "dict", "default": {}},
        "evidence": {"type": "list", "elements": "raw", "default": []},
        "failure": {"type": "dict", "default": {}},
        "report": {"type": "path"},
    }
)


def duration(settings: Params, name: str) -> timedelta | None:
    """The length of time in a setting; None if it is empty. Raises ``OptionError``."""
    return parse_duration(settings[name], name) if settings[name] else None
