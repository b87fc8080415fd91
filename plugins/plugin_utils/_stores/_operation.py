# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_store``: read, decide, write if nothing changed in between."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import OptionError, StoreConflictError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._core.time import (
    format_timestamp,
    now,
    parse_duration,
    parse_timestamp,
)
from ansible_collections.aritma.iam.plugins.module_utils._http.connection import CONNECTION
from ansible_collections.aritma.iam.plugins.module_utils._rotation.ids import (
    description_for,
    lineage_of,
    new_rotation_id,
)
from ansible_collections.aritma.iam.plugins.module_utils._rotation.record import Record, require_name
from ansible_collections.aritma.iam.plugins.module_utils._secrets.plan import check_value, generate_value
from ansible_collections.aritma.iam.plugins.plugin_utils._documents._protocol import Token
from ansible_collections.aritma.iam.plugins.plugin_utils._file_access import files_here
from ansible_collections.aritma.iam.plugins.plugin_utils._lease import Owner, Rival, new_lease, rival, this_run
from ansible_collections.aritma.iam.plugins.plugin_utils._stores import open_store, store_option
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._protocol import FileAccess, Setting, Store
from ansible_collections.aritma.iam.plugins.plugin_utils._stores._steps import STEPS, Wish

_STATES = ["read", *STEPS, "checked"]

# The connection options come with module_defaults of the action group; a store has no use for them.
SPEC = CONNECTION.merge(
    ArgumentSpec(
        {
            "store": store_option(),
            "client_id": {"type": "str"},
            "state": {"type": "str", "choices": _STATES, "default": "read"},
            "client_name": {"type": "str"},
            "version": {"type": "int"},
            "value": {"type": "str", "no_log": True},
            "rotation_id": {"type": "str"},
            "description": {"type": "str"},
            "expires_at": {"type": "str"},
            "secret_id": {"type": "str", "no_log": False},
            "listed_before": {"type": "list", "elements": "str"},
            "restores": {"type": "str"},
            "grace": {"type": "str", "default": "0s"},
            "lease": {"type": "str", "default": "15m"},
        },
        mutually_exclusive=[["value", "restores"]],
    )
)


def keep(params: Params, setting: Setting, check_mode: bool) -> Outcome:
    """Bring the record into the wanted state, or read it."""
    _require(params)
    store = open_store(params["store"], setting)
    me, at = this_run(), now()
    span = parse_duration(params["lease"], "lease")
    if params["state"] == "checked":
        store.check()
    before, token = store.read() if _names_a_record(params) else (None, "")
    other = rival(before.lease if before else None, me, at)
    if before is not None:
        require_name(before, params["client_name"])
    if params["state"] in ("read", "checked") or (params["state"] == "released" and other):
        return _answer(params, before, before, other)
    _guard(params, before, other)
    after = STEPS[params["state"]](before, _wish(params, before, me, at, span))
    if after is not before and not check_mode:
        _store(store, after, token)
    return _answer(params, before, after, None, predicted=check_mode)


def _require(params: Params) -> None:
    """What a state cannot do without. Ansible's own rule would take an empty variable for a given option.

    A record can be read without knowing whose it is, where the store itself says which one; so can access be checked.
    """
    state = params["state"]
    named = state == "checked" or (state == "read" and params["store"].get("path"))
    needed = [] if named else ["client_id"]
    for name in [*needed, *(["value", "secret_id"] if state == "adopted" else [])]:
        if not params[name]:
            raise OptionError(f"state={state} needs {name}.", option=name)


def _names_a_record(params: Params) -> bool:
    """A record can be read without knowing whose it is, where the store itself says which one."""
    return bool(params["client_id"] or params["store"].get("path"))


def _store(store: Store, after: Record | None, token: Token) -> None:
    if after is None:
        store.remove(token)
    else:
        store.write(after, token)


def _guard(params: Params, before: Record | None, other: Rival | None) -> None:
    """Refuse to write over what another run is doing, or over another version than the caller read."""
    if other is not None:
        raise StoreConflictError(
            f"Another run is rotating client {params['client_id']}: {other.holder}.",
            hint=f"Wait until it ends, or until its lease expires at {format_timestamp(other.until)}.",
            holder=other.holder,
            until=format_timestamp(other.until),
        )
    found = before.version if before else 0
    if params["version"] is not None and params["version"] != found:
        raise StoreConflictError(
            f"The record of client {params['client_id']} has version {found}, not {params['version']}.",
            hint="Somebody else wrote it meanwhile: read it and plan again.",
            version=found,
        )


def _wish(params: Params, before: Record | None, me: Owner, at: datetime, span: timedelta) -> Wish:
    current = before.current if before else None
    rotation_id = params["rotation_id"] or new_rotation_id(at, lineage_of(current.rotation_id) if current else None)
    return Wish(
        client_id=params["client_id"],
        at=at,
        owner=str(me),
        lease=new_lease(me, at, span),
        value=_value(params),
        new_rotation_id=rotation_id,
        client_name=params["client_name"],
        rotation_id=params["rotation_id"],
        description=params["description"] or (description_for(rotation_id) if params["state"] == "staged" else None),
        expires_at=_expiry(params, at),
        secret_id=params["secret_id"],
        listed_before=params["listed_before"],
        restores=params["restores"],
        grace=parse_duration(params["grace"], "grace"),
    )


def _value(params: Params) -> str:
    given: str | None = params["value"]
    if given is None:
        return generate_value()
    if params["state"] == "staged":
        check_value(given)
    return given


def _expiry(params: Params, at: datetime) -> datetime | None:
    text = params["expires_at"]
    if not text:
        return None
    try:
        expiry = parse_timestamp(text)
    except ValueError:
        raise OptionError(
            f"expires_at: {text!r} is no time.", hint="Write it as 2027-03-24T10:00:00Z.", option="expires_at"
        ) from None
    if expiry <= at and params["state"] == "staged":
        raise OptionError(f"expires_at: {text} is in the past.", option="expires_at")
    return expiry


def _answer(
    params: Params, before: Record | None, after: Record | None, other: Rival | None, *, predicted: bool = False
) -> Outcome:
    data = after.to_data() if after else None
    if data and predicted:
        _blank(data, params, before)
    result: dict[str, Any] = {
        "record": data,
        "version": after.version if after else 0,
        "in_progress": other is not None,
        "holder": other.holder if other else None,
        "until": format_timestamp(other.until) if other else None,
    }
    sensitive = bool(after and after.values())
    return Outcome(after is not before, result, _shown(before), _shown(after), sensitive=sensitive)


def _blank(data: dict[str, Any], params: Params, before: Record | None) -> None:
    """A prediction does not invent what a real run would generate."""
    pending = data["pending"]
    if pending is None or (before and before.pending):
        return
    if params["value"] is None and params["restores"] is None:
        pending["value"] = None
    if params["rotation_id"] is None:
        pending["rotation_id"] = None
        pending["description"] = params["description"]


def _shown(record: Record | None) -> Mapping[str, Any]:
    """What a diff shows: everything but the values."""
    if record is None:
        return {}
    data = record.to_data()
    for part in (data["current"], data["pending"], data["previous"]):
        if part:
            del part["value"]
    return data


def credential_store(files: FileAccess, loader: Any) -> Operation:
    """The operation for one task: ``files`` reaches its host, ``loader`` (Ansible's) finds files of the controller."""

    def run(params: Params, check_mode: bool) -> Outcome:
        return keep(params, Setting(params["client_id"] or "", files, loader), check_mode)

    return Operation("credential_store", SPEC, run, libraries=("pydantic",))


CREDENTIAL_STORE = credential_store(files_here(check_mode=False), DataLoader())
"""The operation outside of a task: files are those of this host."""
