# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``credential_file``: a credential in a file on the host where the service reads it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import DeliveryError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._delivery.credential_format import (
    pick_members,
    render_env,
    render_ini,
    render_json,
    render_yaml,
)
from ansible_collections.aritma.iam.plugins.module_utils._files.atomic_file import (
    FileState,
    Ownership,
    read_file,
    remove_file,
    replace_file,
)
from ansible_collections.aritma.iam.plugins.module_utils._files.directory import FileError
from ansible_collections.aritma.iam.plugins.module_utils._files.ownership import (
    OWNERSHIP_OPTIONS,
    group_name,
    read_ownership,
    show_mode,
    user_name,
)

SPEC = ArgumentSpec(
    {
        "path": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "format": {"type": "str", "choices": ["env", "json", "yaml", "ini", "template"], "default": "env"},
        "credential": {"type": "dict", "no_log": True},
        "members": {"type": "raw"},
        "prefix": {"type": "str", "default": ""},
        "section": {"type": "str", "default": "aritma"},
        "template": {"type": "str"},
        **OWNERSHIP_OPTIONS,
        "content": {"type": "str", "no_log": True},
        "rotation_id": {"type": "str"},
    },
    mutually_exclusive=[["credential", "content"]],
)


def render(params: Params) -> str:
    """The text to deliver, for every format that needs no templating."""
    if params["credential"] is None:
        raise OptionError("There is nothing to deliver.", hint="Give credential.", option="credential")
    members = pick_members(params["credential"], params["members"])
    kind = params["format"]
    if kind == "json":
        return render_json(members)
    if kind == "yaml":
        return render_yaml(members)
    if kind == "ini":
        return render_ini(members, params["section"])
    if kind == "env":
        return render_env(members, params["prefix"])
    raise OptionError("A template is rendered on the controller, by the action of credential_file.", option="format")


def run(params: Params, check_mode: bool) -> Outcome:
    """Bring the file into the wanted state, and read it back."""
    try:
        wanted = read_ownership(params["mode"], params["owner"], params["group"])
        before = read_file(params["path"])
        if params["state"] == "absent":
            return _removed(params, before, check_mode)
        text = params["content"] if params["content"] is not None else render(params)
        return _placed(params, text.encode(), wanted, before, check_mode)
    except FileError as error:
        raise DeliveryError(error.message, hint=error.hint, **error.details) from None


def _removed(params: Params, before: FileState | None, check_mode: bool) -> Outcome:
    if before is not None and not check_mode:
        remove_file(params["path"])
    facts = _facts(params["path"], before)
    return Outcome(before is not None, {"path": params["path"]}, facts, _facts(params["path"], None))


def _placed(params: Params, content: bytes, wanted: Ownership, before: FileState | None, check_mode: bool) -> Outcome:
    path = params["path"]
    changed = before is None or not before.fits(content, wanted)
    after = _predicted(content, wanted, before)
    verified = not changed
    if changed and not check_mode:
        replace_file(path, content, wanted)
        after, verified = _read_back(path, content, wanted), True
    result = {
        "path": path,
        "rotation_id": params["rotation_id"] or (params["credential"] or {}).get("rotation_id"),
        "verified": verified,
        "mode": show_mode(wanted.mode),
    }
    delivered = {"rotation_id": result["rotation_id"]} if result["rotation_id"] else {}
    warnings = [f"{path} can be read by every user of the host (mode {result['mode']})."] if wanted.mode & 0o004 else []
    return Outcome(changed, result, _facts(path, before), {**_facts(path, after), **delivered}, warnings)


def _read_back(path: str, content: bytes, wanted: Ownership) -> FileState:
    found = read_file(path)
    if found is None or not found.fits(content, wanted):
        raise DeliveryError(
            f"{path} does not hold what was just written to it.",
            hint="Something else writes it as well (another play, a configuration agent): stop that, and run again.",
            path=path,
        )
    return found


def _predicted(content: bytes, wanted: Ownership, before: FileState | None) -> FileState:
    """The file as it will be; -1 stands for the owner that the system gives a new file."""
    return FileState(
        content,
        wanted.mode,
        wanted.uid if wanted.uid is not None else before.uid if before else -1,
        wanted.gid if wanted.gid is not None else before.gid if before else -1,
    )


def _facts(path: str, state: FileState | None) -> Mapping[str, Any]:
    """What a diff shows: never the content."""
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
