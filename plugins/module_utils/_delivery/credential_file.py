# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_file``: writes a credential to a file on the host of the service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import DeliveryError, OptionError
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .._files.atomic_file import FileState, Ownership, check_file, mode_for, read_file, remove_file, replace_file
from .._files.directory import FileError, absolute
from .._files.ownership import OWNERSHIP_OPTIONS, group_name, read_ownership, show_mode, user_name
from .._files.surroundings import ACCESS_LIST, grants_access
from .credential_format import (
    ENV_READERS,
    Members,
    misread,
    pick_members,
    render_env,
    render_ini,
    render_json,
    render_value,
    render_yaml,
)
from .fence import FENCE_OPTIONS, Fence, Stamp

SPEC = ArgumentSpec(
    {
        "path": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "format": {"type": "str", "choices": ["env", "json", "yaml", "ini", "value", "template"], "default": "env"},
        "credential": {"type": "dict", "no_log": True},
        "members": {"type": "raw"},
        "prefix": {"type": "str", "default": ""},
        "env_reader": {"type": "str", "choices": list(ENV_READERS)},
        "section": {"type": "str", "default": "aritma"},
        "template": {"type": "str"},
        **OWNERSHIP_OPTIONS,
        **FENCE_OPTIONS,
        "content": {"type": "str", "no_log": True},
        "rotation_id": {"type": "str"},
        "seconds_left": {"type": "float"},
    },
    mutually_exclusive=[["credential", "content"]],
)


_RENDERED: Mapping[str, Callable[[Members, Params], str]] = {
    "env": lambda members, params: render_env(members, params["prefix"], params["env_reader"]),
    "json": lambda members, _params: render_json(members),
    "yaml": lambda members, _params: render_yaml(members),
    "ini": lambda members, params: render_ini(members, params["section"]),
    "value": lambda members, _params: render_value(members),
}


def render(params: Params) -> str:
    """The text to deliver, for every format except ``template``."""
    if params["credential"] is None:
        raise OptionError("credential is not set.", hint="Set it to the credential to deliver.", option="credential")
    kind, picked = params["format"], params["members"]
    if kind not in _RENDERED:
        raise OptionError(
            "A template is rendered on the controller, by the action of credential_file.", option="format"
        )
    if params["env_reader"] and kind != "env":
        raise OptionError(f"env_reader needs format env, but the format is {kind}.", option="env_reader")
    only = ["client_secret"] if kind == "value" and picked is None else picked
    return _RENDERED[kind](pick_members(params["credential"], only), params)


def run(params: Params, check_mode: bool) -> Outcome:
    """Write or remove the file, and read it back."""
    try:
        wanted = read_ownership(params["mode"], params["owner"], params["group"])
        fence = Fence.of(params)
        before = read_file(params["path"])
        if params["state"] == "absent":
            return _removed(params, before, fence, check_mode)
        text = params["content"] if params["content"] is not None else render(params)
        return _placed(params, text.encode(), wanted, before, fence, check_mode)
    except FileError as error:
        raise DeliveryError(error.message, hint=error.hint, **error.details) from None


def _removed(params: Params, before: FileState | None, fence: Fence, check_mode: bool) -> Outcome:
    if before is not None and not check_mode:
        fence.admit(None, params["path"])
        remove_file(params["path"])
    facts = _facts(params["path"], before)
    return Outcome(before is not None, {"path": params["path"]}, facts, _facts(params["path"], None))


def _placed(
    params: Params, content: bytes, wanted: Ownership, before: FileState | None, fence: Fence, check_mode: bool
) -> Outcome:
    path = params["path"]
    changed = before is None or not before.fits(content, wanted)

    if before is None or ACCESS_LIST not in before.attributes:
        _require_readers(path, wanted)
    if check_mode:
        fence.require_newest(_stamp_of(before), path)
        check_file(path, wanted, probe=False, make_directory=False)
    elif changed or fence.renews(_stamp_of(before)):
        stamp = str(fence.stamp) if fence.stamp else ""
        replace_file(path, content, wanted, stamp=stamp, permit=lambda found: fence.admit(_stamp_of(found), path))
    after = _predicted(content, wanted, before) if check_mode else _read_back(path, content, wanted)
    result = {
        "path": path,
        "rotation_id": params["rotation_id"] or (params["credential"] or {}).get("rotation_id"),
        "generation": params["generation"],
        "verified": not (changed and check_mode),
        "mode": show_mode(after.mode),
    }
    delivered = {"rotation_id": result["rotation_id"]} if result["rotation_id"] else {}
    warnings = [f"{path} can be read by every user of the host (mode {result['mode']})."] if wanted.mode & 0o004 else []
    others = misread(content.decode()) if changed and params["format"] == "env" and not params["env_reader"] else ""
    if others:
        warnings.append(f"{path} is written for sh and systemd: {others}. Set env_reader to the reader of the file.")
    return Outcome(changed, result, _facts(path, before), {**_facts(path, after), **delivered}, warnings)


def _stamp_of(state: FileState | None) -> Stamp | None:
    return Stamp.parse(state.stamp) if state else None


def _require_readers(path: str, wanted: Ownership) -> None:
    """Raise ``DeliveryError`` if the mode denies access to users and groups in the default access list."""
    if not wanted.mode & 0o040 and grants_access(str(Path(absolute(path)).parent)):
        raise DeliveryError(
            f"The directory of {path} has a default access list, but with mode {show_mode(wanted.mode)} the users and"
            " groups in this list cannot read the file.",
            hint='Use mode "0640", or remove the list (setfacl -k).',
            path=path,
        )


def _read_back(path: str, content: bytes, wanted: Ownership) -> FileState:
    found = read_file(path)
    if found is None or not found.fits(content, wanted):
        raise DeliveryError(
            f"{path} does not hold what was just written to it.",
            hint="Something else writes it as well (another play, a configuration agent). Stop that, and run again.",
            path=path,
        )
    return found


def _predicted(content: bytes, wanted: Ownership, before: FileState | None) -> FileState:
    """The file after the write. The owner -1 means: the one that the system gives a new file."""
    return FileState(
        content,
        mode_for(wanted, before),
        wanted.uid if wanted.uid is not None else before.uid if before else -1,
        wanted.gid if wanted.gid is not None else before.gid if before else -1,
    )


def _facts(path: str, state: FileState | None) -> Mapping[str, Any]:
    """The members of the diff. They never include the content."""
    if state is None:
        return {"path": path, "state": "absent"}
    owners = {"owner": (state.uid, user_name), "group": (state.gid, group_name)}
    return {
        "path": path,
        "state": "present",
        "mode": show_mode(state.mode),
        **{member: name(number) for member, (number, name) in owners.items() if number >= 0},
    }


CREDENTIAL_FILE = Operation("credential_file", SPEC, run, libraries=())
