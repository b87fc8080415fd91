# Copyright (c) 2026, the aritma.iam contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The environment for plugins whose options Ansible reads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..module_utils._http.connection import ENVIRONMENT


@contextmanager
def without_empty_variables() -> Iterator[None]:
    """Hide empty environment variables. Job runners set them for fields that were left blank.

    Ansible would use an empty value: for ``validate_certs`` it would read it as false.
    """
    given = {name: os.environ[name] for name in ENVIRONMENT.values() if name in os.environ}
    empty = {name: value for name, value in given.items() if not value.strip()}
    for name in empty:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(empty)
