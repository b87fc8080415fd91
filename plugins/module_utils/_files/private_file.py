# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file of our own on the controller, such as a report or a cache: private, and never half written.

What a service or a store reads is written by ``_atomic_file.py``, which also minds owners, links and other writers.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Give ``path`` this text and this mode, in one step and durably. Raises ``OSError``."""
    # mkstemp makes it 0600: what is private stays so all the time.
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if mode != 0o600:
                os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
