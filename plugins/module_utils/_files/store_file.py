# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``store_file``: the part of ``credential_store`` that runs on the host of the file."""

from __future__ import annotations

from typing import Any

from .._core.argspec import ArgumentSpec
from .._core.errors import StoreConflictError, StoreError
from .._core.operation import Operation, Params
from .._core.outcome import Outcome
from .atomic_file import check_file, digest_of, read_file, remove_file, replace_file
from .directory import FileChangedError, FileError
from .ownership import OWNERSHIP_OPTIONS, read_ownership

SPEC = ArgumentSpec(
    {
        "access": {"type": "str", "choices": ["read", "replace", "remove", "check"], "required": True},
        "path": {"type": "str", "required": True},
        "content": {"type": "str", "no_log": True},
        "expected": {"type": "str"},
        **OWNERSHIP_OPTIONS,
    },
    required_if=[["access", "replace", ["content", "expected"]], ["access", "remove", ["expected"]]],
)


def run(params: Params, check_mode: bool) -> Outcome:
    """Access the file once. Raises ``StoreError``, and ``StoreConflictError`` if the file has changed."""
    try:
        return _access(params, check_mode)
    except FileChangedError as error:
        raise StoreConflictError(error.message, hint=error.hint, **error.details) from None
    except FileError as error:
        raise StoreError(error.message, hint=error.hint, **error.details) from None


def _access(params: Params, check_mode: bool) -> Outcome:
    access, path = params["access"], params["path"]
    if access == "read":
        return _read(path)
    ownership = read_ownership(params["mode"], params["owner"], params["group"], within="store.")
    if access == "check":
        check_file(path, ownership, probe=not check_mode)
        return Outcome(False)
    if not check_mode and access == "replace":
        replace_file(path, params["content"].encode(), ownership, expected=params["expected"], make_directory=True)
    elif not check_mode:
        remove_file(path, expected=params["expected"])
    return Outcome(True)


def _read(path: str) -> Outcome:
    found = read_file(path)
    answer: dict[str, Any] = {"digest": digest_of(found), "content": None}
    if found is not None:
        try:
            answer["content"] = found.content.decode()
        except UnicodeDecodeError:
            raise StoreError(
                f"{path} holds {len(found.content)} bytes that are not text, so it is not a record.",
                hint="Name another path, or move the file away.",
                path=path,
            ) from None
    return Outcome(False, answer, sensitive=found is not None)


STORE_FILE = Operation("store_file", SPEC, run, libraries=())
