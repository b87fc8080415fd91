# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes files of the collection on the controller, such as a report or a cache: private, and never half written.

``atomic_file.py`` writes the files of services and stores. It also handles owners, links and other writers.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path


def replace_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace ``path`` by a file with this text and mode, in one step, flushed to the disk. Raises ``OSError``."""
    # mkstemp creates the file with mode 0600, so that it is private from the start.
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
