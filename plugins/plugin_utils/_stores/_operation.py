# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_store``: reads, removes or moves the record of one client."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ansible.parsing.dataloader import DataLoader

from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.deps import require
from ...module_utils._core.errors import IamError, OptionError, StoreConflictError, StoreError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._core.time import format_timestamp, now
from ...module_utils._http.connection import CONNECTION
from ...module_utils._oauth.exchange import TOKEN_EXCHANGE
from ...module_utils._rotation.record import Record, require_name
from .._documents._place import changed_meanwhile
from .._documents._replaced import Token
from .._file_access import files_here
from .._lease import Rival, new_lease, rival, this_run
from . import open_store, store_option
from ._protocol import FileAccess, Setting, Store

# The module_defaults of the action group may set connection options. Only the proof of a moved record needs them.
SPEC = CONNECTION.merge(
    ArgumentSpec(
        {
            "store": store_option(),
            "to": store_option(required=False),
            "client_id": {"type": "str"},
            "client_name": {"type": "str"},
            "verify_scope": {"type": "str"},
            "auth_method": {"type": "str", "choices": ["post", "basic"], "default": "post"},
            "state": {"type": "str", "choices": ["read", "absent", "moved"], "default": "read"},
        },
    )
)
_LEASE = timedelta(minutes=5)
"""For a move, which takes seconds."""


def _run(params: Params, setting: Setting, check_mode: bool) -> Outcome:
    # Without client_id, only a record with a given path can be read.
    if not params["client_id"] and not (params["state"] == "read" and params["store"].get("path")):
        if params["state"] == "read" and params["client_name"]:
            return Outcome(False, _answer(None, None), {}, {})  # the default path contains the id: there is no record
        raise OptionError(f"state={params['state']} needs client_id.", option="client_id")
    store = open_store(params["store"], setting)
    if params["state"] == "moved":
        return _moved(params, setting, store, check_mode)
    record, token = store.read()
    other = _other_run(record, params["client_name"])
    if record is None or params["state"] == "read":
        return Outcome(False, _answer(record, other), _shown(record), _shown(record), sensitive=_is_sensitive(record))
    _require_free(record, other)
    if not check_mode:
        store.remove(token)
    return Outcome(True, _answer(None, None), _shown(record), {})


def _other_run(record: Record | None, client_name: str | None) -> Rival | None:
    if record is None:
        return None
    require_name(record, client_name)
    return rival(record.lease, this_run(), now())


def _require_free(record: Record, other: Rival | None) -> None:
    if other is not None:
        raise StoreConflictError(
            f"Another run is rotating client {record.client_id}: {other.holder}.",
            hint=f"Wait until it ends, or until its lease expires at {format_timestamp(other.until)}.",
            holder=other.holder,
            until=format_timestamp(other.until),
        )


def _moved(params: Params, setting: Setting, store: Store, check_mode: bool) -> Outcome:
    """Move the record from ``store`` to ``to``. If the run ends after any step, the next run continues."""
    if not params["to"]:
        raise OptionError("state=moved needs to.", option="to")
    if params["to"] == params["store"]:
        raise _same_place()
    target = open_store(params["to"], replace(setting, option="to"))
    before, token = store.read()
    copy = target.read()[0]
    for each in (before, copy):
        other = _other_run(each, params["client_name"])
        if each is not None:
            _require_free(each, other)
    if before is None and copy is None:
        raise StoreError(f"Neither store holds a record of client {params['client_id']}.", hint="Correct store and to.")
    if before is not None and copy is not None and _content(before) != _content(copy):
        raise StoreConflictError(
            f"The store that to names holds another record of client {params['client_id']}.",
            hint="Find out which one is in use, and remove the other (state=absent).",
        )
    if before is not None and not check_mode:
        _move(store, token, target, before, lambda moved: _require_accepted(params, moved))
    record = before or copy
    places = [{"store": _title(params[each]), **_shown(record)} for each in ("store", "to")]
    return Outcome(
        before is not None,
        _answer(record, None),
        places[0] if before is not None else places[1],
        places[1],
        sensitive=_is_sensitive(record),
    )


def _require_accepted(params: Params, copy: Record) -> None:
    """Raise ``StoreError`` if the token endpoint does not accept the secret in the copy."""
    if not params["verify_scope"] or copy.current is None:
        return
    require(TOKEN_EXCHANGE.libraries)
    defaults = {name: option.get("default") for name, option in TOKEN_EXCHANGE.spec.argument_spec.items()}
    given = {
        **{name: params[name] for name in CONNECTION.argument_spec},
        "client_id": copy.client_id,
        "client_secret": copy.current.value,
        "scope": params["verify_scope"],
        "auth_method": params["auth_method"],
        "expect": "any",
    }
    verdict = TOKEN_EXCHANGE.run({**defaults, **given}, False).result["verdict"]
    if verdict != "accepted":
        raise StoreError(
            f"The secret in the copy of the record is not accepted ({verdict}), so the record remains in store.",
            hint="Rotate the client first, or correct verify_scope. Then run again.",
            verdict=verdict,
        )


def _move(store: Store, token: Token, target: Store, record: Record, prove: Callable[[Record], None]) -> None:
    """Move a record under a lease. The lease also reveals if both stores are the same place under two names.

    It is written with the token that came with ``record``, so that no change of another run is overwritten.
    """
    claimed = record.model_copy(update={"lease": new_lease(this_run(), now(), _LEASE)})
    store.write(claimed, token)
    try:
        existing, free = target.read()
        if existing is not None and existing.lease == claimed.lease:
            raise _same_place()
        if existing is None:
            target.write(record.model_copy(update={"lease": None}), free)
        copy, _token = target.read()
        if copy is None or _content(copy) != _content(record):
            raise StoreError("The store that to names does not hold what was just written to it.", hint="Run again.")
        prove(copy)
    except IamError:
        with suppress(IamError):
            last, token = store.read()
            if last == claimed:
                store.write(record, token)
        raise
    last, token = store.read()
    if last != claimed:
        raise changed_meanwhile("The store")
    store.remove(token)


def _same_place() -> OptionError:
    return OptionError("store and to are the same place.", hint="Name another one in to.", option="to")


def _content(record: Record) -> Mapping[str, Any]:
    return {**record.to_data(), "lease": None}


def _title(options: Mapping[str, Any]) -> str:
    return f"{options['type']} {options.get('path') or '(its default path)'}"


def _is_sensitive(record: Record | None) -> bool:
    return bool(record and record.values())


def _answer(record: Record | None, other: Rival | None) -> Mapping[str, Any]:
    data = record.to_data() if record else None
    return {
        "record": data,
        "version": data.get("version", 0) if data else 0,
        "in_progress": other is not None,
        "holder": other.holder if other else None,
        "until": format_timestamp(other.until) if other else None,
    }


def _shown(record: Record | None) -> Mapping[str, Any]:
    """The members of the diff: everything but the values."""
    shown: Mapping[str, Any] = _without(record.to_data(), list(record.values())) if record else {}
    return shown


def _without(data: Any, values: Collection[str]) -> Any:
    if isinstance(data, Mapping):
        return {name: _without(each, values) for name, each in data.items() if each not in values}
    if isinstance(data, list):
        return [_without(each, values) for each in data if each not in values]
    return data


def credential_store(files: FileAccess, loader: Any) -> Operation:
    """The operation for one task. ``files`` accesses its host; the data loader finds files on the controller."""

    def run(params: Params, check_mode: bool) -> Outcome:
        return _run(params, Setting(params["client_id"] or "", files, loader), check_mode)

    return Operation("credential_store", SPEC, run, libraries=("pydantic",))


CREDENTIAL_STORE = credential_store(files_here(check_mode=False), DataLoader())
"""The operation outside of a task, for files on this host."""
