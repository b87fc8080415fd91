# Copyright (c) 2026, the aritma.iam contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``audit_report``: writes an audit to files on the controller. Each is replaced in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.aritma.iam.plugins.module_utils._core.argspec import ArgumentSpec
from ansible_collections.aritma.iam.plugins.module_utils._core.errors import IamError, OptionError
from ansible_collections.aritma.iam.plugins.module_utils._core.operation import Operation, Params
from ansible_collections.aritma.iam.plugins.module_utils._core.outcome import Outcome
from ansible_collections.aritma.iam.plugins.module_utils._files.ownership import read_mode
from ansible_collections.aritma.iam.plugins.module_utils._files.private_file import replace_private
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._data import Audit, read_audit
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._page import render_page
from ansible_collections.aritma.iam.plugins.plugin_utils._audit._prometheus import metrics

_FORMS = ("json", "prometheus", "html")
_METRICS_MODE = 0o644
"""node_exporter runs as a user of its own, and must read what it exports."""

SPEC = ArgumentSpec(
    {
        "audit": {"type": "dict", "required": True},
        "json": {"type": "path"},
        "prometheus": {"type": "path"},
        "html": {"type": "path"},
        "mode": {"type": "raw", "default": "0600"},
    },
    required_one_of=[_FORMS],
)


@dataclass(frozen=True)
class _File:
    path: Path
    text: str
    mode: int


def run(params: Params, check_mode: bool) -> Outcome:
    """Write what is asked for: everything is rendered first. An account of what there is changes no managed host."""
    audit, mode = read_audit(params["audit"]), read_mode(params["mode"])
    _check_suffix(params["prometheus"])
    render: Mapping[str, Callable[[], str]] = {
        "json": lambda: json.dumps(params["audit"], indent=2, ensure_ascii=False) + "\n",
        "prometheus": lambda: metrics(audit),
        "html": lambda: render_page(audit),
    }
    files = [
        _File(Path(params[form]), render[form](), _METRICS_MODE if form == "prometheus" else mode)
        for form in _FORMS
        if params[form]
    ]
    for file in files:
        _check_folder(file)
    if not check_mode:
        for file in files:
            _write(file)
    return Outcome(False, {"paths": [str(file.path) for file in files]}, message=_words(audit))


def _words(audit: Audit) -> str:
    total = audit.summary
    unreadable = f"; {total.clients_unreadable} clients could not be read" if total.clients_unreadable else ""
    return (
        f"{total.secrets_due} of {total.secrets} secrets are due, at {total.clients_due} of {total.clients} clients"
        f"{unreadable}"
    )


def _check_suffix(path: str | None) -> None:
    if path and not path.endswith(".prom"):
        raise OptionError(
            f"prometheus: {path} does not end in .prom, so node_exporter would not read it.",
            hint="Name a file such as aritma_iam.prom in the directory of its textfile collector.",
            option="prometheus",
        )


def _check_folder(file: _File) -> None:
    """Before the first file is written, and in check mode: what can be known of the last one."""
    folder = file.path.parent
    if not folder.is_dir():
        raise _unwritable(file, f"there is no folder {folder}")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unwritable(file, f"this user may not write to {folder}")


def _write(file: _File) -> None:
    try:
        replace_private(file.path, file.text, file.mode)
    except OSError as error:
        raise _unwritable(file, error.strerror or str(error)) from None


def _unwritable(file: _File, why: str) -> IamError:
    return IamError(
        f"The report {file.path} cannot be written: {why}.",
        hint="Give a path in a folder that this user may write to.",
        path=str(file.path),
    )


AUDIT_REPORT = Operation("audit_report", SPEC, run, libraries=("pydantic",))
