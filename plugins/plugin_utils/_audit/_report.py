# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operation ``audit_report``: writes an audit to files on the controller. Each is replaced in one step."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...module_utils._audit.audit import Audit
from ...module_utils._core.argspec import ArgumentSpec
from ...module_utils._core.deps import ValidationError
from ...module_utils._core.errors import IamError, OptionError
from ...module_utils._core.operation import Operation, Params
from ...module_utils._core.outcome import Outcome
from ...module_utils._files.ownership import read_mode
from ...module_utils._files.private_file import replace_private
from .._pages.audit import audit_page
from ._prometheus import metrics

_METRICS_MODE = 0o644
"""node_exporter runs as another user, which must be able to read the file."""

SPEC = ArgumentSpec(
    {
        "audit": {"type": "dict", "required": True},
        "json": {"type": "path"},
        "prometheus": {"type": "path"},
        "html": {"type": "path"},
        "mode": {"type": "raw", "default": "0600"},
    },
    required_one_of=[("json", "prometheus", "html")],
)


def run(params: Params, check_mode: bool) -> Outcome:
    """Render all requested files, then write them. A report changes no managed host, so ``changed`` is false."""
    audit, mode = read_audit(params["audit"]), read_mode(params["mode"])
    files: list[tuple[Path, str, int]] = []
    if params["json"]:
        text = json.dumps(params["audit"], indent=2, ensure_ascii=False)
        files.append((Path(params["json"]), f"{text}\n", mode))
    if params["prometheus"]:
        files.append((_metrics_path(params["prometheus"]), metrics(audit), _METRICS_MODE))
    if params["html"]:
        files.append((Path(params["html"]), audit_page(audit), mode))
    for path, _text, _mode in files:
        _check_folder(path)
    for file in [] if check_mode else files:
        _write(*file)
    return Outcome(False, {"paths": [str(path) for path, _text, _mode in files]}, message=_words(audit))


def read_audit(data: Mapping[str, Any]) -> Audit:
    """Read the option ``audit``. Raises ``OptionError`` unless it is a result of ``secret_audit_info``."""
    try:
        return Audit.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        raise OptionError(
            f"audit is not what secret_audit_info returns: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            hint='Give its unchanged result, such as audit: "{{ audited.audit }}".',
            option="audit",
        ) from None


def _words(audit: Audit) -> str:
    total = audit.summary
    unreadable = f"; {total.clients_unreadable} clients could not be read" if total.clients_unreadable else ""
    return (
        f"{total.secrets_due} of {total.secrets} secrets are due, at {total.clients_due} of {total.clients} clients"
        f"{unreadable}"
    )


def _metrics_path(path: str) -> Path:
    if path.endswith(".prom"):
        return Path(path)
    raise OptionError(
        f"prometheus: {path} does not end in .prom, so node_exporter would not read it.",
        hint="Name a file such as aritma_iam.prom in the directory of its textfile collector.",
        option="prometheus",
    )


def _check_folder(path: Path) -> None:
    """Raise ``IamError`` if the folder is missing or not writable, before any file is written, and in check mode."""
    if not path.parent.is_dir():
        raise _unwritable(path, f"there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise _unwritable(path, f"this user may not write to {path.parent}")


def _write(path: Path, text: str, mode: int) -> None:
    try:
        replace_private(path, text, mode)
    except OSError as error:
        raise _unwritable(path, error.strerror or str(error)) from None


def _unwritable(path: Path, why: str) -> IamError:
    return IamError(
        f"The report {path} cannot be written: {why}.",
        hint="Give a path in a folder that this user may write to.",
        path=str(path),
    )


AUDIT_REPORT = Operation("audit_report", SPEC, run, libraries=("pydantic",))
