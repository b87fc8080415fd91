# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes options of ``rotation`` that a task omits from the variables of the role and the playbooks.

Nearly every task runs in a new process. There, templates for all options would take more time than the task itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .._inputs import is_blank
from .options import CLIENT, OPTIONS, PROVISIONING, SETTINGS

_PREFIX = "service_client_"
_NAMES = {
    "client_name": ("service_client_name",),
    "scope": ("service_client_verify_scope",),
    "report": ("rotation_report",),
    "due": (PROVISIONING, "rotation_begin"),
    "force": ("rotation_force", "service_client_force"),
    "hold": ("rotation_hold", "service_client_hold"),
    "compromised": ("rotation_compromised",),
    "window": ("rotation_window",),
    "wait": ("rotation_wait",),
    "grace": ("service_client_rotation_grace",),
}
"""The variables of options. The first one that is given counts. The variable of another option is its name with the
prefix ``service_client_``."""

_WITHOUT_VARIABLE = frozenset({"state", "client", "settings", "plan", "evidence", "failure"})
"""Options without a variable."""

_STEP = "service_client__step"
_EVIDENCE = ("secret", "exchange", "files", "servers", "services", "commands", "probed", "asked")
"""The registered results of the role. Each step gets them as evidence, without which nothing is deleted."""


def role_options(variables: Mapping[str, Any], template: Callable[[Any], Any]) -> dict[str, Any]:
    """The options from the variables of a task. Blank, null and omitted variables count as not given."""
    options = OPTIONS.argument_spec.keys() - _WITHOUT_VARIABLE
    names = [name for option in (*options, *SETTINGS, *CLIENT) for name in _names(option) if name in variables]
    values = _kept(template({name: variables[name] for name in names}), variables.get("omit"))

    def first(option: str) -> Any:
        return next((values[name] for name in _names(option) if not is_blank(values.get(name))), None)

    found = {option: first(option) for option in options}
    found["client"] = {option: first(option) for option in CLIENT}
    found["settings"] = {option: first(option) for option in SETTINGS}
    if PROVISIONING in variables:
        found["report"] = None  # only rotations have a report
    before = variables.get(_STEP) or {}
    found["plan"] = (before.get("rotation") or {}).get("plan") or {}
    results = [variables.get(f"service_client__{name}") or {} for name in _EVIDENCE]
    found["evidence"] = [*results, {"results": variables.get("service_client__done") or []}]
    return found


def _names(option: str) -> tuple[str, ...]:
    return _NAMES.get(option, (_PREFIX + option,))


def _kept(value: Any, omitted: Any) -> Any:
    """Remove the members that ansible-core 2.18 marks as omitted. Newer releases remove them."""
    if isinstance(value, Mapping):
        return {name: _kept(each, omitted) for name, each in value.items() if omitted is None or each != omitted}
    return [_kept(each, omitted) for each in value] if isinstance(value, list) else value
